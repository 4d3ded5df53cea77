/* SPDX-License-Identifier: GPL-2.0-only */
/* Memory that may not be there: accesses that raise a signal are told, and survived. */
#ifndef TESTS_GUEST_PROBE_H
#define TESTS_GUEST_PROBE_H

/* From now on SIGBUS doesn't end the process.  For one thread at a time. */
void probe_prepare(void);

/* Returns the signal that reading 32 bits at this address raises, or 0. */
int probe(const volatile void *p);

#endif
