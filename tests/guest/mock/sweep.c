// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every call that can fail behind every ioctl fails once (lib/sweep.h): needs a test
 * build, and the mock for most of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/vfio.h>

#include "device.h"
#include "events.h"
#include "iommu.h"
#include "mem.h"
#include "mock.h"
#include "sweep.h"
#include "tap.h"
#include "vfio_mock.h"

#define BASE	0x2000000ull	/* within the mock's aperture */
#define OTHER	0x4000000ull

/* One context; each sequence uses what it needs. */
static struct {
	int fd;
	uint32_t ioas, ioas2;
	uint32_t hwpt, parent, nested, viommu, vdevice, queue;
	struct mem m;
	struct mock dev;
	struct events events;
	struct device door;
	struct vfio_mock node;
	int file;
} w;

static void bare(void)
{
	w.fd = iommu_open();
	mem_get(&w.m, MEM_ANON, 32 * PAGE);
	mem_fill(w.m.va, w.m.size, 1);
}

static void two_spaces(void)
{
	bare();
	w.ioas = ioas_new(w.fd);
	w.ioas2 = ioas_new(w.fd);
}

static void mocked(void)
{
	two_spaces();
	close(w.fd);
	w.fd = mock_open();
	w.ioas = ioas_new(w.fd);
	w.ioas2 = ioas_new(w.fd);
}

static void with_device(void)
{
	mocked();
	require_ok(mock_device(w.fd, w.ioas, 0, &w.dev));
}

static void with_pasids(void)
{
	mocked();
	require_ok(mock_device(w.fd, w.ioas, MOCK_FLAGS_DEVICE_PASID, &w.dev));
}

static int close_fd(int fd)
{
	return close(fd) ? -errno : 0;
}

/* Address spaces without a device */
static void run_spaces(void)
{
	struct iommu_iova_range ranges[4] = { { BASE, BASE + 64 * MIB - 1 } };
	uint64_t align, iova = 0, copied = 0, value;
	uint32_t n = 4;

	w.fd = -1;
	step((w.fd = open("/dev/iommu", O_RDWR | O_CLOEXEC)) < 0 ? -errno : 0);
	step(ioas_alloc(w.fd, &w.ioas));
	step(ioas_alloc(w.fd, &w.ioas2));
	step(ioas_allow(w.fd, w.ioas, ranges, 1));
	step(ioas_ranges(w.fd, w.ioas, ranges, &n, &align));
	step(option_set(w.fd, IOMMU_OPTION_HUGE_PAGES, w.ioas, 0));
	step(option_get(w.fd, IOMMU_OPTION_HUGE_PAGES, w.ioas, &value));
	step(option_get(w.fd, IOMMU_OPTION_RLIMIT_MODE, 0, &value));
	step(ioas_map(w.fd, w.ioas, MAP_RW, w.m.va, 8 * PAGE, &iova));
	step(ioas_map_at(w.fd, w.ioas, w.m.va, 8 * PAGE, BASE + 32 * MIB));
	step(ioas_copy(w.fd, w.ioas2, w.ioas, MAP_RW, iova, 4 * PAGE, &copied));
	step_or(ioas_unmap(w.fd, w.ioas, iova, 8 * PAGE, NULL), -ENOENT);
	step(iommu_destroy(w.fd, w.ioas));
	step(close_fd(w.fd));
}

static void spaces(void)
{
	sweep(bare, run_spaces);
}

/* Mappings that a page table has, of memory in pieces, and the table's own memory */
static void run_map(void)
{
	struct iommu_iova_range hole = { BASE, BASE + GIB - 1 };
	uint64_t iova = 0, copied = OTHER;

	step(ioas_allow(w.fd, w.ioas, &hole, 1));
	step(ioas_map(w.fd, w.ioas, MAP_RW, w.m.va, w.m.size, &iova));
	step(ioas_map(w.fd, w.ioas, MAP_R, w.m.va + 2048, 2048, &iova));
	step(ioas_copy(w.fd, w.ioas, w.ioas, MAP_R | MAP_FIX, iova, 2048, &copied));
	step(ioas_map_at(w.fd, w.ioas, w.m.va, w.m.size, OTHER + 64 * MIB));
	step_or(ioas_unmap(w.fd, w.ioas, OTHER + 64 * MIB, w.m.size, NULL), -ENOENT);
	step_or(ioas_unmap(w.fd, w.ioas, 0, UINT64_MAX, NULL), -ENOENT);
	step(close_fd(w.fd));
}

