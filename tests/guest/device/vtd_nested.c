// SPDX-License-Identifier: GPL-2.0-only
/*
 * Nested page tables on VT-d: DMA by two stages, what is stale until when, replacing in
 * every direction, what a parent takes away, and the end of the device's file.  nested_end has
 * other ends.
 */
#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tap.h"
#include "vtd.h"

#define FIRST	VTD_DATA
#define SECOND	(VTD_DATA + 1)

typedef struct iommu_hwpt_vtd_s1_invalidate range_t;

static struct vtd_guest g;

static void two_stages(void)
{
	vtd_nested_up(&g);
	vtd_map(&g, 0, VTD_IOVA + PAGE, SECOND);
	check_eq(vtd_where(&g, VTD_IOVA + PAGE), SECOND);
	/* Neither an address of the guest's nor one that it doesn't map. */
	check_eq(vtd_where(&g, vtd_gpa(FIRST)), -1);
	check_eq(vtd_where(&g, VTD_IOVA + 2 * PAGE), -1);
	/* A page that lies outside of the parent. */
	*vtd_entry(&g, 0, VTD_IOVA + 3 * PAGE) = vtd_gpa(VTD_PAGES) | VTD_P | VTD_W | VTD_U;
	check_eq(vtd_where(&g, VTD_IOVA + 3 * PAGE), -1);
	/* Read, and one that may only be read. */
	mem_fill(vtd_va(&g, SECOND), 64, 5);
	require_ok(edu_load(&g.edu, VTD_IOVA + PAGE, 64, 64));
	require_ok(edu_store(&g.edu, VTD_IOVA, 64, 64));
	check_eq(mem_differs(vtd_va(&g, FIRST), 64, 5), -1);
	*vtd_entry(&g, 0, VTD_IOVA + 4 * PAGE) = vtd_gpa(FIRST) | VTD_P | VTD_U;
	check_eq(vtd_where(&g, VTD_IOVA + 4 * PAGE), -1);
}

/* The IOMMU notes in the guest's entries what it used. */
static void flags(void)
{
	uint64_t *entry;

	vtd_nested_up(&g);
	entry = vtd_entry(&g, 0, VTD_IOVA);
	check_eq(*entry & (VTD_A | VTD_D), VTD_A | VTD_D);
	vtd_map(&g, 0, VTD_IOVA + PAGE, SECOND);
	require_ok(edu_load(&g.edu, VTD_IOVA + PAGE, 64, 64));
	entry = vtd_entry(&g, 0, VTD_IOVA + PAGE);
	check_eq(*entry & (VTD_A | VTD_D), VTD_A);
}

/* Changes the entry; it takes effect with that invalidation, and not before. */
static void check_fresh_after(uint32_t id, uint64_t iova, uint64_t pages)
{
	unsigned int was = vtd_where(&g, VTD_IOVA), next = was == FIRST ? SECOND : FIRST;

	vtd_map(&g, 0, VTD_IOVA, next);
	check_eq(vtd_where(&g, VTD_IOVA), was);
	vtd_flush(&g, id, iova, pages);
	check_msg(vtd_where(&g, VTD_IOVA) == (int)next,
		  "stale after 0x%llx pages at 0x%llx", (unsigned long long)pages,
		  (unsigned long long)iova);
}

static void stale(void)
{
	uint32_t id = vtd_nested_up(&g);

	check_fresh_after(id, VTD_IOVA, 1);
	check_fresh_after(id, VTD_IOVA, 3);
	check_fresh_after(id, VTD_IOVA & ~(HUGE - 1), 512);
	check_fresh_after(id, 0, UINT64_MAX);
}

/* Ranges that one descriptor can't name. */
static void stale_large(void)
{
	uint32_t id = vtd_nested_up(&g);

	if (tap_oracle())
		tap_skip("Linux's own leaves these stale, and says that it's done");
	/* A few pages around an address that divides by much. */
	check_fresh_after(id, VTD_IOVA - PAGE, 2);
	check_fresh_after(id, VTD_IOVA - 5 * PAGE, 13);
	check_fresh_after(id, VTD_IOVA, 1ull << 19);
	check_fresh_after(id, VTD_IOVA - GIB, 1ull << 20);
	check_fresh_after(id, PAGE, 1ull << 35);
	check_fresh_after(id, VTD_IOVA, 1ull << 51);
	check_fresh_after(id, VTD_IOVA, 1ull << 52);
	check_fresh_after(id, VTD_IOVA, UINT64_MAX - 1);
}

