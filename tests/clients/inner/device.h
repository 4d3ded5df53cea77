/* SPDX-License-Identifier: GPL-2.0-only */
/* QEMU's edu, of which the inner Linux has one and no driver. */
#ifndef TESTS_CLIENTS_DEVICE_H
#define TESTS_CLIENTS_DEVICE_H

#include <stdint.h>

enum {
	REG_ID = 0x00,
	REG_FACTORIAL = 0x08,
	REG_STATUS = 0x20,
	REG_DMA_SRC = 0x80,
	REG_DMA_DST = 0x88,
	REG_DMA_COUNT = 0x90,
	REG_DMA_COMMAND = 0x98,
	REG_REPEAT = 0xa8,	/* that and the next of the edu of tests/qemu */
	REG_COUNT = 0xb0,
	EDU_BUFFER = 0x40000,
	STATUS_BUSY = 1,
	DMA_RUN = 1,
	DMA_TO_MEMORY = 2,
	PAGE = 4096,
	LENGTH = 2048,		/* an older edu can't do a whole page */
};

/* Ends the program. */
void fail(const char *what);

void device_open(void);
uint32_t get(unsigned int at);
void put(unsigned int at, uint32_t value);
void put64(unsigned int at, uint64_t value);
void wait_while(unsigned int at, uint32_t bit);

/* Begins a transfer. */
void transfer(uint64_t from, uint64_t to, uint32_t length, uint32_t direction);
/* One from its beginning to its end. */
void copy(uint64_t from, uint64_t to, uint32_t length, uint32_t direction);

/* @n locked pages. */
uint8_t *pages_get(unsigned int n);
/* Where a locked page is in the machine's memory. */
uint64_t address_of(const void *page);

/* writes.c: what the program is for */
int writes_begin(void);
int writes_go_on(void);

#endif
