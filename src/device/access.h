/* SPDX-License-Identifier: GPL-2.0-only */
/* Access objects: in-kernel users that reach mapped memory by IOVA. */
#ifndef IOMMUFD_DEVICE_ACCESS_H
#define IOMMUFD_DEVICE_ACCESS_H

#include <linux/types.h>

#include "../core/object.h"

extern const struct object_type access_object_type;

#endif
