/* SPDX-License-Identifier: GPL-2.0-only */
/* Threads of the calling process that help it. */
#ifndef IOMMUFD_IOAS_PIN_THREAD_H
#define IOMMUFD_IOAS_PIN_THREAD_H

#include <linux/types.h>

/* How many can run beside the caller, on the CPUs that it may use; at most @most. */
unsigned int pin_threads_fit(unsigned int most);

/*
 * Starts one.  It calls @fn once, with @killed if the process was before that.  The
 * caller must not wait for that call, as the process may be stopped before it.
 * 0 or an error.
 */
int pin_thread_start(void (*fn)(void *data, bool killed), void *data);

#endif
