// SPDX-License-Identifier: GPL-2.0-only
/*
 * ATTACH and DETACH through a device node, with and without PASID, on the mock IOMMU:
 * what is where then, as the IOMMU's driver sees it.  pasid.c has the rules themselves,
 * for drivers in the kernel.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "events.h"
#include "mem.h"
#include "mock.h"
#include "tap.h"
#include "vfio_mock.h"

#define NO_PASID	0
#define WITH_PASID	1		/* the flag of ATTACH and DETACH */
#define PASIDS		(1u << MOCK_PASID_WIDTH)
#define FIT		IOMMU_HWPT_ALLOC_PASID

static struct scene {
	int fd;
	uint32_t ioas;
	uint32_t home, fit[2], unfit;
	struct vfio_mock m;
} s;

static bool no_pasids(void)
{
	return kernel_before(6, 12);
}

/* What is to be attached beside the device's own DMA, where there is such. */
static uint32_t some_pasid(void)
{
	return no_pasids() ? NO_PASID : 5;
}

static uint32_t table(uint32_t flags)
{
	uint32_t id;

	require_ok(hwpt_alloc(s.fd, s.m.dev.id, s.ioas, flags, &id));
	return id;
}

/* A bound device that isn't attached. */
static void set_scene(void)
{
	struct vfio_mock_make make = { .flags = MOCK_FLAGS_DEVICE_PASID, .beside = -1 };

	s.fd = mock_open();
	s.ioas = ioas_new(s.fd);
	require_ok(vfio_mock_make(&s.m, &make));
	vfio_mock_get(&s.m, s.fd);
	s.home = table(FIT);
	s.fit[0] = table(FIT);
	s.fit[1] = table(FIT);
	s.unfit = table(0);
}

static void need_pasids(void)
{
	if (no_pasids())
		tap_skip("Linux 6.1 has no PASIDs");
	set_scene();
}

static int attach_of(struct vfio_mock *m, uint32_t pasid, uint32_t pt)
{
	struct cdev_attach arg = {
		.argsz = sizeof(arg), .flags = pasid ? WITH_PASID : 0,
		.pt_id = pt, .pasid = pasid,
	};
	int ret = iommu_ioctl(m->dev.fd, CDEV_ATTACH, &arg);

	check(ret || arg.pt_id == pt);
	return ret;
}

static int attach(uint32_t pasid, uint32_t pt)
{
	return attach_of(&s.m, pasid, pt);
}

static int detach_of(struct vfio_mock *m, uint32_t pasid)
{
	struct cdev_detach arg = {
		.argsz = sizeof(arg), .flags = pasid ? WITH_PASID : 0, .pasid = pasid,
	};

	return iommu_ioctl(m->dev.fd, CDEV_DETACH, &arg);
}

static int detach(uint32_t pasid)
{
	return detach_of(&s.m, pasid);
}

/* Is that page table (or none: 0) what the device's IOMMU has there? */
static int at_of(struct vfio_mock *m, uint32_t pasid, uint32_t hwpt)
{
	struct mock mock = { .stdev = m->dev.id };

	return mock_pasid_check(s.fd, &mock, pasid, hwpt);
}

static int at(uint32_t pasid, uint32_t hwpt)
{
	return at_of(&s.m, pasid, hwpt);
}

/* The device's own DMA: attached, replaced, and made for an IOAS. */
static void own(void)
{
	uint32_t pt;

	set_scene();
	check_ret(at(NO_PASID, 0), 0);
	check_ret(detach(NO_PASID), 0);
	check_ret(attach(NO_PASID, s.home), 0);
	check_ret(at(NO_PASID, s.home), 0);
	check_ret(attach(NO_PASID, s.unfit), 0);
	check_ret(at(NO_PASID, s.unfit), 0);
	check_ret(iommu_destroy(s.fd, s.home), 0);
	check_ret(iommu_destroy(s.fd, s.unfit), -EBUSY);
	pt = s.ioas;
	check_ret(device_attach_out(&s.m.dev, &pt), 0);
	check(pt != s.ioas);
	check_ret(at(NO_PASID, pt), 0);
	check_ret(attach(NO_PASID, 0xfffff), -ENOENT);
	check_ret(attach(NO_PASID, s.m.dev.id), -EINVAL);
	check_ret(at(NO_PASID, pt), 0);
	check_ret(detach(NO_PASID), 0);
	check_ret(at(NO_PASID, 0), 0);
	check_ret(iommu_destroy(s.fd, s.unfit), 0);
}

