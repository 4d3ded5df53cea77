/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Fault queues and vEVENTQs, and a mock device that fills them.  Functions return 0
 * (read and write: bytes) or a negative errno.
 */
#ifndef TESTS_GUEST_EVENTS_H
#define TESTS_GUEST_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "iommu.h"
#include "mock.h"

struct events {
	uint32_t id;
	int fd;
};

int faults_alloc(int iommufd, struct events *queue);
int veventq_alloc(int iommufd, uint32_t viommu, uint32_t depth, struct events *queue);

/* A page table whose faults go to a queue: for an IOAS, or a nested one. */
int hwpt_with_faults(int iommufd, uint32_t dev, uint32_t pt, uint32_t flags,
		     uint32_t faults, uint32_t *id);
int nested_with_faults(int iommufd, uint32_t dev, uint32_t pt, uint32_t faults,
		       uint32_t *id);

/* The device asks for a page: request group @group, address @addr. */
int mock_fault(int iommufd, const struct mock *m, uint32_t pasid, uint32_t group,
	       uint64_t addr);
/* The same, and more of the group follow. */
int mock_fault_more(int iommufd, const struct mock *m, uint32_t pasid, uint32_t group,
		    uint64_t addr);
/*
 * A fault that has found its attachment stays there until mock_fault_go(), which returns when it
 * was reported; for a minute at the most.  -ENOENT if nobody takes it.
 */
int mock_fault_hold(int iommufd, const struct mock *m, uint32_t pasid, uint32_t group,
		    uint64_t addr);
int mock_fault_go(int iommufd, const struct mock *m);

/* Its vIOMMU reports an event. */
int mock_event(int iommufd, const struct mock *m);

int mock_pasid_attach(int iommufd, const struct mock *m, uint32_t pasid, uint32_t pt);
int mock_pasid_detach(int iommufd, const struct mock *m, uint32_t pasid);

/* read() and write() themselves. */
int events_read(const struct events *queue, void *buf, size_t size);
int faults_answer(const struct events *queue, uint32_t cookie, uint32_t code);

/* What poll() says, of POLLIN and POLLOUT. */
int events_poll(const struct events *queue);

/* Waits until a struct events can be read, for call_start(); what poll() says then. */
int events_wait(void *queue);

#endif
