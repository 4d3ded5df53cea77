// SPDX-License-Identifier: GPL-2.0-only
/*
 * Nested page tables of a real SMMUv3: an edu's DMA through a guest's tables on top of an
 * IOAS, where IOVA, guest physical address and memory differ; what is cached until when, and
 * events.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "mem.h"
#include "smmuv3_scene.h"
#include "tap.h"
#include "trace.h"

/* What came of the shim is there to read. */
static void shown(void)
{
	guest_need_nesting();
	check(strstr(slurp("/sys/module/iommufd/parameters/shims"), "smmuv3: on\n"));
}

static void two_stages(void)
{
	nest_up();
	check_lands(&nest.d, guest_ipa(PAGE_A), PAGE_A);
	require_ok(device_attach(&nest.d.dev, nest.hwpt));
	check_lands(&nest.d, stage1_iova(0), PAGE_A);
	check_lands(&nest.d, stage1_iova(1), PAGE_B);
	check_lands(&nest.d, stage1_iova(2), -1);
	check_lands(&nest.d, guest_ipa(PAGE_A), -1);
	memset(guest_page(&nest.g, PAGE_A), 0x11, 64);
	require_ok(device_copies(&nest.d, stage1_iova(0), stage1_iova(1)));
	check_eq(mem_differs_from(guest_page(&nest.g, PAGE_B), 64, 0x11), -1);
	require_ok(device_attach(&nest.d.dev, nest.g.parent));
	check_lands(&nest.d, stage1_iova(0), -1);
	check_lands(&nest.d, guest_ipa(PAGE_B), PAGE_B);
	nest_down();
}

/* Tables that change are seen when they are invalidated, and not before. */
static void invalidated(void)
{
	static const uint64_t tlbi[][2] = {
		{ TLBI_NH_VA | 1ull << 48, GUEST_IOVA | 1 }, { TLBI_NH_VAA, GUEST_IOVA | 1 },
		{ TLBI_NH_ASID | 1ull << 48, 0 }, { TLBI_NH_ALL, 0 }, { TLBI_NSNH_ALL, 0 },
		/* The VMID that it says isn't the one that it gets. */
		{ TLBI_NH_ALL | 0xffffull << 32, 0 },
	};
	unsigned int i;
	int now = PAGE_A, then;

	nest_up();
	require_ok(device_attach(&nest.d.dev, nest.hwpt));
	for (i = 0; i < ARRAY_SIZE(tlbi); i++) {
		check_lands(&nest.d, GUEST_IOVA, now);
		then = now == PAGE_A ? PAGE_C : PAGE_A;
		stage1_map(&nest.s, 0, then);
		check_lands(&nest.d, GUEST_IOVA, now);
		guest_command(&nest.g, tlbi[i][0], tlbi[i][1]);
		check_lands(&nest.d, GUEST_IOVA, then);
		now = then;
	}
	require_ok(device_attach(&nest.d.dev, nest.g.parent));
	nest_down();
}

static void descriptor_invalidated(void)
{
	struct stage1 other;

	nest_up();
	stage1_make(&other, &nest.g, 8, 1);
	stage1_map(&other, 0, PAGE_C);
	require_ok(device_attach(&nest.d.dev, nest.hwpt));
	check_lands(&nest.d, GUEST_IOVA, PAGE_A);
	stage1_use_tables_of(&nest.s, &other);
	guest_command(&nest.g, TLBI_NH_ALL, 0);
	check_lands(&nest.d, GUEST_IOVA, PAGE_A);
	guest_command(&nest.g, CFGI_CD | (uint64_t)nest.d.vsid << 32, 1);
	guest_command(&nest.g, TLBI_NH_ALL, 0);
	check_lands(&nest.d, GUEST_IOVA, PAGE_C);
	stage1_use_tables_of(&nest.s, &nest.s);
	guest_command(&nest.g, CFGI_CD_ALL | (uint64_t)nest.d.vsid << 32, 0);
	guest_command(&nest.g, TLBI_NH_ASID | 1ull << 48, 0);
	check_lands(&nest.d, GUEST_IOVA, PAGE_A);
	require_ok(device_attach(&nest.d.dev, nest.g.parent));
	nest_down();
}

static atomic_bool dma_ends;

static void *dma_runs(void *arg)
{
	while (!dma_ends)
		require_ok(edu_store(&nest.d.edu, GUEST_IOVA, 0, 64));
	return arg;
}

/*
 * A page that was unmapped from the parent is the program's alone: what the device writes
 * then, which has it cached, doesn't arrive.
 */
static void parent_unmaps(void)
{
	uint8_t *page;
	pthread_t thread;
	unsigned int i;

	nest_up();
	page = guest_page(&nest.g, PAGE_A);
	require_ok(device_attach(&nest.d.dev, nest.hwpt));
	check_lands(&nest.d, GUEST_IOVA, PAGE_A);
	check_ret(ioas_unmap(nest.g.fd, nest.g.ioas, GUEST_IPA, nest.g.m.size, NULL), 0);
	require_ok(ioas_map_at(nest.g.fd, nest.g.ioas, nest.g.m.va, PAGE_A * PAGE, GUEST_IPA));
	for (i = 0; i < 3; i++) {
		dma_ends = false;
		require_ok(ioas_map_at(nest.g.fd, nest.g.ioas, page, PAGE, guest_ipa(PAGE_A)));
		memset(page, 0, 64);
		require(!pthread_create(&thread, NULL, dma_runs, NULL));
		while (!*(volatile uint8_t *)page)
			usleep(1000);
		check_ret(ioas_unmap(nest.g.fd, nest.g.ioas, guest_ipa(PAGE_A), PAGE, NULL), 0);
		memset(page, 0x33, PAGE);
		usleep(500000);
		dma_ends = true;
		pthread_join(thread, NULL);
		check_eq(mem_differs_from(page, PAGE, 0x33), -1);
	}
	/* Other memory comes to the same place. */
	require_ok(ioas_map_at(nest.g.fd, nest.g.ioas, guest_page(&nest.g, PAGE_C), PAGE,
			       guest_ipa(PAGE_A)));
	check_lands(&nest.d, GUEST_IOVA, PAGE_C);
	require_ok(device_attach(&nest.d.dev, nest.g.parent));
	nest_down();
}

