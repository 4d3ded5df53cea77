/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VFIO_DRIVER_SCENE_H
#define VFIO_DRIVER_SCENE_H

/* A device of the VFIO test driver, and a context with an address space */

#include <linux/vfio.h>

#include "vfio_mock.h"

extern struct vfio_mock driver_mock;

extern int driver_iommufd;

extern uint32_t driver_ioas;

/* A device with all callbacks that nobody has opened. */
void driver_scene_up(void);

void driver_scene_need_mock(void);

bool driver_scene_node_exists(const char *directory, const char *name);

#endif
