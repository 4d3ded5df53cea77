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

/**
 * automatic_attach() - attach or move a device to an automatic page table
 * @req: the request
 * @ioas: the IOAS, in use by the caller
 * @id: out: ID of the page table, on success only
 *
 * Tries those that there are; makes one if the device fits none.
 *
 * Context: takes ioas->auto_lock, and waits for it killably.
 *
 * Return: 0, -EINTR by a fatal signal, as ioas_reserve() and hwpt_new(), or as the function
 * that was requested.
 */
int automatic_attach(const struct attach_request *req, struct ioas *ioas, u32 *id);

#endif
