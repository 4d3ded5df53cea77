// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dirty pages of a real IOMMU are read while devices write, memory beside them comes and
 * goes, and one device moves between two page tables.  Each write is told once, by the page
 * table that the device had, and nothing else is.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dirty.h"
#include "edu.h"
#include "mem.h"
#include "race.h"
#include "tap.h"

#define BASE	(64 * MIB)
/* Beyond what three levels of tables reach, with which some drivers begin. */
#define HIGH	(1ull << 40)
#define HOME	(32 * MIB)
#define STAYS	8u		/* entries that stay, and are written to, but for the last one */
#define COMES	4u		/* entries after them, that come and go */
#define PAGES	((STAYS + COMES) * 512)

static struct world {
	int fd;
	uint32_t ioas, hwpt[2];
	struct device dev, second;
	struct edu edu, other;
	struct mem home, stays, comes;
	unsigned int pages;		/* of an entry */
	bool begin_dirty;		/* as SMMUv3's driver makes entries */
	/* Of each entry: writes that have begun, that have arrived, and how often it was told. */
	unsigned int begun[STAYS], arrived[STAYS], told[STAYS];
} w;

static uint64_t entry_size(void)
{
	return w.pages * PAGE;
}

static unsigned int load(const unsigned int *n)
{
	return __atomic_load_n(n, __ATOMIC_SEQ_CST);
}

static void add(unsigned int *n, int by)
{
	__atomic_fetch_add(n, by, __ATOMIC_SEQ_CST);
}

static void map_entries(const struct mem *m, uint64_t iova)
{
	for (uint64_t at = 0; at < m->size; at += entry_size())
		require_ok(ioas_map_at(w.fd, w.ioas, m->va + at, entry_size(), iova + at));
}

static void device_up(struct device *dev, struct edu *edu, unsigned int nth)
{
	device_get(dev, "edu", nth, w.fd);
	edu_init(edu, dev);
	edu->limit = UINT64_MAX;
}

static int table(uint32_t *id)
{
	int ret = hwpt_alloc(w.fd, w.dev.id, w.ioas, IOMMU_HWPT_ALLOC_DIRTY_TRACKING, id);

	return ret ?: dirty_set(w.fd, *id, true);
}

static int read_bits(unsigned int n, void *bits, uint32_t flags)
{
	struct dirty d = { .fd = w.fd, .hwpt = w.hwpt[n] };

	memset(bits, 0, PAGES / 8);
	return dirty_get(&d, BASE, (STAYS + COMES) * entry_size(), PAGE, bits, flags);
}

/* Is the whole of an entry told, or nothing of it? */
static bool entry_is_told(const uint8_t *bits, unsigned int entry)
{
	bool is = bit(bits, entry * w.pages);

	for (unsigned int i = 1; i < w.pages; i++)
		if (!check(bit(bits, entry * w.pages + i) == is))
			break;
	return is;
}

/* Counts what is told; false if that is more than was written. */
static bool count(const uint8_t *bits, bool clear)
{
	for (unsigned int i = 0; i < STAYS - 1; i++) {
		if (!entry_is_told(bits, i))
			continue;
		if (!check_msg(load(&w.told[i]) < load(&w.begun[i]),
			       "entry %u is told for nothing", i))
			return false;
		if (clear)
			add(&w.told[i], 1);
	}
	/* The other device writes to the last one all the time. */
	if (entry_is_told(bits, STAYS - 1))
		add(&w.told[STAYS - 1], clear);
	for (unsigned int i = STAYS; i < STAYS + COMES; i++)
		if (entry_is_told(bits, i) &&
		    !check_msg(w.begin_dirty, "entry %u, never written to, is told", i))
			return false;
	return true;
}

static bool read_round(struct race *race, struct race_side *side)
{
	uint32_t flags = race_random(side) % 4 ? 0 : NO_CLEAR;
	uint8_t bits[PAGES / 8];
	int ret;

	(void)race;
	for (unsigned int n = 0; n < 2; n++) {
		race_begin(side);
		ret = read_bits(n, bits, flags);
		race_end(side, !ret);
		if (!check_ret(ret, 0) || !count(bits, !flags))
			return false;
	}
	return true;
}

static bool stops(struct race *race)
{
	return __atomic_load_n(&race->stop, __ATOMIC_SEQ_CST);
}

/* One write, which the device's move may stop; then it is told before the next one. */
static bool write_round(struct race *race, struct race_side *side)
{
	unsigned int entry = race_random(side) % (STAYS - 1);
	uint64_t at = entry * entry_size() + race_random(side) % w.pages * PAGE;
	volatile uint8_t *to = w.stays.va + at;
	double end = tap_now() + 10 * tap_patience();

	*to = 0;
	add(&w.begun[entry], 1);
	race_begin(side);
	edu_start(&w.edu, true, BASE + at, 0, EDU_WHOLE);
	if (!check_ret(edu_wait(&w.edu), 0))
		return false;
	race_end(side, *to);
	if (!*to) {
		add(&w.begun[entry], -1);
		return true;
	}
	add(&w.arrived[entry], 1);
	while (load(&w.told[entry]) < load(&w.arrived[entry]) && !stops(race))
		if (!check_msg(tap_now() < end, "a write to entry %u is lost", entry))
			return false;
	return true;
}

