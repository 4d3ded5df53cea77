// SPDX-License-Identifier: GPL-2.0-only
/*
 * DMA-bufs by IOAS_MAP_FILE: which ranges, where they can be reached, and what is
 * left of a mapping when its lender revokes it.  The lender is the mock; what a
 * device reaches is seen with a real one.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/udmabuf.h>
#include <linux/vfio.h>

#include "access.h"
#include "meters.h"
#include "mock.h"
#include "race.h"
#include "rig.h"
#include "tap.h"

#define PAGES	16ull
#define SIZE	(PAGES * PAGE)
#define BASE	RIG_BASE

/* A descriptor, or -errno. */
static int lend(int fd, uint32_t length)
{
	struct iommu_test_cmd cmd = {
		.dmabuf_get = { .length = length, .open_flags = O_CLOEXEC | O_RDWR },
	};

	return mock_cmd(fd, IOMMU_TEST_OP_DMABUF_GET, 0, &cmd);
}

static int lend_pages(int fd)
{
	int buf = lend(fd, SIZE);

	require(buf >= 0);
	return buf;
}

static int set_revoked(int fd, int buf, bool revoked)
{
	struct iommu_test_cmd cmd = {
		.dmabuf_revoke = { .dmabuf_fd = buf, .revoked = revoked },
	};

	return mock_cmd(fd, IOMMU_TEST_OP_DMABUF_REVOKE, 0, &cmd);
}

static int take_back(int fd, int buf)
{
	return set_revoked(fd, buf, true);
}

static int map_part(int fd, uint32_t ioas, int buf, uint64_t start, uint64_t length,
		    uint64_t iova)
{
	return ioas_map_file(fd, ioas, MAP_RW | MAP_FIX, buf, start, length, &iova);
}

static int map_at(int fd, uint32_t ioas, int buf, uint64_t iova)
{
	return map_part(fd, ioas, buf, 0, SIZE, iova);
}

static void ranges(void)
{
	uint64_t iova = 0;
	int fd = mock_open(), buf = lend_pages(fd);
	uint32_t ioas = ioas_new(fd);

	check_ret(map_part(fd, ioas, buf, 0, 0, BASE), -EINVAL);
	check_ret(map_part(fd, ioas, buf, SIZE, PAGE, BASE), -EINVAL);
	check_ret(map_part(fd, ioas, buf, SIZE, SIZE, BASE), -EINVAL);
	check_ret(map_part(fd, ioas, buf, 0, SIZE + 1, BASE), -EINVAL);
	check_ret(map_part(fd, ioas, buf, 1, SIZE, BASE), -EINVAL);
	check_ret(map_part(fd, ioas, buf, SIZE - 1, 2, BASE), -EINVAL);
	check_ret(map_part(fd, ioas, buf, 1ull << 62, PAGE, BASE), -EINVAL);
	check_ret(map_part(fd, ioas, buf, UINT64_MAX, 2, BASE), -EOVERFLOW);
	check_eq(ioas_unmap_all(fd, ioas), 0);
	check_ret(map_part(fd, ioas, buf, SIZE - 1, 1, BASE - 1), 0);
	check_ret(map_part(fd, ioas, buf, 5, 100, BASE), 0);
	check_ret(map_part(fd, ioas, buf, PAGE, SIZE - PAGE, BASE + PAGE), 0);
	check_ret(ioas_map_file(fd, ioas, MAP_RW, buf, 3 * PAGE + 16, 32, &iova), 0);
	check_eq(iova % PAGE, 16);
	check_ret(ioas_map_file(fd, ioas, MAP_R, buf, 0, SIZE, &iova), 0);
	check_eq(ioas_unmap_all(fd, ioas), 1 + 100 + SIZE - PAGE + 32 + SIZE);
}

/* Nothing is pinned or charged, and processes can't take it over. */
static void charge(void)
{
	long long pins = meters_pins();
	int fd = mock_open(), buf = lend_pages(fd);
	uint32_t ioas = ioas_new(fd);
	struct mock mock;

	require_ok(mock_device(fd, ioas, 0, &mock));
	require_ok(map_at(fd, ioas, buf, BASE));
	check_eq(meters_pins(), pins);
	check_eq(meters_vmpin(), 0);
	check_ret(ioas_change_process(fd), -EINVAL);
	close(buf);
	check_eq(ioas_unmap_all(fd, ioas), SIZE);
	check_ret(ioas_change_process(fd), 0);
}

