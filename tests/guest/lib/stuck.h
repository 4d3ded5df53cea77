/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Calls that wait in a page fault for as long as the test likes, and whether
 * other calls return meanwhile.
 */
#ifndef TESTS_GUEST_STUCK_H
#define TESTS_GUEST_STUCK_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mem.h"

/* Memory that can be used after trap_release(); until then who needs it waits. */
struct trap {
	uint8_t *va;
	size_t size;
	int fd;
	bool write;
};

/* The test is skipped if the kernel has no userfaultfd. */
void trap_set(struct trap *t, size_t size);
/* A range of memory that is there already: it can be read at once, and written to later. */
void trap_protect(struct trap *t, const struct mem *m, size_t at, size_t size);
/* The same for a page of its own that holds @data. */
void trap_set_write(struct trap *t, const void *data, size_t size);
/* Waits until somebody waits in it; the test ends as failed if nobody comes. */
void trap_wait(struct trap *t);
/* Lets those who wait go on, for good. */
void trap_release(struct trap *t);

/* A call made by a thread of its own. */
struct call {
	int (*fn)(void *arg);
	void *arg;
	int ret;
	pthread_t thread;
};

void call_start(struct call *c, int (*fn)(void *arg), void *arg);
/* Has it returned by now? */
bool call_over(struct call *c);
/* Does it return within ten seconds?  Then @ret is its answer. */
bool call_returns(struct call *c);
/* Both. */
bool returns(int (*fn)(void *arg), void *arg, int *ret);

/* Checks that a call returns while others are stuck, and what. */
#define check_returns(fn, arg, want)					\
	do {								\
		int ret_ = 0;						\
									\
		if (check_msg(returns(fn, arg, &ret_), "%s is held up", #fn)) \
			check_ret(ret_, want);				\
	} while (0)

/* A child that runs this and ends. */
int child_start(void (*fn)(void));
/* Does this child process end within ten seconds?  It is reaped then. */
bool child_ends(int pid);

#endif
