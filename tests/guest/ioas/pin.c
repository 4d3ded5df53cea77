// SPDX-License-Identifier: GPL-2.0-only
/*
 * An address space and its page tables: what attaching a device reserves, and
 * which memory is pinned from when to when.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "device.h"
#include "iommu.h"
#include "klog.h"
#include "mem.h"
#include "meters.h"
#include "plug.h"
#include "tap.h"
#include "trace.h"

#define BASE 0x1000000ull
#define MSI_WINDOW 0xfee00000ull	/* x86 */

struct setup {
	int fd;
	uint32_t ioas;
	struct device dev;
	struct iommu_iova_range r[64];
	uint32_t n;
	uint64_t align;
};

static void ranges(struct setup *s)
{
	s->n = ARRAY_SIZE(s->r);
	require_ok(ioas_ranges(s->fd, s->ioas, s->r, &s->n, &s->align));
}

static void setup(struct setup *s)
{
	s->fd = iommu_open();
	s->ioas = ioas_new(s->fd);
	device_get(&s->dev, "edu", 0, s->fd);
}

static bool within(const struct setup *s, uint64_t iova)
{
	for (uint32_t i = 0; i < s->n; i++)
		if (iova >= s->r[i].start && iova <= s->r[i].last)
			return true;
	return false;
}

/* The first address that only the attached device reserves, or 0. */
static uint64_t first_hole(const struct setup *s)
{
	if (s->r[0].start)
		return PAGE;
	return s->r[0].last == UINT64_MAX ? 0 : s->r[0].last + 1;
}

static void reserved(void)
{
	struct setup s;
	struct mem m;
	uint64_t hole;

	setup(&s);
	mem_get(&m, MEM_ANON, PAGE);
	ranges(&s);
	check_eq(s.n, 1);
	check_eq(s.align, 1);
	require_ok(device_attach(&s.dev, s.ioas));
	ranges(&s);
	check_eq(s.align, PAGE);
	check(within(&s, BASE));
	hole = first_hole(&s);
	if (klog_iommu() == IOMMU_VTD || klog_iommu() == IOMMU_AMD) {
		check(!within(&s, MSI_WINDOW) && within(&s, MSI_WINDOW - 1));
		check(!within(&s, MSI_WINDOW + 0xfffff) &&
		      within(&s, MSI_WINDOW + 0x100000));
		check_eq(hole, MSI_WINDOW);
	}
	check(hole != 0);
	check_ret(ioas_map_at(s.fd, s.ioas, m.va, PAGE, hole), -EINVAL);
	require_ok(ioas_map_at(s.fd, s.ioas, m.va, PAGE, hole - PAGE));
	require_ok(device_detach(&s.dev));
	ranges(&s);
	check_eq(s.n, 1);
	check_eq(s.r[0].start, 0);
	check_eq(s.r[0].last, UINT64_MAX);
	check_eq(s.align, 1);
	check_eq(ioas_unmap_all(s.fd, s.ioas), PAGE);
}

/* What is mapped already must suit the device. */
static void unsuitable(void)
{
	uint64_t bad[4];
	struct setup s;
	struct mem m;
	size_t n = 0;

	setup(&s);
	mem_get(&m, MEM_ANON, 4 * PAGE);
	require_ok(device_attach(&s.dev, s.ioas));
	ranges(&s);
	require_ok(device_detach(&s.dev));
	if (first_hole(&s))
		bad[n++] = first_hole(&s);
	if (s.r[s.n - 1].last != UINT64_MAX) {
		bad[n++] = s.r[s.n - 1].last + 1;
		bad[n++] = -2 * PAGE;
	}
	require(n > 0);
	for (size_t i = 0; i < n; i++) {
		require_ok(ioas_map_at(s.fd, s.ioas, m.va, PAGE, BASE));
		require_ok(ioas_map_at(s.fd, s.ioas, m.va, PAGE, bad[i]));
		check_ret(device_attach(&s.dev, s.ioas), -EADDRINUSE);
		check_eq(ioas_unmap_all(s.fd, s.ioas), 2 * PAGE);
	}
	/* and be made of whole pages */
	require_ok(ioas_map_at(s.fd, s.ioas, m.va, 5, BASE));
	check_ret(device_attach(&s.dev, s.ioas), -EADDRINUSE);
	require_ok(ioas_unmap(s.fd, s.ioas, BASE, 5, NULL));
	require_ok(ioas_map_at(s.fd, s.ioas, m.va + 1, PAGE, BASE));
	check_ret(device_attach(&s.dev, s.ioas), -EADDRINUSE);
	require_ok(ioas_unmap(s.fd, s.ioas, BASE, PAGE, NULL));
	require_ok(ioas_map_at(s.fd, s.ioas, m.va, PAGE, BASE + 1));
	check_ret(device_attach(&s.dev, s.ioas), -EADDRINUSE);
	check_eq(ioas_unmap_all(s.fd, s.ioas), PAGE);
	require_ok(device_attach(&s.dev, s.ioas));
	ranges(&s);
	check(s.n >= 1);
}