/* What isn't a DMA-buf has its errnos still. */
static void no_dmabuf(void)
{
	int fd = mock_open();
	uint32_t ioas = ioas_new(fd);

	check_ret(map_at(fd, ioas, -1, BASE), -EBADF);
	check_ret(map_at(fd, ioas, 4000, BASE), -EBADF);
	if (!tap_oracle())
		check_ret(map_at(fd, ioas, fd, BASE), -EINVAL);
	check_ret(take_back(fd, fd), -EINVAL);
	check_ret(take_back(fd, -1), -EBADF);
	check_eq(ioas_unmap_all(fd, ioas), 0);
}

/* One whose lender doesn't say where it is. */
static void other_kind(void)
{
	struct udmabuf_create create = { .size = SIZE };
	int fd = mock_open(), maker, file, buf;
	uint32_t ioas = ioas_new(fd);

	maker = open("/dev/udmabuf", O_RDWR | O_CLOEXEC);
	if (maker < 0)
		tap_skip("no /dev/udmabuf to make another kind with");
	file = memfd_create("pages", MFD_ALLOW_SEALING);
	require(file >= 0 && !ftruncate(file, SIZE));
	require(!fcntl(file, F_ADD_SEALS, F_SEAL_SHRINK));
	create.memfd = file;
	buf = ioctl(maker, UDMABUF_CREATE, &create);
	require(buf >= 0);
	check_ret(map_at(fd, ioas, buf, BASE), -EOPNOTSUPP);
	check_ret(map_part(fd, ioas, buf, 0, 2 * SIZE, BASE), -EINVAL);
	check_ret(take_back(fd, buf), -EOPNOTSUPP);
	check_eq(ioas_unmap_all(fd, ioas), 0);
}

/* One page table, two, and one that comes later. */
static void revoked(void)
{
	uint64_t iova = BASE + MIB;
	int fd = mock_open(), buf = lend_pages(fd);
	uint32_t ioas = ioas_new(fd), other = ioas_new(fd), hwpt;
	struct mock a, b;

	require_ok(mock_device(fd, ioas, 0, &a));
	require_ok(mock_device(fd, ioas, 0, &b));
	require_ok(hwpt_alloc(fd, a.dev, ioas, 0, &hwpt));
	require_ok(map_at(fd, ioas, buf, BASE));
	require_ok(ioas_copy(fd, other, ioas, MAP_R | MAP_FIX, BASE, SIZE, &iova));
	require_ok(map_part(fd, ioas, buf, PAGE, PAGE, BASE + SIZE));
	check_ret(take_back(fd, buf), 0);
	check_ret(take_back(fd, buf), 0);
	check_ret(map_at(fd, ioas, buf, BASE + MIB), -ENODEV);
	/* What is revoked takes up its place, but can be filled and copied. */
	check_ret(map_part(fd, ioas, buf, 0, PAGE, BASE), -ENODEV);
	check_ret(mock_replace(fd, &a, hwpt), 0);
	check_ret(mock_replace(fd, &b, other), 0);
	check_ret(hwpt_alloc(fd, a.dev, ioas, 0, &hwpt), 0);
	check_ret(ioas_copy(fd, ioas, other, MAP_R | MAP_FIX, iova, SIZE, &iova), 0);
	check_ret(set_revoked(fd, buf, false), 0);
	check_ret(map_at(fd, other, buf, BASE), 0);
	check_ret(ioas_unmap(fd, ioas, BASE, SIZE, NULL), 0);
	check_ret(map_at(fd, ioas, buf, BASE), 0);
	check_eq(ioas_unmap_all(fd, ioas), 2 * SIZE + PAGE);
	check_ret(take_back(fd, buf), 0);
	check_ret(map_at(fd, ioas, buf, BASE), -ENODEV);
	close(buf);
	check_eq(ioas_unmap_all(fd, other), 2 * SIZE);
}

/* The end of an address space, of a context, and of the descriptor. */
static void ends(void)
{
	int fd = mock_open(), keep = mock_open(), buf = lend_pages(fd), other;
	uint32_t ioas = ioas_new(fd), left = ioas_new(fd);
	struct mock mock;

	other = fcntl(buf, F_DUPFD_CLOEXEC, 0);
	require_ok(mock_device(fd, ioas, 0, &mock));
	require_ok(map_at(fd, ioas, buf, BASE));
	require_ok(map_at(fd, left, buf, BASE));
	close(buf);
	require_ok(iommu_destroy(fd, left));
	require_ok(mock_unplug(fd, &mock));
	require_ok(iommu_destroy(fd, ioas));
	left = ioas_new(fd);
	require_ok(map_at(fd, left, other, BASE));
	close(fd);
	check_ret(take_back(keep, other), 0);
}

