/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a leak would show in: system-wide counts of pinned, locked and huge
 * pages, and the pinned and locked memory of one process.
 */
#ifndef TESTS_GUEST_METERS_H
#define TESTS_GUEST_METERS_H

#include <stdbool.h>

struct meters {
	long long pins;		/* pins taken and not yet given back */
	long long mlocked;	/* pages locked by mlock() */
	long long huge;		/* huge pages in use */
};

void meters_read(struct meters *m);

/*
 * Waits, for a bounded time, until the meters are what they were.  If they
 * stay different it says how, and returns false.
 */
bool meters_settle(const struct meters *before);

/* The same for a process's own figures: VmPin and VmLck in pages. */
long meters_vmpin(void);
long meters_vmlck(void);
/* Checks, waiting for a bounded time, that both are zero. */
void meters_settle_process(void);

/* Pins held system-wide at this moment. */
long long meters_pins(void);

/* Waits for a bounded time until @want pins are held; returns those held. */
long long meters_wait_pins(long long want);

/* A number from a file of "name value" lines, or -1. */
long long meters_field(const char *file, const char *name);

#endif