/* The kernel's own choice keeps clear of what is reserved. */
static void chosen_attached(void)
{
	struct setup s;
	struct mem m;

	setup(&s);
	mem_get(&m, MEM_ANON, 8 * MIB);
	require_ok(device_attach(&s.dev, s.ioas));
	ranges(&s);
	for (int i = 0; i < 64; i++) {
		uint64_t iova = 0, size = (1 + i % 5) * PAGE;

		require_ok(ioas_map(s.fd, s.ioas, MAP_RW, m.va + i * PAGE,
				    size, &iova));
		check(iova % PAGE == 0 && within(&s, iova) &&
		      within(&s, iova + size - 1));
	}
	check_ret(ioas_map(s.fd, s.ioas, MAP_RW, m.va + 1, PAGE,
			   &(uint64_t){ 0 }), -EINVAL);
}

/* Attaching pins what is mapped, detaching lets it go. */
static void attach_fills(void)
{
	long long pins = meters_pins();
	long own = meters_vmpin();
	struct setup s;
	struct mem m;

	setup(&s);
	mem_get(&m, MEM_ANON, MIB);
	require_ok(ioas_map_at(s.fd, s.ioas, m.va, MIB, BASE));
	require_ok(ioas_map_at(s.fd, s.ioas, m.va, 16 * PAGE, BASE + GIB));
	check_eq(meters_pins(), pins);
	check_eq(meters_vmpin(), own);
	for (int i = 0; i < 3; i++) {
		require_ok(device_attach(&s.dev, s.ioas));
		check_eq(meters_pins(), pins + 272);
		check_eq(meters_vmpin(), own + 272);
		require_ok(device_detach(&s.dev));
		check_eq(meters_wait_pins(pins), pins);
		check_eq(meters_vmpin(), own);
	}
	check_eq(ioas_unmap_all(s.fd, s.ioas), MIB + 16 * PAGE);
}

/* However many tables and copies there are, memory is pinned once. */
static void pinned_once(void)
{
	uint32_t table = 0, other;
	uint64_t at = BASE;
	long long pins;
	struct setup s;
	struct mem m;
	long own;

	setup(&s);
	mem_get(&m, MEM_ANON, MIB);
	require_ok(device_attach(&s.dev, s.ioas));
	require_ok(ioas_map_at(s.fd, s.ioas, m.va, MIB, BASE));
	pins = meters_pins();
	own = meters_vmpin();
	check_eq(own, MIB / PAGE);
	require_ok(hwpt_alloc(s.fd, s.dev.id, s.ioas, 0, &table));
	other = ioas_new(s.fd);
	require_ok(ioas_copy(s.fd, other, s.ioas, MAP_RW | MAP_FIX, BASE, MIB,
			     &at));
	at = BASE + GIB;
	require_ok(ioas_copy(s.fd, s.ioas, s.ioas, MAP_R | MAP_FIX,
			     BASE + PAGE, MIB / 2, &at));
	check_eq(meters_pins(), pins);
	check_eq(meters_vmpin(), own);
	/* they go with the last of all, or with their part of it */
	require_ok(ioas_unmap(s.fd, s.ioas, BASE, MIB, NULL));
	check(meters_vmpin() >= (long)(MIB / 2 / PAGE));
	check(meters_vmpin() <= own);
	require_ok(device_detach(&s.dev));
	require_ok(ioas_unmap(s.fd, s.ioas, BASE + GIB, MIB / 2, NULL));
	require_ok(iommu_destroy(s.fd, table));
	check_eq(meters_wait_pins(pins - own), pins - own);
	check_eq(meters_vmpin(), 0);
	/* the copy that nobody uses can be brought to life again */
	require_ok(device_attach(&s.dev, other));
	check_eq(meters_vmpin(), own);
	check_eq(ioas_unmap_all(s.fd, other), MIB);
	check_eq(meters_vmpin(), 0);
}

