/* SPDX-License-Identifier: GPL-2.0-only */
/* The usual set-up of a DMA test: a context, an edu device, mapped memory. */
#ifndef TESTS_GUEST_RIG_H
#define TESTS_GUEST_RIG_H

#include <stdbool.h>
#include <stdint.h>

#include "edu.h"
#include "iommu.h"
#include "klog.h"
#include "mem.h"

#define RIG_BASE	EDU_IOVA
#define RIG_SIZE	(16 * PAGE)
#define RIG_SCRATCH	(EDU_IOVA + 64 * MIB)
#define RIG_OUTSIDE	(EDU_IOVA + 32 * MIB)

/* A context with an edu device attached to an address space. */
struct rig {
	int fd;
	int klog;
	uint32_t ioas;
	struct device dev;
	struct edu edu;
	struct mem m;		/* mapped at RIG_BASE */
	uint8_t *copy;		/* mapped at RIG_SCRATCH: what the device saw */
};

/* Opens and binds; the device isn't attached and nothing is mapped. */
void rig_bind(struct rig *r);
/* Maps r->m and r->copy. */
void rig_map(struct rig *r);
/* All of it, and attaches the device to the address space. */
void rig_up(struct rig *r);

/* The device file and its mapped registers. */
void rig_close_device(struct rig *r);

/* Puts mem_fill(seed) into the device's buffer, by way of the scratch page. */
void rig_charge(struct rig *r, uint32_t size, uint32_t seed);
/* Does the device read from @iova what is at @va? */
bool rig_reads(struct rig *r, uint64_t iova, const void *va, uint32_t size);
/* Does what the device writes to @iova arrive at @va? */
bool rig_writes(struct rig *r, uint64_t iova, const void *va, uint32_t size,
		uint32_t seed);
/* Both, with patterns made from @seed. */
bool rig_reaches(struct rig *r, uint64_t iova, void *va, uint32_t size,
		 uint32_t seed);

/*
 * Checks that the IOMMU reports a transfer at @iova, where it reports such at
 * all.  @attached: the device has a page table, which only lacks the address.
 */
void rig_check_fault(struct rig *r, bool to_memory, uint64_t iova,
		     bool attached);

#endif
