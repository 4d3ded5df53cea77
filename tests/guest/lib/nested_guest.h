/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A guest with nested page tables, of whichever IOMMU this machine has: VT-d or SMMUv3.  For
 * what is the same with both.
 *
 * It has two tables, which map one IOVA: to page 0 of the guest's data, and to page 1.
 */
#ifndef TESTS_GUEST_NESTED_GUEST_H
#define TESTS_GUEST_NESTED_GUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "events.h"
#include "smmuv3.h"
#include "vtd.h"

/* What is done one after another, each by one call. */
enum nested_step {
	NESTED_PARENT,		/* made */
	NESTED_ON_PARENT,	/* the device is attached to it */
	NESTED_VIOMMU,		/* not with VT-d */
	NESTED_VDEVICE,		/* likewise */
	NESTED_TABLE,		/* table 0 */
	NESTED_OTHER_TABLE,	/* table 1 */
	NESTED_ATTACHED,	/* the device, to table 0 */
	NESTED_INVALIDATED,	/* all of the guest's */
	NESTED_REPLACED,	/* by table 1 */
	NESTED_BACK,		/* on the parent */
	NESTED_STEPS
};

struct nested_guest {
	const struct nested_vendor *vendor;
	struct mem m;
	uint32_t parent, viommu, table[2];
	/* One of both is used; the device and the edu are there. */
	struct vtd_guest vtd;
	struct {
		struct guest g;
		struct guest_device d;
		struct stage1 s[2];
	} smmu;
	int fd;
	uint32_t ioas;
	struct device *dev;
	struct edu *edu;
};

/* Memory for one, which children share. */
void nested_memory(struct mem *m);

/*
 * A context and the nth edu, bound, and the guest's memory mapped.  The test is skipped where
 * the IOMMU doesn't nest and doesn't claim to.
 */
void nested_open(struct nested_guest *n, const struct mem *m, unsigned int nth);
/* Binds the device in the same context again: after it was removed and came back. */
void nested_open_again(struct nested_guest *n);
/* The device and its registers, and the context. */
void nested_close_device(struct nested_guest *n);
void nested_close(struct nested_guest *n);

/* One step, after those before it: 0 or -errno. */
int nested_try(struct nested_guest *n, enum nested_step step);
/* nested_open(), and all steps up to that one, which have to work. */
void nested_up(struct nested_guest *n, const struct mem *m, unsigned int nth,
	       enum nested_step last);

/* The IOVA that the tables map, and the address in the parent of a page of data. */
uint64_t nested_iova(const struct nested_guest *n);
uint64_t nested_gpa(const struct nested_guest *n, unsigned int page);
uint8_t *nested_va(const struct nested_guest *n, unsigned int page);
/* A table maps its IOVA to that page; seen when invalidated. */
void nested_map(struct nested_guest *n, unsigned int table, unsigned int page);
/* All that is cached of the guest's tables: 0 or -errno. */
int nested_invalidate(struct nested_guest *n);
/* A queue for events of an SMMUv3's guest: 0 or -errno. */
int nested_events(struct nested_guest *n, struct events *queue);
/* Where in the guest's data the device's write to @iova arrives, or -1. */
int nested_where(struct nested_guest *n, uint64_t iova);

/* The device writes to its IOVA, over and over if it can. */
void nested_dma(struct nested_guest *n);
void nested_dma_ends(struct nested_guest *n);

/* What a guest's data is filled with, and whether it is so still. */
void nested_fill(const struct mem *m);
bool nested_is_filled(const struct mem *m);

#endif
