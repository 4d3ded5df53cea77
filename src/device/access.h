/* SPDX-License-Identifier: GPL-2.0-only */
/* An access object: a driver in the kernel that reaches mapped memory by IOVA. */
#ifndef IOMMUFD_DEVICE_ACCESS_H
#define IOMMUFD_DEVICE_ACCESS_H

#include <linux/types.h>

#include "../core/object.h"

struct ioas;
struct iommufd_access;

void access_unmake(struct object *obj);

u32 access_id(const struct iommufd_access *access);

/* The alignment that mappings must have for the object's sake. */
unsigned long access_align(const struct iommufd_access *access);

/* Has all access objects of an IOAS asked for their pins in [first, last]. */
void access_ask_unpin(struct ioas *ioas, unsigned long first, unsigned long last);

#endif
