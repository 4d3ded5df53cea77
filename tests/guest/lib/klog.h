/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel log: waiting for a line, such as an IOMMU's report of a fault. */
#ifndef TESTS_GUEST_KLOG_H
#define TESTS_GUEST_KLOG_H

#include <stdbool.h>
#include <stdint.h>

enum iommu_kind {
	IOMMU_UNKNOWN,
	IOMMU_VTD,
	IOMMU_AMD,
	IOMMU_SMMUV3,
	IOMMU_VIRTIO,
};

/* Which IOMMU translates for the devices of this machine. */
enum iommu_kind klog_iommu(void);

/*
 * Does it report the transfers that it stops?  @attached: of a device that has
 * a page table, which lacks the address.
 */
bool klog_reports(bool attached);

/* Opens the log at its end: only later lines are found. */
int klog_open(void);

/*
 * Waits up to @ms milliseconds for a fault report whose address lies in the
 * page of @iova.
 */
bool klog_fault(int klog, uint64_t iova, unsigned int ms);

/* The same for any line with these words. */
bool klog_says(int klog, const char *words, unsigned int ms);

/* The line that was found last. */
const char *klog_line(void);

#endif
