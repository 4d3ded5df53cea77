/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Lets every call that can fail inside of the modules fail once, one after another,
 * by iommufd_inject.ko of a test build (tests/mock/inject.h).
 *
 * A sequence is a function made of steps.  It runs in a child again and again; in
 * the n-th run the n-th such call of the child fails, until there is no n-th.  The
 * step that is hit may succeed all the same or fail; if it fails it is done again,
 * which has to succeed, as does all that follows: a failed call changes nothing.
 * After each run nothing may be left pinned or allocated.
 *
 * Then all of it again, with whatever needs memory failing from the n-th call on,
 * until a step fails.
 */
#ifndef TESTS_GUEST_SWEEP_H
#define TESTS_GUEST_SWEEP_H

#include <stdbool.h>

/*
 * @prepare and @run are called in the child; nothing fails in @prepare, which may
 * skip the test.  The test is skipped without the injecting module.
 */
void sweep(void (*prepare)(void), void (*run)(void));

/* Tells which calls of iommufd.ko no sweep has reached since it was loaded. */
void sweep_sites(void);

/* One that returns 0 or more, or a negative errno. */
#define step(call)	step_or(call, 0)

/*
 * One whose work may be done although it failed, because its answer didn't arrive:
 * doing it again may give @late too.
 */
#define step_or(call, late) ({						\
	int rc_ = (call);						\
									\
	if (rc_ < 0 && sweep_again(__FILE__, __LINE__, #call, rc_))	\
		sweep_again_gave(__FILE__, __LINE__, #call, (call), late); \
	rc_;								\
})

/* What steps are made with. */
bool sweep_again(const char *file, int line, const char *what, int rc);
void sweep_again_gave(const char *file, int line, const char *what, int rc, int late);

#endif