static void map(void)
{
	sweep(with_device, run_map);
}

static void with_huge(void)
{
	with_device();
	mem_get(&w.m, MEM_HUGETLB, 2 * HUGE);
}

static void map_huge(void)
{
	sweep(with_huge, run_map);
}

static void with_file(void)
{
	with_device();
	mem_get(&w.m, MEM_MEMFD, 32 * PAGE);
}

static void with_huge_file(void)
{
	with_device();
	mem_get(&w.m, MEM_MEMFD_HUGE, 2 * HUGE);
}

static void run_file(void)
{
	uint64_t iova = 0, again = 0;

	step(ioas_map_file(w.fd, w.ioas2, MAP_RW, w.m.fd, 0, w.m.size, &again));
	step(ioas_map_file(w.fd, w.ioas, MAP_RW, w.m.fd, PAGE, w.m.size - PAGE, &iova));
	step(ioas_copy(w.fd, w.ioas, w.ioas2, MAP_RW, again, w.m.size, &iova));
	step_or(ioas_unmap(w.fd, w.ioas, iova, w.m.size, NULL), -ENOENT);
	step(close_fd(w.fd));
}

static void map_file(void)
{
	sweep(with_file, run_file);
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

	mocked();
	require(!pipe(ready));
	pid = fork();
	require(pid >= 0);
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		status = ioas_map_at(w.fd, w.ioas, w.m.va, w.m.size, BASE);
		if (write(ready[1], status ? "n" : "y", 1) == 1)
			pause();
		_exit(1);
	}
	require(read(ready[0], &c, 1) == 1 && c == 'y');
	w.file = pid;
}

static void run_remote(void)
{
	step(mock_device(w.fd, w.ioas, 0, &w.dev));
	step(mock_replace(w.fd, &w.dev, w.ioas2));
	step(mock_replace(w.fd, &w.dev, w.ioas));
	kill(w.file, SIGKILL);
	waitpid(w.file, NULL, 0);
	step(close_fd(w.fd));
}

static void other_process(void)
{
	sweep(remote, run_remote);
}

/* Devices come to filled spaces, move and leave. */
static void filled(void)
{
	uint64_t iova = OTHER;

	mocked();
	require_ok(ioas_map_at(w.fd, w.ioas, w.m.va, w.m.size, BASE));
	require_ok(ioas_map_at(w.fd, w.ioas2, w.m.va, w.m.size, BASE));
	require_ok(ioas_copy(w.fd, w.ioas2, w.ioas, MAP_R | MAP_FIX, BASE, PAGE, &iova));
}

static void run_attach(void)
{
	struct mock second;

	step(mock_device(w.fd, w.ioas, 0, &w.dev));
	step(mock_device(w.fd, w.ioas, 0, &second));
	step(mock_replace(w.fd, &w.dev, w.ioas2));
	step(hwpt_alloc(w.fd, w.dev.dev, w.ioas2, 0, &w.hwpt));
	step(mock_replace(w.fd, &second, w.hwpt));
	step(mock_replace(w.fd, &w.dev, w.hwpt));
	step(mock_replace(w.fd, &w.dev, w.ioas));
	step(mock_unplug(w.fd, &second));
	step(iommu_destroy(w.fd, w.hwpt));
	step(mock_unplug(w.fd, &w.dev));
	step(close_fd(w.fd));
}

static void attach(void)
{
	sweep(filled, run_attach);
}

