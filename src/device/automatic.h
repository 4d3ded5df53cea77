/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Automatic page tables: created for devices that are attached to an IOAS, shared where
 * they fit several devices, destroyed with the last attachment.
 */
#ifndef IOMMUFD_DEVICE_AUTOMATIC_H
#define IOMMUFD_DEVICE_AUTOMATIC_H

#include <linux/types.h>

struct attach_request;
struct ioas;

/* Attach or move a device to one, and set *@id to its ID. */
int automatic_attach(const struct attach_request *req, struct ioas *ioas, u32 *id);

#endif
