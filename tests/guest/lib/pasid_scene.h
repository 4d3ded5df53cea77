/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PASID_SCENE_H
#define PASID_SCENE_H

/* A mock device with PASIDs, and page tables that fit */

#include "events.h"
#include "mock.h"

#define FIT	IOMMU_HWPT_ALLOC_PASID

/* A device with PASIDs, attached to a page table that fits them. */
struct pasid_scene {
	int fd;
	uint32_t ioas;
	uint32_t home;		/* for the device'pasids DMA without PASID */
	uint32_t fit[2], unfit;
	struct mock dev;
};
extern struct pasid_scene pasids;

/* On Linux 6.1 nothing can be attached to a PASID. */
bool pasids_no_pasids(void);

uint32_t pasids_table(uint32_t flags);

void pasids_set(void);

void pasids_need_pasids(void);

int pasids_attach(uint32_t pasid, uint32_t pt);

int pasids_detach(uint32_t pasid);

int pasids_replace(uint32_t pasid, uint32_t pt);

/* The mock of Linux's own module doesn't at its end. */
void pasids_detach_all(void);

/* Is it there, and nowhere else? */
int pasids_at(uint32_t pasid, uint32_t hwpt);

#endif