static void run_info(void)
{
	struct iommu_test_hw_info data;
	struct iommu_hw_info info = {};

	step(hw_info(w.fd, w.dev.dev, &data, sizeof(data), &info));
	info = (struct iommu_hw_info) {};
	step(hw_info(w.fd, w.dev.dev, &data, 4, &info));
	step(close_fd(w.fd));
}

static void info(void)
{
	sweep(with_device, run_info);
}

/* Dirty pages */
static int dirty_track(uint32_t flags)
{
	struct iommu_hwpt_set_dirty_tracking c = {
		.size = sizeof(c), .flags = flags, .hwpt_id = w.hwpt,
	};

	return iommu_ioctl(w.fd, IOMMU_HWPT_SET_DIRTY_TRACKING, &c);
}

static int dirty_read(uint64_t length, void *bitmap)
{
	struct iommu_hwpt_get_dirty_bitmap c = {
		.size = sizeof(c), .hwpt_id = w.hwpt, .iova = BASE, .length = length,
		.page_size = PAGE, .data = (uintptr_t)bitmap,
	};

	return iommu_ioctl(w.fd, IOMMU_HWPT_GET_DIRTY_BITMAP, &c);
}

static int dirty_make(uint64_t *bits)
{
	struct iommu_test_cmd cmd = {
		.dirty = { .iova = BASE, .length = 32 * PAGE, .page_size = PAGE,
			   .uptr = (uintptr_t)bits },
	};

	return mock_cmd(w.fd, IOMMU_TEST_OP_DIRTY, w.hwpt, &cmd);
}

static void run_dirty(void)
{
	static _Alignas(PAGE) char bits[2 * PAGE];
	uint64_t some = 0x5a5a;

	step(hwpt_alloc(w.fd, w.dev.dev, w.ioas, IOMMU_HWPT_ALLOC_DIRTY_TRACKING, &w.hwpt));
	step(mock_replace(w.fd, &w.dev, w.hwpt));
	step(dirty_track(IOMMU_HWPT_DIRTY_TRACKING_ENABLE));
	step(ioas_map_at(w.fd, w.ioas, w.m.va, w.m.size, BASE));
	step(dirty_make(&some));
	step(dirty_read(32 * PAGE, bits));
	step(dirty_read(32 * PAGE, bits + PAGE - 2));	/* on two pages */
	step(dirty_track(0));
	step(close_fd(w.fd));
}

static void dirty(void)
{
	sweep(with_device, run_dirty);
}

/* Nested page tables, with and without a vIOMMU */
static int invalidate(uint32_t id)
{
	struct iommu_hwpt_invalidate_selftest reqs[3] = {
		{ .iotlb_id = 1 }, { .iotlb_id = 2 },
		{ .flags = IOMMU_TEST_INVALIDATE_FLAG_ALL },
	};
	uint32_t n = 3;

	return mock_invalidate(w.fd, id, reqs, sizeof(reqs[0]), &n);
}

static void run_nested(void)
{
	step(hwpt_alloc(w.fd, w.dev.dev, w.ioas, IOMMU_HWPT_ALLOC_NEST_PARENT, &w.parent));
	step(mock_hwpt_nested(w.fd, w.dev.dev, w.parent, 0, &w.nested));
	step(mock_replace(w.fd, &w.dev, w.nested));
	step(ioas_map_at(w.fd, w.ioas, w.m.va, w.m.size, BASE));
	step(invalidate(w.nested));
	step(mock_replace(w.fd, &w.dev, w.ioas));
	step(iommu_destroy(w.fd, w.nested));
	step(iommu_destroy(w.fd, w.parent));
	step(close_fd(w.fd));
}

static void nested(void)
{
	sweep(with_device, run_nested);
}