static void access_refused(void)
{
	struct access a;
	uint64_t pfns[4];
	uint8_t byte = 1;
	int fd = mock_open(), buf = lend_pages(fd);
	uint32_t ioas = ioas_new(fd);

	require_ok(map_at(fd, ioas, buf, BASE));
	access_get(&a, fd, ioas);
	check_ret(access_copy(&a, BASE, &byte, 1, 0), -EINVAL);
	check_ret(access_copy(&a, BASE, &byte, 1, WRITE), -EINVAL);
	check_ret(access_pin(&a, BASE, 4 * PAGE, 0, pfns), -EINVAL);
	check_ret(access_pin(&a, BASE, PAGE, WRITE, pfns), -EINVAL);
	check_eq(access_pins(&a), 0);
	check_ret(take_back(fd, buf), 0);
	check_ret(access_copy(&a, BASE, &byte, 1, 0), -EINVAL);
	check_eq(ioas_unmap_all(fd, ioas), SIZE);
}

/* A pin or a copy that begins in other memory and ends in this one */
static void access_half(void)
{
	struct access a;
	uint64_t pfns[4];
	struct mem m;
	int fd = mock_open(), buf = lend_pages(fd);
	uint32_t ioas = ioas_new(fd);
	long long pins = meters_pins();
	uint8_t bytes[64];

	mem_get(&m, MEM_ANON, PAGE);
	require_ok(map_at(fd, ioas, buf, BASE));
	require_ok(ioas_map_at(fd, ioas, m.va, PAGE, BASE - PAGE));
	access_get(&a, fd, ioas);
	check_ret(access_pin(&a, BASE - PAGE, 2 * PAGE, 0, pfns), -EINVAL);
	check_eq(access_pins(&a), 0);
	check_eq(meters_wait_pins(pins), pins);
	check_ret(access_copy(&a, BASE - 32, bytes, 64, 0), -EINVAL);
}

static void not_cut(void)
{
	struct iommu_vfio_ioas choose = { .size = sizeof(choose) };
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap), .iova = BASE + PAGE, .size = PAGE,
	};
	int fd = mock_open(), buf = lend_pages(fd);

	choose.ioas_id = ioas_new(fd);
	choose.op = IOMMU_VFIO_IOAS_SET;
	require_ok(iommu_ioctl(fd, IOMMU_VFIO_IOAS, &choose));
	require(!ioctl(fd, VFIO_SET_IOMMU, VFIO_TYPE1_IOMMU));
	require_ok(map_at(fd, choose.ioas_id, buf, BASE));
	check_ret(iommu_ioctl(fd, VFIO_IOMMU_UNMAP_DMA, &unmap), -EOPNOTSUPP);
	unmap.iova = BASE;
	unmap.size = SIZE;
	check_ret(iommu_ioctl(fd, VFIO_IOMMU_UNMAP_DMA, &unmap), 0);
	check_eq(unmap.size, SIZE);
}

/*
 * A device writes to the lent memory by one mapping, and reads it by another.
 * This context's device is real, another's is the mock's.
 */
