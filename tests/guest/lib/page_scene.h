/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PAGE_SCENE_H
#define PAGE_SCENE_H

/* An edu that asks for pages, on a page table whose faults are told */

#include "edu.h"
#include "events.h"
#include "mem.h"

#define PAGES_IOVA	(64 * MIB)	/* eight pages, none of which is mapped */
#define PAGES_SIZE	64u		/* of a transfer */
#define PAGES_SEED	0x42u
#define WITH_PASID	1
#define SUCCESS		IOMMUFD_PAGE_RESP_SUCCESS
#define INVALID		IOMMUFD_PAGE_RESP_INVALID

typedef struct iommu_hwpt_pgfault fault_t;

extern struct page_scene {
	int fd;
	uint32_t ioas, hwpt, plain;	/* a page table with faults, one without */
	struct device dev;
	struct edu edu;
	struct mem home, m;
	struct events queue;
} pages;

/*
 * Skips where page requests that are on their way as the last page table with faults goes make
 * VT-d's driver warn, and free what its interrupt handler still has.
 */
void pages_need_guard(void);

/* The device on the page table with faults, its buffer full of a pattern. */
void pages_up(void);
void pages_up_with(uint32_t flags);
/* What a reset has cost: the device may use its page table again, and has the pattern. */
void pages_revive(void);
/* So that another test may begin with pages_up(). */
void pages_down(void);

/* A transfer to memory. */
void pages_start(uint64_t iova);
bool pages_arrived(unsigned int page);
void pages_map(unsigned int page);

/* Waits for the next group, of @n faults at the most; returns how many. */
int pages_next(fault_t *fault, int n);
/* Waits until one is to be read. */
void pages_wait(void);
void pages_check_none(void);

/* How often edu's transfer was answered so. */
void pages_check_answers(uint32_t success, uint32_t invalid, uint32_t failure);
/* A transfer has ended, and not by a success. */
void pages_check_given_up(void);

int pages_attach_pasid(uint32_t pasid, uint32_t pt);
int pages_detach_pasid(uint32_t pasid);

/* A transfer is told, its page mapped, and it goes on. */
void pages_check_works(unsigned int page);

#endif
