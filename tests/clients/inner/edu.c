// SPDX-License-Identifier: GPL-2.0-only
/*
 * Uses QEMU's edu from within the inner Linux, which has no driver for it: a
 * factorial, and by DMA some bytes to the device and back to another page.  With an
 * address, the device reads from there and no more is done.
 */
#include <fcntl.h>
#include <glob.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
	REG_ID = 0x00,
	REG_FACTORIAL = 0x08,
	REG_STATUS = 0x20,
	REG_DMA_SRC = 0x80,
	REG_DMA_DST = 0x88,
	REG_DMA_COUNT = 0x90,
	REG_DMA_COMMAND = 0x98,
	EDU_BUFFER = 0x40000,
	STATUS_BUSY = 1,
	DMA_RUN = 1,
	DMA_TO_MEMORY = 2,
	PCI_COMMAND = 4,
	MEMORY_AND_MASTER = 6,
	PAGE = 4096,
	LENGTH = 2048,		/* an older edu can't do a whole page */
	STRAY_LENGTH = 4,	/* one access, and one fault */
	BAR = 1 << 20,
};

static volatile uint8_t *regs;

static void fail(const char *what)
{
	printf("edu: failed: %s\n", what);
	exit(1);
}

static uint32_t get(unsigned int at)
{
	return *(volatile uint32_t *)(regs + at);
}

static void put(unsigned int at, uint32_t value)
{
	*(volatile uint32_t *)(regs + at) = value;
}

static void put64(unsigned int at, uint64_t value)
{
	*(volatile uint64_t *)(regs + at) = value;
}

static void wait_while(unsigned int at, uint32_t bit)
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

static void open_device(const char *path)
{
	uint16_t command = MEMORY_AND_MASTER;
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
}

/* Where a locked page is in the machine's memory. */
static uint64_t address_of(void *page)
{
	uint64_t entry = 0;
	int fd = open("/proc/self/pagemap", O_RDONLY);

	if (pread(fd, &entry, sizeof(entry), (uintptr_t)page / PAGE * sizeof(entry)) !=
	    sizeof(entry) || !(entry >> 63))
		fail("no page");
	close(fd);
	return (entry & ((1ull << 55) - 1)) * PAGE;
}

static void copy(uint64_t from, uint64_t to, uint32_t length, uint32_t direction)
{
	put64(REG_DMA_SRC, from);
	put64(REG_DMA_DST, to);
	put64(REG_DMA_COUNT, length);
	put(REG_DMA_COMMAND, DMA_RUN | direction);
	wait_while(REG_DMA_COMMAND, DMA_RUN);
}

static int stray(uint64_t from)
{
	open_device(find());
	copy(from, EDU_BUFFER, STRAY_LENGTH, 0);
	return 0;
}

int main(int argc, char **argv)
{
	uint8_t *memory;

	if (argc > 1)
		return stray(strtoull(argv[1], NULL, 0));
	memory = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (memory == MAP_FAILED || mlock(memory, 2 * PAGE))
		fail("no memory");
	for (int n = 0; n < LENGTH; n++)
		memory[n] = n * 7 + n / 256;
	open_device(find());
	if ((get(REG_ID) & 0xffff) != 0x00ed)
		fail("that is no edu");
	put(REG_FACTORIAL, 10);
	wait_while(REG_STATUS, STATUS_BUSY);
	if (get(REG_FACTORIAL) != 3628800)
		fail("10! isn't what it says");
	copy(address_of(memory), EDU_BUFFER, LENGTH, 0);
	copy(EDU_BUFFER, address_of(memory + PAGE), LENGTH, DMA_TO_MEMORY);
	if (memcmp(memory, memory + PAGE, LENGTH))
		fail("what came back is something else");
	printf("edu: 10! = %u, and DMA went there and back\n", get(REG_FACTORIAL));
	return 0;
}
