/* SPDX-License-Identifier: GPL-2.0-only */
/* Kernel threads that pin memory on behalf of a task in an ioctl. */
#ifndef IOMMUFD_IOAS_PIN_THREAD_H
#define IOMMUFD_IOAS_PIN_THREAD_H

#include <linux/cpumask.h>
#include <linux/types.h>

struct mem_cgroup;
struct mempolicy;
struct mm_struct;
struct task_struct;

/* What a thread inherits from the calling task. */
struct pin_caller {
	struct task_struct *task;
	const void *cgroups;		/* only to be compared */
	struct mm_struct *mm;
	struct mem_cgroup *memcg;
	struct mempolicy *policy;
	cpumask_var_t cpus;
	int nice;
};

/* Fill in @caller from the current task.  Returns 0 or -ENOMEM. */
int pin_caller_init(struct pin_caller *caller);
void pin_caller_fini(struct pin_caller *caller);

/*
 * Number of CPUs, at most @most, on which threads can replace the current task.
 * 0 if the task has properties that a thread can't take over.
 */
unsigned int pin_threads_fit(unsigned int most);

/*
 * Start a kernel thread that runs @fn.  @fn begins with pin_thread_begin(), so
 * that the thread can be killed, and ends with pin_thread_exit().  Returns 0,
 * or an error if @fn isn't run: -EAGAIN if the limit of threads is reached.
 */
int pin_thread_start(int (*fn)(void *data), void *data);
void pin_thread_begin(void);
void pin_thread_exit(void) __noreturn;

/*
 * Returns whether the thread may join @caller now; if not, ask again after PIN_THREAD_TURN
 * jiffies.  Only accesses the structure, so the caller may have returned.
 */
#define PIN_THREAD_TURN	DIV_ROUND_UP(HZ, 50)
bool pin_thread_turn(const struct pin_caller *caller);

/*
 * Called by the thread: adopt mm, cgroups, NUMA policy and node, CPUs and nice
 * value of @caller, which must stay in its system call until
 * pin_thread_leave().  Returns 0, or an error after which there is nothing to
 * undo.
 */
int pin_thread_join(const struct pin_caller *caller);
void pin_thread_leave(const struct pin_caller *caller);

/*
 * Wait until a thread that has left its caller, or is about to return, isn't in
 * the cgroups any more either.
 */
void pin_thread_wait_gone(struct task_struct *thread);

/* Interrupt a thread's current page fault and fail all that follow. */
void pin_thread_kill(struct task_struct *thread);

#endif
