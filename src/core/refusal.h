/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reasons of refusals.  An errno has many causes, so log the one that applies and what can
 * be done about it, in one line for each refusal.
 *
 * Set the reason where it is detected, before returning the error; a later reason replaces
 * an earlier one.  Log it where the request is answered.
 */
#ifndef IOMMUFD_CORE_REFUSAL_H
#define IOMMUFD_CORE_REFUSAL_H

#include <linux/compiler_attributes.h>
#include <linux/dev_printk.h>

struct device;

struct refusal {
	char why[256];
};

/**
 * refusal_set() - set the reason of a refusal, replacing an earlier one
 * @refusal: where to set it; NULL for callers that don't log
 * @fmt: format, without newline
 */
__printf(2, 3) void refusal_set(struct refusal *refusal, const char *fmt, ...);

/**
 * refusal_clear() - forget the reason, as the request goes on
 * @refusal: where it was set, or NULL
 */
void refusal_clear(struct refusal *refusal);

/**
 * refusal_log() - log a refusal with its reason
 * @dev: the device concerned
 * @what: name of the request
 * @rc: its errno; nothing is logged for -EINTR
 * @refusal: the reason; if none was set, a general one is logged
 */
void refusal_log(struct device *dev, const char *what, int rc,
		 const struct refusal *refusal);

/* Log a reason that is known where the request is answered. */
#define log_refused(_dev, _what, _rc, _fmt, ...)				\
	dev_notice_ratelimited(_dev, "%s refused (%d): " _fmt "\n", _what, _rc,	\
			       ##__VA_ARGS__)

#endif
