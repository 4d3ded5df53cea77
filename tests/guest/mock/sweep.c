// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every call that can fail behind an ioctl of address spaces, page tables, vIOMMUs
 * and queues fails once; the ioctl then answers with an error and leaks nothing, or
 * passes.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "events.h"
#include "iommu.h"
#include "mem.h"
#include "mock.h"
#include "sweep.h"
#include "sweep_scene.h"
#include "tap.h"

/* Address spaces without a device */
static void run_spaces(void)
{
	struct iommu_iova_range ranges[4] = { { BASE, BASE + 64 * MIB - 1 } };
	uint64_t align, iova = 0, copied = 0, value;
	uint32_t n = 4;

	swept.fd = -1;
	step((swept.fd = open("/dev/iommu", O_RDWR | O_CLOEXEC)) < 0 ? -errno : 0);
	step(ioas_alloc(swept.fd, &swept.ioas));
	step(ioas_alloc(swept.fd, &swept.ioas2));
	step(ioas_allow(swept.fd, swept.ioas, ranges, 1));
	step(ioas_ranges(swept.fd, swept.ioas, ranges, &n, &align));
	step(option_set(swept.fd, IOMMU_OPTION_HUGE_PAGES, swept.ioas, 0));
	step(option_get(swept.fd, IOMMU_OPTION_HUGE_PAGES, swept.ioas, &value));
	step(option_get(swept.fd, IOMMU_OPTION_RLIMIT_MODE, 0, &value));
	step(ioas_map(swept.fd, swept.ioas, MAP_RW, swept.m.va, 8 * PAGE, &iova));
	step(ioas_map_at(swept.fd, swept.ioas, swept.m.va, 8 * PAGE, BASE + 32 * MIB));
	step(ioas_copy(swept.fd, swept.ioas2, swept.ioas, MAP_RW, iova, 4 * PAGE, &copied));
	step_or(ioas_unmap(swept.fd, swept.ioas, iova, 8 * PAGE, NULL), -ENOENT);
	step(iommu_destroy(swept.fd, swept.ioas));
	step(sweep_close_fd(swept.fd));
}

static void spaces(void)
{
	sweep(sweep_bare, run_spaces);
}

/* Mappings that a page table has, of memory in pieces, and the table's own memory */
static void run_map(void)
{
	struct iommu_iova_range hole = { BASE, BASE + GIB - 1 };
	uint64_t iova = 0, copied = OTHER;

	step(ioas_allow(swept.fd, swept.ioas, &hole, 1));
	step(ioas_map(swept.fd, swept.ioas, MAP_RW, swept.m.va, swept.m.size, &iova));
	step(ioas_map(swept.fd, swept.ioas, MAP_R, swept.m.va + 2048, 2048, &iova));
	step(ioas_copy(swept.fd, swept.ioas, swept.ioas, MAP_R | MAP_FIX, iova, 2048, &copied));
	step(ioas_map_at(swept.fd, swept.ioas, swept.m.va, swept.m.size, OTHER + 64 * MIB));
	step_or(ioas_unmap(swept.fd, swept.ioas, OTHER + 64 * MIB, swept.m.size, NULL), -ENOENT);
	step_or(ioas_unmap(swept.fd, swept.ioas, 0, UINT64_MAX, NULL), -ENOENT);
	step(sweep_close_fd(swept.fd));
}

static void map(void)
{
	sweep(sweep_with_device, run_map);
}

static void with_huge(void)
{
	sweep_with_device();
	mem_get(&swept.m, MEM_HUGETLB, 2 * HUGE);
}

static void map_huge(void)
{
	sweep(with_huge, run_map);
}

static void with_huge_file(void)
{
	sweep_with_device();
	mem_get(&swept.m, MEM_MEMFD_HUGE, 2 * HUGE);
}

static void run_file(void)
{
	uint64_t iova = 0, again = 0;

	step(ioas_map_file(swept.fd, swept.ioas2, MAP_RW, swept.m.fd, 0, swept.m.size, &again));
	step(ioas_map_file(swept.fd, swept.ioas, MAP_RW, swept.m.fd, PAGE, swept.m.size - PAGE, &iova));
	step(ioas_copy(swept.fd, swept.ioas, swept.ioas2, MAP_RW, again, swept.m.size, &iova));
	step_or(ioas_unmap(swept.fd, swept.ioas, iova, swept.m.size, NULL), -ENOENT);
	step(sweep_close_fd(swept.fd));
}

