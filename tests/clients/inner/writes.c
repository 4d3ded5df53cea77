// SPDX-License-Identifier: GPL-2.0-only
/*
 * A process that has the edu write to memory all the time: "edu begin" leaves it behind,
 * "edu go-on" says whether it still does so.
 *
 * The device reads what to write from one page and writes it to each page of a ring in
 * turn, which no CPU ever writes to: those pages are dirty for the IOMMU alone.  Each time
 * they are compared.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "device.h"

enum {
	RING = 64,		/* pages */
	WORDS = LENGTH / 4,
};

/* What the processes know of each other. */
struct writes {
	volatile uint64_t turns;
	volatile uint32_t failed;
};

static struct writes *shared;

static void has_failed(void)
{
	shared->failed = 1;
}

static void share(void)
{
	int fd = open("/tmp/writes", O_RDWR | O_CREAT, 0600);

	if (fd < 0 || ftruncate(fd, PAGE))
		fail("no file");
	shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (shared == MAP_FAILED)
		fail("no shared memory");
	close(fd);
}

/* Locked pages keep their place. */
static void keep_places(void)
{
	FILE *file = fopen("/proc/sys/vm/compact_unevictable_allowed", "w");

	if (!file || fputs("0", file) < 0 || fclose(file))
		fail("pages may move");
}

/* The transfer to memory is repeated by the device until this sees that it was done. */
static void store(uint64_t to)
{
	const uint32_t before = get(REG_COUNT);

	put(REG_REPEAT, 1);
	transfer(EDU_BUFFER, to, LENGTH, DMA_TO_MEMORY);
	for (int n = 0; get(REG_COUNT) == before; n++) {
		if (n > 10000)
			fail("no transfer ends");
		usleep(500);
	}
	put(REG_REPEAT, 0);
	wait_while(REG_DMA_COMMAND, DMA_RUN);
}

static void write_on(uint8_t *memory)
{
	uint32_t *source = (uint32_t *)memory;
	uint64_t from = address_of(source), to[RING];

	for (int i = 0; i < RING; i++)
		to[i] = address_of(memory + (i + 1) * PAGE);
	for (;;) {
		const uint64_t turn = shared->turns + 1;
		const int i = turn % RING;

		for (int n = 0; n < WORDS; n++)
			source[n] = turn * WORDS + n;
		copy(from, EDU_BUFFER, LENGTH, 0);
		store(to[i]);
		if (memcmp(source, memory + (i + 1) * PAGE, LENGTH))
			return;
		shared->turns = turn;
	}
}

/* Waits until the process has done @n turns more. */
static int wait_turns(unsigned int n)
{
	const uint64_t until = shared->turns + n;

	while (shared->turns < until && !shared->failed)
		usleep(20000);
	if (shared->failed)
		fail("the device doesn't write what it was to write");
	printf("edu: %llu pages were written\n", (unsigned long long)shared->turns);
	return 0;
}

int writes_begin(void)
{
	uint8_t *memory;
	int null;

	share();
	keep_places();
	device_open();
	if (get(REG_COUNT) == UINT32_MAX)
		fail("that is not the edu of tests/qemu");
	if (fork())
		return wait_turns(RING);
	atexit(has_failed);
	setsid();
	null = open("/dev/null", O_RDWR);
	dup2(null, 0);
	dup2(null, 1);
	dup2(null, 2);
	/* locks aren't inherited */
	memory = pages_get(RING + 1);
	write_on(memory);
	return 1;
}

int writes_go_on(void)
{
	share();
	return wait_turns(2 * RING);
}