static void two_devices(void)
{
	struct guest_device second;
	struct stage1 other;
	uint32_t hwpt;

	nest_up();
	guest_device_get(&second, &nest.g, 1);
	require_ok(vdevice_alloc(nest.g.fd, nest.g.viommu, second.dev.id, second.vsid,
				 &second.vdevice));
	require_ok(device_attach(&second.dev, nest.g.parent));
	device_charge(&second);
	stage1_make(&other, &nest.g, 8, 2);
	stage1_map(&other, 0, PAGE_C);
	hwpt = stage1_hwpt(&other, &second);
	require_ok(device_attach(&nest.d.dev, nest.hwpt));
	require_ok(device_attach(&second.dev, hwpt));
	check_lands(&nest.d, GUEST_IOVA, PAGE_A);
	check_lands(&second, GUEST_IOVA, PAGE_C);
	/* What is invalidated for one is cached for the other. */
	stage1_map(&nest.s, 0, PAGE_B);
	stage1_map(&other, 0, PAGE_B);
	guest_command(&nest.g, TLBI_NH_ASID | 1ull << 48, 0);
	check_lands(&nest.d, GUEST_IOVA, PAGE_B);
	check_lands(&second, GUEST_IOVA, PAGE_C);
	guest_command(&nest.g, TLBI_NH_ASID | 2ull << 48, 0);
	check_lands(&second, GUEST_IOVA, PAGE_B);
	require_ok(device_attach(&second.dev, nest.hwpt));
	check_lands(&second, GUEST_IOVA, PAGE_B);
	check_ret(device_detach(&second.dev), 0);
	check_lands(&nest.d, GUEST_IOVA, PAGE_B);
	check_ret(iommu_destroy(nest.g.fd, second.vdevice), 0);
	check_ret(iommu_destroy(nest.g.fd, hwpt), 0);
	guest_device_put(&second);
	require_ok(device_attach(&nest.d.dev, nest.g.parent));
	nest_down();
}

static uint32_t veventq_id;

static int event_file(void)
{
	struct iommu_veventq_alloc c = {
		.size = sizeof(c), .viommu_id = nest.g.viommu,
		.type = IOMMU_VEVENTQ_TYPE_ARM_SMMUV3, .veventq_depth = 64,
	};

	require_ok(iommu_ioctl(nest.g.fd, IOMMU_VEVENTQ_ALLOC, &c));
	veventq_id = c.out_veventq_id;
	return c.out_veventq_fd;
}

static void events(void)
{
	struct {
		struct iommufd_vevent_header header;
		struct iommu_vevent_arm_smmuv3 event;
	} r = {};
	struct pollfd ready;

	nest_up();
	ready = (struct pollfd){ .fd = event_file(), .events = POLLIN };
	/* A fault of stage 2 is the host's. */
	require_ok(edu_store(&nest.d.edu, 0x70000000, 0, 8));
	check_eq(poll(&ready, 1, 1000), 0);
	require_ok(device_attach(&nest.d.dev, nest.hwpt));
	require_ok(edu_store(&nest.d.edu, stage1_iova(5), 0, 8));
	require(poll(&ready, 1, 20000) == 1);
	check_eq(read(ready.fd, &r, sizeof(r)), sizeof(r));
	check_eq(r.header.flags, 0);
	check_eq(r.header.sequence, 0);
	check_eq(r.event.evt[0] & 0xff, 0x10);
	check_eq(r.event.evt[0] >> 32, nest.d.vsid);
	check_eq(r.event.evt[2], stage1_iova(5));
	/* A transfer may fault more than once. */
	while (poll(&ready, 1, 200) == 1)
		check_eq(read(ready.fd, &r, sizeof(r)), sizeof(r));
	/* The device stays where it is, and gets another StreamID. */
	check_ret(iommu_destroy(nest.g.fd, nest.d.vdevice), 0);
	nest.d.vsid++;
	nest_vdevice();
	require_ok(edu_store(&nest.d.edu, stage1_iova(6), 0, 8));
	require(poll(&ready, 1, 20000) == 1);
	check_eq(read(ready.fd, &r, sizeof(r)), sizeof(r));
	check_eq(r.event.evt[0] >> 32, nest.d.vsid);
	check_eq(r.event.evt[2], stage1_iova(6));
	require_ok(device_attach(&nest.d.dev, nest.g.parent));
	close(ready.fd);
	check_ret(iommu_destroy(nest.g.fd, veventq_id), 0);
	nest_down();
}

static const struct test tests[] = {
	{ "shown", shown },
	{ "two_stages", two_stages, 120 },
	{ "invalidated", invalidated, 180 },
	{ "descriptor_invalidated", descriptor_invalidated, 120 },
	{ "parent_unmaps", parent_unmaps, 180 },
	{ "two_devices", two_devices, 180 },
	{ "events", events, 120 },
};

TAP_MAIN("smmuv3_nested", tests)