static void map_file(void)
{
	sweep(sweep_with_file, run_file);
}

static void map_huge_file(void)
{
	sweep(with_huge_file, run_file);
}

/* Memory that another process mapped, to be pinned by who attaches a device */
static void remote(void)
{
	int status, pid, ready[2];
	char c;

	sweep_mocked();
	require(!pipe(ready));
	pid = fork();
	require(pid >= 0);
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		status = ioas_map_at(swept.fd, swept.ioas, swept.m.va, swept.m.size, BASE);
		if (write(ready[1], status ? "n" : "y", 1) == 1)
			pause();
		_exit(1);
	}
	require(read(ready[0], &c, 1) == 1 && c == 'y');
	swept.file = pid;
}

static void run_remote(void)
{
	step(mock_device(swept.fd, swept.ioas, 0, &swept.dev));
	step(mock_replace(swept.fd, &swept.dev, swept.ioas2));
	step(mock_replace(swept.fd, &swept.dev, swept.ioas));
	kill(swept.file, SIGKILL);
	waitpid(swept.file, NULL, 0);
	step(sweep_close_fd(swept.fd));
}

static void other_process(void)
{
	sweep(remote, run_remote);
}

/* Devices come to filled spaces, move and leave. */
static void filled(void)
{
	uint64_t iova = OTHER;

	sweep_mocked();
	require_ok(ioas_map_at(swept.fd, swept.ioas, swept.m.va, swept.m.size, BASE));
	require_ok(ioas_map_at(swept.fd, swept.ioas2, swept.m.va, swept.m.size, BASE));
	require_ok(ioas_copy(swept.fd, swept.ioas2, swept.ioas, MAP_R | MAP_FIX, BASE, PAGE, &iova));
}

static void run_attach(void)
{
	struct mock second;

	step(mock_device(swept.fd, swept.ioas, 0, &swept.dev));
	step(mock_device(swept.fd, swept.ioas, 0, &second));
	step(mock_replace(swept.fd, &swept.dev, swept.ioas2));
	step(hwpt_alloc(swept.fd, swept.dev.dev, swept.ioas2, 0, &swept.hwpt));
	step(mock_replace(swept.fd, &second, swept.hwpt));
	step(mock_replace(swept.fd, &swept.dev, swept.hwpt));
	step(mock_replace(swept.fd, &swept.dev, swept.ioas));
	step(mock_unplug(swept.fd, &second));
	step(iommu_destroy(swept.fd, swept.hwpt));
	step(mock_unplug(swept.fd, &swept.dev));
	step(sweep_close_fd(swept.fd));
}

static void attach(void)
{
	sweep(filled, run_attach);
}

static void run_info(void)
{
	struct iommu_test_hw_info data;
	struct iommu_hw_info info = {};

	step(hw_info(swept.fd, swept.dev.dev, &data, sizeof(data), &info));
	info = (struct iommu_hw_info) {};
	step(hw_info(swept.fd, swept.dev.dev, &data, 4, &info));
	step(sweep_close_fd(swept.fd));
}

static void info(void)
{
	sweep(sweep_with_device, run_info);
}

/* Dirty pages */
static int dirty_track(uint32_t flags)
{
	struct iommu_hwpt_set_dirty_tracking c = {
		.size = sizeof(c), .flags = flags, .hwpt_id = swept.hwpt,
	};

	return iommu_ioctl(swept.fd, IOMMU_HWPT_SET_DIRTY_TRACKING, &c);
}

static int dirty_read(uint64_t length, void *bitmap)
{
	struct iommu_hwpt_get_dirty_bitmap c = {
		.size = sizeof(c), .hwpt_id = swept.hwpt, .iova = BASE, .length = length,
		.page_size = PAGE, .data = (uintptr_t)bitmap,
	};

	return iommu_ioctl(swept.fd, IOMMU_HWPT_GET_DIRTY_BITMAP, &c);
}

