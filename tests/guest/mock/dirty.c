// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dirty tracking on the mock: arguments, switching it on and off, every bit.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dirty.h"
#include "dirty_scene.h"
#include "mem.h"
#include "plug.h"
#include "tap.h"

/* Are exactly the @n pages from @first on dirty, of @pages?  Makes them clean. */
static void check_dirty(uint64_t pages, uint64_t first, uint64_t n)
{
	uint8_t *bits = calloc(1, pages / 8 + 1);

	require_ok(dirty_scene_get(0, pages, bits, 0));
	for (uint64_t i = 0; i < pages; i++)
		if (!check_msg(bit(bits, i) == (i >= first && i < first + n),
			       "page %" PRIu64 " is %s", i,
			       bit(bits, i) ? "dirty" : "clean"))
			break;
	free(bits);
}

static void errors(void)
{
	struct iommu_hwpt_set_dirty_tracking set = { .size = sizeof(set) };
	uint32_t plain;
	uint64_t bits[8] = {};
	struct iommu_hwpt_get_dirty_bitmap c, good = {
		.size = sizeof(good), .iova = BASE, .length = 64 * PAGE,
		.page_size = PAGE, .data = (uintptr_t)bits,
	};

	dirty_scene_up(64);
	good.hwpt_id = dirty.hwpt;
#define TRY(want, ...)							\
	do {								\
		c = good;						\
		__VA_ARGS__;						\
		check_ret(iommu_ioctl(dirty.fd, IOMMU_HWPT_GET_DIRTY_BITMAP, &c), want); \
	} while (0)
	TRY(0, (void)0);
	TRY(-EINVAL, c.size = sizeof(c) - 8);
	TRY(-EOPNOTSUPP, c.flags = 2);
	TRY(-EOPNOTSUPP, c.flags = 1u << 31);
	TRY(-EOPNOTSUPP, c.__reserved = 1);
	TRY(-EOPNOTSUPP, c.__reserved = 1, c.hwpt_id = 12345);
	TRY(-ENOENT, c.hwpt_id = 12345);
	TRY(-ENOENT, c.hwpt_id = 0);
	TRY(-ENOENT, c.hwpt_id = dirty.ioas);
	TRY(-ENOENT, c.hwpt_id = dirty.dev.dev);
	TRY(-EOVERFLOW, c.iova = -PAGE, c.length = 2 * PAGE);
	TRY(-EOVERFLOW, c.length = -PAGE);
	/* Before 7.3, Linux's own takes that for all there is, and a bit for nothing. */
	if (!tap_oracle()) {
		TRY(-EINVAL, c.length = 0);
		TRY(-EINVAL, c.iova = 0, c.length = 0);
		TRY(-EINVAL, c.iova = -PAGE, c.length = 0);
	}
	TRY(-EINVAL, c.iova = BASE + 1);
	TRY(-EINVAL, c.iova = BASE + PAGE / 4);
	TRY(-EINVAL, c.length = PAGE + 1);
	TRY(-EINVAL, c.length = PAGE + PAGE / 4);
	TRY(-EINVAL, c.page_size = 0);
	TRY(-EINVAL, c.page_size = 2 * PAGE, c.iova = BASE + PAGE);
	TRY(-EINVAL, c.page_size = 2 * PAGE, c.length = PAGE);
	TRY(-EINVAL, c.page_size = 1ull << 63);
	/* Linux takes any number for a size. */
	if (!tap_oracle()) {
		TRY(-EINVAL, c.page_size = 3);
		TRY(-EINVAL, c.page_size = 3 * PAGE, c.length = 12 * PAGE);
		TRY(-EINVAL, c.page_size = UINT64_MAX);
	}

	require_ok(hwpt_alloc(dirty.fd, dirty.dev.dev, dirty.ioas, 0, &plain));
	TRY(-EOPNOTSUPP, c.hwpt_id = plain);
	TRY(-EINVAL, c.hwpt_id = plain, c.page_size = 0);
	check_ret(dirty_set(dirty.fd, plain, true), -EOPNOTSUPP);
	check_ret(dirty_set(dirty.fd, plain, false), -EOPNOTSUPP);
	check_ret(dirty_set(dirty.fd, 12345, true), -ENOENT);
	check_ret(dirty_set(dirty.fd, dirty.ioas, true), -ENOENT);
	set.hwpt_id = dirty.hwpt;
	set.flags = 2;
	check_ret(iommu_ioctl(dirty.fd, IOMMU_HWPT_SET_DIRTY_TRACKING, &set), -EOPNOTSUPP);
	set.flags = 0;
	set.size = 8;
	check_ret(iommu_ioctl(dirty.fd, IOMMU_HWPT_SET_DIRTY_TRACKING, &set), -EINVAL);
	for (int i = 0; i < 8; i++)
		check_eq(bits[i], 0);
#undef TRY
}

