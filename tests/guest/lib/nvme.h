/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * As much of an NVMe driver as it takes to move data: an admin queue and one
 * I/O queue, polled.  Its queues lie in memory that the caller maps for the
 * device at NVME_IOVA; data may lie anywhere that is mapped.
 */
#ifndef TESTS_GUEST_NVME_H
#define TESTS_GUEST_NVME_H

#include <stdint.h>

#include "device.h"

/* The pages of the queue memory. */
enum nvme_page {
	NVME_ADMIN_SQ,
	NVME_ADMIN_CQ,
	NVME_IO_SQ,
	NVME_IO_CQ,
	NVME_PRP_LIST,
	NVME_IDENTIFY,
	NVME_PAGES,
};

#define NVME_IOVA	0x2000000ull
#define NVME_MEMORY	(NVME_PAGES * 4096ull)
#define NVME_MAX_IO	(128u << 10)

struct nvme_queue {
	unsigned int id, tail, head, phase;
	uint8_t *sq, *cq;
};

struct nvme {
	struct device *dev;
	volatile uint8_t *regs;
	size_t regs_size;
	unsigned int stride;
	uint8_t *memory;
	uint16_t command_id;
	struct nvme_queue admin, io;
	char model[41], serial[21];
	uint64_t blocks;
	uint32_t block_size;
};

/*
 * These return 0, a negative errno (-ETIMEDOUT: no answer, -EIO: the controller
 * failed) or the status of a command, a positive number.
 */
int nvme_open(struct nvme *n, struct device *dev, void *memory);
/* Starts the controller with fresh queues; it may be in any state. */
int nvme_start(struct nvme *n);
int nvme_stop(struct nvme *n);
int nvme_identify(struct nvme *n);
int nvme_create_io(struct nvme *n);
int nvme_write(struct nvme *n, uint64_t block, uint64_t iova, uint32_t bytes);
int nvme_read(struct nvme *n, uint64_t block, uint64_t iova, uint32_t bytes);
void nvme_close(struct nvme *n);

/* Start, identify and create the I/O queue. */
int nvme_ready(struct nvme *n);

#endif