static void width(void)
{
	struct iommu_hw_info info;

	set_scene();
	require_ok(hw_info(s.fd, s.m.dev.id, NULL, 0, &info));
	check_eq(info.out_max_pasid_log2, no_pasids() ? 0 : MOCK_PASID_WIDTH);
}

static void not_there(void)
{
	if (!no_pasids())
		tap_skip("there are PASIDs");
	set_scene();
	check_ret(attach(5, s.fit[0]), -EOPNOTSUPP);
	check_ret(attach(NO_PASID, s.home), 0);
	check_ret(attach(5, s.fit[0]), -EOPNOTSUPP);
	check_ret(detach(5), 0);
	check_ret(at(NO_PASID, s.home), 0);
	check_ret(iommu_destroy(s.fd, s.fit[0]), 0);
}

static void attach_detach(void)
{
	need_pasids();
	/* whoever comes first */
	check_ret(attach(5, s.fit[0]), 0);
	check_ret(at(5, s.fit[0]), 0);
	check_ret(at(NO_PASID, 0), 0);
	check_ret(attach(NO_PASID, s.home), 0);
	check_ret(attach(6, s.fit[0]), 0);
	check_ret(attach(PASIDS - 1, s.fit[1]), 0);
	check_ret(at(NO_PASID, s.home), 0);
	check_ret(at(6, s.fit[0]), 0);
	check_ret(at(PASIDS - 1, s.fit[1]), 0);
	check_ret(iommu_destroy(s.fd, s.fit[0]), -EBUSY);
	check_ret(detach(5), 0);
	check_ret(at(5, 0), 0);
	check_ret(at(6, s.fit[0]), 0);
	check_ret(detach(5), 0);
	check_ret(detach(7), 0);
	check_ret(detach(PASIDS + 5), 0);
	check_ret(detach(~0u), 0);
	check_ret(detach(NO_PASID), 0);
	check_ret(at(NO_PASID, 0), 0);
	check_ret(at(6, s.fit[0]), 0);
	check_ret(detach(6), 0);
	check_ret(iommu_destroy(s.fd, s.fit[0]), 0);
	check_ret(iommu_destroy(s.fd, s.home), 0);
	check_ret(iommu_destroy(s.fd, s.fit[1]), -EBUSY);
	check_ret(detach(PASIDS - 1), 0);
	check_ret(iommu_destroy(s.fd, s.fit[1]), 0);
}

/* To attach what is attached is to replace. */
static void replaces(void)
{
	need_pasids();
	check_ret(attach(NO_PASID, s.home), 0);
	check_ret(attach(5, s.fit[0]), 0);
	check_ret(attach(5, s.fit[0]), 0);
	check_ret(attach(5, s.fit[1]), 0);
	check_ret(at(5, s.fit[1]), 0);
	check_ret(iommu_destroy(s.fd, s.fit[0]), 0);
	check_ret(attach(5, s.unfit), -EINVAL);
	check_ret(attach(5, s.ioas), -EINVAL);
	check_ret(attach(5, 0xfffff), -ENOENT);
	check_ret(at(5, s.fit[1]), 0);
	check_ret(attach(NO_PASID, s.unfit), -EINVAL);
	check_ret(attach(NO_PASID, s.fit[1]), 0);
	check_ret(attach(5, s.home), 0);
	check_ret(at(NO_PASID, s.fit[1]), 0);
	check_ret(at(5, s.home), 0);
	/* one detach undoes all of them */
	check_ret(detach(5), 0);
	check_ret(at(5, 0), 0);
	check_ret(iommu_destroy(s.fd, s.home), 0);
}

static void refused(void)
{
	need_pasids();
	check_ret(attach(5, s.unfit), -EINVAL);
	check_ret(attach(5, s.ioas), -EINVAL);
	check_ret(attach(5, s.m.dev.id), -EINVAL);
	check_ret(attach(5, 0xfffff), -ENOENT);
	check(attach(PASIDS, s.fit[0]) < 0);
	check(attach(~0u, s.fit[0]) < 0);
	check(attach(1u << 31, s.fit[0]) < 0);
	check_ret(at(5, 0), 0);
	/* none of that is held for attached */
	check_ret(attach(5, s.fit[0]), 0);
	check_ret(detach(5), 0);
	check_ret(attach(NO_PASID, s.unfit), 0);
	check_ret(attach(5, s.fit[0]), -EINVAL);
	check_ret(attach(5, s.fit[0]), -EINVAL);
	check_ret(iommu_destroy(s.fd, s.fit[0]), 0);
}

