/* SPDX-License-Identifier: GPL-2.0-only */
/* A range of IOVA.  Both ends are inclusive. */
#ifndef IOMMUFD_HW_RANGE_H
#define IOMMUFD_HW_RANGE_H

struct iova_range {
	unsigned long first;
	unsigned long last;
};

#endif
