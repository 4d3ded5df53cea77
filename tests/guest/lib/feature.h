/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FEATURE_H
#define FEATURE_H

/* VFIO_DEVICE_FEATURE asked of a device of the VFIO test driver */

#include <errno.h>
#include <linux/vfio.h>

#include "vfio_mock.h"

#define GET	VFIO_DEVICE_FEATURE_GET

#define SET	VFIO_DEVICE_FEATURE_SET

#define PROBE	VFIO_DEVICE_FEATURE_PROBE

#define HEADER	8

/* Debian 12's <linux/vfio.h> doesn't know the later ones. */
enum { MIGRATION = 1, STATE = 2, LOG_START = 6, LOG_STOP = 7, LOG_REPORT = 8,
       DATA_SIZE = 9, PRECOPY = 12 };

enum { F_STOP_COPY = 1, F_P2P = 2, F_PRE_COPY = 4 };

enum { ERROR, STOP, RUNNING, STOP_COPY, RESUMING };

struct state {
	uint32_t state;
	int32_t fd;
};

extern struct vfio_mock feature_mock;

extern int feature_iommufd;

extern uint32_t feature_asked_before;		/* an adopted device was there in another test */

/* How often the driver was asked about a feature. */
uint32_t feature_asked(void);

/* A bound device; what it can migrate. */
void feature_up(uint32_t mig_flags);

/* @data becomes what is there then. */
int feature_ask(uint32_t flags, void *data, uint32_t size);

int feature_set_state(uint32_t state, int *fd);

#endif