static void reached(void)
{
	uint64_t part = BASE + 2 * MIB;
	struct mock mock;
	struct rig r;
	uint8_t want[64];
	uint32_t other;
	int fd = mock_open(), buf = lend_pages(fd);

	rig_up(&r);
	other = ioas_new(fd);
	require_ok(mock_device(fd, other, 0, &mock));
	require_ok(map_at(fd, other, buf, BASE));
	require_ok(map_at(r.fd, r.ioas, buf, BASE + MIB));
	require_ok(map_part(r.fd, r.ioas, buf, 3 * PAGE, 2 * PAGE, part));
	rig_charge(&r, 64, 7);
	require_ok(edu_store(&r.edu, BASE + MIB + 4 * PAGE + 128, 0, 64));
	mem_fill(want, 64, 7);
	check(rig_reads(&r, part + PAGE + 128, want, 64));
	check(rig_reads(&r, BASE + MIB + 4 * PAGE + 128, want, 64));
	memset(want, 0, 64);
	check(rig_reads(&r, BASE + MIB + 5 * PAGE, want, 64));
	check(rig_reads(&r, part, want, 64));
	/* to memory next to it, and another page table */
	require_ok(device_detach(&r.dev));
	require_ok(device_attach(&r.dev, r.ioas));
	mem_fill(want, 64, 7);
	check(rig_reads(&r, part + PAGE + 128, want, 64));
	check(rig_reaches(&r, RIG_BASE, r.m.va, 64, 9));

	require_ok(take_back(fd, buf));
	check(!rig_reads(&r, part + PAGE + 128, want, 64));
	check(!rig_reads(&r, BASE + MIB + 4 * PAGE + 128, want, 64));
	check(rig_reaches(&r, RIG_BASE, r.m.va, 64, 10));
	require_ok(device_detach(&r.dev));
	require_ok(device_attach(&r.dev, r.ioas));
	check(!rig_reads(&r, part + PAGE + 128, want, 64));
	/* It isn't given back by taking it back, but by a new mapping. */
	require_ok(set_revoked(fd, buf, false));
	check(!rig_reads(&r, part + PAGE + 128, want, 64));
	require_ok(ioas_unmap(r.fd, r.ioas, part, 2 * PAGE, NULL));
	require_ok(map_part(r.fd, r.ioas, buf, 3 * PAGE, 2 * PAGE, part));
	check(rig_reads(&r, part + PAGE + 128, want, 64));
	check_eq(ioas_unmap_all(r.fd, r.ioas), RIG_SIZE + PAGE + SIZE + 2 * PAGE);
}

/* Revoke and its end, against mapping, copying and unmapping, and against attaching. */
static struct {
	int fd, buf;
	uint32_t ioas, other, hwpt;
	struct mock mock;
} s;

static bool round_revoke(struct race *race, struct race_side *side)
{
	int ret;

	(void)race;
	race_begin(side);
	ret = set_revoked(s.fd, s.buf, race_random(side) % 2);
	race_end(side, !ret);
	return check_ret(ret, 0);
}

static bool round_map(struct race *race, struct race_side *side)
{
	struct iommu_ioas_map_file map = {
		.size = sizeof(map), .flags = MAP_RW | MAP_FIX, .ioas_id = s.ioas,
		.fd = s.buf, .length = SIZE, .iova = BASE,
	};
	struct iommu_ioas_copy copy = {
		.size = sizeof(copy), .flags = MAP_RW | MAP_FIX, .dst_ioas_id = s.ioas,
		.src_ioas_id = s.ioas, .length = SIZE, .src_iova = BASE,
		.dst_iova = BASE + SIZE,
	};
	struct iommu_ioas_unmap unmap = {
		.size = sizeof(unmap), .ioas_id = s.ioas, .length = UINT64_MAX,
	};

	(void)race;
	race_ioctl(side, s.fd, IOMMU_IOAS_MAP_FILE, &map, "map", MAY(-ENODEV));
	race_ioctl(side, s.fd, IOMMU_IOAS_COPY, &copy, "copy", MAY(-ENOENT));
	if (race_random(side) % 2)
		race_ioctl(side, s.fd, IOMMU_IOAS_UNMAP, &unmap, "unmap", MAY(0));
	unmap.length = UINT64_MAX;
	race_ioctl(side, s.fd, IOMMU_IOAS_UNMAP, &unmap, "unmap", MAY(0));
	return true;
}

static bool round_attach(struct race *race, struct race_side *side)
{
	int ret;

	(void)race;
	race_begin(side);
	ret = mock_replace(s.fd, &s.mock, s.other);
	if (!ret)
		ret = mock_replace(s.fd, &s.mock, s.ioas);
	race_end(side, !ret);
	return check_ret(ret, 0);
}

static void race(void)
{
	struct race race = {
		.side = {
			{ "revoke", round_revoke },
			{ "map", round_map },
			{ "attach", round_attach },
		},
	};

	s.fd = mock_open();
	s.buf = lend_pages(s.fd);
	s.ioas = ioas_new(s.fd);
	s.other = ioas_new(s.fd);
	require_ok(mock_device(s.fd, s.ioas, 0, &s.mock));
	race_run(&race);
}

static const struct test tests[] = {
	{ "ranges", ranges },
	{ "charge", charge },
	{ "no_dmabuf", no_dmabuf },
	{ "other_kind", other_kind },
	{ "revoked", revoked },
	{ "ends", ends },
	{ "access_refused", access_refused },
	{ "access_half", access_half },
	{ "not_cut", not_cut },
	{ "reached", reached },
	{ "race", race },
};

TAP_MAIN("dmabuf", tests)
