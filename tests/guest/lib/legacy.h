/* SPDX-License-Identifier: GPL-2.0-only */
/* The legacy way to a VFIO device, by its group; and leftovers of any way. */
#ifndef TESTS_GUEST_LEGACY_H
#define TESTS_GUEST_LEGACY_H

#include <stdbool.h>

struct legacy {
	int group;
	int container;
	int device;
};

/* Opens the node of the device's group: a descriptor or -errno. */
int legacy_open_group(const char *bdf);

/* The whole way with a type1 container; 0 or -errno, then nothing is open. */
int legacy_open(struct legacy *l, const char *bdf);
void legacy_close(struct legacy *l);

/* Is the device unused, so that each way to it is free?  Tries the legacy one. */
bool legacy_is_free(const char *bdf);

/* How often the kernel modules that serve a device are in use, all together. */
long module_uses(void);

#endif
