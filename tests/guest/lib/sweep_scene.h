/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SWEEP_SCENE_H
#define SWEEP_SCENE_H

/* The spaces, page tables and devices with which both programs of the sweep begin. */

#include <linux/vfio.h>

#include "device.h"
#include "events.h"
#include "mem.h"
#include "mock.h"
#include "vfio_mock.h"

#define BASE	0x2000000ull	/* within the mock's aperture */

#define OTHER	0x4000000ull

/* One context; each sequence uses what it needs. */
struct swept {
	int fd;
	uint32_t ioas, ioas2;
	uint32_t hwpt, parent, nested, viommu, vdevice, queue;
	struct mem m;
	struct mock dev;
	struct events events;
	struct device door;
	struct vfio_mock node;
	int file;
};
extern struct swept swept;

void sweep_bare(void);

void sweep_two_spaces(void);

void sweep_mocked(void);

void sweep_with_device(void);

int sweep_close_fd(int fd);

void sweep_with_file(void);

#endif