/* Two mappings of one page are two. */
static void same_page(void)
{
	struct setup s;
	struct mem m;

	setup(&s);
	mem_get(&m, MEM_ANON, PAGE);
	require_ok(device_attach(&s.dev, s.ioas));
	for (int i = 0; i < 3000; i++)
		require_ok(ioas_map_at(s.fd, s.ioas, m.va, PAGE,
				       BASE + i * PAGE));
	check_eq(meters_vmpin(), 3000);
	check_eq(ioas_unmap_all(s.fd, s.ioas), 3000 * PAGE);
	check_eq(meters_vmpin(), 0);
}

/* Each kind of memory, at the edges of its pages too. */
static void check_kind(enum mem_kind kind, bool by_file)
{
	static const struct { uint64_t at, size; } parts[] = {
		{ 0, 4 * HUGE }, { PAGE, 4 * HUGE - 2 * PAGE },
		{ HUGE - PAGE, 2 * PAGE }, { HUGE, HUGE }, { 3 * PAGE, PAGE },
		{ HUGE + 5 * PAGE, 2 * HUGE },
	};
	long long pins = meters_pins();
	struct setup s;
	struct mem m;

	setup(&s);
	mem_get(&m, kind, 4 * HUGE);
	require_ok(device_attach(&s.dev, s.ioas));
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		uint64_t size = parts[i].size, iova = BASE, bytes = 0;

		if (by_file)
			require_ok(ioas_map_file(s.fd, s.ioas,
						 MAP_RW | MAP_FIX, m.fd,
						 parts[i].at, size, &iova));
		else
			require_ok(ioas_map_at(s.fd, s.ioas,
					       m.va + parts[i].at, size,
					       iova));
		check_eq(meters_vmpin(), size / PAGE);
		check(meters_pins() > pins);
		require_ok(ioas_unmap(s.fd, s.ioas, BASE, size, &bytes));
		check_eq(bytes, size);
		check_eq(meters_vmpin(), 0);
		check_eq(meters_wait_pins(pins), pins);
	}
	mem_put(&m);
}

static void anonymous(void) { check_kind(MEM_ANON, false); }
static void thp(void) { check_kind(MEM_THP, false); }
static void hugetlb(void) { check_kind(MEM_HUGETLB, false); }
static void memfd(void) { check_kind(MEM_MEMFD, false); }
static void memfd_huge(void) { check_kind(MEM_MEMFD_HUGE, false); }
static void file(void) { check_kind(MEM_MEMFD, true); }
static void file_huge(void) { check_kind(MEM_MEMFD_HUGE, true); }

/* A map that fails in the middle leaves no page pinned. */
static void half_way(void)
{
	long long pins = meters_pins();
	struct setup s;
	struct mem m;

	setup(&s);
	mem_get(&m, MEM_ANON, 16 * MIB);
	munmap(m.va + 15 * MIB, PAGE);
	require_ok(device_attach(&s.dev, s.ioas));
	check_ret(ioas_map_at(s.fd, s.ioas, m.va, 16 * MIB, BASE), -EFAULT);
	check_eq(meters_wait_pins(pins), pins);
	check_eq(meters_vmpin(), 0);
	require_ok(ioas_map_at(s.fd, s.ioas, m.va, 15 * MIB, BASE));
	check_eq(ioas_unmap_all(s.fd, s.ioas), 15 * MIB);
	/* the same by attach, with a good mapping before the bad one */
	require_ok(device_detach(&s.dev));
	require_ok(ioas_map_at(s.fd, s.ioas, m.va, MIB, BASE));
	require_ok(ioas_map_at(s.fd, s.ioas, m.va, 16 * MIB, BASE + GIB));
	check_ret(device_attach(&s.dev, s.ioas), -EFAULT);
	check_eq(meters_wait_pins(pins), pins);
	check_eq(meters_vmpin(), 0);
	check_eq(ioas_unmap_all(s.fd, s.ioas), 17 * MIB);
}

