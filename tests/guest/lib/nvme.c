// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "nvme.h"
#include "tap.h"

enum {
	REG_CAP = 0x00,
	REG_CC = 0x14,
	REG_CSTS = 0x1c,
	REG_AQA = 0x24,
	REG_ASQ = 0x28,
	REG_ACQ = 0x30,
	REG_DOORBELL = 0x1000,

	CC_ENABLE = 1,
	CC_SQ_64_BYTES = 6 << 16,
	CC_CQ_16_BYTES = 4 << 20,
	CSTS_READY = 1,
	CSTS_FATAL = 2,

	ADMIN_CREATE_SQ = 0x01,
	ADMIN_CREATE_CQ = 0x05,
	ADMIN_IDENTIFY = 0x06,
	IO_WRITE = 0x01,
	IO_READ = 0x02,

	DEPTH = 16,
	SIZE = 4096,
};

struct command {
	uint8_t opcode;
	uint8_t flags;
	uint16_t id;
	uint32_t nsid;
	uint64_t reserved, metadata;
	uint64_t prp1, prp2;
	uint32_t cdw10, cdw11, cdw12, cdw13, cdw14, cdw15;
};

struct completion {
	uint32_t result, reserved;
	uint16_t head, queue;
	uint16_t id, status;	/* bit 0 is the phase */
};

static uint32_t get32(struct nvme *n, unsigned int at)
{
	return *(volatile uint32_t *)(n->regs + at);
}

static void put32(struct nvme *n, unsigned int at, uint32_t value)
{
	*(volatile uint32_t *)(n->regs + at) = value;
}

static void put64(struct nvme *n, unsigned int at, uint64_t value)
{
	put32(n, at, value);
	put32(n, at + 4, value >> 32);
}

static uint64_t page_iova(enum nvme_page page)
{
	return NVME_IOVA + page * SIZE;
}

static uint8_t *page_va(struct nvme *n, enum nvme_page page)
{
	return n->memory + page * SIZE;
}

static double deadline(void)
{
	return tap_now() + 10 * tap_patience();
}

static void relax(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = 100000 }, NULL);
}

static int wait_ready(struct nvme *n, bool ready)
{
	double end = deadline();
	uint32_t status;

	for (;;) {
		status = get32(n, REG_CSTS);
		if (status == UINT32_MAX || (ready && (status & CSTS_FATAL)))
			return -EIO;
		if (!(status & CSTS_READY) == !ready)
			return 0;
		if (tap_now() > end)
			return -ETIMEDOUT;
		relax();
	}
}

int nvme_open(struct nvme *n, struct device *dev, void *memory)
{
	int ret = device_bus_master(dev);

	if (ret)
		return ret;
	memset(n, 0, sizeof(*n));
	n->dev = dev;
	n->memory = memory;
	n->regs = device_map_bar(dev, 0, &n->regs_size);
	if (!n->regs)
		return -ENODEV;
	n->stride = 4u << (get32(n, REG_CAP + 4) & 0xf);
	return 0;
}

static void queue_init(struct nvme *n, struct nvme_queue *q, unsigned int id,
		       enum nvme_page sq, enum nvme_page cq)
{
	*q = (struct nvme_queue){
		.id = id,
		.phase = 1,
		.sq = page_va(n, sq),
		.cq = page_va(n, cq),
	};
	memset(q->sq, 0, SIZE);
	memset(q->cq, 0, SIZE);
}

int nvme_stop(struct nvme *n)
{
	put32(n, REG_CC, 0);
	return wait_ready(n, false);
}

int nvme_start(struct nvme *n)
{
	int ret = nvme_stop(n);

	if (ret)
		return ret;
	queue_init(n, &n->admin, 0, NVME_ADMIN_SQ, NVME_ADMIN_CQ);
	put32(n, REG_AQA, (DEPTH - 1) << 16 | (DEPTH - 1));
	put64(n, REG_ASQ, page_iova(NVME_ADMIN_SQ));
	put64(n, REG_ACQ, page_iova(NVME_ADMIN_CQ));
	__sync_synchronize();
	put32(n, REG_CC, CC_ENABLE | CC_SQ_64_BYTES | CC_CQ_16_BYTES);
	return wait_ready(n, true);
}

static void ring(struct nvme *n, struct nvme_queue *q, bool completion,
		 unsigned int value)
{
	__sync_synchronize();
	put32(n, REG_DOORBELL + (2 * q->id + completion) * n->stride, value);
}