/* A replacement that its driver can't do leaves the old one, and it can be detached. */
static void fails_back(void)
{
	uint32_t pasid = IOMMU_TEST_PASID_RESERVED, parent, nested;

	need_pasids();
	parent = table(IOMMU_HWPT_ALLOC_NEST_PARENT);
	require_ok(mock_hwpt_nested(s.fd, s.m.dev.id, parent, FIT, &nested));
	for (int i = 0; i < 2; i++) {
		require_ok(attach(pasid, s.fit[0]));
		check_ret(attach(pasid, nested), -ENOMEM);
		check_ret(at(pasid, s.fit[0]), 0);
		check_ret(detach(pasid), 0);
		check_ret(at(pasid, 0), 0);
	}
	check_ret(iommu_destroy(s.fd, s.fit[0]), 0);
}

/* Sizes of the structures, and PASID 0, which is the device's own DMA. */
static void forms(void)
{
	struct cdev_attach a = { .pasid = 5 };
	struct cdev_detach d = { .pasid = 5 };

	need_pasids();
	a.pt_id = s.fit[0];
#define ATTACH(size, with, want) do {					\
		a.argsz = size, a.flags = with, a.pt_id = s.fit[0];	\
		check_ret(iommu_ioctl(s.m.dev.fd, CDEV_ATTACH, &a), want); \
	} while (0)
#define DETACH(size, with, want) do {					\
		d.argsz = size, d.flags = with;				\
		check_ret(iommu_ioctl(s.m.dev.fd, CDEV_DETACH, &d), want); \
	} while (0)
	ATTACH(12, WITH_PASID, -EINVAL);
	ATTACH(15, WITH_PASID, -EINVAL);
	ATTACH(16, WITH_PASID | 2, -EINVAL);
	ATTACH(16, 2, -EINVAL);
	check_ret(at(5, 0), 0);
	ATTACH(16, WITH_PASID, 0);
	ATTACH(100, WITH_PASID, 0);
	check_ret(at(5, s.fit[0]), 0);
	check_ret(at(NO_PASID, 0), 0);
	/* without the flag it isn't looked at */
	ATTACH(16, 0, 0);
	check_ret(at(NO_PASID, s.fit[0]), 0);
	DETACH(8, WITH_PASID, -EINVAL);
	DETACH(11, WITH_PASID, -EINVAL);
	DETACH(12, WITH_PASID | 2, -EINVAL);
	check_ret(at(5, s.fit[0]), 0);
	DETACH(12, 0, 0);
	check_ret(at(NO_PASID, 0), 0);
	check_ret(at(5, s.fit[0]), 0);
	DETACH(100, WITH_PASID, 0);
	check_ret(at(5, 0), 0);
	a.pasid = d.pasid = NO_PASID;
	ATTACH(16, WITH_PASID, 0);
	check_ret(at(NO_PASID, s.fit[0]), 0);
	DETACH(12, WITH_PASID, 0);
	check_ret(at(NO_PASID, 0), 0);
	check_ret(iommu_destroy(s.fd, s.fit[0]), 0);
}

/* An answer that can't be given, or a question that can't be read, changes nothing. */
static void bad_memory(void)
{
	uint8_t *page = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct cdev_attach *a = (void *)page;
	uint32_t *short_one;

	require(page != MAP_FAILED && !munmap(page + PAGE, PAGE));
	need_pasids();
	require_ok(attach(NO_PASID, s.home));
	require_ok(attach(6, s.fit[1]));
	*a = (struct cdev_attach){ .argsz = 16, .flags = WITH_PASID, .pt_id = s.fit[0],
				   .pasid = 5 };
	require(!mprotect(page, PAGE, PROT_READ));
	check_ret(iommu_ioctl(s.m.dev.fd, CDEV_ATTACH, a), -EFAULT);
	check_ret(at(5, 0), 0);
	require(!mprotect(page, PAGE, PROT_READ | PROT_WRITE));
	a->pasid = 6;
	require(!mprotect(page, PAGE, PROT_READ));
	check_ret(iommu_ioctl(s.m.dev.fd, CDEV_ATTACH, a), -EFAULT);
	require(!mprotect(page, PAGE, PROT_READ | PROT_WRITE));
	/* the PASID lies where nothing is */
	short_one = (uint32_t *)(page + PAGE) - 3;
	memcpy(short_one, a, 12);
	check_ret(iommu_ioctl(s.m.dev.fd, CDEV_ATTACH, short_one), -EFAULT);
	short_one[1] = 12;
	short_one[2] = WITH_PASID;
	check_ret(iommu_ioctl(s.m.dev.fd, CDEV_DETACH, short_one + 1), -EFAULT);
	check_ret(at(NO_PASID, s.home), 0);
	check_ret(at(6, s.fit[1]), 0);
	check_ret(iommu_destroy(s.fd, s.fit[0]), 0);
}

