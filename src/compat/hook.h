/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A function of ours in place of an exported one, for those of its calls whose
 * first argument is of interest.  Included by name.
 */
#ifndef IOMMUFD_COMPAT_HOOK_H
#define IOMMUFD_COMPAT_HOOK_H

#include <linux/ftrace.h>
#include <linux/kprobes.h>
#include <linux/types.h>

struct hook {
	void *theirs;
	void *ours;			/* with the same arguments and result */
	bool (*wants)(void *first);	/* must not sleep */

#ifdef CONFIG_FUNCTION_TRACER
	struct ftrace_ops ftrace;
#endif
#ifdef CONFIG_KPROBES
	struct kprobe kprobe;
#endif
};

/* How hooks are installed. */
struct hook_way {
	const char *name;
	int (*install)(struct hook *hook);
	void (*remove)(struct hook *hook);
};

/* The best first, ended by one without a name. */
extern const struct hook_way hook_ways[];

/* All or none.  It isn't said that they work: what is switched off is installed too. */
int hooks_install(const struct hook_way *way, struct hook *hooks, size_t n);
/* No call goes to a function of ours any more; those that are in one go on. */
void hooks_remove(const struct hook_way *way, struct hook *hooks, size_t n);

#endif