/* A copy that fails in the middle, by the permission of its second part. */
static void half_copy(void)
{
	uint64_t iova = BASE + MIB;
	struct setup s;
	struct mem m;

	setup(&s);
	mem_get(&m, MEM_ANON, 2 * MIB);
	require_ok(device_attach(&s.dev, s.ioas));
	require_ok(ioas_map_at(s.fd, s.ioas, m.va, MIB, BASE));
	require_ok(ioas_map(s.fd, s.ioas, MAP_R | MAP_FIX, m.va + MIB, MIB,
			    &iova));
	iova = BASE + GIB;
	check_ret(ioas_copy(s.fd, s.ioas, s.ioas, MAP_RW | MAP_FIX, BASE,
			    2 * MIB, &iova), -EPERM);
	check_eq(meters_vmpin(), 512);
	check_eq(ioas_unmap_all(s.fd, s.ioas), 2 * MIB);
	check_eq(meters_vmpin(), 0);
}

/* Without combining, large memory is mapped page by page, and works. */
static void small_pages(void)
{
	struct setup s;
	struct mem m;

	setup(&s);
	mem_get(&m, MEM_THP, 2 * HUGE);
	require_ok(option_set(s.fd, IOMMU_OPTION_HUGE_PAGES, s.ioas, 0));
	require_ok(device_attach(&s.dev, s.ioas));
	require_ok(ioas_map_at(s.fd, s.ioas, m.va, 2 * HUGE, BASE));
	check_ret(option_set(s.fd, IOMMU_OPTION_HUGE_PAGES, s.ioas, 0), 0);
	check_eq(meters_vmpin(), 1024);
	check_eq(ioas_unmap_all(s.fd, s.ioas), 2 * HUGE);
	check_eq(meters_vmpin(), 0);
}

#define TRACING "/sys/kernel/tracing/"
#define PROBE	TRACING "events/kprobes/unpin/"

static unsigned int count_events(void)
{
	unsigned int n = 0;

	for (const char *p = slurp(TRACING "trace"); (p = strstr(p, "unpin:")); p++)
		n++;
	return n;
}

/* Maps and unmaps, and counts the calls that give back pages and pass a filter. */
static unsigned int count_unpins(struct setup *s, const struct mem *m, const char *filter)
{
	require_ok(write_file(PROBE "filter", filter));
	empty_file(TRACING "trace");
	require_ok(ioas_map_at(s->fd, s->ioas, m->va, m->size, BASE));
	require_ok(write_file(PROBE "enable", "1"));
	check_eq(ioas_unmap_all(s->fd, s->ioas), m->size);
	require_ok(write_file(PROBE "enable", "0"));
	return count_events();
}

/* A long run of pages is unpinned in steps, between which others may run. */
static void in_steps(void)
{
	struct setup s;
	struct mem m;

	if (tap_oracle())
		tap_skip("Linux's own doesn't record runs");
	if (write_file(TRACING "kprobe_events",
		       "p:kprobes/unpin unpin_user_page_range_dirty_lock n=$arg2"))
		tap_skip("no kprobes");
	setup(&s);
	require_ok(device_attach(&s.dev, s.ioas));
	mem_get(&m, MEM_HUGETLB, 24 * HUGE);
	check(count_unpins(&s, &m, "n > 0") > 0);
	/* None, if the huge pages don't follow each other. */
	tap_diag("%u steps of 32 MiB", count_unpins(&s, &m, "n == 8192"));
	check_eq(count_unpins(&s, &m, "n > 8192"), 0);
	require_ok(write_file(TRACING "kprobe_events", "-:kprobes/unpin"));
}

static const struct test tests[] = {
	{ "reserved", reserved },
	{ "unsuitable", unsuitable },
	{ "chosen_attached", chosen_attached },
	{ "attach_fills", attach_fills },
	{ "pinned_once", pinned_once },
	{ "same_page", same_page },
	{ "anonymous", anonymous },
	{ "thp", thp },
	{ "hugetlb", hugetlb },
	{ "memfd", memfd },
	{ "memfd_huge", memfd_huge },
	{ "file", file },
	{ "file_huge", file_huge },
	{ "half_way", half_way },
	{ "half_copy", half_copy },
	{ "small_pages", small_pages },
	{ "in_steps", in_steps },
};

TAP_MAIN("pin", tests)
