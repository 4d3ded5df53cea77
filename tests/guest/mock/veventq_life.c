// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ends and waits of a vIOMMU's event queue: pending events, children, readers that are
 * stuck in a page fault of their own, the deepest queue.
 */
#include <poll.h>
#include <unistd.h>

#include "events.h"
#include "mem.h"
#include "stuck.h"
#include "tap.h"
#include "veventq_scene.h"
#include "world.h"

/* Files are closed in the order that is worst, with events in the queue. */
static void leaves_all(void)
{
	veventqs_up(2);
	veventqs_report(3);
	close(veventqs.fd);
	veventq_check_event(0);
	close(veventqs.q.fd);
}

static void child_reads(void *arg)
{
	record r;
	int n = 0;

	(void)arg;
	while (events_read(&veventqs.q, &r, sizeof(r)) == sizeof(r)) {
		check_eq(r.event.virt_id, VIRT_ID);
		n++;
	}
	tap_diag("a child read %d", n);
}

static void children(void)
{
	int pid[3];

	veventqs_up(5000);
	veventqs_report(5000);
	for (int i = 0; i < 3; i++)
		pid[i] = tap_spawn(child_reads, NULL);
	for (int i = 0; i < 3; i++)
		tap_join(pid[i]);
	veventqs_check_empty();
	veventqs_report(1);
	veventq_check_event(5000);
	veventqs_down();
}

static struct trap trap;

static int read_into_trap(void *arg)
{
	(void)arg;
	return events_read(&veventqs.q, trap.va, PAGE);
}

static int report_one(void *arg)
{
	(void)arg;
	return mock_event(veventqs.fd, &veventqs.m);
}

static int move_away(void *arg)
{
	(void)arg;
	return mock_replace(veventqs.fd, &veventqs.m, veventqs.ioas);
}

/* A reader whose memory takes its time holds up no report. */
static void stuck_reader(void)
{
	struct call reader;
	record *r;

	veventqs_up(2);
	veventqs_report(1);
	trap_set(&trap, PAGE);
	call_start(&reader, read_into_trap, NULL);
	trap_wait(&trap);
	check_returns(report_one, NULL, 0);
	/* 0 is still there, being read, so 2 is lost */
	check_returns(report_one, NULL, 0);
	check_returns(move_away, NULL, 0);
	check_eq(events_poll(&veventqs.q), POLLIN);
	trap_release(&trap);
	require(call_returns(&reader));
	check_ret(reader.ret, 2 * sizeof(*r) + HEADER);
	r = (record *)trap.va;
	check(veventq_is_event(&r[0], 0) && veventq_is_event(&r[1], 1));
	check_eq(r[2].header.flags, LOST);
	check_eq(r[2].header.sequence, 2);
	veventqs_check_empty();
	check_ret(mock_replace(veventqs.fd, &veventqs.m, veventqs.hwpt), 0);
	veventqs_down();
}

/* More is lost while it is being told that something was. */
static void stuck_lost(void)
{
	struct call reader;
	record *r;

	veventqs_up(1);
	veventqs_report(2);
	veventq_check_event(0);
	trap_set(&trap, PAGE);
	call_start(&reader, read_into_trap, NULL);
	trap_wait(&trap);
	veventqs_report(2);			/* 2, lost 3 */
	trap_release(&trap);
	require(call_returns(&reader));
	check_ret(reader.ret, HEADER + sizeof(*r) + HEADER);
	r = (record *)trap.va;
	check_eq(r->header.flags, LOST);
	check_eq(r->header.sequence, 1);
	r = (record *)(trap.va + HEADER);
	check(veventq_is_event(r, 2));
	check_eq(r[1].header.flags, LOST);
	check_eq(r[1].header.sequence, 3);
	veventqs_check_empty();
	veventqs_down();
}

static void wakes(void)
{
	struct call waiter;

	veventqs_up(1);
	call_start(&waiter, events_wait, &veventqs.q);
	usleep(50000);
	check(!call_over(&waiter));
	veventqs_report(1);
	require(call_returns(&waiter));
	check_eq(waiter.ret, POLLIN);
	veventq_check_event(0);
	veventqs_down();
}

/* A large queue is filled to the last event, and one more: the largest if that is fast. */
static void deepest(void)
{
	uint32_t n = 1u << (tap_time_factor() > 1 ? 14 : 19), read = 0;
	record r[512];
	int got;

	veventqs_up(n);
	veventqs_report(n + 1);
	while ((got = events_read(&veventqs.q, r, sizeof(r))) == sizeof(r)) {
		require(veventq_is_event(&r[0], read) && veventq_is_event(&r[511], read + 511));
		read += 512;
	}
	check_eq(read, n);
	check_eq(got, HEADER);
	check_eq(r[0].header.flags, LOST);
	check_eq(r[0].header.sequence, n);
	veventqs_check_empty();
	veventqs_down();
}

static const struct test tests[] = {
	{ "leaves_all", leaves_all },
	{ "children", children },
	{ "stuck_reader", stuck_reader },
	{ "stuck_lost", stuck_lost },
	{ "wakes", wakes },
	{ "deepest", deepest, 300 },
};

TAP_MAIN("veventq_life", tests)
