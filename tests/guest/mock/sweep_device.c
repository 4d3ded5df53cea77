// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every call that can fail behind PASIDs, access objects, DMA-bufs, type1 and device
 * nodes fails once; what was asked then fails without a leak, or passes.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/vfio.h>

#include "device.h"
#include "events.h"
#include "iommu.h"
#include "mem.h"
#include "mock.h"
#include "sweep.h"
#include "sweep_scene.h"
#include "tap.h"
#include "vfio_mock.h"

static void with_pasids(void)
{
	sweep_mocked();
	require_ok(mock_device(swept.fd, swept.ioas, MOCK_FLAGS_DEVICE_PASID, &swept.dev));
}

/* PASIDs */
static void run_pasids(void)
{
	step(ioas_map_at(swept.fd, swept.ioas2, swept.m.va, swept.m.size, BASE));
	step(hwpt_alloc(swept.fd, swept.dev.dev, swept.ioas, IOMMU_HWPT_ALLOC_PASID, &swept.hwpt));
	step(hwpt_alloc(swept.fd, swept.dev.dev, swept.ioas2, IOMMU_HWPT_ALLOC_PASID, &swept.parent));
	step(mock_replace(swept.fd, &swept.dev, swept.hwpt));
	step(mock_pasid_attach(swept.fd, &swept.dev, 5, swept.hwpt));
	step(mock_pasid_attach(swept.fd, &swept.dev, 6, swept.parent));
	step(mock_pasid_replace(swept.fd, &swept.dev, 5, swept.parent));
	step(mock_pasid_detach(swept.fd, &swept.dev, 6));
	step(mock_pasid_detach(swept.fd, &swept.dev, 5));
	step(sweep_close_fd(swept.fd));
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
	int rc = mock_cmd(swept.fd, IOMMU_TEST_OP_CREATE_ACCESS, swept.ioas, &cmd);

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
	int rc = mock_cmd(swept.fd, IOMMU_TEST_OP_ACCESS_PAGES, fd, &cmd);

	if (!rc)
		*id = cmd.access_pages.out_access_pages_id;
	return rc;
}

static int access_unpin(int fd, uint32_t id)
{
	struct iommu_test_cmd cmd = { .destroy_access_pages.access_pages_id = id };

	return mock_cmd(swept.fd, IOMMU_TEST_OP_DESTROY_ACCESS_PAGES, fd, &cmd);
}

static int access_rw(int fd, void *buf, uint32_t flags)
{
	struct iommu_test_cmd cmd = {
		.access_rw = { .iova = BASE + 10, .length = 3 * PAGE,
			       .uptr = (uintptr_t)buf, .flags = flags },
	};

	return mock_cmd(swept.fd, IOMMU_TEST_OP_ACCESS_RW, fd, &cmd);
}

static int access_move(int fd, uint32_t ioas)
{
	struct iommu_test_cmd cmd = { .access_replace_ioas.ioas_id = ioas };

	return mock_cmd(swept.fd, IOMMU_TEST_OP_ACCESS_REPLACE_IOAS, fd, &cmd);
}

static void run_access(void)
{
	static char buf[4 * PAGE];
	uint32_t pins = 0;
	int fd = -1;

	step(ioas_map_at(swept.fd, swept.ioas, swept.m.va, swept.m.size, BASE));
	step(access_get(&fd));
	step(access_pin(fd, &pins));
	step(access_rw(fd, buf, 0));
	step(access_rw(fd, buf, MOCK_ACCESS_RW_WRITE));
	step(access_rw(fd, buf, MOCK_ACCESS_RW_SLOW_PATH));
	step(access_unpin(fd, pins));
	step(access_pin(fd, &pins));
	step(access_move(fd, swept.ioas2));
	step(sweep_close_fd(fd));
	step(sweep_close_fd(swept.fd));
}

static void accesses(void)
{
	sweep(sweep_mocked, run_access);
}

