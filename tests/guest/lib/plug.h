/* SPDX-License-Identifier: GPL-2.0-only */
/* Devices that come and go while programs have them. */
#ifndef TESTS_GUEST_PLUG_H
#define TESTS_GUEST_PLUG_H

#include <stdbool.h>

#include "device.h"

/* Writes a file of sysfs: 0 or -errno. */
int write_file(const char *path, const char *text);

/*
 * For a process of tap_spawn(): the file is written without any inherited file open, or
 * who waits for the last close of a device would wait for itself.
 */
struct write_alone {
	char path[128];
	char text[32];
};

void write_alone(void *arg);

/* Has this child ended within @ms milliseconds?  It's still to be joined. */
bool ended(int pid, int ms);

/* An eventfd that the driver raises when it wants the device back. */
int request_eventfd(struct device *dev);

#endif
