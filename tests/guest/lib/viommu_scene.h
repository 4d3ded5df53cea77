/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VIOMMU_SCENE_H
#define VIOMMU_SCENE_H

/* A mock device with a nest parent and a vIOMMU on it. */

#include "mock.h"
#include "tap.h"

#define BAD_ID	0x7ffffff0u

struct viommu_scene {
	int fd;
	uint32_t ioas;
	struct mock mock;
	uint32_t parent;
	uint32_t viommu;
};
extern struct viommu_scene viommus;

void viommus_up(void);

/* All can be destroyed in this order, so a test has left nothing that holds it. */
void viommus_down(void);

/* An ioctl that must fail with one field changed, and leave its answer alone. */
#define check_with(cmd, base, out, member, value, want)			\
	do {								\
		__typeof__(base) c_ = (base);				\
									\
		c_.member = (value);					\
		c_.out = 0x55;						\
		check_ret(iommu_ioctl(viommus.fd, cmd, &c_), want);		\
		check_eq(c_.out, 0x55);					\
	} while (0)

/* The answer can't be written: what was made is gone. */
int viommu_unanswered(unsigned long cmd, const void *args, size_t size);

#endif