static int dirty_make(uint64_t *bits)
{
	struct iommu_test_cmd cmd = {
		.dirty = { .iova = BASE, .length = 32 * PAGE, .page_size = PAGE,
			   .uptr = (uintptr_t)bits },
	};

	return mock_cmd(swept.fd, IOMMU_TEST_OP_DIRTY, swept.hwpt, &cmd);
}

static void run_dirty(void)
{
	static _Alignas(PAGE) char bits[2 * PAGE];
	uint64_t some = 0x5a5a;

	step(hwpt_alloc(swept.fd, swept.dev.dev, swept.ioas, IOMMU_HWPT_ALLOC_DIRTY_TRACKING,
			&swept.hwpt));
	step(mock_replace(swept.fd, &swept.dev, swept.hwpt));
	step(dirty_track(IOMMU_HWPT_DIRTY_TRACKING_ENABLE));
	step(ioas_map_at(swept.fd, swept.ioas, swept.m.va, swept.m.size, BASE));
	step(dirty_make(&some));
	step(dirty_read(32 * PAGE, bits));
	step(dirty_read(32 * PAGE, bits + PAGE - 2));	/* on two pages */
	step(dirty_track(0));
	step(sweep_close_fd(swept.fd));
}

static void dirty(void)
{
	sweep(sweep_with_device, run_dirty);
}

/* Nested page tables, with and without a vIOMMU */
static int invalidate(uint32_t id)
{
	struct iommu_hwpt_invalidate_selftest reqs[3] = {
		{ .iotlb_id = 1 }, { .iotlb_id = 2 },
		{ .flags = IOMMU_TEST_INVALIDATE_FLAG_ALL },
	};
	uint32_t n = 3;

	return mock_invalidate(swept.fd, id, reqs, sizeof(reqs[0]), &n);
}

static void run_nested(void)
{
	step(hwpt_alloc(swept.fd, swept.dev.dev, swept.ioas, IOMMU_HWPT_ALLOC_NEST_PARENT, &swept.parent));
	step(mock_hwpt_nested(swept.fd, swept.dev.dev, swept.parent, 0, &swept.nested));
	step(mock_replace(swept.fd, &swept.dev, swept.nested));
	step(ioas_map_at(swept.fd, swept.ioas, swept.m.va, swept.m.size, BASE));
	step(invalidate(swept.nested));
	step(mock_replace(swept.fd, &swept.dev, swept.ioas));
	step(iommu_destroy(swept.fd, swept.nested));
	step(iommu_destroy(swept.fd, swept.parent));
	step(sweep_close_fd(swept.fd));
}

static void nested(void)
{
	sweep(sweep_with_device, run_nested);
}

static int map_window(const struct iommu_viommu_selftest *data)
{
	void *p = mmap(NULL, data->out_mmap_length, PROT_READ | PROT_WRITE, MAP_SHARED,
		       swept.fd, data->out_mmap_offset);

	if (p == MAP_FAILED)
		return -errno;
	munmap(p, data->out_mmap_length);
	return 0;
}

static void run_viommu(void)
{
	struct iommu_viommu_invalidate_selftest reqs[2] = {
		{ .vdev_id = 7, .cache_id = 1 },
		{ .vdev_id = 7, .flags = IOMMU_TEST_INVALIDATE_FLAG_ALL },
	};
	struct iommu_viommu_selftest data = { .in_data = 1 };
	uint32_t n = 2;
	char event[64];

	step(hwpt_alloc(swept.fd, swept.dev.dev, swept.ioas, IOMMU_HWPT_ALLOC_NEST_PARENT, &swept.parent));
	step(mock_viommu(swept.fd, swept.dev.dev, swept.parent, &data, &swept.viommu));
	step(map_window(&data));
	step(mock_vdevice(swept.fd, swept.viommu, swept.dev.dev, 7, &swept.vdevice));
	step(mock_hwpt_nested(swept.fd, swept.dev.dev, swept.viommu, 0, &swept.nested));
	step(mock_replace(swept.fd, &swept.dev, swept.nested));
	step(mock_invalidate(swept.fd, swept.viommu, reqs, sizeof(reqs[0]), &n));
	step(veventq_alloc(swept.fd, swept.viommu, 4, &swept.events));
	step(mock_event(swept.fd, &swept.dev));
	step(events_read(&swept.events, event, sizeof(event)));
	step(sweep_close_fd(swept.events.fd));
	step(iommu_destroy(swept.fd, swept.events.id));
	step(mock_replace(swept.fd, &swept.dev, swept.ioas));
	step(iommu_destroy(swept.fd, swept.nested));
	step(iommu_destroy(swept.fd, swept.vdevice));
	step(iommu_destroy(swept.fd, swept.viommu));
	step(sweep_close_fd(swept.fd));
}