static int map_window(const struct iommu_viommu_selftest *data)
{
	void *p = mmap(NULL, data->out_mmap_length, PROT_READ | PROT_WRITE, MAP_SHARED,
		       w.fd, data->out_mmap_offset);

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

	step(hwpt_alloc(w.fd, w.dev.dev, w.ioas, IOMMU_HWPT_ALLOC_NEST_PARENT, &w.parent));
	step(mock_viommu(w.fd, w.dev.dev, w.parent, &data, &w.viommu));
	step(map_window(&data));
	step(mock_vdevice(w.fd, w.viommu, w.dev.dev, 7, &w.vdevice));
	step(mock_hwpt_nested(w.fd, w.dev.dev, w.viommu, 0, &w.nested));
	step(mock_replace(w.fd, &w.dev, w.nested));
	step(mock_invalidate(w.fd, w.viommu, reqs, sizeof(reqs[0]), &n));
	step(veventq_alloc(w.fd, w.viommu, 4, &w.events));
	step(mock_event(w.fd, &w.dev));
	step(events_read(&w.events, event, sizeof(event)));
	step(close_fd(w.events.fd));
	step(iommu_destroy(w.fd, w.events.id));
	step(mock_replace(w.fd, &w.dev, w.ioas));
	step(iommu_destroy(w.fd, w.nested));
	step(iommu_destroy(w.fd, w.vdevice));
	step(iommu_destroy(w.fd, w.viommu));
	step(close_fd(w.fd));
}

static void viommu(void)
{
	sweep(with_device, run_viommu);
}

static void run_hw_queue(void)
{
	step(hwpt_alloc(w.fd, w.dev.dev, w.ioas, IOMMU_HWPT_ALLOC_NEST_PARENT, &w.parent));
	step(mock_viommu(w.fd, w.dev.dev, w.parent, NULL, &w.viommu));
	step(ioas_map_at(w.fd, w.ioas, w.m.va, w.m.size, BASE));
	step(mock_hw_queue(w.fd, w.viommu, 0, BASE, PAGE, &w.queue));
	step(mock_hw_queue(w.fd, w.viommu, 1, BASE + PAGE, PAGE, &w.vdevice));
	step(iommu_destroy(w.fd, w.vdevice));
	step(iommu_destroy(w.fd, w.queue));
	step(close_fd(w.fd));
}

static void hw_queue(void)
{
	sweep(with_device, run_hw_queue);
}

/* A device unplugged while it is a vIOMMU's */
static void run_unplug(void)
{
	step(hwpt_alloc(w.fd, w.dev.dev, w.ioas, IOMMU_HWPT_ALLOC_NEST_PARENT, &w.parent));
	step(mock_viommu(w.fd, w.dev.dev, w.parent, NULL, &w.viommu));
	step(mock_vdevice(w.fd, w.viommu, w.dev.dev, 7, &w.vdevice));
	step(mock_unplug(w.fd, &w.dev));
	step(close_fd(w.fd));
}

static void unplug(void)
{
	sweep(with_device, run_unplug);
}

/* Page faults */
static void run_faults(void)
{
	struct iommu_hwpt_pgfault fault = {};

	step(faults_alloc(w.fd, &w.events));
	step(hwpt_with_faults(w.fd, w.dev.dev, w.ioas, 0, w.events.id, &w.hwpt));
	step(mock_replace(w.fd, &w.dev, w.hwpt));
	step(mock_fault(w.fd, &w.dev, 0, 1, BASE));
	step(events_read(&w.events, &fault, sizeof(fault)));
	step(faults_answer(&w.events, fault.cookie, IOMMUFD_PAGE_RESP_SUCCESS));
	step(mock_fault(w.fd, &w.dev, 0, 2, BASE));
	step(mock_replace(w.fd, &w.dev, w.ioas2));
	step(iommu_destroy(w.fd, w.hwpt));
	step(close_fd(w.events.fd));
	step(iommu_destroy(w.fd, w.events.id));
	step(close_fd(w.fd));
}

static void faults(void)
{
	if (kernel_before(6, 2))
		tap_skip("no page faults on this kernel");
	sweep(with_device, run_faults);
}

