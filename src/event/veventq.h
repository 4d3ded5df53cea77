/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vEVENTQs: events of a vIOMMU, read by user space from a file.
 *
 * Each event has a number.  One that there is no room for is lost, and its number is
 * missing; while the latest one is lost, a reader is told so behind all that wait.
 */
#ifndef IOMMUFD_EVENT_VEVENTQ_H
#define IOMMUFD_EVENT_VEVENTQ_H

struct command;
struct object_type;

/* viommu_report_event() of hw/shim.h is answered here, too. */

extern const struct object_type veventq_object_type;
int veventq_alloc_ioctl(struct command *cmd);

#endif