/* Comes and goes: beside what is read, and far away. */
static bool map_round(struct race *race, struct race_side *side)
{
	struct iommu_ioas_map map = {
		.size = sizeof(map), .flags = MAP_RW | MAP_FIX, .ioas_id = w.ioas,
		.user_va = (uintptr_t)w.comes.va, .length = entry_size(),
	};
	struct iommu_ioas_unmap unmap = {
		.size = sizeof(unmap), .ioas_id = w.ioas, .length = entry_size(),
	};
	bool far = race_random(side) % 4 == 0;

	(void)race;
	map.iova = unmap.iova = far ? HIGH :
		BASE + (STAYS + race_random(side) % COMES) * entry_size();
	return !race_ioctl(side, w.fd, IOMMU_IOAS_MAP, &map, "map", MAY(0)) &&
	       !race_ioctl(side, w.fd, IOMMU_IOAS_UNMAP, &unmap, "unmap", MAY(0));
}

static bool replace_round(struct race *race, struct race_side *side)
{
	struct cdev_attach c = { .argsz = sizeof(c), .pt_id = w.hwpt[race_random(side) % 2] };

	(void)race;
	return !race_ioctl(side, w.dev.fd, CDEV_ATTACH, &c, "attach", MAY(0));
}

static void set_up(enum mem_kind kind, unsigned int entry)
{
	const char *iommu = getenv("IOMMU");
	int ret;

	if (!device_find("edu", 1))
		tap_skip("needs two edus");
	memset(&w, 0, sizeof(w));
	w.pages = entry;
	w.begin_dirty = iommu && !strncmp(iommu, "smmuv3", 6);
	w.fd = iommu_open();
	w.ioas = ioas_new(w.fd);
	device_up(&w.dev, &w.edu, 0);
	if (!edu_has_more(&w.edu))
		tap_skip("needs the edu of tests/qemu");
	device_up(&w.second, &w.other, 1);
	ret = table(&w.hwpt[0]);
	if (ret == -EOPNOTSUPP)
		tap_skip("this IOMMU doesn't track");
	require_ok(ret);
	require_ok(table(&w.hwpt[1]));
	mem_get(&w.home, MEM_ANON, PAGE);
	mem_get(&w.stays, kind, STAYS * entry_size());
	mem_get(&w.comes, kind, entry_size());
	memset(w.home.va, 0x5a, PAGE);
	memset(w.stays.va, 0, w.stays.size);
	memset(w.comes.va, 0, w.comes.size);
	map_entries(&w.stays, BASE);
	require_ok(ioas_map_at(w.fd, w.ioas, w.home.va, PAGE, HOME));
	require_ok(device_attach(&w.dev, w.hwpt[0]));
	require_ok(device_attach(&w.second, w.hwpt[0]));
	require_ok(edu_load(&w.edu, HOME, 0, 64));
	require_ok(edu_load(&w.other, HOME, 0, 64));
}

/* What was written at last is told, once, and no more. */
static void look_after(void)
{
	uint8_t bits[PAGES / 8];

	edu_repeat(&w.other, false);
	require_ok(edu_wait(&w.other));
	for (int round = 0; round < 2; round++) {
		for (unsigned int n = 0; n < 2; n++) {
			require_ok(read_bits(n, bits, 0));
			count(bits, true);
		}
		for (unsigned int i = 0; i < STAYS - 1; i++)
			check_msg(w.told[i] == w.arrived[i], "entry %u: %u writes, told %u times",
				  i, w.arrived[i], w.told[i]);
	}
	check(w.told[STAYS - 1] > 1);
	check_eq(mem_differs_from(w.comes.va, w.comes.size, 0), -1);
}

static void run(enum mem_kind kind, unsigned int entry, struct race race)
{
	uint8_t bits[PAGES / 8];

	set_up(kind, entry);
	/* What begins dirty is told, and then clean. */
	for (unsigned int n = 0; n < 2; n++)
		require_ok(read_bits(n, bits, 0));
	edu_repeat(&w.other, true);
	edu_start(&w.other, true, BASE + (STAYS - 1) * entry_size(), 0, 64);
	race_run(&race);
	look_after();
}

/* Nothing but the reader makes the IOMMU forget which entries it knows to be dirty. */
static void stays(enum mem_kind kind, unsigned int entry)
{
	run(kind, entry, (struct race){ { { "write", write_round }, { "read", read_round },
					  { "map", map_round } } });
}

static void moves(enum mem_kind kind, unsigned int entry)
{
	run(kind, entry, (struct race){ { { "write", write_round }, { "read", read_round },
					  { "map", map_round },
					  { "replace", replace_round } } });
}

static void small(void)
{
	stays(MEM_ANON, 1);
}

static void huge(void)
{
	stays(MEM_HUGETLB, 512);
}

static void small_moves(void)
{
	moves(MEM_ANON, 1);
}

static void huge_moves(void)
{
	moves(MEM_HUGETLB, 512);
}

static const struct test tests[] = {
	{ "small", small, 180 },
	{ "huge", huge, 180 },
	{ "small_moves", small_moves, 180 },
	{ "huge_moves", huge_moves, 180 },
};

TAP_MAIN("dirty_device_race", tests)