/* A nested page table has no dirty pages of its own. */
static void nested(void)
{
	uint64_t bits[8] = {};
	uint32_t parent;

	dirty_scene_up(64);
	require_ok(hwpt_alloc(dirty.fd, dirty.dev.dev, dirty.ioas, IOMMU_HWPT_ALLOC_NEST_PARENT,
			      &parent));
	require_ok(mock_hwpt_nested(dirty.fd, dirty.dev.dev, parent, 0, &dirty.hwpt));
	check_ret(dirty_scene_get(0, 64, bits, 0), -ENOENT);
	check_ret(dirty_set(dirty.fd, dirty.hwpt, true), -ENOENT);
}

static void capability(void)
{
	struct iommu_hw_info info;
	struct mock other;
	uint32_t id;

	dirty_scene_up(1);
	require_ok(hw_info(dirty.fd, dirty.dev.dev, NULL, 0, &info));
	check(info.out_capabilities & IOMMU_HW_CAP_DIRTY_TRACKING);
	require_ok(mock_device(dirty.fd, dirty.ioas, MOCK_FLAGS_DEVICE_NO_DIRTY, &other));
	require_ok(hw_info(dirty.fd, other.dev, NULL, 0, &info));
	check(!(info.out_capabilities & IOMMU_HW_CAP_DIRTY_TRACKING));
	check_ret(hwpt_alloc(dirty.fd, other.dev, dirty.ioas, IOMMU_HWPT_ALLOC_DIRTY_TRACKING,
			     &id), -EOPNOTSUPP);
	check_ret(mock_replace(dirty.fd, &other, dirty.hwpt), -EINVAL);
}

static void on_and_off(void)
{
	dirty_scene_up(64);
	dirty_write(&dirty, BASE, 64);
	/* what was dirty before tracking began isn't after it */
	require_ok(dirty_set(dirty.fd, dirty.hwpt, true));
	check_dirty(64, 0, 0);
	dirty_write(&dirty, BASE + 5 * PAGE, 3);
	require_ok(dirty_set(dirty.fd, dirty.hwpt, false));
	require_ok(dirty_set(dirty.fd, dirty.hwpt, false));
	require_ok(dirty_set(dirty.fd, dirty.hwpt, true));
	check_dirty(64, 0, 0);
	dirty_write(&dirty, BASE + 63 * PAGE, 1);
	check_dirty(64, 63, 1);
	check_dirty(64, 0, 0);
}

static void edges(void)
{
	static const uint64_t at[] = { 0, 1, 7, 8, 62, 63, 64, 511, 512, 513, 1023, 1024,
				       1498, 1499 };
	uint8_t bits[200];

	dirty_scene_up(1500);
	for (size_t i = 0; i < ARRAY_SIZE(at); i++) {
		dirty_write(&dirty, BASE + at[i] * PAGE, 1);
		check_dirty(1500, at[i], 1);
		/* alone, and a range that ends or begins beside it */
		dirty_write(&dirty, BASE + at[i] * PAGE, 1);
		memset(bits, 0, sizeof(bits));
		if (at[i])
			require_ok(dirty_scene_get(0, at[i], bits, 0));
		if (at[i] < 1499)
			require_ok(dirty_scene_get(at[i] + 1, 1499 - at[i], bits, 0));
		check_eq(mem_differs_from(bits, sizeof(bits), 0), -1);
		require_ok(dirty_scene_get(at[i], 1, bits, NO_CLEAR));
		check_eq(bits[0], 1);
		memset(bits, 0, sizeof(bits));
		require_ok(dirty_scene_get(at[i], 1, bits, 0));
		check_eq(bits[0], 1);
		memset(bits, 0, sizeof(bits));
		require_ok(dirty_scene_get(at[i], 1, bits, 0));
		check_eq(bits[0], 0);
	}
}

static uint32_t seed = 1;

static uint32_t random_below(uint32_t n)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % n;
}

#define AREAS	5

#define PAGES	3000

