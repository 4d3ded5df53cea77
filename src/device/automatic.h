/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Automatic page tables: what a device gets that is attached to an IOAS.  They are shared
 * as far as they fit, and go with the last device.
 */
#ifndef IOMMUFD_DEVICE_AUTOMATIC_H
#define IOMMUFD_DEVICE_AUTOMATIC_H

#include <linux/types.h>

struct attach_request;
struct ioas;

/* Attaches or moves a device to one of them; *@id becomes its ID. */
int automatic_attach(const struct attach_request *req, struct ioas *ioas, u32 *id);

#endif
