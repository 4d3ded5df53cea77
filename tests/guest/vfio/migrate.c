// SPDX-License-Identifier: GPL-2.0-only
/*
 * A machine moves from one device to another as QEMU does it, call by call: what the first
 * device wrote arrives, and the second one goes on.  tests/clients has QEMU itself do it.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dirty.h"
#include "edu.h"
#include "mem.h"
#include "tap.h"

#define DRIVER		"vfio_edu"		/* tests/kmod */

/* Debian 12's <linux/vfio.h> doesn't know the later ones. */
enum { STOP = 1, RUNNING, STOP_COPY, RESUMING, RUNNING_P2P, PRE_COPY };
enum { F_STOP_COPY = 1, F_PRE_COPY = 4 };
enum { MIGRATION = 1, STATE = 2, DATA_SIZE = 9, PRECOPY_V2 = 12 };
#define GET_PRECOPY_INFO	_IO(';', 100 + 21)

struct precopy_info {
	uint32_t argsz, flags;
	uint64_t initial, dirty;
};

/* Blocks of a machine's memory, as a PC has them: the second begins at 1 MiB. */
#define BLOCKS		2u
#define PAGES		256u			/* of the largest */
#define SOURCE		0u			/* a page that the CPU writes to */
#define SIZE		2048u			/* of transfers */
#define TURNS		4u

static const struct {
	uint64_t iova;
	unsigned int pages;
} blocks[BLOCKS] = { { 0, 160 }, { MIB, PAGES } };

/* A machine: a device on a page table that can track, and its memory. */
struct side {
	struct dirty d;
	struct device dev;
	struct edu edu;
	struct mem ram[BLOCKS];
};

static struct side from, to;
static uint32_t seed;			/* of what the device has in its buffer */

static int ask(struct device *dev, uint32_t what, void *data, uint32_t size)
{
	union {
		struct vfio_device_feature f;
		uint8_t bytes[64];
	} u = { .f = { .argsz = sizeof(u.f) + size, .flags = what } };
	int ret;

	memcpy(u.f.data, data, size);
	ret = iommu_ioctl(dev->fd, VFIO_DEVICE_FEATURE, &u);
	memcpy(data, u.f.data, size);
	return ret;
}

/* The data file, or -1 if the state has none. */
static int set_state(struct side *s, uint32_t state)
{
	struct { uint32_t state; int32_t fd; } arg = { state, -1 };

	require_ok(ask(&s->dev, STATE | VFIO_DEVICE_FEATURE_SET, &arg, sizeof(arg)));
	return arg.fd;
}

static uint32_t state_of(struct side *s)
{
	struct { uint32_t state; int32_t fd; } arg = { 0, 0 };

	require_ok(ask(&s->dev, STATE | VFIO_DEVICE_FEATURE_GET, &arg, sizeof(arg)));
	return arg.state;
}

static void ask_features(struct side *s)
{
	uint64_t flags = 0, size = 0;
	int ret;

	require_ok(ask(&s->dev, MIGRATION | VFIO_DEVICE_FEATURE_GET, &flags, 8));
	check_eq(flags, F_STOP_COPY | F_PRE_COPY);
	require_ok(ask(&s->dev, DATA_SIZE | VFIO_DEVICE_FEATURE_GET, &size, 8));
	check(size > PAGE);
	ret = ask(&s->dev, PRECOPY_V2 | VFIO_DEVICE_FEATURE_PROBE | VFIO_DEVICE_FEATURE_SET,
		  NULL, 0);
	check(ret == 0 || ret == -ENOTTY);
	check_eq(state_of(s), RUNNING);
}

static void up(struct side *s, unsigned int nth)
{
	const char *bdf = device_find("edu", nth);
	struct iommu_hw_info info;
	int ret;

	if (!bdf)
		tap_skip("needs two edus");
	if (access("/sys/bus/pci/drivers/" DRIVER, F_OK))
		tap_skip("needs the driver " DRIVER);
	device_give(bdf, DRIVER);
	memset(s, 0, sizeof(*s));
	s->d.fd = iommu_open();
	s->d.ioas = ioas_new(s->d.fd);
	require_ok(device_open(&s->dev, bdf));
	require_ok(device_bind(&s->dev, s->d.fd));
	require_ok(hw_info(s->d.fd, s->dev.id, NULL, 0, &info));
	ret = hwpt_alloc(s->d.fd, s->dev.id, s->d.ioas, IOMMU_HWPT_ALLOC_DIRTY_TRACKING,
			 &s->d.hwpt);
	check_eq(!!(info.out_capabilities & IOMMU_HW_CAP_DIRTY_TRACKING), ret != -EOPNOTSUPP);
	if (ret == -EOPNOTSUPP)
		tap_skip("this IOMMU doesn't track, and says so");
	require_ok(ret);
	require_ok(device_attach(&s->dev, s->d.hwpt));
	for (unsigned int b = 0; b < BLOCKS; b++) {
		mem_get(&s->ram[b], MEM_ANON, blocks[b].pages * PAGE);
		memset(s->ram[b].va, 0, s->ram[b].size);
		require_ok(ioas_map_at(s->d.fd, s->d.ioas, s->ram[b].va, s->ram[b].size,
				       blocks[b].iova));
	}
	edu_init(&s->edu, &s->dev);
	s->edu.limit = UINT64_MAX;
	if (!edu_has_more(&s->edu))
		tap_skip("needs the edu of tests/qemu");
	ask_features(s);
}

