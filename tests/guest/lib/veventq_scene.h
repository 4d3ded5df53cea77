/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VEVENTQ_SCENE_H
#define VEVENTQ_SCENE_H

/* A mock device, its vIOMMU, and an event queue of it */

#include "events.h"
#include "tap.h"

#define VIRT_ID	0x99

#define HEADER	sizeof(struct iommufd_vevent_header)

#define LOST	IOMMU_VEVENTQ_FLAG_LOST_EVENTS

/* As it is read: a header, and what the mock says. */
typedef struct {
	struct iommufd_vevent_header header;
	struct iommu_viommu_event_selftest event;
} record;

/* A device that is attached to a vIOMMU's page table, and known there. */
struct veventq_scene {
	int fd;
	uint32_t ioas, parent, viommu, hwpt, vdevice;
	struct mock m;
	struct events q;
};
extern struct veventq_scene veventqs;

void veventqs_up_without_queue(void);

void veventqs_up(uint32_t depth);

void veventqs_down_without_queue(void);

void veventqs_down(void);

void veventqs_report(unsigned int n);

bool veventq_is_event(const record *r, uint32_t sequence);

/* The next one that is read. */
void veventq_check_event(uint32_t sequence);

void veventqs_check_empty(void);

#endif