/*
 * A table of the guest's becomes another, of each level: fresh after the invalidation of a
 * page, which doesn't say that only the last level has changed.
 */
static void stale_tables(void)
{
	static const uint64_t sizes[] = { HUGE, GIB, 512 * GIB };
	uint32_t id = vtd_nested_up(&g);

	vtd_map(&g, 1, VTD_IOVA, SECOND);
	for (int i = 0; i < 6; i++) {
		uint64_t *entry = vtd_entry_for(&g, 0, VTD_IOVA, sizes[i % 3]), was = *entry;

		*entry = *vtd_entry_for(&g, 1, VTD_IOVA, sizes[i % 3]);
		check_eq(vtd_where(&g, VTD_IOVA), FIRST);
		vtd_flush(&g, id, VTD_IOVA, 1);
		check_eq(vtd_where(&g, VTD_IOVA), SECOND);
		*entry = was;
		vtd_flush(&g, id, VTD_IOVA, 1);
		check_eq(vtd_where(&g, VTD_IOVA), FIRST);
	}
}

/* One call with many of them, one of which is for everything, or for what was changed. */
static void check_array(uint32_t id, uint32_t size, uint32_t at, bool everything)
{
	int last = vtd_where(&g, VTD_IOVA);
	unsigned int next = last == (int)FIRST ? SECOND : FIRST;
	static range_t array[300];
	uint32_t n = size;

	for (uint32_t i = 0; i < size; i++)
		array[i] = (range_t){ .addr = i * PAGE, .npages = 1 };
	array[at] = everything ? (range_t){ .npages = UINT64_MAX } :
				 (range_t){ .addr = VTD_IOVA, .npages = 1 };
	vtd_map(&g, 0, VTD_IOVA, next);
	check_ret(vtd_invalidate(g.fd, id, array, &n), 0);
	check_eq(n, size);
	check_eq(vtd_where(&g, VTD_IOVA), next);
}

static void stale_array(void)
{
	uint32_t id = vtd_nested_up(&g);

	for (int everything = 0; everything <= 1; everything++) {
		for (uint32_t at = 0; at < 7; at++)
			check_array(id, 7, at, everything);
		check_array(id, 127, 126, everything);
		check_array(id, 128, 127, everything);
		check_array(id, 300, 0, everything);
		check_array(id, 300, 257, everything);
		check_array(id, 300, 299, everything);
	}
}

/* A page of the parent becomes another, while the guest's entries are cached. */
static void parent_moves(void)
{
	struct mem other;
	uint64_t unmapped;

	vtd_nested_up(&g);
	mem_get(&other, MEM_ANON, PAGE);
	memset(other.va, 0, PAGE);
	require_ok(ioas_unmap(g.fd, g.ioas, VTD_GPA, VTD_PAGES * PAGE, &unmapped));
	check_eq(vtd_where(&g, VTD_IOVA), -1);
	require_ok(ioas_map_at(g.fd, g.ioas, g.m.va, FIRST * PAGE, VTD_GPA));
	check_eq(vtd_where(&g, VTD_IOVA), -1);
	require_ok(ioas_map_at(g.fd, g.ioas, other.va, PAGE, vtd_gpa(FIRST)));
	check_eq(vtd_where(&g, VTD_IOVA), -1);
	check(other.va[1] || other.va[2]);
	require_ok(ioas_unmap(g.fd, g.ioas, vtd_gpa(FIRST), PAGE, &unmapped));
	require_ok(ioas_map_at(g.fd, g.ioas, vtd_va(&g, FIRST), PAGE, vtd_gpa(FIRST)));
	check_eq(vtd_where(&g, VTD_IOVA), FIRST);
}

/* Does the device reach that memory at the address? */
static bool reaches(uint64_t iova, uint8_t *va)
{
	memset(va, 0, 64);
	require_ok(edu_store(&g.edu, iova, 0, 64));
	return va[1] || va[2];
}

