// SPDX-License-Identifier: GPL-2.0-only
/*
 * Nested page tables on VT-d: DMA by two stages, what is stale until when, replacing in
 * every direction, what a parent takes away, and bad values.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tap.h"
#include "vtd.h"

#define FIRST	VTD_DATA
#define SECOND	(VTD_DATA + 1)

typedef struct iommu_hwpt_vtd_s1_invalidate range_t;

static struct vtd_guest g;

/* The device on a guest table that maps VTD_IOVA to the first page. */
static uint32_t nested_up(void)
{
	uint32_t id;

	vtd_up(&g);
	vtd_map(&g, 0, VTD_IOVA, FIRST);
	id = vtd_table(&g, 0);
	require_ok(device_attach(&g.dev, id));
	require(vtd_where(&g, VTD_IOVA) == (int)FIRST);
	return id;
}

static void two_stages(void)
{
	nested_up();
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

	nested_up();
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
	uint32_t id = nested_up();

	check_fresh_after(id, VTD_IOVA, 1);
	check_fresh_after(id, VTD_IOVA, 3);
	check_fresh_after(id, VTD_IOVA & ~(HUGE - 1), 512);
	check_fresh_after(id, 0, UINT64_MAX);
}

/* Ranges that one descriptor can't name. */
static void stale_large(void)
{
	uint32_t id = nested_up();

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

/* One call with many of them, and ours between the driver's. */
static void stale_array(void)
{
	uint32_t id = nested_up(), n;
	range_t array[7];

	for (int big = 0; big < 7; big++) {
		int last = vtd_where(&g, VTD_IOVA);
		unsigned int next = last == (int)FIRST ? SECOND : FIRST;

		for (int i = 0; i < 7; i++)
			array[i] = (range_t){ .addr = i * PAGE, .npages = 1 };
		array[big] = (range_t){ .addr = 0, .npages = UINT64_MAX };
		vtd_map(&g, 0, VTD_IOVA, next);
		n = 7;
		check_ret(vtd_invalidate(g.fd, id, array, &n), 0);
		check_eq(n, 7);
		check_eq(vtd_where(&g, VTD_IOVA), next);
	}
}

/* A page of the parent becomes another, while the guest's entries are cached. */
static void parent_moves(void)
{
	struct mem other;
	uint64_t unmapped;

	nested_up();
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

static void wait_transfers(uint32_t n)
{
	uint32_t from = edu_count(&g.edu);
	double end = tap_now() + 10 * tap_time_factor();

	while (edu_count(&g.edu) - from < n && tap_now() < end)
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	check(edu_count(&g.edu) - from >= n);
}

/*
 * The device writes all the time.  When the parent's unmap is over, the page is the
 * process's alone: what stands in it stays.
 */
static void canary(void)
{
	struct mem page;
	uint64_t unmapped;

	nested_up();
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
		wait_transfers(3);
		check(page.va[1] || page.va[2]);
		require_ok(ioas_unmap(g.fd, g.ioas, vtd_gpa(FIRST), PAGE, &unmapped));
		memset(page.va, 0xa5, PAGE);
		wait_transfers(3);
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

	place[1].pt = nested_up();
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

/* What stands on what. */
static void holds(void)
{
	uint32_t id = nested_up();

	check_ret(iommu_destroy(g.fd, g.parent), -EBUSY);
	check_ret(iommu_destroy(g.fd, id), -EBUSY);
	require_ok(device_attach(&g.dev, g.parent));
	check_ret(iommu_destroy(g.fd, id), 0);
	check_ret(iommu_destroy(g.fd, g.parent), -EBUSY);
	require_ok(device_detach(&g.dev));
	check_ret(iommu_destroy(g.fd, g.parent), 0);
}

/* The device goes with its page table: DMA has ended, nothing is pinned (the harness). */
static void closed(void)
{
	nested_up();
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

/* The owner dies in full use; another process can have the device then. */
static void killed_owner(void *ready)
{
	nested_up();
	if (edu_has_more(&g.edu))
		edu_repeat(&g.edu, true);
	edu_start(&g.edu, true, VTD_IOVA, 0, 64);
	*(volatile int *)ready = 1;
	pause();
}

static void killed(void)
{
	volatile int *ready = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	double end = tap_now() + 30 * tap_time_factor();
	int pid, status;

	if (!device_find("edu", 0))
		tap_skip("needs an edu");
	pid = fork();
	require(pid >= 0);
	if (!pid) {
		killed_owner((void *)ready);
		_exit(0);
	}
	while (!*ready && waitpid(pid, &status, WNOHANG) == 0 && tap_now() < end)
		nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
	if (!*ready) {
		kill(pid, SIGKILL);
		vtd_up(&g);		/* says why not */
		require(*ready);
	}
	kill(pid, SIGKILL);
	require(waitpid(pid, &status, 0) == pid);
	nested_up();
}

/* After a reset the guest's table translates, or nothing does. */
static void reset(void)
{
	uint32_t id = nested_up();
	int ret = device_reset(&g.dev);

	if (ret == -ENOTTY)
		tap_skip("this device can't be reset");
	require_ok(ret);
	require_ok(device_bus_master(&g.dev));
	/* The buffer was kept: it isn't the device's state that is looked at. */
	check_eq(vtd_where(&g, vtd_gpa(FIRST)), -1);
	check_eq(vtd_where(&g, VTD_IOVA), FIRST);
	check_fresh_after(id, VTD_IOVA, 1);
}

/* Two devices share the parent, each with a table of its own. */
static void two_devices(void)
{
	struct vtd_guest h;
	uint32_t id;

	nested_up();
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

/* Erratum 772415: nothing that is read-only below a nested page table. */
static void read_only(void)
{
	struct mem page;
	uint64_t iova = VTD_GPA + GIB;
	uint32_t id, other;

	vtd_up(&g);
	mem_get(&page, MEM_ANON, PAGE);
	check_ret(ioas_map(g.fd, g.ioas, MAP_R | MAP_FIX, page.va, PAGE, &iova), -EINVAL);
	check_eq(vtd_where(&g, vtd_gpa(FIRST)), FIRST);
	other = ioas_new(g.fd);
	iova = VTD_GPA;
	require_ok(ioas_map(g.fd, other, MAP_R | MAP_FIX, page.va, PAGE, &iova));
	check_ret(hwpt_alloc(g.fd, g.dev.id, other, IOMMU_HWPT_ALLOC_NEST_PARENT, &id),
		  -EINVAL);
}

/* One field of what it is made of is bad: there's none, or it can't be attached. */
static void check_data(struct iommu_hwpt_vtd_s1 data, int want)
{
	uint32_t id = 0;
	int ret = vtd_nested(&g, 0, &data, &id);

	if (!ret) {
		ret = device_attach(&g.dev, id);
		check_ret(iommu_destroy(g.fd, id), 0);
	}
	check_ret(ret, want);
	/* Linux's own leaves DMA blocked when an attachment fails. */
	if (tap_oracle()) {
		require_ok(device_detach(&g.dev));
		require_ok(device_attach(&g.dev, g.parent));
	}
	check_eq(vtd_where(&g, vtd_gpa(FIRST)), FIRST);
}

static void bad_data(void)
{
	struct iommu_hwpt_vtd_s1 good, data;
	uint32_t id = 0;

	vtd_up(&g);
	good = (struct iommu_hwpt_vtd_s1){ .pgtbl_addr = g.root[0], .addr_width = 48 };
	for (uint32_t width = 0; width < 70; width++) {
		data = good;
		data.addr_width = width;
		if (width != 48)
			check_data(data, -EINVAL);
	}
	data = good;
	data.addr_width = UINT32_MAX;
	check_data(data, -EINVAL);
	data = good;
	data.flags = IOMMU_VTD_S1_EAFE;
	check_data(data, -EINVAL);
	check_ret(vtd_nested(&g, IOMMU_HWPT_ALLOC_NEST_PARENT, &good, &id), -EOPNOTSUPP);
	check_ret(vtd_nested(&g, IOMMU_HWPT_ALLOC_DIRTY_TRACKING, &good, &id), -EOPNOTSUPP);
	/* A table that isn't in the parent, or nowhere: that translates nothing. */
	for (int bit = 12; bit < 64; bit += 13) {
		data = good;
		data.pgtbl_addr = 1ull << bit | PAGE;
		require_ok(vtd_nested(&g, 0, &data, &id));
		if (!device_attach(&g.dev, id))
			check_eq(vtd_where(&g, VTD_IOVA), -1);
		require_ok(device_attach(&g.dev, g.parent));
		check_ret(iommu_destroy(g.fd, id), 0);
	}
}

/* Entry @at of eight is bad: those before it are done, and no more. */
static void check_array(uint32_t id, uint32_t at, range_t bad, int want)
{
	range_t array[8];
	uint32_t n = 8;

	for (int i = 0; i < 8; i++)
		array[i] = (range_t){ .addr = i & 1 ? 0 : VTD_IOVA,
				      .npages = i & 1 ? UINT64_MAX : 1 };
	array[at] = bad;
	check_ret(vtd_invalidate(g.fd, id, array, &n), want);
	check_eq(n, at);
}

static void bad_ranges(void)
{
	uint32_t id = nested_up(), n = 2;
	range_t *end = before_hole(sizeof(*end));

	for (uint32_t at = 0; at < 8; at++) {
		check_array(id, at, (range_t){ .npages = 1, .flags = 2 }, -EOPNOTSUPP);
		check_array(id, at, (range_t){ .npages = 1, .__reserved = 1 }, -EOPNOTSUPP);
		check_array(id, at, (range_t){ .npages = UINT64_MAX, .flags = 1u << 31 },
			    -EOPNOTSUPP);
		check_array(id, at, (range_t){ .npages = 1ull << 40, .__reserved = 1 },
			    -EOPNOTSUPP);
		check_array(id, at, (range_t){ .addr = 1, .npages = 1 }, -EINVAL);
		check_array(id, at, (range_t){ .addr = 8, .npages = 1ull << 40 }, -EINVAL);
		check_array(id, at, (range_t){ .addr = PAGE, .npages = UINT64_MAX }, -EINVAL);
	}
	*end = (range_t){ .npages = UINT64_MAX };
	check_ret(vtd_invalidate(g.fd, id, end, &n), -EFAULT);
	check_eq(n, 1);
	n = 0;
	check_ret(vtd_invalidate(g.fd, id, NULL, &n), 0);
	/* A parent has nothing of that kind. */
	n = 1;
	check_ret(vtd_invalidate(g.fd, g.parent, end, &n), -EINVAL);
	check_eq(n, 0);
}

/* Nesting is promised where a parent can be had, and nowhere else. */
static void promised(void)
{
	struct iommu_hw_info_vtd vtd = {};
	struct iommu_hw_info info;
	struct device dev;
	uint32_t ioas, id;
	int fd = iommu_open(), ret;

	ioas = ioas_new(fd);
	device_get(&dev, "edu", 0, fd);
	require_ok(hw_info(fd, dev.id, &vtd, sizeof(vtd), &info));
	if (info.out_data_type != IOMMU_HW_INFO_TYPE_INTEL_VTD)
		tap_skip("needs VT-d");
	ret = hwpt_alloc(fd, dev.id, ioas, IOMMU_HWPT_ALLOC_NEST_PARENT, &id);
	check(!ret || ret == -EOPNOTSUPP);
	check_eq(!!(vtd.ecap_reg & VTD_NEST), !ret);
}

static const struct test tests[] = {
	{ "two_stages", two_stages },
	{ "flags", flags },
	{ "stale", stale },
	{ "stale_large", stale_large },
	{ "stale_array", stale_array },
	{ "parent_moves", parent_moves },
	{ "canary", canary },
	{ "replace", replace },
	{ "holds", holds },
	{ "closed", closed },
	{ "killed", killed },
	{ "reset", reset },
	{ "two_devices", two_devices },
	{ "read_only", read_only },
	{ "bad_data", bad_data },
	{ "bad_ranges", bad_ranges },
	{ "promised", promised },
};

TAP_MAIN("vtd_nested", tests)
