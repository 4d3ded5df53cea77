// SPDX-License-Identifier: GPL-2.0-only
/*
 * Threads that help a process to pin its memory.
 *
 * They are threads of that process, so they have its memory, credentials, cgroups, NUMA
 * policy, CPUs and limits, and are killed with it.  One runs a function once, and then
 * sleeps until it is reaped.
 *
 * That is done by a work item and not by the task that started it: a process may be
 * stopped (SIGSTOP, a debugger, the freezer), and a thread stops on its way out, when it
 * can't be waited for.  Who started it never waits for more than the function.
 */
#include <linux/cpumask.h>
#include <linux/module.h>
#include <linux/nodemask.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/topology.h>
#include <linux/workqueue.h>

#include "../compat/thread.h"
#include "memory.h"
#include "pin_thread.h"

struct pin_thread {
	struct vhost_task *thread;
	struct task_struct *task;	/* while it runs and until it's reaped, if it ran */
	void (*fn)(void *data, bool killed);
	void *data;
	int node;
	bool over;			/* set by the thread alone */
	struct delayed_work reaper;	/* its own, as one may be kept waiting */
	unsigned long delay;
};

static struct workqueue_struct *reapers;

/* Can it be told to go without waiting for what user space may prolong? */
static bool may_reap(const struct pin_thread *thread)
{
	struct task_struct *task = thread->task;

	if (!task || fatal_signal_pending(task) || (READ_ONCE(task->flags) & PF_EXITING))
		return true;
	return READ_ONCE(task->__state) == TASK_INTERRUPTIBLE && !signal_pending(task);
}

/* Between two looks at a thread whose process is stopped. */
#define DELAY_MIN	max(HZ / 50, 1)
#define DELAY_MAX	HZ

static void reap(struct work_struct *work)
{
	struct pin_thread *thread = container_of(work, struct pin_thread, reaper.work);

	if (!may_reap(thread)) {
		queue_delayed_work(reapers, &thread->reaper, thread->delay);
		thread->delay = min(2 * thread->delay, DELAY_MAX);
		return;
	}
	vhost_task_stop(thread->thread);
	if (thread->task)
		put_task_struct(thread->task);
	kfree(thread);
	/* What is left of this is waited for by pin_exit(). */
	module_put(THIS_MODULE);
}

/* The last that a thread does with its own structure. */
static void thread_end(struct pin_thread *thread, bool killed)
{
	thread->over = true;
	thread->fn(thread->data, killed);
	queue_delayed_work(reapers, &thread->reaper, 0);
}

/*
 * Memory without a NUMA policy comes from where the task is that touches it first: a
 * thread stays on the node of who started it.
 */
static void stay_on_node(int node)
{
	cpumask_var_t cpus;

	if (nr_online_nodes < 2 || !zalloc_cpumask_var(&cpus, GFP_KERNEL))
		return;
	if (cpumask_and(cpus, cpumask_of_node(node), current->cpus_ptr))
		set_cpus_allowed_ptr(current, cpus);
	free_cpumask_var(cpus);
}

/* Called, with the thread's state set for sleep, whenever it's woken; false lets it. */
static bool thread_run(void *data)
{
	struct pin_thread *thread = data;

	if (!thread->over) {
		__set_current_state(TASK_RUNNING);
		thread->task = get_task_struct(current);
		stay_on_node(thread->node);
		thread_end(thread, false);
	}
	return false;
}

/* Called in the thread as well, which may have been killed before it ran. */
static void thread_killed(void *data)
{
	struct pin_thread *thread = data;

	if (!thread->over)
		thread_end(thread, true);
}

int pin_thread_start(void (*fn)(void *data, bool killed), void *data)
{
	struct pin_thread *thread;
	struct vhost_task *task;

	thread = kzalloc(sizeof(*thread), GFP_KERNEL_ACCOUNT);
	if (!thread)
		return -ENOMEM;
	thread->fn = fn;
	thread->data = data;
	thread->node = numa_node_id();
	INIT_DELAYED_WORK(&thread->reaper, reap);
	thread->delay = DELAY_MIN;
	task = vhost_task_create(thread_run, thread_killed, thread, "iommufd-pin");
	if (IS_ERR_OR_NULL(task)) {
		kfree(thread);
		return task ? PTR_ERR(task) : -ENOMEM;
	}
	thread->thread = task;
	__module_get(THIS_MODULE);
	vhost_task_start(task);
	return 0;
}

unsigned int pin_threads_fit(unsigned int most)
{
	const struct cpumask *node = cpumask_of_node(numa_node_id());
	unsigned int n = 0, cpu;

	if (!COMPAT_THREADS || (current->flags & PF_KTHREAD) || compat_is_thread(current))
		return 0;
	for_each_cpu_and(cpu, node, current->cpus_ptr) {
		if (cpu_online(cpu))
			n++;
		if (n > most)
			break;
	}
	return n ? n - 1 : 0;
}

int __init pin_init(void)
{
	reapers = alloc_workqueue("iommufd-pin", WQ_UNBOUND, 0);
	return reapers ? 0 : -ENOMEM;
}

void pin_exit(void)
{
	destroy_workqueue(reapers);
}
