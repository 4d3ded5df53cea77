// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kernel threads that help a process to pin its memory.
 *
 * They aren't in the process's thread group: what counts its threads, or waits for them,
 * or stops, freezes or traces them, isn't concerned.  A thread runs one function and is
 * gone.  What a kernel thread doesn't have of the process is taken over before it touches
 * memory: cgroups, and with them limits of CPU time; the NUMA policy; nodes, CPUs and the
 * nice value.  A caller with anything else (a real-time policy, protection keys) gets no
 * threads.
 *
 * Page faults charge the memory cgroup of the process whose memory it is, whoever takes
 * them; page tables charge the one that is active.
 */
#include <linux/atomic.h>
#include <linux/cgroup.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/memcontrol.h>
#include <linux/minmax.h>
#include <linux/mmu_context.h>
#include <linux/module.h>
#include <linux/oom.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/topology.h>

#include "pin_thread.h"

/* Threads there may be, of all callers, for each CPU. */
#define THREADS_PER_CPU	2

static atomic_t nr_threads = ATOMIC_INIT(0);

static bool caller_has_keys(void)
{
#ifdef CONFIG_ARCH_HAS_PKEYS
	/* Key 0 is everyone's.  A kernel thread has no access rights for any other. */
	return current->mm->context.pkey_allocation_map & ~1;
#else
	return false;
#endif
}

/* Has the current task anything that a thread can't take over? */
static bool caller_is_special(void)
{
	return !IS_ENABLED(IOMMUFD_HAVE_SYM_CGROUP_ATTACH_TASK_ALL) ||
	       (current->flags & PF_KTHREAD) || caller_has_keys() ||
	       (current->policy != SCHED_NORMAL && current->policy != SCHED_BATCH);
}

static struct mempolicy *caller_policy(void)
{
#ifdef CONFIG_NUMA
	return current->mempolicy;
#else
	return NULL;
#endif
}

/*
 * Where the caller might run.  Memory without a NUMA policy comes from where the task is
 * that touches it first, so that threads stay on the caller's node.
 */
static void caller_cpus(struct cpumask *cpus)
{
	cpumask_and(cpus, cpumask_of_node(numa_node_id()), current->cpus_ptr);
}

static const void *task_cgroups(struct task_struct *task)
{
#ifdef IOMMUFD_HAVE_SYM_CGROUP_ATTACH_TASK_ALL
	return rcu_access_pointer(task->cgroups);
#else
	return NULL;
#endif
}

int pin_caller_init(struct pin_caller *caller)
{
	if (!alloc_cpumask_var(&caller->cpus, GFP_KERNEL_ACCOUNT))
		return -ENOMEM;
	caller_cpus(caller->cpus);
	caller->task = current;
	caller->cgroups = task_cgroups(current);
	caller->mm = current->mm;
	caller->memcg = get_mem_cgroup_from_mm(current->mm);
	caller->policy = caller_policy();
	caller->nice = task_nice(current);
	return 0;
}

void pin_caller_fini(struct pin_caller *caller)
{
	mem_cgroup_put(caller->memcg);
	free_cpumask_var(caller->cpus);
}

unsigned int pin_threads_fit(unsigned int most)
{
	const struct cpumask *node = cpumask_of_node(numa_node_id());
	unsigned int n = 0, cpu;

	if (caller_is_special())
		return 0;
	for_each_cpu_and(cpu, node, current->cpus_ptr) {
		n += cpu_online(cpu);
		if (n == most)
			break;
	}
	return n;
}

static bool threads_reserve(void)
{
	int most = THREADS_PER_CPU * num_online_cpus();

	return atomic_add_unless(&nr_threads, 1, most);
}

