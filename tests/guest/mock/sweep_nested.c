// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every call that can fail behind nested translation by a real IOMMU fails once: that of a
 * shim, too.  What was asked then fails and has changed nothing, or passes and translates.
 * Wants a test build, and a machine whose IOMMU nests.
 */
#include <errno.h>

#include "nested_guest.h"
#include "sweep.h"
#include "sweep_scene.h"
#include "tap.h"

static struct nested_guest n;
static struct mem memory;

static void need_nesting(void)
{
	nested_memory(&memory);
	nested_up(&n, &memory, 0, NESTED_PARENT);
	nested_close(&n);
}

static void opened(void)
{
	nested_open(&n, &memory, 0);
}

/* Is it there, and nowhere else, that the device's writes arrive?  0, or -EXDEV. */
static int reaches(int table, int parent)
{
	return nested_where(&n, nested_iova(&n)) == table &&
	       nested_where(&n, nested_gpa(&n, 2)) == parent ? 0 : -EXDEV;
}

static void run_moves(void)
{
	step(nested_try(&n, NESTED_PARENT));
	step(nested_try(&n, NESTED_ON_PARENT));
	step(nested_try(&n, NESTED_VIOMMU));
	step(nested_try(&n, NESTED_VDEVICE));
	step(nested_try(&n, NESTED_TABLE));
	step(nested_try(&n, NESTED_OTHER_TABLE));
	step(nested_try(&n, NESTED_ATTACHED));
	step(reaches(0, -1));
	step(nested_try(&n, NESTED_INVALIDATED));
	step(nested_try(&n, NESTED_REPLACED));
	step(reaches(1, -1));
	step(nested_try(&n, NESTED_BACK));
	step(reaches(-1, 2));
	step(device_detach(n.dev));
	step(device_attach(n.dev, n.table[0]));
	step(reaches(0, -1));
	step(iommu_destroy(n.fd, n.table[1]));
	step(nested_try(&n, NESTED_OTHER_TABLE));
	step(device_detach(n.dev));
	step(reaches(-1, -1));
	nested_close(&n);
}

static void moves(void)
{
	need_nesting();
	sweep(opened, run_moves);
}

/* Between tables on different parents the core moves, too, and may have to go back. */
static struct nested_guest on_other;

static void opened_twice(void)
{
	opened();
	for (int step = 0; step <= NESTED_TABLE; step++)
		require_ok(nested_try(&n, step));
	on_other = n;
}

static int make_other(void)
{
	return hwpt_alloc(n.fd, n.dev->id, n.ioas, IOMMU_HWPT_ALLOC_NEST_PARENT,
			  &on_other.parent);
}

static void run_parents(void)
{
	uint32_t plain = 0;

	step(make_other());
	/* With SMMUv3 a table belongs to a vIOMMU, and a device to one of these. */
	if (!n.viommu)
		step(nested_try(&on_other, NESTED_TABLE));
	else
		on_other.table[0] = on_other.parent;
	step(hwpt_alloc(n.fd, n.dev->id, n.ioas, 0, &plain));
	step(device_attach(n.dev, n.table[0]));
	step(reaches(0, -1));
	step(device_attach(n.dev, on_other.table[0]));
	step(n.viommu ? reaches(-1, 2) : reaches(0, -1));
	step(device_attach(n.dev, n.table[0]));
	step(reaches(0, -1));
	step(device_attach(n.dev, plain));
	step(reaches(-1, 2));
	step(device_attach(n.dev, n.table[0]));
	step(reaches(0, -1));
	nested_close(&n);
}

static void parents(void)
{
	need_nesting();
	sweep(opened_twice, run_parents);
}

static const struct test tests[] = {
	{ "moves", moves, 600 },
	{ "parents", parents, 600 },
};

TAP_MAIN("sweep_nested", tests)
