// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <time.h>

#include "edu.h"
#include "tap.h"

enum {
	REG_ID = 0x00,
	REG_DMA_SRC = 0x80,
	REG_DMA_DST = 0x88,
	REG_DMA_COUNT = 0x90,
	REG_DMA_COMMAND = 0x98,
	REG_PASID = 0xa0,
	REG_REPEAT = 0xa8,
	REG_COUNT = 0xb0,
	REG_RESULT = 0xb8,
	REG_MORE = 0xc0,
	REG_ANSWERS = 0xd0,
	REG_STOP = 0xe8,
	REG_STOP_WITHIN = 0xf0,
	REG_TRIES = 0xf8,
	REG_ASK = 0x100,
	REG_ASK_ANSWERS = 0x108,
	EDU_BUFFER = 0x40000,
	DMA_RUN = 1,
	DMA_TO_MEMORY = 2,
	PASID_VALID = 1u << 31,
};

static uint32_t get32(struct edu *edu, unsigned int at)
{
	return *(volatile uint32_t *)(edu->regs + at);
}

static void put64(struct edu *edu, unsigned int at, uint64_t value)
{
	*(volatile uint64_t *)(edu->regs + at) = value;
}

void edu_init(struct edu *edu, struct device *dev)
{
	edu->dev = dev;
	edu->limit = EDU_IOVA_LIMIT;
	edu->regs = device_map_bar(dev, 0, &edu->size);
	require(edu->regs != NULL);
	require_ok(device_bus_master(dev));
	require((get32(edu, REG_ID) & 0xffff) == 0x00ed);
}

void edu_fini(struct edu *edu)
{
	munmap((void *)edu->regs, edu->size);
	edu->regs = NULL;
}

void edu_start(struct edu *edu, bool to_memory, uint64_t iova, uint32_t at,
	       uint32_t length)
{
	require(at + length <= EDU_MAX && iova + length <= edu->limit);
	put64(edu, REG_DMA_SRC, to_memory ? EDU_BUFFER + at : iova);
	put64(edu, REG_DMA_DST, to_memory ? iova : EDU_BUFFER + at);
	put64(edu, REG_DMA_COUNT, length);
	__sync_synchronize();
	put64(edu, REG_DMA_COMMAND, DMA_RUN | (to_memory ? DMA_TO_MEMORY : 0));
}

/* Polls; a look at the device is costly under emulation, so not too often. */
int edu_wait(struct edu *edu)
{
	double end = tap_now() + 10 * tap_patience();

	while (get32(edu, REG_DMA_COMMAND) & DMA_RUN) {
		if (tap_now() > end)
			return -ETIMEDOUT;
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
	__sync_synchronize();
	return 0;
}

int edu_load(struct edu *edu, uint64_t iova, uint32_t at, uint32_t length)
{
	edu_start(edu, false, iova, at, length);
	return edu_wait(edu);
}

int edu_store(struct edu *edu, uint64_t iova, uint32_t at, uint32_t length)
{
	edu_start(edu, true, iova, at, length);
	return edu_wait(edu);
}

/* A register that isn't there reads as all ones. */
bool edu_has_more(struct edu *edu)
{
	return get32(edu, REG_COUNT) != UINT32_MAX;
}

void edu_repeat(struct edu *edu, bool on)
{
	put64(edu, REG_REPEAT, on);
}

uint32_t edu_count(struct edu *edu)
{
	return get32(edu, REG_COUNT);
}

void edu_wait_transfers(struct edu *edu, uint32_t n)
{
	uint32_t from = edu_count(edu);
	double end = tap_now() + 10 * tap_patience();

	while (edu_count(edu) - from < n && tap_now() < end)
		nanosleep(&(struct timespec){ .tv_nsec = 500000 }, NULL);
	check(edu_count(edu) - from >= n);
}

static void put_pasid(struct edu *edu, unsigned int at, uint32_t pasid)
{
	put64(edu, at, pasid == EDU_NO_PASID ? 0 : pasid | PASID_VALID);
}

void edu_use_pasid(struct edu *edu, uint32_t pasid)
{
	put_pasid(edu, REG_PASID, pasid);
}

void edu_ask_more(struct edu *edu, uint32_t pages)
{
	put64(edu, REG_MORE, pages);
}

uint32_t edu_answers(struct edu *edu, unsigned int which)
{
	return get32(edu, REG_ANSWERS + 8 * which);
}

uint32_t edu_result(struct edu *edu)
{
	return get32(edu, REG_RESULT);
}

void edu_set_tries(struct edu *edu, uint32_t tries)
{
	put64(edu, REG_TRIES, tries);
}

void edu_stop_pasid(struct edu *edu, uint32_t pasid)
{
	put_pasid(edu, REG_STOP, pasid);
}

void edu_stop_within(struct edu *edu, uint32_t pasid)
{
	put_pasid(edu, REG_STOP_WITHIN, pasid);
}

void edu_ask(struct edu *edu, uint64_t iova)
{
	put64(edu, REG_ASK, iova);
}

uint32_t edu_ask_answers(struct edu *edu, unsigned int which)
{
	return get32(edu, REG_ASK_ANSWERS + 8 * which);
}
