/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A guest of an SMMUv3: its stream table entry, context descriptors and page tables of
 * stage 1, in memory that is mapped at a guest physical address (IPA), and an edu that
 * uses them.  Written from the architecture (IHI 0070, and DDI 0487 for the tables).
 */
#ifndef TESTS_GUEST_SMMUV3_H
#define TESTS_GUEST_SMMUV3_H

#include <stdbool.h>
#include <stdint.h>

#include "edu.h"
#include "iommu.h"
#include "mem.h"

#define GUEST_IPA	0x40000000ull
#define GUEST_PAGES	64u
#define GUEST_DATA	32u		/* from this page on there's only data */
#define GUEST_IOVA	0x10000000ull	/* of the first page of a table's */

#define STE_V		1ull
#define STE_ABORT	(0ull << 1)
#define STE_BYPASS	(4ull << 1)
#define STE_S1		(5ull << 1)
#define STE_ATTRIBUTES	(1ull << 2 | 1ull << 4 | 3ull << 6)	/* S1CIR, S1COR, S1CSH */

enum command {
	CFGI_CD = 0x05, CFGI_CD_ALL = 0x06, TLBI_NH_ALL = 0x10, TLBI_NH_ASID = 0x11,
	TLBI_NH_VA = 0x12, TLBI_NH_VAA = 0x13, TLBI_NSNH_ALL = 0x30, ATC_INV = 0x40,
};

struct guest {
	int fd;
	uint32_t ioas, parent, viommu;
	struct mem m;			/* GUEST_PAGES at GUEST_IPA */
};

/* A context descriptor and tables of three levels, each a page of the guest's. */
struct stage1 {
	struct guest *guest;
	unsigned int page;		/* the first of four */
	uint16_t asid;
};

struct guest_device {
	struct guest *guest;
	struct device dev;
	struct edu edu;
	uint32_t vdevice, vsid;
};

/* Test builds let emulated machines pass for coherent; the test is skipped elsewhere. */
void guest_need_nesting(void);

/* Memory mapped in an address space, and a nesting parent. */
void guest_up(struct guest *g);
/* Its vIOMMU, for a device that is bound. */
void guest_make_viommu(struct guest *g, struct guest_device *d);
/* Everything can be destroyed. */
void guest_down(struct guest *g);

void *guest_page(struct guest *g, unsigned int page);
uint64_t guest_ipa(unsigned int page);

/* The nth edu, bound; attached nowhere. */
void guest_device_get(struct guest_device *d, struct guest *g, unsigned int nth);
void guest_device_put(struct guest_device *d);

int viommu_alloc(int fd, uint32_t dev, uint32_t hwpt, uint32_t type, uint32_t *id);
int vdevice_alloc(int fd, uint32_t viommu, uint32_t dev, uint64_t virt_id, uint32_t *id);
int nested_alloc(int fd, uint32_t dev, uint32_t viommu, const uint64_t ste[2], uint32_t *id);

/* Empty tables. */
void stage1_make(struct stage1 *s, struct guest *g, unsigned int page, uint16_t asid);
/* Page @n from GUEST_IOVA on is a page of the guest's; -1: nothing is there. */
void stage1_map(struct stage1 *s, unsigned int n, int page);
/* The CD refers to the tables of another one. */
void stage1_use_tables_of(struct stage1 *s, const struct stage1 *other);
uint32_t stage1_hwpt(struct stage1 *s, struct guest_device *d);
uint64_t stage1_iova(unsigned int n);

/* Invalidates; 0 or -errno.  @n becomes how many were done. */
int guest_invalidate(struct guest *g, const uint64_t (*commands)[2], uint32_t *n);
void guest_command(struct guest *g, uint64_t word0, uint64_t word1);

/* The device takes what it is to write from a page of the guest's, at its IPA. */
void device_charge(struct guest_device *d);
/* The page of the guest's, of those for data, that a write to @iova changes, or -1. */
int device_lands(struct guest_device *d, uint64_t iova);
/* Copies from one IOVA to another; 0 or -ETIMEDOUT. */
int device_copies(struct guest_device *d, uint64_t from, uint64_t to);

#define check_lands(d, iova, page) check_eq((long)device_lands(d, iova), (long)(page))

#endif
