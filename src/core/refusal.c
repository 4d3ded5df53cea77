// SPDX-License-Identifier: GPL-2.0-only
/* Why a request was refused. */
#include <linux/errno.h>
#include <linux/kernel.h>

#include "refusal.h"

void refusal_set(struct refusal *refusal, const char *fmt, ...)
{
	va_list args;

	if (!refusal)
		return;
	va_start(args, fmt);
	vscnprintf(refusal->why, sizeof(refusal->why), fmt, args);
	va_end(args);
}

void refusal_clear(struct refusal *refusal)
{
	if (refusal)
		refusal->why[0] = '\0';
}

void refusal_log(struct device *dev, const char *what, int rc,
		 const struct refusal *refusal)
{
	const char *why = refusal->why;

	if (rc == -EINTR)
		return;
	if (!*why)
		why = rc == -ENOMEM ? "out of memory" : "no reason recorded";
	log_refused(dev, what, rc, "%s", why);
}