static uint64_t iova_of(unsigned int block, unsigned int page)
{
	return blocks[block].iova + page * PAGE;
}

/* The CPU writes something new, and the device fetches it. */
static void load(struct side *s)
{
	mem_fill(s->ram[0].va + SOURCE * PAGE, SIZE, ++seed);
	require_ok(edu_load(&s->edu, iova_of(0, SOURCE), 0, SIZE));
}

static void store(struct side *s, unsigned int block, unsigned int page)
{
	require_ok(edu_store(&s->edu, iova_of(block, page), 0, SIZE));
}

/* The device writes to a page all the time. */
static void store_on(struct side *s, unsigned int block, unsigned int page)
{
	edu_repeat(&s->edu, true);
	edu_start(&s->edu, true, iova_of(block, page), 0, SIZE);
	edu_wait_transfers(&s->edu, 2);
}

static void store_no_more(struct side *s)
{
	edu_repeat(&s->edu, false);
	require_ok(edu_wait(&s->edu));
}

static void copy_page(unsigned int block, unsigned int page)
{
	memcpy(to.ram[block].va + page * PAGE, from.ram[block].va + page * PAGE, PAGE);
}

/* The first pass: all of it, whatever is dirty. */
static void copy_all(void)
{
	for (unsigned int b = 0; b < BLOCKS; b++)
		memcpy(to.ram[b].va, from.ram[b].va, from.ram[b].size);
}

/* What is dirty in a block; returns how many pages that was. */
static unsigned int copy_dirty(unsigned int block, uint32_t flags)
{
	uint64_t bits[PAGES / 64] = {};
	unsigned int n = 0;

	require_ok(dirty_get(&from.d, blocks[block].iova, blocks[block].pages * PAGE, PAGE,
			     bits, flags));
	for (unsigned int page = 0; page < blocks[block].pages; page++) {
		if (!bit(bits, page))
			continue;
		copy_page(block, page);
		n++;
	}
	return n;
}

/* That, and what only the CPU has written to, of which KVM would tell. */
static unsigned int sync_all(void)
{
	unsigned int n = 0;

	for (unsigned int b = 0; b < BLOCKS; b++)
		n += copy_dirty(b, 0);
	copy_page(0, SOURCE);
	return n;
}

static bool same(void)
{
	for (unsigned int b = 0; b < BLOCKS; b++)
		if (memcmp(from.ram[b].va, to.ram[b].va, from.ram[b].size))
			return false;
	return true;
}

static void check_precopy(int data, uint64_t initial)
{
	struct precopy_info info = { .argsz = sizeof(info) };

	require_ok(iommu_ioctl(data, GET_PRECOPY_INFO, &info));
	check_eq(info.initial, initial);
	check_eq(info.dirty, 0);
}

/* A part of the state; what read() returned, or -errno. */
static int copy_state(int data, int target)
{
	uint8_t part[1000];
	ssize_t n = read(data, part, sizeof(part));

	if (n < 0)
		return -errno;
	require(n == 0 || write(target, part, n) == n);
	return n;
}

/* Begins to move: returns the file of the state. */
static int begin(int target)
{
	int data = set_state(&from, PRE_COPY);

	require(data >= 0);
	check_eq(state_of(&from), PRE_COPY);
	require_ok(dirty_set(from.d.fd, from.d.hwpt, true));
	copy_all();
	check_precopy(data, 8);
	require(copy_state(data, target) == 8);
	check_ret(copy_state(data, target), -ENOMSG);
	check_precopy(data, 0);
	return data;
}

/* The device stops, and the rest of its state is copied. */
static void stop(int data, int target)
{
	int n;

	check_eq(set_state(&from, STOP_COPY), -1);
	check_eq(state_of(&from), STOP_COPY);
	while ((n = copy_state(data, target)) > 0)
		;
	check_eq(n, 0);
}

static void turn(unsigned int n)
{
	load(&from);
	store(&from, 0, 10 + n);
	store(&from, 1, 3 * n);
	store(&from, 1, PAGES - 1);
	store_on(&from, 1, 100 + n);
	check(sync_all() >= 4);
	store_no_more(&from);
}

static void begin_two(void)
{
	up(&from, 0);
	up(&to, 1);
	load(&from);
	for (unsigned int page = 5; page < 20; page++)
		store(&from, 1, page);
}

/* Both, and the move is under way; returns the file of the state. */
static int begin_move(int *target)
{
	int data;

	begin_two();
	*target = set_state(&to, RESUMING);
	data = begin(*target);
	turn(0);
	return data;
}

