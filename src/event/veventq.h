/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vEVENTQs: events of a vIOMMU, which user space reads through a file.
 *
 * Events are numbered.  If the queue is full an event is lost, and its number is missing;
 * while the latest event is lost, a header with the lost flag follows all that wait.
 */
#ifndef IOMMUFD_EVENT_VEVENTQ_H
#define IOMMUFD_EVENT_VEVENTQ_H

struct command;
struct object_type;

/* viommu_report_event() of hw/shim.h is implemented here, too. */

extern const struct object_type veventq_object_type;

/**
 * veventq_alloc_ioctl() - IOMMU_VEVENTQ_ALLOC
 * @cmd: the ioctl
 *
 * Return: 0 or an errno, see struct command.
 */
int veventq_alloc_ioctl(struct command *cmd);

#endif
