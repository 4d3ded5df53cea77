/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Replace calls of an exported function, selected by their first argument.  Not
 * included by default.
 */
#ifndef IOMMUFD_COMPAT_HOOK_H
#define IOMMUFD_COMPAT_HOOK_H

#include <linux/ftrace.h>
#include <linux/kprobes.h>
#include <linux/types.h>

struct hook {
	void *theirs;
	void *ours;			/* same arguments and result */
	bool (*wants)(void *first);	/* must not sleep */

#ifdef CONFIG_FUNCTION_TRACER
	struct ftrace_ops ftrace;
#endif
#ifdef CONFIG_KPROBES
	struct kprobe kprobe;
#endif
};

/* A method to install hooks. */
struct hook_way {
	const char *name;
	int (*install)(struct hook *hook);
	void (*remove)(struct hook *hook);
	bool can_miss;			/* hooks may be disabled while installed */
};

/* In order of preference, terminated by an entry without name. */
extern const struct hook_way hook_ways[];

/*
 * Install all hooks or none.  Returns 0 even if the method is disabled at run
 * time, so check that the hooks work.
 */
int hooks_install(const struct hook_way *way, struct hook *hooks, size_t n);
/* Stop redirecting calls.  Calls in progress continue. */
void hooks_remove(const struct hook_way *way, struct hook *hooks, size_t n);

#endif
