/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FAULT_SCENE_H
#define FAULT_SCENE_H

/* A mock device whose page faults go to a queue. */

#include "events.h"

#define SUCCESS	IOMMUFD_PAGE_RESP_SUCCESS

typedef struct iommu_hwpt_pgfault record;

/* A device whose page faults go to a queue, and where it goes when they shan't. */
struct fault_scene {
	int fd;
	uint32_t ioas;
	uint32_t hwpt;
	uint32_t plain;
	struct mock m;
	struct events q;
};
extern struct fault_scene faults;

void faults_up(void);
/* @flags are MOCK_FLAGS_DEVICE_*, of the device. */
void faults_up_with(uint32_t flags);

void faults_down(void);

void faults_fault(uint64_t addr);

/* The only fault that waits. */
uint32_t faults_take(uint64_t addr);

void faults_check_empty(void);

#endif
