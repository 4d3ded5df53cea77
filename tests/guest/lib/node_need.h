/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef NODE_NEED_H
#define NODE_NEED_H

/* The device of these tests */

#include <libgen.h>
#include <sys/sysmacros.h>

#include "device.h"

const char *node_need(const char *kind);

/* One that is open and not bound. */
void node_edu_open(struct device *dev);

#endif
