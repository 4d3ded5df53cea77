/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of iommufd_access_test.ko know of each other. */
#ifndef TESTS_KMOD_IOMMUFD_ACCESS_TEST_DRIVER_H
#define TESTS_KMOD_IOMMUFD_ACCESS_TEST_DRIVER_H

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/rwsem.h>

#include "iommufd_access_test.h"

struct iommufd_access;

/* Locks in this order. */
struct tester {
	struct rw_semaphore life;	/* guards @access, which others use */
	struct iommufd_access *access;
	struct mutex attach_lock;
	bool attached;			/* guarded by @attach_lock */

	struct mutex lock;		/* guards all below; unmap takes it */
	struct list_head pins;
	unsigned int refuse;
	unsigned int pause_us;
	struct access_test_state state;
};

/*
 * iommufd_access_test_memory.c: what a program can do with the memory.  @data is the
 * command's structure.  The caller holds tester->life, and there is an access object.
 */
int tester_pin(struct tester *tester, void *data);
int tester_unpin(struct tester *tester, void *data);
int tester_copy(struct tester *tester, void *data);

/* The unmap callback of the access object. */
void tester_unmap(void *data, unsigned long iova, unsigned long length);

#endif
