// SPDX-License-Identifier: GPL-2.0-only
/*
 * The IOMMU translates all of it: a transfer to an IOVA that is the physical
 * address of a page reaches nothing, whatever page table the device has and had.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "access.h"
#include "frames.h"
#include "rig.h"
#include "tap.h"

#define ELSEWHERE RIG_OUTSIDE

struct victim {
	uint8_t *va;		/* a page that is mapped at ELSEWHERE, so pinned */
	uint64_t physical;
};

static bool is_clear(uint64_t at)
{
	return at + PAGE <= RIG_BASE || (at >= RIG_BASE + RIG_SIZE &&
	       at != RIG_SCRATCH && at != ELSEWHERE);
}

/*
 * Does the device put out addresses of more than 28 bits?  Then any page will
 * do.  The range is in the middle of what a page table can map.
 */
static bool reaches_far(struct rig *r)
{
	uint64_t far = 8 * GIB;
	bool good;

	r->edu.limit = UINT64_MAX;
	if (ioas_map_at(r->fd, r->ioas, r->m.va, PAGE, far))
		return false;
	mem_fill(r->m.va, 64, 99);
	memset(r->copy, 0, 64);
	require_ok(edu_load(&r->edu, far, 0, 64));
	require_ok(edu_store(&r->edu, RIG_SCRATCH, 0, 64));
	good = !memcmp(r->copy, r->m.va, 64);
	require_ok(ioas_unmap(r->fd, r->ioas, far, PAGE, NULL));
	return good;
}

/* Takes memory until a page lies where the device can reach. */
static void find_victim(struct rig *r, struct victim *v)
{
	struct mem m;

	if (!reaches_far(r))
		r->edu.limit = EDU_IOVA_LIMIT;
	for (uint64_t size = 0; size + 64 * MIB < mem_available();
	     size += HUGE) {
		mem_get(&m, MEM_ANON, HUGE);
		memset(m.va, 1, HUGE);
		for (v->va = m.va; v->va < m.va + HUGE; v->va += PAGE) {
			v->physical = mem_pfn(v->va) * PAGE;
			if (v->physical && v->physical + PAGE <= r->edu.limit &&
			    is_clear(v->physical))
				return;
		}
	}
	tap_skip("no memory below 0x%llx, which is all that edu reaches",
		 (unsigned long long)r->edu.limit);
}

static void victim_up(struct rig *r, struct victim *v)
{
	rig_up(r);
	find_victim(r, v);
	require_ok(ioas_map_at(r->fd, r->ioas, v->va, PAGE, ELSEWHERE));
	/* it's where it was found, and stays there */
	check_eq(mem_pfn(v->va) * PAGE, v->physical);
	check(rig_reaches(r, ELSEWHERE, v->va, 64, 1));
	tap_diag("the page at 0x%llx", (unsigned long long)v->physical);
}

/* Transfers both ways at the physical address: nothing comes of them. */
static void check_unreached(struct rig *r, struct victim *v, const char *when)
{
	mem_fill(v->va, PAGE, 5);
	for (int i = 0; i < 3; i++) {
		uint64_t at = v->physical + i * (PAGE - 64) / 2;

		require_ok(edu_store(&r->edu, at, 0, 64));
		require_ok(edu_load(&r->edu, at, 128, 64));
	}
	check_msg(mem_differs(v->va, PAGE, 5) < 0,
		  "%s, the device wrote to physical memory", when);
}

/* What the device has read of it would be in its buffer. */
static void check_unread(struct rig *r, struct victim *v, const char *when)
{
	mem_fill(v->va, PAGE, 6);
	memset(r->copy, 0x5a, 64);
	require_ok(edu_load(&r->edu, RIG_SCRATCH, 128, 64));
	require_ok(edu_load(&r->edu, v->physical, 128, 64));
	require_ok(edu_store(&r->edu, RIG_SCRATCH, 128, 64));
	check_msg(mem_differs(r->copy, 64, 6) != -1,
		  "%s, the device read physical memory", when);
}

static void attached(void)
{
	struct victim v;
	struct rig r;

	victim_up(&r, &v);
	rig_charge(&r, 64, 2);
	check_unreached(&r, &v, "attached");
	check_unread(&r, &v, "attached");
	/* the same transfers arrive as soon as they may */
	require_ok(ioas_map_at(r.fd, r.ioas, v.va, PAGE, v.physical));
	rig_charge(&r, 64, 3);
	mem_fill(v.va, PAGE, 4);
	require_ok(edu_store(&r.edu, v.physical, 0, 64));
	check_eq(mem_differs(v.va, 64, 3), -1);
	require_ok(ioas_unmap(r.fd, r.ioas, v.physical, PAGE, NULL));
	check_unreached(&r, &v, "after an unmap");
	check_unread(&r, &v, "after an unmap");
}

/* A device without a page table reaches nothing, as one that was never attached. */
static void detached(void)
{
	uint64_t limit;
	struct victim v;
	struct rig r;

	victim_up(&r, &v);
	rig_charge(&r, 64, 2);
	for (int i = 0; i < 2; i++) {
		require_ok(device_detach(&r.dev));
		check_unreached(&r, &v, "detached");
		require_ok(device_attach(&r.dev, r.ioas));
		check_unreached(&r, &v, "attached again");
		check_unread(&r, &v, "attached again");
	}
	limit = r.edu.limit;
	rig_close_device(&r);
	device_get(&r.dev, "edu", 0, r.fd);
	edu_init(&r.edu, &r.dev);
	r.edu.limit = limit;
	check_unreached(&r, &v, "bound again");
}

static void replaced(void)
{
	uint32_t other, table;
	struct victim v;
	struct rig r;

	victim_up(&r, &v);
	rig_charge(&r, 64, 2);
	other = ioas_new(r.fd);
	require_ok(device_attach(&r.dev, other));
	check_unreached(&r, &v, "in an empty space");
	require_ok(hwpt_alloc(r.fd, r.dev.id, r.ioas, 0, &table));
	require_ok(device_attach(&r.dev, table));
	check_unreached(&r, &v, "in another table");
	check_unread(&r, &v, "in another table");
}

static const struct test tests[] = {
	{ "attached", attached },
	{ "detached", detached },
	{ "replaced", replaced },
};

TAP_MAIN("bypass", tests)
