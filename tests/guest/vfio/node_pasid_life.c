// SPDX-License-Identifier: GPL-2.0-only
/*
 * PASIDs of a device node: sizes of the structures, close and unbind with PASIDs
 * attached, contexts, groups, and what else an attached PASID meets.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "events.h"
#include "mem.h"
#include "mock.h"
#include "node_pasid.h"
#include "tap.h"
#include "vfio_mock.h"

/* What is to be attached beside the device's own DMA, where there is such. */
static uint32_t some_pasid(void)
{
	return node_no_pasids() ? NO_PASID : 5;
}

/* Sizes of the structures, and PASID 0, which is the device's own DMA. */
static void forms(void)
{
	struct cdev_attach a = { .pasid = 5 };
	struct cdev_detach d = { .pasid = 5 };

	node_need_pasids();
	a.pt_id = pasid_node.fit[0];
#define ATTACH(size, with, want) do {					\
		a.argsz = size, a.flags = with, a.pt_id = pasid_node.fit[0];	\
		check_ret(iommu_ioctl(pasid_node.m.dev.fd, CDEV_ATTACH, &a), want); \
	} while (0)
#define DETACH(size, with, want) do {					\
		d.argsz = size, d.flags = with;				\
		check_ret(iommu_ioctl(pasid_node.m.dev.fd, CDEV_DETACH, &d), want); \
	} while (0)
	ATTACH(12, WITH_PASID, -EINVAL);
	ATTACH(15, WITH_PASID, -EINVAL);
	ATTACH(16, WITH_PASID | 2, -EINVAL);
	ATTACH(16, 2, -EINVAL);
	check_ret(node_pasid_at(5, 0), 0);
	ATTACH(16, WITH_PASID, 0);
	ATTACH(100, WITH_PASID, 0);
	check_ret(node_pasid_at(5, pasid_node.fit[0]), 0);
	check_ret(node_pasid_at(NO_PASID, 0), 0);
	/* without the flag it isn't looked at */
	ATTACH(16, 0, 0);
	check_ret(node_pasid_at(NO_PASID, pasid_node.fit[0]), 0);
	DETACH(8, WITH_PASID, -EINVAL);
	DETACH(11, WITH_PASID, -EINVAL);
	DETACH(12, WITH_PASID | 2, -EINVAL);
	check_ret(node_pasid_at(5, pasid_node.fit[0]), 0);
	DETACH(12, 0, 0);
	check_ret(node_pasid_at(NO_PASID, 0), 0);
	check_ret(node_pasid_at(5, pasid_node.fit[0]), 0);
	DETACH(100, WITH_PASID, 0);
	check_ret(node_pasid_at(5, 0), 0);
	a.pasid = d.pasid = NO_PASID;
	ATTACH(16, WITH_PASID, 0);
	check_ret(node_pasid_at(NO_PASID, pasid_node.fit[0]), 0);
	DETACH(12, WITH_PASID, 0);
	check_ret(node_pasid_at(NO_PASID, 0), 0);
	check_ret(iommu_destroy(pasid_node.fd, pasid_node.fit[0]), 0);
}

/* An answer that can't be given, or a question that can't be read, changes nothing. */
static void bad_memory(void)
{
	uint8_t *page = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct cdev_attach *a = (void *)page;
	uint32_t *short_one;

	require(page != MAP_FAILED && !munmap(page + PAGE, PAGE));
	node_need_pasids();
	require_ok(node_pasid_attach(NO_PASID, pasid_node.home));
	require_ok(node_pasid_attach(6, pasid_node.fit[1]));
	*a = (struct cdev_attach){ .argsz = 16, .flags = WITH_PASID, .pt_id = pasid_node.fit[0],
				   .pasid = 5 };
	require(!mprotect(page, PAGE, PROT_READ));
	check_ret(iommu_ioctl(pasid_node.m.dev.fd, CDEV_ATTACH, a), -EFAULT);
	check_ret(node_pasid_at(5, 0), 0);
	require(!mprotect(page, PAGE, PROT_READ | PROT_WRITE));
	a->pasid = 6;
	require(!mprotect(page, PAGE, PROT_READ));
	check_ret(iommu_ioctl(pasid_node.m.dev.fd, CDEV_ATTACH, a), -EFAULT);
	require(!mprotect(page, PAGE, PROT_READ | PROT_WRITE));
	/* the PASID lies where nothing is */
	short_one = (uint32_t *)(page + PAGE) - 3;
	memcpy(short_one, a, 12);
	check_ret(iommu_ioctl(pasid_node.m.dev.fd, CDEV_ATTACH, short_one), -EFAULT);
	short_one[1] = 12;
	short_one[2] = WITH_PASID;
	check_ret(iommu_ioctl(pasid_node.m.dev.fd, CDEV_DETACH, short_one + 1), -EFAULT);
	check_ret(node_pasid_at(NO_PASID, pasid_node.home), 0);
	check_ret(node_pasid_at(6, pasid_node.fit[1]), 0);
	check_ret(iommu_destroy(pasid_node.fd, pasid_node.fit[0]), 0);
}

