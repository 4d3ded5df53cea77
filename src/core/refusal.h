/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Why a request was refused.  An errno has many reasons, so the kernel log tells the one
 * that holds, and what to do about it: one line for each refusal.
 *
 * Whoever finds a reason sets it, where it is found and before it returns the error; a
 * later reason takes the place of an earlier one.  Whoever answers the request logs it.
 */
#ifndef IOMMUFD_CORE_REFUSAL_H
#define IOMMUFD_CORE_REFUSAL_H

#include <linux/compiler_attributes.h>
#include <linux/dev_printk.h>

struct device;

struct refusal {
	char why[256];
};

/* @refusal may be NULL: nobody is told. */
__printf(2, 3) void refusal_set(struct refusal *refusal, const char *fmt, ...);
void refusal_clear(struct refusal *refusal);

/* Logs the reason for @rc, unless that is a fatal signal. */
void refusal_log(struct device *dev, const char *what, int rc,
		 const struct refusal *refusal);

/* The line itself, for a reason that is known where the request is answered. */
#define log_refused(_dev, _what, _rc, _fmt, ...)				\
	dev_notice_ratelimited(_dev, "%s refused (%d): " _fmt "\n", _what, _rc,	\
			       ##__VA_ARGS__)

#endif
