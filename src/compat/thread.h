/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Threads of the calling process that never leave the kernel: 7.2's vhost_task, which
 * has the process's memory, cgroups, NUMA policy and limits.  Included by name.
 *
 * Linux 6.1, and any kernel without vhost, has none: vhost_task_create() fails.
 */
#ifndef IOMMUFD_COMPAT_THREAD_H
#define IOMMUFD_COMPAT_THREAD_H

#include <linux/err.h>
#include <linux/types.h>

#if defined(IOMMUFD_HAVE_VHOST_TASK_KILLED) && defined(IOMMUFD_HAVE_SYM_VHOST_TASK_CREATE)
#include <linux/sched/vhost_task.h>
#define COMPAT_THREADS	1

/* Is this task one itself, or one of io_uring's? */
#define compat_is_thread(task)	((task)->flags & (PF_USER_WORKER | PF_IO_WORKER))
#else
#define COMPAT_THREADS	0
#define compat_is_thread(task)	false

struct vhost_task;

static inline struct vhost_task *vhost_task_create(bool (*fn)(void *),
						   void (*killed)(void *),
						   void *arg, const char *name)
{
	return ERR_PTR(-EOPNOTSUPP);
}

static inline void vhost_task_start(struct vhost_task *thread)
{
}

static inline void vhost_task_stop(struct vhost_task *thread)
{
}
#endif

#endif