static void viommu(void)
{
	sweep(sweep_with_device, run_viommu);
}

static void run_hw_queue(void)
{
	step(hwpt_alloc(swept.fd, swept.dev.dev, swept.ioas, IOMMU_HWPT_ALLOC_NEST_PARENT, &swept.parent));
	step(mock_viommu(swept.fd, swept.dev.dev, swept.parent, NULL, &swept.viommu));
	step(ioas_map_at(swept.fd, swept.ioas, swept.m.va, swept.m.size, BASE));
	step(mock_hw_queue(swept.fd, swept.viommu, 0, BASE, PAGE, &swept.queue));
	step(mock_hw_queue(swept.fd, swept.viommu, 1, BASE + PAGE, PAGE, &swept.vdevice));
	step(iommu_destroy(swept.fd, swept.vdevice));
	step(iommu_destroy(swept.fd, swept.queue));
	step(sweep_close_fd(swept.fd));
}

static void hw_queue(void)
{
	sweep(sweep_with_device, run_hw_queue);
}

/* A device unplugged while it is a vIOMMU's */
static void run_unplug(void)
{
	step(hwpt_alloc(swept.fd, swept.dev.dev, swept.ioas, IOMMU_HWPT_ALLOC_NEST_PARENT, &swept.parent));
	step(mock_viommu(swept.fd, swept.dev.dev, swept.parent, NULL, &swept.viommu));
	step(mock_vdevice(swept.fd, swept.viommu, swept.dev.dev, 7, &swept.vdevice));
	step(mock_unplug(swept.fd, &swept.dev));
	step(sweep_close_fd(swept.fd));
}

static void unplug(void)
{
	sweep(sweep_with_device, run_unplug);
}

/* Page faults */
static void run_faults(void)
{
	struct iommu_hwpt_pgfault fault = {};

	step(faults_alloc(swept.fd, &swept.events));
	step(hwpt_with_faults(swept.fd, swept.dev.dev, swept.ioas, 0, swept.events.id, &swept.hwpt));
	step(mock_replace(swept.fd, &swept.dev, swept.hwpt));
	step(mock_fault(swept.fd, &swept.dev, 0, 1, BASE));
	step(events_read(&swept.events, &fault, sizeof(fault)));
	step(faults_answer(&swept.events, fault.cookie, IOMMUFD_PAGE_RESP_SUCCESS));
	step(mock_fault(swept.fd, &swept.dev, 0, 2, BASE));
	step(mock_replace(swept.fd, &swept.dev, swept.ioas2));
	step(iommu_destroy(swept.fd, swept.hwpt));
	step(sweep_close_fd(swept.events.fd));
	step(iommu_destroy(swept.fd, swept.events.id));
	step(sweep_close_fd(swept.fd));
}

static void faults(void)
{
	if (kernel_before(6, 2))
		tap_skip("no page faults on this kernel");
	sweep(sweep_with_device, run_faults);
}

static const struct test tests[] = {
	{ "spaces", spaces, 300 },
	{ "map", map, 300 },
	{ "map_huge", map_huge, 300 },
	{ "map_file", map_file, 300 },
	{ "map_huge_file", map_huge_file, 300 },
	{ "other_process", other_process, 300 },
	{ "attach", attach, 300 },
	{ "info", info, 300 },
	{ "dirty", dirty, 300 },
	{ "nested", nested, 300 },
	{ "viommu", viommu, 300 },
	{ "hw_queue", hw_queue, 300 },
	{ "unplug", unplug, 300 },
	{ "faults", faults, 300 },
};

TAP_MAIN("sweep", tests)
