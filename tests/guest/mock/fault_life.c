// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ends and waits of a fault queue: closed with faults pending, inherited by children,
 * readers and writers that are stuck in a page fault of their own, the bound.
 */
#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "events.h"
#include "fault_scene.h"
#include "mem.h"
#include "stuck.h"
#include "tap.h"
#include "trace.h"
#include "world.h"

/* The file goes with faults at every step; the device goes on. */
static void closes(void)
{
	int copy;

	faults_up();
	faults_fault(PAGE);
	faults_take(PAGE);
	faults_fault(2 * PAGE);
	copy = dup(faults.q.fd);
	close(faults.q.fd);
	/* it isn't closed as long as anybody has it */
	faults.q.fd = copy;
	check_ret(faults_answer(&faults.q, faults_take(2 * PAGE), SUCCESS), 0);
	faults_fault(3 * PAGE);
	close(copy);
	faults_fault(4 * PAGE);
	check_ret(iommu_destroy(faults.fd, faults.q.id), -EBUSY);
	check_ret(mock_unplug(faults.fd, &faults.m), 0);
	check_ret(iommu_destroy(faults.fd, faults.hwpt), 0);
	check_ret(iommu_destroy(faults.fd, faults.q.id), 0);
}

/* All files at once, in the order that is worst. */
static void leaves_all(void)
{
	faults_up();
	faults_fault(PAGE);
	faults_take(PAGE);
	faults_fault(2 * PAGE);
	close(faults.fd);
	check_eq(events_poll(&faults.q), POLLIN | POLLOUT);
	check_ret(faults_answer(&faults.q, faults_take(2 * PAGE), SUCCESS), 0);
	close(faults.q.fd);
}

static void child_reads(void *arg)
{
	record r;
	int n = 0;

	(void)arg;
	while (events_read(&faults.q, &r, sizeof(r)) == sizeof(r)) {
		check_ret(faults_answer(&faults.q, r.cookie, SUCCESS), 0);
		n++;
	}
	tap_diag("a child read %d", n);
}

/* Each fault goes to one reader, and the file lives as long as the last one. */
static void children(void)
{
	int pid[3];

	faults_up();
	for (int i = 0; i < 3000; i++)
		faults_fault(i * PAGE);
	for (int i = 0; i < 3; i++)
		pid[i] = tap_spawn(child_reads, NULL);
	for (int i = 0; i < 3; i++)
		tap_join(pid[i]);
	faults_check_empty();
	faults_down();
}

static struct trap trap;

static int read_into_trap(void *arg)
{
	(void)arg;
	return events_read(&faults.q, trap.va, 2 * sizeof(record));
}

static int write_from_trap(void *arg)
{
	ssize_t n = write(faults.q.fd, trap.va, sizeof(struct iommu_hwpt_page_response));

	(void)arg;
	return n < 0 ? -errno : n;
}

static int another_fault(void *arg)
{
	(void)arg;
	return mock_fault(faults.fd, &faults.m, 0, 7, 9 * PAGE);
}

static int go_away(void *arg)
{
	(void)arg;
	return mock_replace(faults.fd, &faults.m, faults.plain);
}

/* A reader whose memory takes its time holds up nobody. */
static void stuck_reader(void)
{
	struct call reader;

	if (tap_oracle())
		tap_skip("Linux copies with the queue locked");
	faults_up();
	faults_fault(PAGE);
	trap_set(&trap, PAGE);
	call_start(&reader, read_into_trap, NULL);
	trap_wait(&trap);
	check_returns(another_fault, NULL, 0);
	check_eq(events_poll(&faults.q), POLLIN | POLLOUT);
	check_returns(go_away, NULL, 0);
	trap_release(&trap);
	require(call_returns(&reader));
	check_ret(reader.ret, sizeof(record));
	check_ret(faults_answer(&faults.q, ((record *)trap.va)->cookie, SUCCESS), -EINVAL);
	faults_check_empty();
	faults_down();
}

static void stuck_writer(void)
{
	struct call writer;

	if (tap_oracle())
		tap_skip("Linux copies with the queue locked");
	faults_up();
	faults_fault(PAGE);
	trap_set(&trap, PAGE);
	call_start(&writer, write_from_trap, NULL);
	trap_wait(&trap);
	check_returns(another_fault, NULL, 0);
	check_ret(faults_answer(&faults.q, faults_take(PAGE), SUCCESS), 0);
	check_returns(go_away, NULL, 0);
	trap_release(&trap);
	require(call_returns(&writer));
	check_ret(writer.ret, -EINVAL);
	faults_down();
}

/* Nobody reads, and what the kernel stores is bounded. */
static void bounded(void)
{
	record r[256];
	unsigned long n = 0;
	int got;

	if (tap_oracle())
		tap_skip("Linux's queue isn't bounded");
	faults_up();
	for (unsigned long i = 0; i < 16384 + 100; i++)
		faults_fault(i * PAGE);
	while ((got = events_read(&faults.q, r, sizeof(r))) > 0) {
		check_eq(r[0].addr, n * PAGE);
		n += got / sizeof(r[0]);
		for (size_t i = 0; i < got / sizeof(r[0]); i++)
			faults_answer(&faults.q, r[i].cookie, SUCCESS);
	}
	check_eq(n, 16384);
	faults_fault(PAGE);
	check_ret(faults_answer(&faults.q, faults_take(PAGE), SUCCESS), 0);
	faults_down();
}

static void wakes(void)
{
	struct call waiter;

	faults_up();
	call_start(&waiter, events_wait, &faults.q);
	usleep(50000);
	check(!call_over(&waiter));
	faults_fault(PAGE);
	require(call_returns(&waiter));
	check_eq(waiter.ret, POLLIN);
	check_ret(faults_answer(&faults.q, faults_take(PAGE), SUCCESS), 0);
	faults_down();
}

/* A tracepoint shows each of them, and those that are refused. */
static void traces(void)
{
	faults_up();
	trace_begin();
	faults_fault(0x123 * PAGE);
	check_traced("iommufd_fault:", "pasid=0 address=%#llx perm=0x3 taken=1", 0x123 * PAGE);
	check_ret(faults_answer(&faults.q, faults_take(0x123 * PAGE), SUCCESS), 0);
	close(faults.q.fd);
	faults_fault(0x124 * PAGE);
	check_traced("iommufd_fault:", "pasid=0 address=%#llx perm=0x3 taken=0", 0x124 * PAGE);
	trace_end();
	check_ret(mock_unplug(faults.fd, &faults.m), 0);
}

static const struct test tests[] = {
	{ "closes", closes },
	{ "leaves_all", leaves_all },
	{ "children", children },
	{ "stuck_reader", stuck_reader },
	{ "stuck_writer", stuck_writer },
	{ "bounded", bounded, 120 },
	{ "wakes", wakes },
	{ "traces", traces },
};

TAP_MAIN("fault_life", tests)