/* PASIDs */
static void run_pasids(void)
{
	step(ioas_map_at(w.fd, w.ioas2, w.m.va, w.m.size, BASE));
	step(hwpt_alloc(w.fd, w.dev.dev, w.ioas, IOMMU_HWPT_ALLOC_PASID, &w.hwpt));
	step(hwpt_alloc(w.fd, w.dev.dev, w.ioas2, IOMMU_HWPT_ALLOC_PASID, &w.parent));
	step(mock_replace(w.fd, &w.dev, w.hwpt));
	step(mock_pasid_attach(w.fd, &w.dev, 5, w.hwpt));
	step(mock_pasid_attach(w.fd, &w.dev, 6, w.parent));
	step(mock_pasid_replace(w.fd, &w.dev, 5, w.parent));
	step(mock_pasid_detach(w.fd, &w.dev, 6));
	step(mock_pasid_detach(w.fd, &w.dev, 5));
	step(close_fd(w.fd));
}

static void pasids(void)
{
	if (kernel_before(6, 2))
		tap_skip("no PASIDs on this kernel");
	sweep(with_pasids, run_pasids);
}

/* Drivers that reach mapped memory themselves, by the mock's commands */
static int access_get(int *fd)
{
	struct iommu_test_cmd cmd = {
		.create_access.flags = MOCK_FLAGS_ACCESS_CREATE_NEEDS_PIN_PAGES,
	};
	int rc = mock_cmd(w.fd, IOMMU_TEST_OP_CREATE_ACCESS, w.ioas, &cmd);

	if (rc >= 0)
		*fd = cmd.create_access.out_access_fd;
	return rc < 0 ? rc : 0;
}

static int access_pin(int fd, uint32_t *id)
{
	struct iommu_test_cmd cmd = {
		.access_pages = { .flags = MOCK_FLAGS_ACCESS_WRITE, .iova = BASE,
				  .length = 20 * PAGE },
	};
	int rc = mock_cmd(w.fd, IOMMU_TEST_OP_ACCESS_PAGES, fd, &cmd);

	if (!rc)
		*id = cmd.access_pages.out_access_pages_id;
	return rc;
}

static int access_unpin(int fd, uint32_t id)
{
	struct iommu_test_cmd cmd = { .destroy_access_pages.access_pages_id = id };

	return mock_cmd(w.fd, IOMMU_TEST_OP_DESTROY_ACCESS_PAGES, fd, &cmd);
}

static int access_rw(int fd, void *buf, uint32_t flags)
{
	struct iommu_test_cmd cmd = {
		.access_rw = { .iova = BASE + 10, .length = 3 * PAGE,
			       .uptr = (uintptr_t)buf, .flags = flags },
	};

	return mock_cmd(w.fd, IOMMU_TEST_OP_ACCESS_RW, fd, &cmd);
}

static int access_move(int fd, uint32_t ioas)
{
	struct iommu_test_cmd cmd = { .access_replace_ioas.ioas_id = ioas };

	return mock_cmd(w.fd, IOMMU_TEST_OP_ACCESS_REPLACE_IOAS, fd, &cmd);
}

static void run_access(void)
{
	static char buf[4 * PAGE];
	uint32_t pins = 0;
	int fd = -1;

	step(ioas_map_at(w.fd, w.ioas, w.m.va, w.m.size, BASE));
	step(access_get(&fd));
	step(access_pin(fd, &pins));
	step(access_rw(fd, buf, 0));
	step(access_rw(fd, buf, MOCK_ACCESS_RW_WRITE));
	step(access_rw(fd, buf, MOCK_ACCESS_RW_SLOW_PATH));
	step(access_unpin(fd, pins));
	step(access_pin(fd, &pins));
	step(access_move(fd, w.ioas2));
	step(close_fd(fd));
	step(close_fd(w.fd));
}

static void accesses(void)
{
	sweep(mocked, run_access);
}

/* DMA-bufs */
static int dmabuf_get(void)
{
	struct iommu_test_cmd cmd = {
		.dmabuf_get = { .length = 16 * PAGE, .open_flags = O_CLOEXEC },
	};
	int rc = mock_cmd(w.fd, IOMMU_TEST_OP_DMABUF_GET, 0, &cmd);

	if (rc >= 0)
		w.file = rc;
	return rc;
}

