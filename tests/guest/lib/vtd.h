/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A guest of VT-d's nested translation: its memory, which a nesting parent maps, and
 * first-stage page tables in it (VT-d 9.7) for an edu device.
 */
#ifndef TESTS_GUEST_VTD_H
#define TESTS_GUEST_VTD_H

#include <stdbool.h>
#include <stdint.h>

#include "edu.h"
#include "iommu.h"
#include "mem.h"

#define VTD_GPA		0x1000000ull	/* where the guest's memory is in the parent */
#define VTD_PAGES	64u
#define VTD_DATA	48u		/* the first of its pages that hold no tables */
#define VTD_IOVA	0x200000000ull	/* neither a GPA nor a physical address */

#define VTD_P		1ull
#define VTD_W		2ull
#define VTD_U		4ull
#define VTD_A		0x20ull
#define VTD_D		0x40ull
#define VTD_PS		0x80ull

#define VTD_NEST	(1ull << 26)	/* of ecap */

struct vtd_guest {
	int fd;
	uint32_t ioas, parent;
	struct device dev;
	struct edu edu;
	struct mem m;		/* VTD_PAGES pages at VTD_GPA */
	unsigned int used;	/* pages that are tables */
	uint64_t root[2];	/* GPAs of two guest tables */
};

static inline uint64_t vtd_gpa(unsigned int page)
{
	return VTD_GPA + page * PAGE;
}

static inline uint8_t *vtd_va(const struct vtd_guest *g, unsigned int page)
{
	return g->m.va + page * PAGE;
}

/*
 * A context, the first edu, and a parent with the guest's memory, which the device is
 * attached to.  The test is skipped where the IOMMU doesn't nest.
 */
void vtd_up(struct vtd_guest *g);

/* The runner's name for a machine whose IOMMU can, and which the kernel uses so. */
bool vtd_is_meant_to_nest(void);

/* The entry that translates the @size around @iova; tables are made as needed. */
uint64_t *vtd_entry_for(struct vtd_guest *g, int table, uint64_t iova, uint64_t size);
/* The same of the last level. */
uint64_t *vtd_entry(struct vtd_guest *g, int table, uint64_t iova);
/* Maps a page of the guest at @iova, writeable. */
void vtd_map(struct vtd_guest *g, int table, uint64_t iova, unsigned int page);

/* IOMMU_HWPT_ALLOC with VT-d's data: 0 or -errno. */
int vtd_nested(struct vtd_guest *g, uint32_t flags, const struct iommu_hwpt_vtd_s1 *data,
	       uint32_t *id);
/* The same for one of the two tables; the test ends if it fails. */
uint32_t vtd_table(struct vtd_guest *g, int table);

/*
 * vtd_up(), and the device moves to a nested page table, which is returned: table 0, which
 * maps VTD_IOVA to page VTD_DATA.
 */
uint32_t vtd_nested_up(struct vtd_guest *g);

/* IOMMU_HWPT_INVALIDATE: 0 or -errno; *@n is in and out. */
int vtd_invalidate(int fd, uint32_t hwpt, const struct iommu_hwpt_vtd_s1_invalidate *array,
		   uint32_t *n);
/* One range, which has to work. */
void vtd_flush(struct vtd_guest *g, uint32_t hwpt, uint64_t iova, uint64_t pages);

/* Fills the device's buffer with a pattern, that of the device's own memory then. */
void vtd_charge(struct vtd_guest *g);

/*
 * Lets the device write to @iova: the page of the guest, from VTD_DATA on, where that
 * arrives, or -1.
 */
int vtd_where(struct vtd_guest *g, uint64_t iova);

#endif