/* Areas side by side, of which some pages are written to. */
static void write_random(uint8_t *written)
{
	uint32_t many = random_below(3);

	memset(written, 0, PAGES);
	for (uint32_t i = 0, at; i < (many ? 40 * many * many : 2); i++) {
		uint32_t n = many == 2 ? 1 + random_below(200) : 1 + random_below(3);

		at = random_below(PAGES);
		if (n > PAGES - at)
			n = PAGES - at;
		dirty_write(&dirty, BASE + at * PAGE, n);
		memset(written + at, 1, n);
	}
}

/* One reading of a part of it, beside the model; @guard is around the bitmap. */
static void read_random(uint8_t *written)
{
	static const uint32_t offsets[] = { 0, 1, 5, 8, 4089, 4095, 2000 };
	uint32_t shift = random_below(8) + 11, flags = random_below(2) ? NO_CLEAR : 0;
	uint32_t unit = shift > 12 ? 1u << (shift - 12) : 1;
	uint32_t first = random_below(PAGES / unit) * unit;
	uint32_t n = (random_below((PAGES - first) / unit) + 1) * unit;
	uint64_t bits = shift > 12 ? n / unit : n << (12 - shift);
	uint32_t offset = offsets[random_below(ARRAY_SIZE(offsets))];
	uint8_t *space = malloc(4 * PAGE + bits / 8 + 64), *old = malloc(bits / 8 + 64);
	uint8_t *map = (uint8_t *)(uintptr_t)(((uintptr_t)space + PAGE) & -PAGE) + offset;

	/* Bits that are set stay so. */
	for (uint64_t i = 0; i < bits / 8 + 17; i++)
		map[i - 8] = old[i] = random_below(3) ? 0 : random_below(256);
	require_ok(dirty_get(&dirty, BASE + first * PAGE, n * PAGE, 1ull << shift, map, flags));
	for (uint64_t i = 0; i < bits; i++) {
		bool want = bit(old + 8, i);

		if (shift > 12)
			want |= memchr(written + first + i * unit, 1, unit) != NULL;
		else if (!(i & ((1 << (12 - shift)) - 1)))	/* first half */
			want |= written[first + (i >> (12 - shift))];
		if (!check_msg(bit(map, i) == want, "bit %" PRIu64 " of %" PRIu64
			       " is %d, shift %u, first %u, offset %u", i, bits,
			       bit(map, i), shift, first, offset))
			break;
	}
	check(!memcmp(map - 8, old, 8));
	check(!memcmp(map + (bits + 7) / 8, old + 8 + (bits + 7) / 8, 8));
	if (bits % 8)
		check_eq(map[bits / 8] >> bits % 8, old[8 + bits / 8] >> bits % 8);
	if (!flags)
		memset(written + first, 0, n);
	free(space);
	free(old);
}

static void random_patterns(void)
{
	static const uint32_t sizes[AREAS] = { 1, 700, 1333, 17, 949 };
	uint8_t written[PAGES];
	uint64_t at = 0;

	dirty_open(&dirty, false);
	mem_get(&dirty_mem, MEM_ANON, PAGES * PAGE);
	for (int i = 0; i < AREAS; at += sizes[i++])
		require_ok(ioas_map_at(dirty.fd, dirty.ioas, dirty_mem.va + at * PAGE, sizes[i] * PAGE,
				       BASE + at * PAGE));
	for (int round = 0; round < 150 && !tap_failures(); round++) {
		if (round % 3 == 0) {
			check_ret(dirty_scene_get(0, PAGES, calloc(1, PAGES / 8), 0), 0);
			write_random(written);
		}
		read_random(written);
	}
}