static int dmabuf_revoke(bool revoked)
{
	struct iommu_test_cmd cmd = {
		.dmabuf_revoke = { .dmabuf_fd = w.file, .revoked = revoked },
	};

	return mock_cmd(w.fd, IOMMU_TEST_OP_DMABUF_REVOKE, 0, &cmd);
}

static void run_dmabuf(void)
{
	uint64_t iova = 0;

	step(dmabuf_get());
	step(ioas_map_file(w.fd, w.ioas, MAP_RW, w.file, 0, 16 * PAGE, &iova));
	step(mock_replace(w.fd, &w.dev, w.ioas2));
	step(mock_replace(w.fd, &w.dev, w.ioas));
	step(dmabuf_revoke(true));
	step(dmabuf_revoke(false));
	step_or(ioas_unmap(w.fd, w.ioas, iova, 16 * PAGE, NULL), -ENOENT);
	step(close_fd(w.file));
	step(close_fd(w.fd));
}

static void dmabuf(void)
{
	sweep(with_device, run_dmabuf);
}

/* VFIO's type1 ioctls */
static int vfio_ioas(uint16_t op, uint32_t ioas)
{
	struct iommu_vfio_ioas c = { .size = sizeof(c), .op = op, .ioas_id = ioas };

	return iommu_ioctl(w.fd, IOMMU_VFIO_IOAS, &c);
}

static int type1_map(uint64_t iova)
{
	struct vfio_iommu_type1_dma_map c = {
		.argsz = sizeof(c), .flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)w.m.va, .iova = iova, .size = w.m.size,
	};

	return iommu_ioctl(w.fd, VFIO_IOMMU_MAP_DMA, &c);
}

static int type1_unmap(uint64_t iova, uint64_t size)
{
	struct vfio_iommu_type1_dma_unmap c = {
		.argsz = sizeof(c), .iova = iova, .size = size,
	};

	return iommu_ioctl(w.fd, VFIO_IOMMU_UNMAP_DMA, &c);
}

static int type1_info(void)
{
	union {
		struct vfio_iommu_type1_info info;
		char room[1024];
	} c = { .info.argsz = sizeof(c) };

	return iommu_ioctl(w.fd, VFIO_IOMMU_GET_INFO, &c);
}

static void run_type1(void)
{
	step(vfio_ioas(IOMMU_VFIO_IOAS_SET, w.ioas));
	step(vfio_ioas(IOMMU_VFIO_IOAS_GET, 0));
	step(ioctl(w.fd, VFIO_SET_IOMMU, VFIO_TYPE1_IOMMU) ? -errno : 0);
	step(type1_info());
	step(type1_map(BASE));
	step(type1_map(OTHER));
	step(type1_unmap(BASE, 4 * PAGE));
	step(type1_unmap(BASE + 8 * PAGE, 2 * PAGE));
	step_or(type1_unmap(OTHER, w.m.size), -ENOENT);
	step(vfio_ioas(IOMMU_VFIO_IOAS_CLEAR, 0));
	step(close_fd(w.fd));
}

static void type1(void)
{
	sweep(with_device, run_type1);
}

/* Another process takes over the charge for a file's pages. */
static void for_heir(void)
{
	uint64_t iova = BASE, more = OTHER;
	int status, pid;

	with_file();
	pid = fork();
	require(pid >= 0);
	if (!pid) {
		if (ioas_map_file(w.fd, w.ioas, MAP_RW | MAP_FIX, w.m.fd, 0, w.m.size, &iova) ||
		    ioas_map_file(w.fd, w.ioas, MAP_RW | MAP_FIX, w.m.fd, 0, PAGE, &more))
			_exit(1);
		_exit(0);
	}
	require(waitpid(pid, &status, 0) == pid && !status);
}

static void run_heir(void)
{
	step(ioas_change_process(w.fd));
	step(ioas_change_process(w.fd));
	step(close_fd(w.fd));
}

static void heir(void)
{
	sweep(for_heir, run_heir);
}

