/* SPDX-License-Identifier: GPL-2.0-only */
/* Kernel threads that pin memory of a process on behalf of one of its tasks. */
#ifndef IOMMUFD_IOAS_PIN_THREAD_H
#define IOMMUFD_IOAS_PIN_THREAD_H

#include <linux/cpumask.h>
#include <linux/types.h>

struct mem_cgroup;
struct mempolicy;
struct mm_struct;
struct task_struct;

/* What threads take over from the task that they help. */
struct pin_caller {
	struct task_struct *task;
	struct mm_struct *mm;
	struct mem_cgroup *memcg;
	struct mempolicy *policy;
	cpumask_var_t cpus;
	int nice;
};

/* Describes the current task.  0 or -ENOMEM. */
int pin_caller_init(struct pin_caller *caller);
void pin_caller_fini(struct pin_caller *caller);

/* On how many CPUs can threads do what the current task would? At most @most. */
unsigned int pin_threads_fit(unsigned int most);

/*
 * Starts a thread that runs @fn, which begins with pin_thread_begin(), so that the thread
 * can be killed, and ends with pin_thread_exit().  0, or an error and then @fn isn't
 * called: -EAGAIN if there are threads enough.
 */
int pin_thread_start(int (*fn)(void *data), void *data);
void pin_thread_begin(void);
void pin_thread_exit(void) __noreturn;

/*
 * For the thread: it gets the memory, the cgroups, the NUMA policy, nodes, CPUs and
 * priority of @caller, which must stay in its system call until pin_thread_leave().
 * 0, or an error and then nothing has to be undone.
 */
int pin_thread_join(const struct pin_caller *caller);
void pin_thread_leave(const struct pin_caller *caller);

/* Ends any wait of a thread's in a page fault, and all that would follow. */
void pin_thread_kill(struct task_struct *thread);

#endif
