// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hook the start of an exported function by ftrace or else by a kprobe.  Leave
 * the registers unchanged and redirect the CPU to another function, which
 * returns to the original caller.
 *
 * Unlike a kretprobe this needs no state until the return, so no call is missed
 * for lack of memory.
 */
#include <linux/ptrace.h>

#include "hook.h"

#ifdef CONFIG_FUNCTION_TRACER

/*
 * Permanent: while one is registered, kernel.ftrace_enabled can't be cleared,
 * which would disable the hook unnoticed.
 */
#ifdef IOMMUFD_HAVE_FTRACE_REGS_ARGUMENT

#define FTRACE_FLAGS (FTRACE_OPS_FL_IPMODIFY | FTRACE_OPS_FL_PERMANENT)

static void *hook_first_argument(struct ftrace_regs *fregs)
{
	return (void *)ftrace_regs_get_argument(fregs, 0);
}

static void hook_go_to(struct ftrace_regs *fregs, void *function)
{
	ftrace_regs_set_instruction_pointer(fregs, (unsigned long)function);
}

#else

#define FTRACE_FLAGS (FTRACE_OPS_FL_IPMODIFY | FTRACE_OPS_FL_PERMANENT | \
		      FTRACE_OPS_FL_SAVE_REGS)

static void *hook_first_argument(struct ftrace_regs *fregs)
{
	return (void *)regs_get_kernel_argument(ftrace_get_regs(fregs), 0);
}

static void hook_go_to(struct ftrace_regs *fregs, void *function)
{
	instruction_pointer_set(ftrace_get_regs(fregs), (unsigned long)function);
}

#endif

static void hook_at_entry(unsigned long ip, unsigned long parent_ip,
			  struct ftrace_ops *ops, struct ftrace_regs *fregs)
{
	struct hook *hook = container_of(ops, struct hook, ftrace);

	if (hook->wants(hook_first_argument(fregs)))
		hook_go_to(fregs, hook->ours);
}

static int hook_ftrace_install(struct hook *hook)
{
	int rc;

	hook->ftrace = (struct ftrace_ops) {
		.func = hook_at_entry,
		.flags = FTRACE_FLAGS,
	};
	rc = ftrace_set_filter_ip(&hook->ftrace, (unsigned long)hook->theirs, 0, 0);
	if (rc)
		return rc;
	rc = register_ftrace_function(&hook->ftrace);
	if (rc)
		ftrace_free_filter(&hook->ftrace);
	return rc;
}

static void hook_ftrace_remove(struct hook *hook)
{
	unregister_ftrace_function(&hook->ftrace);
	ftrace_free_filter(&hook->ftrace);
}

#endif

#ifdef CONFIG_KPROBES

static int hook_at_probe(struct kprobe *probe, struct pt_regs *regs)
{
	struct hook *hook = container_of(probe, struct hook, kprobe);

	if (!hook->wants((void *)regs_get_kernel_argument(regs, 0)))
		return 0;
	instruction_pointer_set(regs, (unsigned long)hook->ours);
	return 1;
}

/*
 * A post handler prevents optimisation, so the pre handler may change the
 * instruction pointer.
 */
static void hook_after_probe(struct kprobe *probe, struct pt_regs *regs, unsigned long flags)
{
}

static int hook_kprobe_install(struct hook *hook)
{
	hook->kprobe = (struct kprobe) {
		.addr = hook->theirs,
		.pre_handler = hook_at_probe,
		.post_handler = hook_after_probe,
	};
	return register_kprobe(&hook->kprobe);
}

static void hook_kprobe_remove(struct hook *hook)
{
	unregister_kprobe(&hook->kprobe);
}

#endif

const struct hook_way hook_ways[] = {
#ifdef CONFIG_FUNCTION_TRACER
	{ "ftrace", hook_ftrace_install, hook_ftrace_remove, false },
#endif
#ifdef CONFIG_KPROBES
	{ "kprobe", hook_kprobe_install, hook_kprobe_remove, true },
#endif
	{}
};

void hooks_remove(const struct hook_way *way, struct hook *hooks, size_t n)
{
	while (n--)
		way->remove(&hooks[n]);
}

int hooks_install(const struct hook_way *way, struct hook *hooks, size_t n)
{
	size_t i;
	int rc;

	for (i = 0; i < n; i++) {
		rc = way->install(&hooks[i]);
		if (rc) {
			hooks_remove(way, hooks, i);
			return rc;
		}
	}
	return 0;
}