/* Device nodes */
static void with_door(void)
{
	const char *bdf = device_find("edu", 0);

	if (!bdf)
		tap_skip("no edu device");
	two_spaces();
	require_ok(ioas_map_at(w.fd, w.ioas, w.m.va, w.m.size, BASE));
	w.door = (struct device) { .fd = -1 };
}

static void run_door(void)
{
	const char *bdf = device_find("edu", 0);
	struct iommu_hw_info info = {};
	uint32_t pt = w.ioas;
	char data[64];

	step(device_open(&w.door, bdf));
	step(device_bind(&w.door, w.fd));
	step(hw_info(w.fd, w.door.id, data, sizeof(data), &info));
	step(device_attach_out(&w.door, &pt));
	step(device_attach(&w.door, w.ioas2));
	step(hwpt_alloc(w.fd, w.door.id, w.ioas, 0, &w.hwpt));
	step(device_attach(&w.door, w.hwpt));
	step(device_detach(&w.door));
	step(close_fd(w.door.fd));
	step(close_fd(w.fd));
}

static void door(void)
{
	sweep(with_door, run_door);
}

/* The same with a device that has PASIDs and can be migrated, behind the mock IOMMU. */
static void with_node(void)
{
	struct vfio_mock_make make = { .flags = MOCK_FLAGS_DEVICE_PASID, .beside = -1 };
	struct vfio_mock_behave behave = { .mig_flags = VFIO_MIGRATION_STOP_COPY };

	mocked();
	require_ok(ioas_map_at(w.fd, w.ioas, w.m.va, w.m.size, BASE));
	require_ok(vfio_mock_make(&w.node, &make));
	vfio_mock_behave(&w.node, &behave);
}

static int node_pasid(uint32_t pasid, uint32_t pt)
{
	struct cdev_attach arg = {
		.argsz = sizeof(arg), .flags = 1, .pt_id = pt, .pasid = pasid,
	};

	if (kernel_before(6, 12))
		return 0;
	return iommu_ioctl(w.node.dev.fd, CDEV_ATTACH, &arg);
}

static int node_feature(uint32_t flags, uint32_t state, int *file)
{
	struct { struct vfio_device_feature f; uint32_t state; int file; } arg = {
		.f = { .argsz = sizeof(arg), .flags = flags }, .state = state,
	};
	int ret = iommu_ioctl(w.node.dev.fd, VFIO_DEVICE_FEATURE, &arg);

	if (file)
		*file = arg.file;
	return ret;
}

static void run_node(void)
{
	const uint32_t get = VFIO_DEVICE_FEATURE_GET, set = VFIO_DEVICE_FEATURE_SET;
	struct vfio_region_info info = { .argsz = sizeof(info) };
	int file;

	step(vfio_mock_open(&w.node));
	step(device_bind(&w.node.dev, w.fd));
	step(hwpt_alloc(w.fd, w.node.dev.id, w.ioas, IOMMU_HWPT_ALLOC_PASID, &w.hwpt));
	step(device_attach(&w.node.dev, w.hwpt));
	step(node_pasid(5, w.hwpt));
	step(node_pasid(5, w.hwpt));
	step(node_feature(get | VFIO_DEVICE_FEATURE_MIGRATION, 0, NULL));
	step(node_feature(get | VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE, 0, NULL));
	step(node_feature(set | VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE,
			  VFIO_DEVICE_STATE_STOP_COPY, &file));
	step(close_fd(file));
	step(iommu_ioctl(w.node.dev.fd, VFIO_DEVICE_GET_REGION_INFO, &info));
	step(close_fd(w.node.dev.fd));
	step(close_fd(w.fd));
}

static void node(void)
{
	sweep(with_node, run_node);
}

/* Last: what no sequence before it has reached, to be looked at. */
static void sites(void)
{
	sweep_sites();
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
	{ "pasids", pasids, 300 },
	{ "access", accesses, 300 },
	{ "dmabuf", dmabuf, 300 },
	{ "type1", type1, 300 },
	{ "heir", heir, 300 },
	{ "door", door, 300 },
	{ "node", node, 300 },
	{ "sites", sites },
};

TAP_MAIN("sweep", tests)
