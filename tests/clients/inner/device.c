// SPDX-License-Identifier: GPL-2.0-only
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "device.h"

enum {
	PCI_COMMAND = 4,
	MEMORY_AND_MASTER = 6,
	BAR = 1 << 20,
};

static volatile uint8_t *regs;

void fail(const char *what)
{
	printf("edu: failed: %s\n", what);
	exit(1);
}

uint32_t get(unsigned int at)
{
	return *(volatile uint32_t *)(regs + at);
}

void put(unsigned int at, uint32_t value)
{
	*(volatile uint32_t *)(regs + at) = value;
}

void put64(unsigned int at, uint64_t value)
{
	*(volatile uint64_t *)(regs + at) = value;
}

void wait_while(unsigned int at, uint32_t bit)
{
	for (int n = 0; get(at) & bit; n++) {
		if (n > 10000)
			fail("it is busy for ever");
		usleep(1000);
	}
}

/* The first edu's directory in sysfs. */
static const char *find(void)
{
	static char path[256];
	glob_t found;

	if (glob("/sys/bus/pci/devices/*", 0, NULL, &found))
		fail("no PCI");
	for (size_t n = 0; n < found.gl_pathc; n++) {
		char name[300], id[16] = "";
		FILE *file;

		snprintf(name, sizeof(name), "%s/device", found.gl_pathv[n]);
		file = fopen(name, "r");
		if (file && fgets(id, sizeof(id), file) && !strcmp(id, "0x11e8\n"))
			snprintf(path, sizeof(path), "%s", found.gl_pathv[n]);
		if (file)
			fclose(file);
	}
	globfree(&found);
	if (!path[0])
		fail("no edu");
	return path;
}

void device_open(void)
{
	uint16_t command = MEMORY_AND_MASTER;
	const char *path = find();
	char name[300];
	int fd;

	snprintf(name, sizeof(name), "%s/config", path);
	fd = open(name, O_RDWR);
	if (fd < 0 || pwrite(fd, &command, sizeof(command), PCI_COMMAND) != sizeof(command))
		fail("no configuration space");
	close(fd);
	snprintf(name, sizeof(name), "%s/resource0", path);
	fd = open(name, O_RDWR | O_SYNC);
	if (fd < 0)
		fail("no BAR");
	regs = mmap(NULL, BAR, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (regs == MAP_FAILED)
		fail("the BAR can't be mapped");
	close(fd);
	if ((get(REG_ID) & 0xffff) != 0x00ed)
		fail("that is no edu");
}

uint8_t *pages_get(unsigned int n)
{
	uint8_t *memory = mmap(NULL, n * PAGE, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (memory == MAP_FAILED || mlock(memory, n * PAGE))
		fail("no memory");
	return memory;
}

uint64_t address_of(const void *page)
{
	uint64_t entry = 0;
	int fd = open("/proc/self/pagemap", O_RDONLY);

	if (pread(fd, &entry, sizeof(entry), (uintptr_t)page / PAGE * sizeof(entry)) !=
	    sizeof(entry) || !(entry >> 63))
		fail("no page");
	close(fd);
	return (entry & ((1ull << 55) - 1)) * PAGE;
}

void transfer(uint64_t from, uint64_t to, uint32_t length, uint32_t direction)
{
	put64(REG_DMA_SRC, from);
	put64(REG_DMA_DST, to);
	put64(REG_DMA_COUNT, length);
	put(REG_DMA_COMMAND, DMA_RUN | direction);
}

void copy(uint64_t from, uint64_t to, uint32_t length, uint32_t direction)
{
	transfer(from, to, length, direction);
	wait_while(REG_DMA_COMMAND, DMA_RUN);
}