/* What is left over for the next who binds the device: nothing. */
static void closed(void)
{
	uint32_t pasid, n = 300 / tap_time_factor();
	struct mem mem;

	node_need_pasids();
	mem_get(&mem, MEM_ANON, 16 * PAGE);
	require_ok(ioas_map_at(pasid_node.fd, pasid_node.ioas, mem.va, mem.size, MOCK_APERTURE_START));
	for (int again = 0; again < 2; again++) {
		require_ok(node_pasid_attach(NO_PASID, pasid_node.home));
		for (pasid = 1; pasid <= n; pasid++)
			require_ok(node_pasid_attach(pasid * 3001, pasid_node.fit[pasid % 2]));
		check_ret(node_pasid_at(3001, pasid_node.fit[1]), 0);
		device_close(&pasid_node.m.dev);
		check_eq(vfio_mock_seen(&pasid_node.m).translated, 1);
		vfio_mock_get(&pasid_node.m, pasid_node.fd);
		check_ret(node_pasid_at(NO_PASID, 0), 0);
		for (pasid = 1; pasid <= n; pasid++)
			check_ret(node_pasid_at(pasid * 3001, 0), 0);
	}
	check_ret(iommu_destroy(pasid_node.fd, pasid_node.home), 0);
	for (int i = 0; i < 2; i++)
		check_ret(iommu_destroy(pasid_node.fd, pasid_node.fit[i]), 0);
}

/* In a process that doesn't keep the device open itself. */
static void unbind_it(void *arg)
{
	(void)arg;
	device_close(&pasid_node.m.dev);
	check_ret(vfio_mock_unbind(&pasid_node.m), 0);
}

/* The driver wants its device back while PASIDs are attached. */
static void unbound(void)
{
	uint32_t pasid = some_pasid();
	int pid;

	pasid_node_set();
	require_ok(node_pasid_attach(NO_PASID, pasid_node.home));
	require_ok(node_pasid_attach(pasid, pasid_node.fit[0]));
	pid = tap_spawn(unbind_it, NULL);
	for (int i = 0; i < 500 && !vfio_mock_seen(&pasid_node.m).requests; i++)
		usleep(10000);
	check(vfio_mock_seen(&pasid_node.m).requests > 0);
	/* until it is closed everything goes on */
	if (pasid)
		check_ret(node_pasid_attach(6, pasid_node.fit[1]), 0);
	check_ret(node_pasid_attach(pasid, pasid_node.fit[1]), 0);
	check_ret(node_pasid_at(pasid, pasid_node.fit[1]), 0);
	device_close(&pasid_node.m.dev);
	tap_join(pid);
	check_ret(iommu_destroy(pasid_node.fd, pasid_node.fit[0]), 0);
	check_ret(iommu_destroy(pasid_node.fd, pasid_node.fit[1]), 0);
	check_ret(iommu_destroy(pasid_node.fd, pasid_node.home), 0);
	require_ok(vfio_mock_bind(&pasid_node.m));
	vfio_mock_get(&pasid_node.m, pasid_node.fd);
	check_ret(node_pasid_at(pasid, 0), 0);
}

/* A device of one context is nothing in another; the file goes before the context. */
static void contexts(void)
{
	uint32_t pasid = some_pasid();
	int other;

	pasid_node_set();
	other = mock_open();
	require_ok(node_pasid_attach(pasid, pasid_node.fit[0]));
	device_close(&pasid_node.m.dev);
	vfio_mock_get(&pasid_node.m, other);
	check_ret(node_pasid_attach(pasid, pasid_node.fit[0]), -ENOENT);
	device_close(&pasid_node.m.dev);
	vfio_mock_get(&pasid_node.m, pasid_node.fd);
	require_ok(node_pasid_attach(NO_PASID, pasid_node.home));
	require_ok(node_pasid_attach(pasid, pasid_node.fit[0]));
	/* the device's file keeps it */
	close(pasid_node.fd);
	check_ret(node_pasid_attach(pasid, pasid_node.fit[1]), 0);
	check_ret(node_pasid_detach(pasid), 0);
}

/* Two in one group: a PASID is both's. */
static void group(void)
{
	struct vfio_mock_make make = { .flags = MOCK_FLAGS_DEVICE_PASID };
	uint32_t pasid = some_pasid();
	struct vfio_mock b;

	pasid_node_set();
	make.beside = pasid_node.m.control;
	require_ok(vfio_mock_make(&b, &make));
	check_eq(b.place.group, pasid_node.m.place.group);
	vfio_mock_get(&b, pasid_node.fd);
	require_ok(node_pasid_attach(NO_PASID, pasid_node.home));
	require_ok(node_pasid_attach(pasid, pasid_node.fit[0]));
	/* elsewhere it can't be attached while the other one is here */
	check_ret(node_pasid_attach_of(&b, pasid, pasid_node.fit[1]), -EINVAL);
	check_ret(node_pasid_attach_of(&b, pasid, pasid_node.fit[0]), 0);
	check_ret(node_pasid_at_of(&b, pasid, pasid_node.fit[0]), 0);
	check_ret(node_pasid_attach_of(&b, pasid, pasid_node.fit[1]), 0);
	check_ret(node_pasid_at(pasid, pasid_node.fit[1]), 0);
	device_close(&pasid_node.m.dev);
	check_ret(node_pasid_at_of(&b, pasid, pasid_node.fit[1]), 0);
	device_close(&b.dev);
	check_ret(iommu_destroy(pasid_node.fd, pasid_node.fit[1]), 0);
	close(b.control);
}