/*
 * A large page of the parent comes where small ones were, while the guest's entries and
 * those above them are cached: nothing is left of the table of the small ones.
 */
static void parent_grows(void)
{
	static const unsigned int offsets[] = { 0, PAGE, 77 * PAGE, HUGE - PAGE };
	uint64_t gpa = VTD_GPA + GIB, iova = VTD_IOVA + PAGE, unmapped;
	uint32_t id = vtd_nested_up(&g);
	struct mem m;

	mem_get(&m, mem_has_thp() ? MEM_THP : MEM_ANON, HUGE);
	memset(m.va, 0, HUGE);
	for (int round = 0; round < 3; round++) {
		*vtd_entry(&g, 0, iova) = gpa | VTD_P | VTD_W | VTD_U;
		vtd_flush(&g, id, iova, 1);
		require_ok(ioas_map_at(g.fd, g.ioas, m.va + 5 * PAGE, PAGE, gpa));
		check(reaches(iova, m.va + 5 * PAGE));
		require_ok(ioas_unmap(g.fd, g.ioas, gpa, PAGE, &unmapped));
		check(!reaches(iova, m.va + 5 * PAGE));
		require_ok(ioas_map_at(g.fd, g.ioas, m.va, HUGE, gpa));
		for (unsigned int i = 0; i < sizeof(offsets) / sizeof(*offsets); i++) {
			*vtd_entry(&g, 0, iova) = (gpa + offsets[i]) | VTD_P | VTD_W | VTD_U;
			vtd_flush(&g, id, iova, 1);
			check(reaches(iova, m.va + offsets[i]));
		}
		require_ok(ioas_unmap(g.fd, g.ioas, gpa, HUGE, &unmapped));
		check(!reaches(iova, m.va + HUGE - PAGE));
	}
	check_eq(vtd_where(&g, VTD_IOVA), FIRST);
}

/*
 * The device writes all the time.  When the parent's unmap is over, the page is the
 * process's alone: what stands in it stays.
 */
static void canary(void)
{
	struct mem page;
	uint64_t unmapped;

	vtd_nested_up(&g);
	if (!edu_has_more(&g.edu))
		tap_skip("needs the edu of tests/qemu");
	mem_get(&page, MEM_ANON, PAGE);
	require_ok(ioas_unmap(g.fd, g.ioas, VTD_GPA, VTD_PAGES * PAGE, &unmapped));
	require_ok(ioas_map_at(g.fd, g.ioas, g.m.va, FIRST * PAGE, VTD_GPA));
	require_ok(ioas_map_at(g.fd, g.ioas, page.va, PAGE, vtd_gpa(FIRST)));
	edu_repeat(&g.edu, true);
	edu_start(&g.edu, true, VTD_IOVA, 0, 64);
	for (int i = 0; i < 20; i++) {
		memset(page.va, 0, PAGE);
		edu_wait_transfers(&g.edu, 3);
		check(page.va[1] || page.va[2]);
		require_ok(ioas_unmap(g.fd, g.ioas, vtd_gpa(FIRST), PAGE, &unmapped));
		memset(page.va, 0xa5, PAGE);
		edu_wait_transfers(&g.edu, 3);
		check_eq(mem_differs_from(page.va, PAGE, 0xa5), -1);
		require_ok(ioas_map_at(g.fd, g.ioas, page.va, PAGE, vtd_gpa(FIRST)));
	}
	edu_repeat(&g.edu, false);
	require_ok(edu_wait(&g.edu));
}

/* From each of five places to each other. */
static void replace(void)
{
	struct { uint32_t pt; uint64_t reached; } place[5];
	uint32_t plain;

	place[1].pt = vtd_nested_up(&g);
	vtd_map(&g, 1, VTD_IOVA, SECOND);
	place[0].pt = g.parent;
	place[2].pt = vtd_table(&g, 1);
	require_ok(hwpt_alloc(g.fd, g.dev.id, g.ioas, 0, &plain));
	place[3].pt = plain;
	place[4].pt = 0;
	for (int i = 0; i < 25; i++) {
		int to[2] = { i / 5, i % 5 };

		for (int j = 0; j < 2; j++) {
			uint32_t pt = place[to[j]].pt;

			require_ok(pt ? device_attach(&g.dev, pt) : device_detach(&g.dev));
		}
		tap_diag("from %d to %d", to[0], to[1]);
		check_eq(vtd_where(&g, VTD_IOVA),
			 to[1] == 1 ? (int)FIRST : to[1] == 2 ? (int)SECOND : -1);
		check_eq(vtd_where(&g, vtd_gpa(FIRST)),
			 to[1] == 0 || to[1] == 3 ? (int)FIRST : -1);
	}
}

