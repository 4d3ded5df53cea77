/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef NODE_PASID_H
#define NODE_PASID_H

/* Two page tables and a device node whose device has PASIDs */

#include "vfio_mock.h"

#define NO_PASID	0

#define WITH_PASID	1		/* the flag of ATTACH and DETACH */

#define FIT		IOMMU_HWPT_ALLOC_PASID

struct node_pasid_scene {
	int fd;
	uint32_t ioas;
	uint32_t home, fit[2], unfit;
	struct vfio_mock m;
};
extern struct node_pasid_scene pasid_node;

bool node_no_pasids(void);

uint32_t pasid_node_table(uint32_t flags);

/* A bound device that isn't attached. */
void pasid_node_set(void);

void node_need_pasids(void);

int node_pasid_attach_of(struct vfio_mock *m, uint32_t pasid, uint32_t pt);

int node_pasid_attach(uint32_t pasid, uint32_t pt);

int node_pasid_detach_of(struct vfio_mock *m, uint32_t pasid);

int node_pasid_detach(uint32_t pasid);

/* Is that page table (or none: 0) what the device's IOMMU has there? */
int node_pasid_at_of(struct vfio_mock *m, uint32_t pasid, uint32_t hwpt);

int node_pasid_at(uint32_t pasid, uint32_t hwpt);

#endif
