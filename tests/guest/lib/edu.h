/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * QEMU's "edu" device: a 4 KiB buffer of its own and one DMA engine that
 * copies between it and memory.  A transfer takes a tenth of a second.
 */
#ifndef TESTS_GUEST_EDU_H
#define TESTS_GUEST_EDU_H

#include <stdbool.h>
#include <stdint.h>

#include "device.h"

/* QEMU 7.2 ends the machine for a transfer that reaches the buffer's end. */
#define EDU_MAX		4080u
/*
 * The most bytes that are refused or transferred as a whole.  Of more, QEMU tries each four
 * again if they are refused, and those that a new page table lets through arrive.
 */
#define EDU_WHOLE	4u
/* The engine has 28 address bits unless QEMU's property dma_mask says otherwise. */
#define EDU_IOVA_LIMIT	(1ull << 28)

/* An IOVA that no platform reserves, and that edu reaches. */
#define EDU_IOVA	0x1000000ull

struct edu {
	struct device *dev;
	volatile uint8_t *regs;
	size_t size;
	uint64_t limit;		/* of addresses, to be raised by who knows better */
};

/* The device has to be bound.  The test ends as failed if it isn't an edu. */
void edu_init(struct edu *edu, struct device *dev);
/* Unmaps the registers, which keep the device file open. */
void edu_fini(struct edu *edu);

/* Memory at @iova to the buffer at @at, and back; 0 or -ETIMEDOUT. */
int edu_load(struct edu *edu, uint64_t iova, uint32_t at, uint32_t length);
int edu_store(struct edu *edu, uint64_t iova, uint32_t at, uint32_t length);

/* Starts a transfer; edu_wait() sees its end. */
void edu_start(struct edu *edu, bool to_memory, uint64_t iova, uint32_t at,
	       uint32_t length);
int edu_wait(struct edu *edu);

/*
 * What the edu of tests/qemu has besides.  Transfers begin again and again, until that
 * is ended; each is counted.
 */
bool edu_has_more(struct edu *edu);
void edu_repeat(struct edu *edu, bool on);
uint32_t edu_count(struct edu *edu);
/* Waits until @n transfers more have ended. */
void edu_wait_transfers(struct edu *edu, uint32_t n);

/* The PASID of the next transfers; EDU_NO_PASID for none. */
#define EDU_NO_PASID	UINT32_MAX
void edu_use_pasid(struct edu *edu, uint32_t pasid);

/*
 * Page requests: how many pages a group asks for beyond the first, how often each answer
 * came (success, invalid request, failure), and whether the last transfer failed.
 */
void edu_ask_more(struct edu *edu, uint32_t pages);
uint32_t edu_answers(struct edu *edu, unsigned int which);
uint32_t edu_result(struct edu *edu);
/* How often a transfer asks, at the most; 16 unless told otherwise. */
void edu_set_tries(struct edu *edu, uint32_t tries);
/*
 * Stop markers, which tell that no more requests of a PASID follow: now, and in each group
 * before its last request, until that is ended by EDU_NO_PASID.
 */
void edu_stop_pasid(struct edu *edu, uint32_t pasid);
void edu_stop_within(struct edu *edu, uint32_t pasid);
/*
 * Asks for a page for which no transfer waits, and what came for such; not while a transfer
 * waits.
 */
void edu_ask(struct edu *edu, uint64_t iova);
uint32_t edu_ask_answers(struct edu *edu, unsigned int which);

#endif