/* From a nested page table on one parent to one on another, and back. */
static void parents(void)
{
	uint32_t first = vtd_nested_up(&g), parent = g.parent, second, other;

	vtd_map(&g, 1, VTD_IOVA, SECOND);
	require_ok(hwpt_alloc(g.fd, g.dev.id, g.ioas, IOMMU_HWPT_ALLOC_NEST_PARENT, &other));
	g.parent = other;
	second = vtd_table(&g, 1);
	for (int i = 0; i < 3; i++) {
		require_ok(device_attach(&g.dev, second));
		check_eq(vtd_where(&g, VTD_IOVA), SECOND);
		check_ret(iommu_destroy(g.fd, other), -EBUSY);
		require_ok(device_attach(&g.dev, first));
		check_eq(vtd_where(&g, VTD_IOVA), FIRST);
	}
	require_ok(device_attach(&g.dev, other));
	check_eq(vtd_where(&g, VTD_IOVA), -1);
	check_eq(vtd_where(&g, vtd_gpa(FIRST)), FIRST);
	check_ret(iommu_destroy(g.fd, first), 0);
	check_ret(iommu_destroy(g.fd, parent), 0);
	require_ok(device_attach(&g.dev, second));
	check_eq(vtd_where(&g, VTD_IOVA), SECOND);
}

/* The device goes with its page table: DMA has ended, nothing is pinned (the harness). */
static void closed(void)
{
	vtd_nested_up(&g);
	if (edu_has_more(&g.edu)) {
		edu_repeat(&g.edu, true);
		edu_start(&g.edu, true, VTD_IOVA, 0, 64);
	}
	edu_fini(&g.edu);
	device_close(&g.dev);
	close(g.fd);
	memset(g.m.va, 0xa5, g.m.size);
	nanosleep(&(struct timespec){ .tv_nsec = 50000000 }, NULL);
	check_eq(mem_differs_from(g.m.va, g.m.size, 0xa5), -1);
}

/* Two devices share the parent, each with a table of its own. */
static void two_devices(void)
{
	struct vtd_guest h;
	uint32_t id;

	vtd_nested_up(&g);
	h = g;
	device_get(&h.dev, "edu", 1, g.fd);
	edu_init(&h.edu, &h.dev);
	h.edu.limit = UINT64_MAX;
	require_ok(device_attach(&h.dev, g.parent));
	vtd_charge(&h);
	h.used = g.used;
	vtd_map(&h, 1, VTD_IOVA, SECOND);
	id = vtd_table(&h, 1);
	require_ok(device_attach(&h.dev, id));
	check_eq(vtd_where(&h, VTD_IOVA), SECOND);
	check_eq(vtd_where(&g, VTD_IOVA), FIRST);
	/* One's change and invalidation is not the other's. */
	vtd_map(&h, 1, VTD_IOVA, SECOND + 1);
	vtd_flush(&h, id, VTD_IOVA, 1);
	check_eq(vtd_where(&h, VTD_IOVA), SECOND + 1);
	check_eq(vtd_where(&g, VTD_IOVA), FIRST);
	require_ok(device_detach(&h.dev));
	check_eq(vtd_where(&h, VTD_IOVA), -1);
	check_eq(vtd_where(&g, VTD_IOVA), FIRST);
}

static const struct test tests[] = {
	{ "two_stages", two_stages },
	{ "flags", flags },
	{ "stale", stale },
	{ "stale_large", stale_large },
	{ "stale_tables", stale_tables },
	{ "stale_array", stale_array },
	{ "parent_moves", parent_moves },
	{ "parent_grows", parent_grows },
	{ "canary", canary },
	{ "replace", replace },
	{ "parents", parents },
	{ "closed", closed },
	{ "two_devices", two_devices },
};

TAP_MAIN("vtd_nested", tests)