static void nested(void)
{
	uint32_t parent, n[2];

	if (node_no_pasids())
		pasid_node_set();
	else
		node_need_pasids();
	parent = pasid_node_table(IOMMU_HWPT_ALLOC_NEST_PARENT | (node_no_pasids() ? 0 : FIT));
	for (int i = 0; i < 2; i++)
		require_ok(mock_hwpt_nested(pasid_node.fd, pasid_node.m.dev.id, parent,
					    node_no_pasids() ? 0 : FIT, &n[i]));
	check_ret(node_pasid_attach(NO_PASID, n[0]), 0);
	check_ret(node_pasid_at(NO_PASID, n[0]), 0);
	check_ret(node_pasid_attach(NO_PASID, n[1]), 0);
	check_ret(node_pasid_at(NO_PASID, n[1]), 0);
	check_ret(iommu_destroy(pasid_node.fd, n[0]), 0);
	check_ret(iommu_destroy(pasid_node.fd, parent), -EBUSY);
	if (!node_no_pasids()) {
		check_ret(node_pasid_attach(5, n[1]), 0);
		check_ret(node_pasid_at(5, n[1]), 0);
		check_ret(node_pasid_attach(5, parent), 0);
		check_ret(node_pasid_detach(5), 0);
	}
	device_close(&pasid_node.m.dev);
	check_ret(iommu_destroy(pasid_node.fd, n[1]), 0);
	check_ret(iommu_destroy(pasid_node.fd, parent), 0);
}

/* A page fault of the device, read and answered: it arrives as the device's. */
static void fault_once(struct events *queue, struct mock *mock, uint32_t pasid)
{
	struct iommu_hwpt_pgfault fault = {};

	check_ret(mock_fault(pasid_node.fd, mock, pasid, 3, MOCK_APERTURE_START), 0);
	require(events_wait(queue));
	check_eq(events_read(queue, &fault, sizeof(fault)), sizeof(fault));
	check_eq(fault.dev_id, pasid_node.m.dev.id);
	if (pasid)
		check_eq(fault.pasid, pasid);
	check_ret(faults_answer(queue, fault.cookie, IOMMUFD_PAGE_RESP_SUCCESS), 0);
}

static void faults(void)
{
	struct mock mock = {};
	struct events queue;
	uint32_t pt;

	if (node_no_pasids())
		tap_skip("Linux 6.1 hands on no page faults");
	node_need_pasids();
	mock.dev = pasid_node.m.dev.id;
	require_ok(faults_alloc(pasid_node.fd, &queue));
	require_ok(hwpt_with_faults(pasid_node.fd, pasid_node.m.dev.id, pasid_node.ioas, FIT,
				    queue.id, &pt));
	require_ok(node_pasid_attach(NO_PASID, pt));
	fault_once(&queue, &mock, NO_PASID);
	require_ok(node_pasid_attach(5, pt));
	fault_once(&queue, &mock, 5);
	/* one that nobody answers is refused when the device is closed */
	check_ret(mock_fault(pasid_node.fd, &mock, 5, 4, MOCK_APERTURE_START), 0);
	require(events_wait(&queue));
	device_close(&pasid_node.m.dev);
	check_ret(iommu_destroy(pasid_node.fd, pt), 0);
	close(queue.fd);
	check_ret(iommu_destroy(pasid_node.fd, queue.id), 0);
}

/* A vIOMMU's device is a node's device; its vDEVICE goes with it. */
static void vdevice(void)
{
	uint32_t parent, viommu, vdev;

	pasid_node_set();
	parent = pasid_node_table(IOMMU_HWPT_ALLOC_NEST_PARENT);
	require_ok(mock_viommu(pasid_node.fd, pasid_node.m.dev.id, parent, NULL, &viommu));
	require_ok(mock_vdevice(pasid_node.fd, viommu, pasid_node.m.dev.id, 0x99, &vdev));
	require_ok(node_pasid_attach(NO_PASID, parent));
	device_close(&pasid_node.m.dev);
	check_ret(iommu_destroy(pasid_node.fd, vdev), -ENOENT);
	vfio_mock_get(&pasid_node.m, pasid_node.fd);
	check_ret(mock_vdevice(pasid_node.fd, viommu, pasid_node.m.dev.id, 0x99, &vdev), 0);
	check_ret(iommu_destroy(pasid_node.fd, vdev), 0);
}

static const struct test tests[] = {
	{ "forms", forms },
	{ "bad_memory", bad_memory },
	{ "closed", closed },
	{ "unbound", unbound },
	{ "contexts", contexts },
	{ "group", group },
	{ "nested", nested },
	{ "faults", faults },
	{ "vdevice", vdevice },
};

TAP_MAIN("node_pasid_life", tests)
