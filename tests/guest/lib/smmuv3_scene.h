/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TESTS_GUEST_SMMUV3_SCENE_H
#define TESTS_GUEST_SMMUV3_SCENE_H

/* A device with a vDEVICE in a guest of an SMMUv3, and a nested page table for it. */

#include <stdint.h>

#include "smmuv3.h"

/* Data pages of the guest's */
#define PAGE_A	40
#define PAGE_B	41
#define PAGE_C	42

struct smmuv3_scene {
	struct guest g;
	struct guest_device d;
	struct stage1 s;	/* maps its pages 0 and 1 to PAGE_A and PAGE_B */
	uint32_t hwpt;		/* made of @s */
};

extern struct smmuv3_scene nest;

/* The device is attached to the parent. */
void nest_up(void);
void nest_down(void);

/* Makes the vDEVICE; nest_up() does. */
void nest_vdevice(void);

#endif
