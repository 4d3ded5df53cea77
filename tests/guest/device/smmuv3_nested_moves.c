// SPDX-License-Identifier: GPL-2.0-only
/*
 * Nested page tables of a real SMMUv3: a device moves between all that it can be attached
 * to, and to other parents.
 */
#include <errno.h>

#include "smmuv3_scene.h"
#include "tap.h"

enum place { PARENT, ONE, OTHER, ABORT, BYPASS, INVALID, NONE, PLACES };

static const char *const place_names[PLACES] = {
	"parent", "one", "other", "abort", "bypass", "invalid", "none",
};

struct places {
	uint32_t id[PLACES];
	struct stage1 other;
};

static void places_make(struct places *p)
{
	uint64_t abort[2] = { STE_V | STE_ABORT, 0 }, bypass[2] = { STE_V | STE_BYPASS, 0 };
	uint64_t invalid[2] = { ~STE_V, ~0ull };

	stage1_make(&p->other, &nest.g, 8, 1);
	stage1_map(&p->other, 0, PAGE_C);
	p->id[PARENT] = nest.g.parent;
	p->id[ONE] = nest.hwpt;
	p->id[OTHER] = stage1_hwpt(&p->other, &nest.d);
	require_ok(nested_alloc(nest.g.fd, nest.d.dev.id, nest.g.viommu, abort, &p->id[ABORT]));
	require_ok(nested_alloc(nest.g.fd, nest.d.dev.id, nest.g.viommu, bypass, &p->id[BYPASS]));
	require_ok(nested_alloc(nest.g.fd, nest.d.dev.id, nest.g.viommu, invalid, &p->id[INVALID]));
}

static void places_drop(struct places *p)
{
	check_ret(iommu_destroy(nest.g.fd, p->id[OTHER]), 0);
	check_ret(iommu_destroy(nest.g.fd, p->id[ABORT]), 0);
	check_ret(iommu_destroy(nest.g.fd, p->id[BYPASS]), 0);
	check_ret(iommu_destroy(nest.g.fd, p->id[INVALID]), 0);
}

static void go(struct places *p, enum place place)
{
	if (place == NONE)
		check_ret(device_detach(&nest.d.dev), 0);
	else
		check_ret(device_attach(&nest.d.dev, p->id[place]), 0);
}

static void check_place(enum place place)
{
	bool alone = place == PARENT || place == BYPASS;
	unsigned int failures = tap_failures();

	check_lands(&nest.d, GUEST_IOVA, place == ONE ? PAGE_A : place == OTHER ? PAGE_C : -1);
	check_lands(&nest.d, guest_ipa(PAGE_B), alone ? PAGE_B : -1);
	if (tap_failures() != failures)
		tap_diag("in the place %s", place_names[place]);
}

/* From each place to each. */
static void moves(void)
{
	struct places p;
	enum place from, to;

	nest_up();
	places_make(&p);
	go(&p, NONE);
	for (from = 0; from < PLACES; from++) {
		for (to = 0; to < PLACES; to++) {
			if (from == to)
				continue;
			if (from != NONE)
				go(&p, from);
			go(&p, to);
			tap_diag("%s -> %s", place_names[from], place_names[to]);
			check_place(to);
			if (to != NONE)
				go(&p, NONE);
		}
	}
	require_ok(device_attach(&nest.d.dev, nest.g.parent));
	places_drop(&p);
	nest_down();
}

/* A parent of the same IOAS, and another IOAS: the core moves, too. */
static void moves_parents(void)
{
	uint32_t viommu = nest.g.viommu, parent = 0, second, hwpt = nest.hwpt, ioas;

	nest_up();
	viommu = nest.g.viommu;
	hwpt = nest.hwpt;
	ioas = ioas_new(nest.g.fd);
	require_ok(hwpt_alloc(nest.g.fd, nest.d.dev.id, nest.g.ioas, IOMMU_HWPT_ALLOC_NEST_PARENT,
			      &parent));
	require_ok(viommu_alloc(nest.g.fd, nest.d.dev.id, parent, IOMMU_VIOMMU_TYPE_ARM_SMMUV3,
				&nest.g.viommu));
	/* A device has one vDEVICE. */
	check_ret(iommu_destroy(nest.g.fd, nest.d.vdevice), 0);
	require_ok(vdevice_alloc(nest.g.fd, nest.g.viommu, nest.d.dev.id, 7, &nest.d.vdevice));
	second = stage1_hwpt(&nest.s, &nest.d);
	check_ret(device_attach(&nest.d.dev, hwpt), -ENOENT);
	check_lands(&nest.d, guest_ipa(PAGE_A), PAGE_A);
	require_ok(device_attach(&nest.d.dev, second));
	check_lands(&nest.d, GUEST_IOVA, PAGE_A);
	require_ok(device_attach(&nest.d.dev, ioas));
	check_lands(&nest.d, GUEST_IOVA, -1);
	check_lands(&nest.d, guest_ipa(PAGE_A), -1);
	require_ok(device_attach(&nest.d.dev, second));
	check_lands(&nest.d, GUEST_IOVA, PAGE_A);
	require_ok(device_attach(&nest.d.dev, viommu ? nest.g.ioas : 0));
	check_lands(&nest.d, guest_ipa(PAGE_A), PAGE_A);
	require_ok(device_attach(&nest.d.dev, second));
	check_lands(&nest.d, GUEST_IOVA, PAGE_A);
	require_ok(device_detach(&nest.d.dev));
	check_lands(&nest.d, GUEST_IOVA, -1);
	check_ret(iommu_destroy(nest.g.fd, nest.d.vdevice), 0);
	check_ret(iommu_destroy(nest.g.fd, second), 0);
	check_ret(iommu_destroy(nest.g.fd, nest.g.viommu), 0);
	check_ret(iommu_destroy(nest.g.fd, parent), 0);
	check_ret(iommu_destroy(nest.g.fd, ioas), 0);
	check_ret(iommu_destroy(nest.g.fd, hwpt), 0);
	nest.g.viommu = viommu;
	guest_device_put(&nest.d);
	guest_down(&nest.g);
}

static const struct test tests[] = {
	{ "moves", moves, 600 },
	{ "moves_parents", moves_parents, 180 },
};

TAP_MAIN("smmuv3_nested_moves", tests)