/* A page table that has no two entries of one size side by side. */
static void huge_entries(void)
{
	const uint64_t size = 8 * MIB, unit = MOCK_HUGE_PAGE_SIZE;
	uint8_t bits[256] = {};

	dirty_open(&dirty, true);
	mem_get(&dirty_mem, MEM_HUGETLB, size);
	memset(dirty_mem.va, 1, size);
	require_ok(ioas_map_at(dirty.fd, dirty.ioas, dirty_mem.va, size, BASE));
	dirty_write(&dirty, BASE + 3 * unit + 7 * PAGE, 1);
	require_ok(dirty_get(&dirty, BASE, size, PAGE, bits, NO_CLEAR));
	for (uint64_t i = 0; i < size / PAGE; i++)
		if (!check_eq(bit(bits, i), i * PAGE / unit == 3))
			break;
	/* A part of the entry says that the entry is dirty. */
	memset(bits, 0, sizeof(bits));
	require_ok(dirty_get(&dirty, BASE + 3 * unit + 16 * PAGE, 16 * PAGE, PAGE, bits, 0));
	check_eq(bits[0], 0xff);
	check_eq(bits[1], 0xff);
	/* Linux sets bits behind the bitmap's end, and forgets the rest of the entry. */
	if (!tap_oracle()) {
		check_eq(bits[2], 0);
		memset(bits, 0, sizeof(bits));
		require_ok(dirty_get(&dirty, BASE + 3 * unit, unit / 2, PAGE, bits, 0));
		check_eq(mem_differs_from(bits, unit / 2 / PAGE / 8, 0xff), -1);
		check_eq(bits[unit / 2 / PAGE / 8], 0);
		memset(bits, 0, sizeof(bits));
		require_ok(dirty_get(&dirty, BASE + 3 * unit + unit / 2, 2 * unit, PAGE, bits, 0));
		check_eq(mem_differs_from(bits, unit / 2 / PAGE / 8, 0xff), -1);
		check_eq(bits[unit / 2 / PAGE / 8], 0);
		memset(bits, 0, sizeof(bits));
		require_ok(dirty_get(&dirty, BASE, size, PAGE, bits, 0));
		for (uint64_t i = 0; i < size / PAGE; i++)
			if (!check_eq(bit(bits, i), i * PAGE / unit == 3))
				break;
	}
	/* Read whole it's clean. */
	memset(bits, 0, sizeof(bits));
	require_ok(dirty_get(&dirty, BASE, size, PAGE, bits, 0));
	check_eq(mem_differs_from(bits, sizeof(bits), 0), -1);
}

/*
 * Writes, reads and makes clean, again and again: entries are cached as dirty meanwhile, so
 * this is what a flush that misses some loses.
 */
static void cached(void)
{
	static const uint64_t at[] = { 0, 255, 256, 258, 259 };
	const uint64_t pages = MOCK_HUGE_PAGE_SIZE / PAGE + 4;

	dirty_open(&dirty, true);
	mem_get(&dirty_mem, MEM_HUGETLB, 2 * MIB);
	memset(dirty_mem.va, 1, dirty_mem.size);
	/* one large entry and four small ones */
	require_ok(ioas_map_at(dirty.fd, dirty.ioas, dirty_mem.va, pages * PAGE, BASE));
	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < ARRAY_SIZE(at); i++) {
			dirty_write(&dirty, BASE + at[i] * PAGE, 1);
			if (at[i] < 256)
				check_dirty(pages, 0, 256);
			else
				check_dirty(pages, at[i], 1);
		}
		/* entries of two sizes in one reading */
		dirty_write(&dirty, BASE + 7 * PAGE, 1);
		dirty_write(&dirty, BASE + 256 * PAGE, 1);
		check_dirty(pages, 0, 257);
	}
	check_dirty(pages, 0, 0);
}

#define BEGINS_DIRTY "/sys/module/iommufd_mock/parameters/begins_dirty"

/* A driver whose entries begin dirty tells what is mapped while it tracks, and once. */
static void begins_dirty(void)
{
	if (access(BEGINS_DIRTY, W_OK))
		tap_skip("needs our mock");
	require_ok(write_file(BEGINS_DIRTY, "1"));
	dirty_scene_up(64);
	require_ok(write_file(BEGINS_DIRTY, "0"));
	check_dirty(64, 0, 64);
	check_dirty(64, 0, 0);
	require_ok(dirty_set(dirty.fd, dirty.hwpt, false));
	check_eq(ioas_unmap_all(dirty.fd, dirty.ioas), 64 * PAGE);
	require_ok(ioas_map_at(dirty.fd, dirty.ioas, dirty_mem.va, 64 * PAGE, BASE));
	require_ok(dirty_set(dirty.fd, dirty.hwpt, true));
	check_dirty(64, 0, 0);
	dirty_write(&dirty, BASE + 9 * PAGE, 2);
	check_dirty(64, 9, 2);
	check_dirty(64, 0, 0);
}

static const struct test tests[] = {
	{ "errors", errors },
	{ "nested", nested },
	{ "capability", capability },
	{ "on_and_off", on_and_off },
	{ "edges", edges },
	{ "random_patterns", random_patterns, 240 },
	{ "huge_entries", huge_entries },
	{ "cached", cached },
	{ "begins_dirty", begins_dirty },
};

TAP_MAIN("dirty", tests)