/* The answer to the one command that is in flight. */
static int await(struct nvme *n, struct nvme_queue *q, uint16_t id)
{
	volatile struct completion *c = (void *)(q->cq + q->head * 16);
	double end = deadline();
	uint16_t status;

	while (((status = c->status) & 1) != q->phase) {
		if (get32(n, REG_CSTS) & CSTS_FATAL)
			return -EIO;
		if (tap_now() > end)
			return -ETIMEDOUT;
		relax();
	}
	__sync_synchronize();
	if (c->id != id)
		return -EPROTO;
	q->head = (q->head + 1) % DEPTH;
	if (!q->head)
		q->phase ^= 1;
	ring(n, q, true, q->head);
	return status >> 1;
}

static int submit(struct nvme *n, struct nvme_queue *q, struct command *c)
{
	c->id = ++n->command_id;
	memcpy(q->sq + q->tail * sizeof(*c), c, sizeof(*c));
	q->tail = (q->tail + 1) % DEPTH;
	ring(n, q, false, q->tail);
	return await(n, q, c->id);
}

static int identify(struct nvme *n, uint32_t what, uint32_t nsid)
{
	struct command c = {
		.opcode = ADMIN_IDENTIFY,
		.nsid = nsid,
		.prp1 = page_iova(NVME_IDENTIFY),
		.cdw10 = what,
	};

	memset(page_va(n, NVME_IDENTIFY), 0, SIZE);
	return submit(n, &n->admin, &c);
}

/* Fields of text are filled up with blanks. */
static void text(char *to, const uint8_t *from, size_t size)
{
	memcpy(to, from, size);
	while (size && (to[size - 1] == ' ' || !to[size - 1]))
		size--;
	to[size] = 0;
}

int nvme_identify(struct nvme *n)
{
	const uint8_t *data = page_va(n, NVME_IDENTIFY);
	unsigned int format;
	int ret = identify(n, 1, 0);

	if (ret)
		return ret;
	text(n->serial, data + 4, 20);
	text(n->model, data + 24, 40);
	ret = identify(n, 0, 1);
	if (ret)
		return ret;
	memcpy(&n->blocks, data, 8);
	format = data[26] & 0xf;
	n->block_size = 1u << data[128 + 4 * format + 2];
	return 0;
}

int nvme_create_io(struct nvme *n)
{
	struct command cq = {
		.opcode = ADMIN_CREATE_CQ,
		.prp1 = page_iova(NVME_IO_CQ),
		.cdw10 = (DEPTH - 1) << 16 | 1,
		.cdw11 = 1,		/* contiguous, no interrupt */
	}, sq = {
		.opcode = ADMIN_CREATE_SQ,
		.prp1 = page_iova(NVME_IO_SQ),
		.cdw10 = (DEPTH - 1) << 16 | 1,
		.cdw11 = 1 << 16 | 1,	/* answers go to queue 1 */
	};
	int ret;

	queue_init(n, &n->io, 1, NVME_IO_SQ, NVME_IO_CQ);
	ret = submit(n, &n->admin, &cq);
	return ret ? ret : submit(n, &n->admin, &sq);
}

/* The first page, and the second or a list of all others. */
static void set_pages(struct nvme *n, struct command *c, uint64_t iova,
		      uint32_t bytes)
{
	uint64_t *list = (uint64_t *)page_va(n, NVME_PRP_LIST);
	uint64_t end = iova + bytes, next = (iova | (SIZE - 1)) + 1;
	unsigned int i = 0;

	c->prp1 = iova;
	if (next >= end)
		return;
	c->prp2 = next;
	if (next + SIZE >= end)
		return;
	c->prp2 = page_iova(NVME_PRP_LIST);
	for (; next < end; next += SIZE)
		list[i++] = next;
}

static int transfer(struct nvme *n, uint8_t opcode, uint64_t block,
		    uint64_t iova, uint32_t bytes)
{
	struct command c = {
		.opcode = opcode,
		.nsid = 1,
		.cdw10 = block,
		.cdw11 = block >> 32,
		.cdw12 = bytes / n->block_size - 1,
	};

	if (!bytes || bytes > NVME_MAX_IO || bytes % n->block_size)
		return -EINVAL;
	set_pages(n, &c, iova, bytes);
	return submit(n, &n->io, &c);
}

int nvme_write(struct nvme *n, uint64_t block, uint64_t iova, uint32_t bytes)
{
	return transfer(n, IO_WRITE, block, iova, bytes);
}

int nvme_read(struct nvme *n, uint64_t block, uint64_t iova, uint32_t bytes)
{
	return transfer(n, IO_READ, block, iova, bytes);
}

int nvme_ready(struct nvme *n)
{
	int ret = nvme_start(n);

	if (!ret)
		ret = nvme_identify(n);
	return ret ? ret : nvme_create_io(n);
}

void nvme_close(struct nvme *n)
{
	munmap((void *)n->regs, n->regs_size);
	n->regs = NULL;
}
