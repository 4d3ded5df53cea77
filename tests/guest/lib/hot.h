/* SPDX-License-Identifier: GPL-2.0-only */
/* Hot reset, of all devices on a bus at once; and two of them that are in one group. */
#ifndef TESTS_GUEST_HOT_H
#define TESTS_GUEST_HOT_H

#include <stdbool.h>
#include <stdint.h>

#include "rig.h"

/* Under names of our own, as older headers lack these. */
#define HOT_BY_ID	1u		/* flags of the answer */
#define HOT_ALL_OWNED	2u
#define HOT_OWNED	0u		/* IDs */
#define HOT_NOT_OWNED	0xffffffffu

#define HOT_MAX 16

struct hot_device {
	__u32 id;
	__u16 segment;
	__u8 bus;
	__u8 devfn;
};

struct hot_info {
	__u32 argsz;
	__u32 flags;
	__u32 count;
	struct hot_device device[HOT_MAX];
};

struct hot_reset {
	__u32 argsz;
	__u32 flags;
	__u32 count;
	__s32 fd[4];
};

/* By a device file: what would be reset, and the reset; 0 or -errno. */
int hot_info(int fd, struct hot_info *info);
int hot_reset(int fd);

/* Checks which flags the device @by gets told, and the IDs of @bdf and itself. */
void hot_check_info(struct device *by, uint32_t flags, const char *bdf, uint32_t id);

/* An nvme, bound, on a bus of its own that can be reset; or the test is skipped. */
void hot_nvme(struct device *dev, int iommufd);

struct hot_pair {
	struct rig rig;			/* context, space, memory; no device */
	struct device dev[2];
	struct edu edu[2];
	char bdf[2][16];
};

/* The first device is bound; the test is skipped if its bus can't be reset. */
void hot_pair_bind(struct hot_pair *p);
/* Both are bound and attached, and there is memory for them. */
void hot_pair_up(struct hot_pair *p);
/* Does this one do DMA? */
bool hot_pair_works(struct hot_pair *p, int which);

#endif
