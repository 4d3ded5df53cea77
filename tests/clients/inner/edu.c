// SPDX-License-Identifier: GPL-2.0-only
/*
 * Uses QEMU's edu from within the inner Linux: a factorial, and by DMA some bytes to the
 * device and back to another page.  With an address, the device reads from there and no
 * more is done.  For "begin" and "go-on" see writes.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device.h"

enum {
	STRAY_LENGTH = 4,	/* one access, and one fault */
};

static int stray(uint64_t from)
{
	device_open();
	copy(from, EDU_BUFFER, STRAY_LENGTH, 0);
	return 0;
}

int main(int argc, char **argv)
{
	uint8_t *memory;

	if (argc > 1 && !strcmp(argv[1], "begin"))
		return writes_begin();
	if (argc > 1 && !strcmp(argv[1], "go-on"))
		return writes_go_on();
	if (argc > 1)
		return stray(strtoull(argv[1], NULL, 0));
	memory = pages_get(2);
	for (int n = 0; n < LENGTH; n++)
		memory[n] = n * 7 + n / 256;
	device_open();
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