/* What is left over for the next who binds the device: nothing. */
static void closed(void)
{
	uint32_t pasid, n = 300 / tap_time_factor();
	struct mem mem;

	need_pasids();
	mem_get(&mem, MEM_ANON, 16 * PAGE);
	require_ok(ioas_map_at(s.fd, s.ioas, mem.va, mem.size, MOCK_APERTURE_START));
	for (int again = 0; again < 2; again++) {
		require_ok(attach(NO_PASID, s.home));
		for (pasid = 1; pasid <= n; pasid++)
			require_ok(attach(pasid * 3001, s.fit[pasid % 2]));
		check_ret(at(3001, s.fit[1]), 0);
		device_close(&s.m.dev);
		check_eq(vfio_mock_seen(&s.m).translated, 1);
		vfio_mock_get(&s.m, s.fd);
		check_ret(at(NO_PASID, 0), 0);
		for (pasid = 1; pasid <= n; pasid++)
			check_ret(at(pasid * 3001, 0), 0);
	}
	check_ret(iommu_destroy(s.fd, s.home), 0);
	for (int i = 0; i < 2; i++)
		check_ret(iommu_destroy(s.fd, s.fit[i]), 0);
}

/* In a process that doesn't keep the device open itself. */
static void unbind_it(void *arg)
{
	(void)arg;
	device_close(&s.m.dev);
	check_ret(vfio_mock_unbind(&s.m), 0);
}

/* The driver wants its device back while PASIDs are attached. */
static void unbound(void)
{
	uint32_t pasid = some_pasid();
	int pid;

	set_scene();
	require_ok(attach(NO_PASID, s.home));
	require_ok(attach(pasid, s.fit[0]));
	pid = tap_spawn(unbind_it, NULL);
	for (int i = 0; i < 500 && !vfio_mock_seen(&s.m).requests; i++)
		usleep(10000);
	check(vfio_mock_seen(&s.m).requests > 0);
	/* until it is closed everything goes on */
	if (pasid)
		check_ret(attach(6, s.fit[1]), 0);
	check_ret(attach(pasid, s.fit[1]), 0);
	check_ret(at(pasid, s.fit[1]), 0);
	device_close(&s.m.dev);
	tap_join(pid);
	check_ret(iommu_destroy(s.fd, s.fit[0]), 0);
	check_ret(iommu_destroy(s.fd, s.fit[1]), 0);
	check_ret(iommu_destroy(s.fd, s.home), 0);
	require_ok(vfio_mock_bind(&s.m));
	vfio_mock_get(&s.m, s.fd);
	check_ret(at(pasid, 0), 0);
}

/* A device of one context is nothing in another; the file goes before the context. */
static void contexts(void)
{
	uint32_t pasid = some_pasid();
	int other;

	set_scene();
	other = mock_open();
	require_ok(attach(pasid, s.fit[0]));
	device_close(&s.m.dev);
	vfio_mock_get(&s.m, other);
	check_ret(attach(pasid, s.fit[0]), -ENOENT);
	device_close(&s.m.dev);
	vfio_mock_get(&s.m, s.fd);
	require_ok(attach(NO_PASID, s.home));
	require_ok(attach(pasid, s.fit[0]));
	/* the device's file keeps it */
	close(s.fd);
	check_ret(attach(pasid, s.fit[1]), 0);
	check_ret(detach(pasid), 0);
}

/* Two in one group: a PASID is both's. */
static void group(void)
{
	struct vfio_mock_make make = { .flags = MOCK_FLAGS_DEVICE_PASID };
	uint32_t pasid = some_pasid();
	struct vfio_mock b;

	set_scene();
	make.beside = s.m.control;
	require_ok(vfio_mock_make(&b, &make));
	check_eq(b.place.group, s.m.place.group);
	vfio_mock_get(&b, s.fd);
	require_ok(attach(NO_PASID, s.home));
	require_ok(attach(pasid, s.fit[0]));
	/* elsewhere it can't be attached while the other one is here */
	check_ret(attach_of(&b, pasid, s.fit[1]), -EINVAL);
	check_ret(attach_of(&b, pasid, s.fit[0]), 0);
	check_ret(at_of(&b, pasid, s.fit[0]), 0);
	check_ret(attach_of(&b, pasid, s.fit[1]), 0);
	check_ret(at(pasid, s.fit[1]), 0);
	device_close(&s.m.dev);
	check_ret(at_of(&b, pasid, s.fit[1]), 0);
	device_close(&b.dev);
	check_ret(iommu_destroy(s.fd, s.fit[1]), 0);
	close(b.control);
}

