// SPDX-License-Identifier: GPL-2.0-only
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "iommu.h"
#include "race.h"
#include "tap.h"

static bool other_busy(struct race_side *side)
{
	struct race *race = side->race;

	for (int i = 0; i < RACE_SIDES && race->side[i].name; i++)
		if (&race->side[i] != side &&
		    __atomic_load_n(&race->side[i].busy, __ATOMIC_SEQ_CST))
			return true;
	return false;
}

/* Met: another side's call is under way when this one begins or ends. */
static void note_meeting(struct race_side *side)
{
	__atomic_store_n(&side->met, side->met + other_busy(side), __ATOMIC_RELAXED);
}

void race_begin(struct race_side *side)
{
	__atomic_store_n(&side->busy, true, __ATOMIC_SEQ_CST);
	side->calls++;
	note_meeting(side);
}

void race_end(struct race_side *side, bool good)
{
	note_meeting(side);
	__atomic_store_n(&side->good, side->good + good, __ATOMIC_RELAXED);
	__atomic_store_n(&side->busy, false, __ATOMIC_SEQ_CST);
	/* Where CPUs take turns, others would seldom see what this side has made. */
	if (side->calls % 8 == 0)
		sched_yield();
}

int race_ioctl(struct race_side *side, int fd, unsigned long cmd, void *arg,
	       const char *what, const int *allowed)
{
	int ret;

	race_begin(side);
	ret = iommu_ioctl(fd, cmd, arg);
	race_end(side, !ret);
	if (!ret)
		return 0;
	for (; *allowed; allowed++)
		if (*allowed == ret)
			return ret;
	check_msg(false, "%s: %s: %d (%s)", side->name, what, ret,
		  strerror(-ret));
	__atomic_store_n(&side->race->stop, true, __ATOMIC_SEQ_CST);
	return ret;
}

uint32_t race_random(struct race_side *side)
{
	side->state = side->state * 1664525u + 1013904223u;
	return side->state >> 16;
}

static void *thread(void *arg)
{
	struct race_side *side = arg;
	struct race *race = side->race;

	while (!__atomic_load_n(&race->stop, __ATOMIC_SEQ_CST))
		if (!side->round(race, side))
			__atomic_store_n(&race->stop, true, __ATOMIC_SEQ_CST);
	return NULL;
}

static unsigned int seconds(const struct race *race)
{
	const char *s = getenv("RACE_SECONDS");
	unsigned int factor = tap_time_factor();

	if (s)
		return atoi(s);
	return (race->seconds ? race->seconds : 3) * (factor < 4 ? factor : 4);
}

/* Has each side succeeded, and one met another? */
static bool has_happened(const struct race *race)
{
	bool met = false;

	for (int i = 0; i < RACE_SIDES && race->side[i].name; i++) {
		if (!__atomic_load_n(&race->side[i].good, __ATOMIC_RELAXED))
			return false;
		met |= __atomic_load_n(&race->side[i].met, __ATOMIC_RELAXED) > 0;
	}
	return met;
}

/* On a busy host few calls fit into a second: a race that hasn't happened yet is longer. */
#define LONGEST 10

void race_run(struct race *race)
{
	double end = tap_now() + seconds(race), last = end + (LONGEST - 1) * seconds(race);
	pthread_t threads[RACE_SIDES];
	unsigned long met = 0;
	int n;

	for (n = 0; n < RACE_SIDES && race->side[n].name; n++) {
		race->side[n].race = race;
		race->side[n].state = n + 1;
		require(!pthread_create(&threads[n], NULL, thread,
					&race->side[n]));
	}
	while ((tap_now() < end || (tap_now() < last && !has_happened(race))) &&
	       !__atomic_load_n(&race->stop, __ATOMIC_SEQ_CST))
		nanosleep(&(struct timespec){ .tv_nsec = 20000000 }, NULL);
	__atomic_store_n(&race->stop, true, __ATOMIC_SEQ_CST);
	for (int i = 0; i < n; i++) {
		struct race_side *side = &race->side[i];

		pthread_join(threads[i], NULL);
		tap_diag("%s: %lu calls, %lu succeeded, met others %lu times",
			 side->name, side->calls, side->good, side->met);
		check_msg(side->good > 0, "%s never succeeded", side->name);
		met += side->met;
	}
	check_msg(met > 0, "the sides never met");
}
