/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Races: several threads, each with a call that it makes over and over for a
 * bounded time.  It is counted how often calls of two threads met in time;
 * a race in which that never happened has failed.
 */
#ifndef TESTS_GUEST_RACE_H
#define TESTS_GUEST_RACE_H

#include <stdbool.h>
#include <stdint.h>

#define RACE_SIDES 4

struct race;

struct race_side {
	const char *name;
	/* Makes its call with race_call(); returns false to end the race. */
	bool (*round)(struct race *race, struct race_side *side);

	struct race *race;
	unsigned long calls, good, met;
	bool busy;
	uint32_t state;		/* for race_random() */
};

struct race {
	struct race_side side[RACE_SIDES];	/* until one without a name */
	void *data;
	unsigned int seconds;	/* 0: RACE_SECONDS, or three */
	bool stop;
};

void race_run(struct race *race);

/*
 * One ioctl of a side.  It may return 0 or one of the negative errnos that
 * follow, ended by 0; anything else is a failed check.
 */
int race_ioctl(struct race_side *side, int fd, unsigned long cmd, void *arg,
	       const char *what, const int *allowed);
#define MAY(...) ((const int[]){ __VA_ARGS__, 0 })

/* For calls that are no ioctl: bracket them. */
void race_begin(struct race_side *side);
void race_end(struct race_side *side, bool good);

uint32_t race_random(struct race_side *side);

#endif