/* DMA-bufs */
static int dmabuf_get(void)
{
	struct iommu_test_cmd cmd = {
		.dmabuf_get = { .length = 16 * PAGE, .open_flags = O_CLOEXEC },
	};
	int rc = mock_cmd(swept.fd, IOMMU_TEST_OP_DMABUF_GET, 0, &cmd);

	if (rc >= 0)
		swept.file = rc;
	return rc;
}

static int dmabuf_revoke(bool revoked)
{
	struct iommu_test_cmd cmd = {
		.dmabuf_revoke = { .dmabuf_fd = swept.file, .revoked = revoked },
	};

	return mock_cmd(swept.fd, IOMMU_TEST_OP_DMABUF_REVOKE, 0, &cmd);
}

static void run_dmabuf(void)
{
	uint64_t iova = 0;

	step(dmabuf_get());
	step(ioas_map_file(swept.fd, swept.ioas, MAP_RW, swept.file, 0, 16 * PAGE, &iova));
	step(mock_replace(swept.fd, &swept.dev, swept.ioas2));
	step(mock_replace(swept.fd, &swept.dev, swept.ioas));
	step(dmabuf_revoke(true));
	step(dmabuf_revoke(false));
	step_or(ioas_unmap(swept.fd, swept.ioas, iova, 16 * PAGE, NULL), -ENOENT);
	step(sweep_close_fd(swept.file));
	step(sweep_close_fd(swept.fd));
}

static void dmabuf(void)
{
	sweep(sweep_with_device, run_dmabuf);
}

/* VFIO's type1 ioctls */
static int vfio_ioas(uint16_t op, uint32_t ioas)
{
	struct iommu_vfio_ioas c = { .size = sizeof(c), .op = op, .ioas_id = ioas };

	return iommu_ioctl(swept.fd, IOMMU_VFIO_IOAS, &c);
}

static int type1_map(uint64_t iova)
{
	struct vfio_iommu_type1_dma_map c = {
		.argsz = sizeof(c), .flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)swept.m.va, .iova = iova, .size = swept.m.size,
	};

	return iommu_ioctl(swept.fd, VFIO_IOMMU_MAP_DMA, &c);
}

static int type1_unmap(uint64_t iova, uint64_t size)
{
	struct vfio_iommu_type1_dma_unmap c = {
		.argsz = sizeof(c), .iova = iova, .size = size,
	};

	return iommu_ioctl(swept.fd, VFIO_IOMMU_UNMAP_DMA, &c);
}

static int type1_info(void)
{
	union {
		struct vfio_iommu_type1_info info;
		char room[1024];
	} c = { .info.argsz = sizeof(c) };

	return iommu_ioctl(swept.fd, VFIO_IOMMU_GET_INFO, &c);
}

static void run_type1(void)
{
	step(vfio_ioas(IOMMU_VFIO_IOAS_SET, swept.ioas));
	step(vfio_ioas(IOMMU_VFIO_IOAS_GET, 0));
	step(ioctl(swept.fd, VFIO_SET_IOMMU, VFIO_TYPE1_IOMMU) ? -errno : 0);
	step(type1_info());
	step(type1_map(BASE));
	step(type1_map(OTHER));
	step(type1_unmap(BASE, 4 * PAGE));
	step(type1_unmap(BASE + 8 * PAGE, 2 * PAGE));
	step_or(type1_unmap(OTHER, swept.m.size), -ENOENT);
	step(vfio_ioas(IOMMU_VFIO_IOAS_CLEAR, 0));
	step(sweep_close_fd(swept.fd));
}

static void type1(void)
{
	sweep(sweep_with_device, run_type1);
}

/* Another process takes over the charge for a file's pages. */
static void for_heir(void)
{
	uint64_t iova = BASE, more = OTHER;
	int status, pid;

	sweep_with_file();
	pid = fork();
	require(pid >= 0);
	if (!pid) {
		if (ioas_map_file(swept.fd, swept.ioas, MAP_RW | MAP_FIX, swept.m.fd, 0, swept.m.size, &iova) ||
		    ioas_map_file(swept.fd, swept.ioas, MAP_RW | MAP_FIX, swept.m.fd, 0, PAGE, &more))
			_exit(1);
		_exit(0);
	}
	require(waitpid(pid, &status, 0) == pid && !status);
}