int pin_thread_start(int (*fn)(void *data), void *data)
{
	struct task_struct *thread;

	if (!threads_reserve())
		return -EAGAIN;
	__module_get(THIS_MODULE);
	thread = kthread_create(fn, data, "iommufd-pin");
	if (IS_ERR(thread)) {
		module_put(THIS_MODULE);
		atomic_dec(&nr_threads);
		return PTR_ERR(thread);
	}
	wake_up_process(thread);
	return 0;
}

void pin_thread_begin(void)
{
	allow_kernel_signal(SIGKILL);
	/*
	 * Where memory.oom.group is set, all tasks of a cgroup are victims.  One that has
	 * left its mm by the time that it exits would be counted as such for ever, which
	 * keeps the machine from suspending.
	 */
	current->signal->oom_score_adj = OOM_SCORE_ADJ_MIN;
}

void pin_thread_exit(void)
{
	atomic_dec(&nr_threads);
	module_put_and_kthread_exit(0);
}

static int thread_join_cgroups(struct task_struct *task)
{
	if (task_cgroups(task) == task_cgroups(current))
		return 0;
#ifdef IOMMUFD_HAVE_SYM_CGROUP_ATTACH_TASK_ALL
	return cgroup_attach_task_all(task, current);
#else
	return -EOPNOTSUPP;
#endif
}

/*
 * cgroup_attach_task_all() holds cgroup_mutex for a grace period, and then blocks every
 * fork(), exec() and exit() while it moves the thread.  Unprivileged callers could cause that
 * in a loop, so limit the rate for all of them together.
 */
#define JOINS_BURST	16
#define JOINS_INTERVAL	((JOINS_BURST - 1) * PIN_THREAD_TURN)

static DEFINE_SPINLOCK(join_lock);
static u64 join_next;		/* in jiffies, guarded by @join_lock */

bool pin_thread_turn(const struct pin_caller *caller)
{
	u64 now = get_jiffies_64();
	bool turn;

	if (caller->cgroups == task_cgroups(current))
		return true;
	spin_lock(&join_lock);
	join_next = max(join_next, now - JOINS_INTERVAL);
	turn = join_next <= now;
	if (turn)
		join_next += PIN_THREAD_TURN;
	spin_unlock(&join_lock);
	return turn;
}

/*
 * The policy is the caller's own, which only the caller replaces and which outlives what
 * the thread does.  Changes of nodes within it come under the lock of cpusets.
 */
static void thread_set_policy(struct mempolicy *policy)
{
#ifdef CONFIG_NUMA
	task_lock(current);
	current->mempolicy = policy;
	task_unlock(current);
#endif
}

int pin_thread_join(const struct pin_caller *caller)
{
	int rc;

	rc = thread_join_cgroups(caller->task);
	if (rc)
		return rc;
	/* Cpusets have set nodes and CPUs to what the group may use. */
	rc = set_cpus_allowed_ptr(current, caller->cpus);
	if (rc)
		return rc;
	set_user_nice(current, caller->nice);
	thread_set_policy(caller->policy);
	set_active_memcg(caller->memcg);
	kthread_use_mm(caller->mm);
	return 0;
}

void pin_thread_leave(const struct pin_caller *caller)
{
	kthread_unuse_mm(caller->mm);
	set_active_memcg(NULL);
	thread_set_policy(NULL);
}

/*
 * A cgroup is frozen when all of its tasks are.  Kernel threads never are, and the exit of
 * one isn't a reason to look again.  So if a caller froze with a thread still there, its
 * cgroup would never be reported as frozen.
 */
void pin_thread_wait_gone(struct task_struct *thread)
{
#ifdef IOMMUFD_HAVE_SYM_CGROUP_ATTACH_TASK_ALL
	unsigned long end = jiffies + HZ;

	/* On PREEMPT_RT it may have to wait for a CPU that goes offline. */
	while (!list_empty_careful(&thread->cg_list) && time_before(jiffies, end))
		usleep_range(20, 100);
#endif
}

void pin_thread_kill(struct task_struct *thread)
{
	send_sig(SIGKILL, thread, 1);
}
