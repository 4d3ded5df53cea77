// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"
#include "vtd.h"

#define SIZE	64u
#define SEED	0x77u

static uint64_t ecap(struct vtd_guest *g)
{
	struct iommu_hw_info_vtd vtd = {};
	struct iommu_hw_info info;

	require_ok(hw_info(g->fd, g->dev.id, &vtd, sizeof(vtd), &info));
	if (info.out_data_type != IOMMU_HW_INFO_TYPE_INTEL_VTD)
		tap_skip("needs VT-d");
	return vtd.ecap_reg;
}

static void open_device(struct vtd_guest *g)
{
	g->fd = iommu_open();
	g->ioas = ioas_new(g->fd);
	device_get(&g->dev, "edu", 0, g->fd);
	edu_init(&g->edu, &g->dev);
	g->edu.limit = UINT64_MAX;
}

/* The pattern comes from a page of the guest, by way of the parent. */
void vtd_charge(struct vtd_guest *g)
{
	mem_fill(vtd_va(g, VTD_DATA), SIZE, SEED);
	require_ok(edu_load(&g->edu, vtd_gpa(VTD_DATA), 0, SIZE));
}

bool vtd_is_meant_to_nest(void)
{
	const char *iommu = getenv("IOMMU");

	return iommu && (!strcmp(iommu, "vtd-nest") || !strcmp(iommu, "vtd-pri"));
}

void vtd_up(struct vtd_guest *g)
{
	int ret;

	memset(g, 0, sizeof(*g));
	open_device(g);
	mem_get(&g->m, MEM_ANON, VTD_PAGES * PAGE);
	memset(g->m.va, 0, g->m.size);
	require_ok(ioas_map_at(g->fd, g->ioas, g->m.va, g->m.size, VTD_GPA));
	ret = hwpt_alloc(g->fd, g->dev.id, g->ioas, IOMMU_HWPT_ALLOC_NEST_PARENT,
			 &g->parent);
	if (ret == -EOPNOTSUPP && !(ecap(g) & VTD_NEST) && !vtd_is_meant_to_nest())
		tap_skip("this IOMMU doesn't nest, and says so");
	require_ok(ret);
	require_ok(device_attach(&g->dev, g->parent));
	g->root[0] = vtd_gpa(g->used++);
	g->root[1] = vtd_gpa(g->used++);
	vtd_charge(g);
}

static uint64_t *at(struct vtd_guest *g, uint64_t gpa)
{
	return (uint64_t *)(g->m.va + (gpa - VTD_GPA));
}

uint64_t *vtd_entry_for(struct vtd_guest *g, int table, uint64_t iova, uint64_t size)
{
	uint64_t *entry = at(g, g->root[table]);

	for (int shift = 39; 1ull << shift > size; shift -= 9) {
		entry += iova >> shift & 511;
		if (!*entry) {
			require(g->used < VTD_DATA);
			*entry = vtd_gpa(g->used++) | VTD_P | VTD_W | VTD_U;
		}
		entry = at(g, *entry & ~0xfffull);
	}
	return entry + (iova / size & 511);
}

uint64_t *vtd_entry(struct vtd_guest *g, int table, uint64_t iova)
{
	return vtd_entry_for(g, table, iova, PAGE);
}

void vtd_map(struct vtd_guest *g, int table, uint64_t iova, unsigned int page)
{
	*vtd_entry(g, table, iova) = vtd_gpa(page) | VTD_P | VTD_W | VTD_U;
}

int vtd_nested(struct vtd_guest *g, uint32_t flags, const struct iommu_hwpt_vtd_s1 *data,
	       uint32_t *id)
{
	struct iommu_hwpt_alloc c = {
		.size = sizeof(c), .flags = flags, .dev_id = g->dev.id,
		.pt_id = g->parent, .data_type = IOMMU_HWPT_DATA_VTD_S1,
		.data_len = sizeof(*data), .data_uptr = (uintptr_t)data,
	};
	int ret = iommu_ioctl(g->fd, IOMMU_HWPT_ALLOC, &c);

	if (!ret)
		*id = c.out_hwpt_id;
	return ret;
}

uint32_t vtd_table(struct vtd_guest *g, int table)
{
	struct iommu_hwpt_vtd_s1 data = { .pgtbl_addr = g->root[table], .addr_width = 48 };
	uint32_t id = 0;

	require_ok(vtd_nested(g, 0, &data, &id));
	return id;
}

int vtd_invalidate(int fd, uint32_t hwpt, const struct iommu_hwpt_vtd_s1_invalidate *array,
		   uint32_t *n)
{
	struct iommu_hwpt_invalidate c = {
		.size = sizeof(c), .hwpt_id = hwpt, .data_uptr = (uintptr_t)array,
		.data_type = IOMMU_HWPT_INVALIDATE_DATA_VTD_S1,
		.entry_len = sizeof(*array), .entry_num = *n,
	};
	int ret = iommu_ioctl(fd, IOMMU_HWPT_INVALIDATE, &c);

	*n = c.entry_num;
	return ret;
}

void vtd_flush(struct vtd_guest *g, uint32_t hwpt, uint64_t iova, uint64_t pages)
{
	struct iommu_hwpt_vtd_s1_invalidate entry = { .addr = iova, .npages = pages };
	uint32_t n = 1;

	check_ret(vtd_invalidate(g->fd, hwpt, &entry, &n), 0);
	check_eq(n, 1);
}

int vtd_where(struct vtd_guest *g, uint64_t iova)
{
	int found = -1;

	memset(vtd_va(g, VTD_DATA), 0, (VTD_PAGES - VTD_DATA) * PAGE);
	require_ok(edu_store(&g->edu, iova, 0, SIZE));
	for (unsigned int page = VTD_DATA; page < VTD_PAGES; page++) {
		if (mem_differs(vtd_va(g, page) + (iova & (PAGE - 1)), SIZE, SEED) < 0) {
			check(found < 0);
			found = page;
		}
	}
	return found;
}

uint32_t vtd_nested_up(struct vtd_guest *g)
{
	uint32_t id;

	vtd_up(g);
	vtd_map(g, 0, VTD_IOVA, VTD_DATA);
	id = vtd_table(g, 0);
	require_ok(device_attach(&g->dev, id));
	require(vtd_where(g, VTD_IOVA) == (int)VTD_DATA);
	return id;
}