static void run_heir(void)
{
	step(ioas_change_process(swept.fd));
	step(ioas_change_process(swept.fd));
	step(sweep_close_fd(swept.fd));
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
	sweep_two_spaces();
	require_ok(ioas_map_at(swept.fd, swept.ioas, swept.m.va, swept.m.size, BASE));
	swept.door = (struct device) { .fd = -1 };
}

static void run_door(void)
{
	const char *bdf = device_find("edu", 0);
	struct iommu_hw_info info = {};
	uint32_t pt = swept.ioas;
	char data[64];

	step(device_open(&swept.door, bdf));
	step(device_bind(&swept.door, swept.fd));
	step(hw_info(swept.fd, swept.door.id, data, sizeof(data), &info));
	step(device_attach_out(&swept.door, &pt));
	step(device_attach(&swept.door, swept.ioas2));
	step(hwpt_alloc(swept.fd, swept.door.id, swept.ioas, 0, &swept.hwpt));
	step(device_attach(&swept.door, swept.hwpt));
	step(device_detach(&swept.door));
	step(sweep_close_fd(swept.door.fd));
	step(sweep_close_fd(swept.fd));
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

	sweep_mocked();
	require_ok(ioas_map_at(swept.fd, swept.ioas, swept.m.va, swept.m.size, BASE));
	require_ok(vfio_mock_make(&swept.node, &make));
	vfio_mock_behave(&swept.node, &behave);
}

static int node_pasid(uint32_t pasid, uint32_t pt)
{
	struct cdev_attach arg = {
		.argsz = sizeof(arg), .flags = 1, .pt_id = pt, .pasid = pasid,
	};

	if (kernel_before(6, 12))
		return 0;
	return iommu_ioctl(swept.node.dev.fd, CDEV_ATTACH, &arg);
}

static int node_feature(uint32_t flags, uint32_t state, int *file)
{
	struct { struct vfio_device_feature f; uint32_t state; int file; } arg = {
		.f = { .argsz = sizeof(arg), .flags = flags }, .state = state,
	};
	int ret = iommu_ioctl(swept.node.dev.fd, VFIO_DEVICE_FEATURE, &arg);

	if (file)
		*file = arg.file;
	return ret;
}

static void run_node(void)
{
	const uint32_t get = VFIO_DEVICE_FEATURE_GET, set = VFIO_DEVICE_FEATURE_SET;
	struct vfio_region_info info = { .argsz = sizeof(info) };
	int file;

	step(vfio_mock_open(&swept.node));
	step(device_bind(&swept.node.dev, swept.fd));
	step(hwpt_alloc(swept.fd, swept.node.dev.id, swept.ioas, IOMMU_HWPT_ALLOC_PASID, &swept.hwpt));
	step(device_attach(&swept.node.dev, swept.hwpt));
	step(node_pasid(5, swept.hwpt));
	step(node_pasid(5, swept.hwpt));
	step(node_feature(get | VFIO_DEVICE_FEATURE_MIGRATION, 0, NULL));
	step(node_feature(get | VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE, 0, NULL));
	step(node_feature(set | VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE,
			  VFIO_DEVICE_STATE_STOP_COPY, &file));
	step(sweep_close_fd(file));
	step(iommu_ioctl(swept.node.dev.fd, VFIO_DEVICE_GET_REGION_INFO, &info));
	step(sweep_close_fd(swept.node.dev.fd));
	step(sweep_close_fd(swept.fd));
}

static void node(void)
{
	sweep(with_node, run_node);
}

/* Last: the sites that no sequence of both programs has reached, to be looked at. */
static void sites(void)
{
	sweep_sites();
}

static const struct test tests[] = {
	{ "pasids", pasids, 300 },
	{ "access", accesses, 300 },
	{ "dmabuf", dmabuf, 300 },
	{ "type1", type1, 300 },
	{ "heir", heir, 300 },
	{ "door", door, 300 },
	{ "node", node, 300 },
	{ "sites", sites },
};

TAP_MAIN("sweep_device", tests)
