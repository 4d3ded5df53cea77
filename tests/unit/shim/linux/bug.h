/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A warning of the kernel ends a unit test.  Forced into every file, ahead of
 * the kind ones that the kernel's user-space headers have.
 */
#ifndef SHIM_LINUX_BUG_H
#define SHIM_LINUX_BUG_H

#include <stdbool.h>

#include <linux/build_bug.h>

_Noreturn void shim_bug(const char *file, int line, const char *what);

static inline bool shim_warn(bool bad, const char *file, int line, const char *what)
{
	if (bad)
		shim_bug(file, line, what);
	return bad;
}

#define WARN_ON(cond)		shim_warn((cond), __FILE__, __LINE__, #cond)
#define WARN_ON_ONCE(cond)	WARN_ON(cond)
#define WARN(cond, ...)		WARN_ON(cond)
#define WARN_ONCE(cond, ...)	WARN_ON(cond)
#define BUG_ON(cond)		((void)WARN_ON(cond))

#endif