/* Is it as with the source's state, and does it no DMA yet? */
static void end(int target)
{
	uint8_t *page = to.ram[1].va + 200 * PAGE;
	uint32_t count;

	check_eq(set_state(&to, STOP), -1);
	close(target);
	/* what it repeats is seen where nothing else writes */
	memset(page, 0, SIZE);
	count = edu_count(&to.edu);
	poll(NULL, 0, 20);
	check_eq(edu_count(&to.edu), count);
	check_eq(set_state(&to, RUNNING), -1);
	check_eq(state_of(&to), RUNNING);
	edu_wait_transfers(&to.edu, 2);
	check_eq(mem_differs(page, SIZE, seed), -1);
	store_no_more(&to);
	/* what it has in its buffer, elsewhere */
	store(&to, 0, 50);
	check_eq(mem_differs(to.ram[0].va + 50 * PAGE, SIZE, seed), -1);
}

static void moves(void)
{
	int data, target;

	begin_two();
	target = set_state(&to, RESUMING);
	data = begin(target);
	for (unsigned int n = 0; n < TURNS; n++)
		turn(n);
	/* It is stopped while it writes. */
	load(&from);
	store(&from, 0, 77);
	store_on(&from, 1, 200);
	stop(data, target);
	check(!same());
	check(sync_all() >= 2);
	check(same());
	/* nothing is written any more */
	poll(NULL, 0, 20);
	check_eq(sync_all(), 0);
	check(same());
	check_eq(set_state(&from, STOP), -1);
	check_ret(copy_state(data, target), -ENODEV);
	require_ok(dirty_set(from.d.fd, from.d.hwpt, false));
	close(data);
	edu_fini(&from.edu);
	device_close(&from.dev);
	end(target);
}

/* Without the bits of after the stop, something is missing. */
static void needs_bits(void)
{
	int target, data = begin_move(&target);

	load(&from);
	store(&from, 0, 77);
	stop(data, target);
	copy_page(0, SOURCE);
	check(!same());
	check(memcmp(from.ram[0].va + 77 * PAGE, to.ram[0].va + 77 * PAGE, SIZE));
	check_eq(mem_differs(from.ram[0].va + 77 * PAGE, SIZE, seed), -1);
	check(sync_all() >= 1);
	check(same());
}

/* Memory that the machine has no more: its bits are asked for before it is unmapped. */
static void unmapped(void)
{
	uint64_t length;
	int target, data = begin_move(&target);

	load(&from);
	store(&from, 1, 40);
	store(&from, 1, 41);
	check(copy_dirty(1, NO_CLEAR) >= 1);
	check(copy_dirty(1, NO_CLEAR) >= 1);
	require_ok(ioas_unmap(from.d.fd, from.d.ioas, blocks[1].iova, PAGES * PAGE, &length));
	check_eq(length, PAGES * PAGE);
	check(!memcmp(from.ram[1].va, to.ram[1].va, PAGES * PAGE));
	/* and again, as when a slot is moved */
	require_ok(ioas_map_at(from.d.fd, from.d.ioas, from.ram[1].va, PAGES * PAGE,
			       blocks[1].iova));
	store(&from, 1, 60);
	stop(data, target);
	check(sync_all() >= 1);
	check(same());
}

/* QEMU gives up, and begins again later. */
static void given_up(void)
{
	int target, data = begin_move(&target);

	store_on(&from, 1, 200);
	check_eq(set_state(&from, RUNNING), -1);
	check_ret(copy_state(data, target), -ENODEV);
	require_ok(dirty_set(from.d.fd, from.d.hwpt, false));
	close(data);
	/* the device never stopped */
	edu_wait_transfers(&from.edu, 2);
	/* nor would the other one have a state */
	require_ok(device_reset(&to.dev));
	check_eq(state_of(&to), RUNNING);
	close(target);
	target = set_state(&to, RESUMING);
	data = begin(target);
	stop(data, target);
	sync_all();
	check(same());
	close(data);
	edu_fini(&from.edu);
	device_close(&from.dev);
	end(target);
}

/* The machine is only paused, and goes on here. */
static void paused(void)
{
	uint8_t *page;

	up(&from, 0);
	page = from.ram[1].va + 200 * PAGE;
	load(&from);
	store_on(&from, 1, 200);
	check_eq(set_state(&from, STOP), -1);
	memset(page, 0, SIZE);
	poll(NULL, 0, 20);
	check_eq(mem_differs_from(page, SIZE, 0), -1);
	check_eq(set_state(&from, RUNNING), -1);
	edu_wait_transfers(&from.edu, 2);
	check_eq(mem_differs(page, SIZE, seed), -1);
	store_no_more(&from);
}

static const struct test tests[] = {
	{ "moves", moves },
	{ "needs_bits", needs_bits },
	{ "unmapped", unmapped },
	{ "given_up", given_up },
	{ "paused", paused },
};

TAP_MAIN("migrate", tests)