static void nested(void)
{
	uint32_t parent, n[2];

	if (no_pasids())
		set_scene();
	else
		need_pasids();
	parent = table(IOMMU_HWPT_ALLOC_NEST_PARENT | (no_pasids() ? 0 : FIT));
	for (int i = 0; i < 2; i++)
		require_ok(mock_hwpt_nested(s.fd, s.m.dev.id, parent,
					    no_pasids() ? 0 : FIT, &n[i]));
	check_ret(attach(NO_PASID, n[0]), 0);
	check_ret(at(NO_PASID, n[0]), 0);
	check_ret(attach(NO_PASID, n[1]), 0);
	check_ret(at(NO_PASID, n[1]), 0);
	check_ret(iommu_destroy(s.fd, n[0]), 0);
	check_ret(iommu_destroy(s.fd, parent), -EBUSY);
	if (!no_pasids()) {
		check_ret(attach(5, n[1]), 0);
		check_ret(at(5, n[1]), 0);
		check_ret(attach(5, parent), 0);
		check_ret(detach(5), 0);
	}
	device_close(&s.m.dev);
	check_ret(iommu_destroy(s.fd, n[1]), 0);
	check_ret(iommu_destroy(s.fd, parent), 0);
}

/* A page fault of the device, read and answered: it arrives as the device's. */
static void fault_once(struct events *queue, struct mock *mock, uint32_t pasid)
{
	struct iommu_hwpt_pgfault fault = {};

	check_ret(mock_fault(s.fd, mock, pasid, 3, MOCK_APERTURE_START), 0);
	require(events_wait(queue));
	check_eq(events_read(queue, &fault, sizeof(fault)), sizeof(fault));
	check_eq(fault.dev_id, s.m.dev.id);
	if (pasid)
		check_eq(fault.pasid, pasid);
	check_ret(faults_answer(queue, fault.cookie, IOMMUFD_PAGE_RESP_SUCCESS), 0);
}

static void faults(void)
{
	struct mock mock = {};
	struct events queue;
	uint32_t pt;

	if (no_pasids())
		tap_skip("Linux 6.1 hands on no page faults");
	need_pasids();
	mock.dev = s.m.dev.id;
	require_ok(faults_alloc(s.fd, &queue));
	require_ok(hwpt_with_faults(s.fd, s.m.dev.id, s.ioas, FIT, queue.id, &pt));
	require_ok(attach(NO_PASID, pt));
	fault_once(&queue, &mock, NO_PASID);
	require_ok(attach(5, pt));
	fault_once(&queue, &mock, 5);
	/* one that nobody answers is refused when the device is closed */
	check_ret(mock_fault(s.fd, &mock, 5, 4, MOCK_APERTURE_START), 0);
	require(events_wait(&queue));
	device_close(&s.m.dev);
	check_ret(iommu_destroy(s.fd, pt), 0);
	close(queue.fd);
	check_ret(iommu_destroy(s.fd, queue.id), 0);
}

/* A vIOMMU's device is a node's device; its vDEVICE goes with it. */
static void vdevice(void)
{
	uint32_t parent, viommu, vdev;

	set_scene();
	parent = table(IOMMU_HWPT_ALLOC_NEST_PARENT);
	require_ok(mock_viommu(s.fd, s.m.dev.id, parent, NULL, &viommu));
	require_ok(mock_vdevice(s.fd, viommu, s.m.dev.id, 0x99, &vdev));
	require_ok(attach(NO_PASID, parent));
	device_close(&s.m.dev);
	check_ret(iommu_destroy(s.fd, vdev), -ENOENT);
	vfio_mock_get(&s.m, s.fd);
	check_ret(mock_vdevice(s.fd, viommu, s.m.dev.id, 0x99, &vdev), 0);
	check_ret(iommu_destroy(s.fd, vdev), 0);
}

static const struct test tests[] = {
	{ "own", own },
	{ "width", width },
	{ "not_there", not_there },
	{ "attach_detach", attach_detach },
	{ "replaces", replaces },
	{ "refused", refused },
	{ "fails_back", fails_back },
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

TAP_MAIN("node_pasid", tests)
