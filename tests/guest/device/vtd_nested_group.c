// SPDX-License-Identifier: GPL-2.0-only
/*
 * A nested page table on VT-d is used by all devices of a group, bound or not; one of them is
 * removed, and comes back.  Wants a machine with two functions in one group.
 */
#include <stdio.h>
#include <unistd.h>

#include "device.h"
#include "iommu.h"
#include "plug.h"
#include "tap.h"
#include "vtd.h"

#define PCI	"/sys/bus/pci/"
#define OTHER	(VTD_GPA + 64 * MIB)

enum { FIRST = VTD_DATA, SECOND };

static struct vtd_guest g;

static void check_uses_table(uint32_t id, unsigned int page)
{
	vtd_map(&g, 0, VTD_IOVA, page);
	vtd_flush(&g, id, VTD_IOVA, 1);
	check_eq(vtd_where(&g, VTD_IOVA), page);
}

static void check_parent_changes(void)
{
	struct mem m;

	mem_get(&m, MEM_ANON, 4 * PAGE);
	require_ok(ioas_map_at(g.fd, g.ioas, m.va, m.size, OTHER));
	check_ret(ioas_unmap(g.fd, g.ioas, OTHER, m.size, NULL), 0);
	mem_put(&m);
}

/* The core attaches a device that joins the group to the parent; an ATTACH to the group's table. */
static void check_comes_back(uint32_t id, const char *other)
{
	struct vtd_guest h;
	char path[96];

	/* where vtd_charge() reads */
	vtd_map(&g, 0, vtd_gpa(FIRST), FIRST);
	h = g;
	require_ok(write_file(PCI "rescan", "1"));
	snprintf(path, sizeof(path), PCI "devices/%s/driver_override", other);
	require_ok(write_file(path, "vfio-pci"));
	require_ok(write_file(PCI "drivers_probe", other));
	device_get(&h.dev, "edu", 1, g.fd);
	require_ok(device_attach(&h.dev, id));
	edu_init(&h.edu, &h.dev);
	h.edu.limit = UINT64_MAX;
	vtd_charge(&h);
	check_eq(vtd_where(&h, VTD_IOVA), FIRST);
	require_ok(device_detach(&h.dev));
	device_close(&h.dev);
	check_eq(vtd_where(&g, VTD_IOVA), FIRST);
}

static void removed(void)
{
	char first[16], other[16], path[96];
	uint32_t id;

	device_find_pair("edu", first, other);
	id = vtd_nested_up(&g);
	check_uses_table(id, SECOND);
	snprintf(path, sizeof(path), PCI "devices/%s/remove", other);
	require_ok(write_file(path, "1"));
	check(access(path, F_OK));
	check_parent_changes();
	check_uses_table(id, FIRST);
	check_comes_back(id, other);
	/* Both leave the nested page table, which goes then. */
	require_ok(device_attach(&g.dev, g.parent));
	check_eq(vtd_where(&g, vtd_gpa(FIRST)), FIRST);
	check_ret(iommu_destroy(g.fd, id), 0);
	check_parent_changes();
}

static const struct test tests[] = {
	{ "removed", removed },
};

TAP_MAIN("vtd_nested_group", tests)
