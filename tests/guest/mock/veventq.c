// SPDX-License-Identifier: GPL-2.0-only
/* vEVENTQs: events of a vIOMMU, how many of them wait, and which were lost. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "events.h"
#include "mem.h"
#include "stuck.h"
#include "tap.h"
#include "world.h"

#define VIRT_ID	0x99
#define HEADER	sizeof(struct iommufd_vevent_header)
#define LOST	IOMMU_VEVENTQ_FLAG_LOST_EVENTS

/* As it is read: a header, and what the mock says. */
typedef struct {
	struct iommufd_vevent_header header;
	struct iommu_viommu_event_selftest event;
} record;

/* A device that is attached to a vIOMMU's page table, and known there. */
static struct rig {
	int fd;
	uint32_t ioas, parent, viommu, hwpt, vdevice;
	struct mock m;
	struct events q;
} w;

static void up_without_queue(void)
{
	struct iommu_viommu_selftest data = { .in_data = 1 };

	w.fd = mock_open();
	w.ioas = ioas_new(w.fd);
	require_ok(mock_device(w.fd, w.ioas, 0, &w.m));
	require_ok(hwpt_alloc(w.fd, w.m.dev, w.ioas, IOMMU_HWPT_ALLOC_NEST_PARENT,
			      &w.parent));
	require_ok(mock_viommu(w.fd, w.m.dev, w.parent, &data, &w.viommu));
	require_ok(mock_hwpt_nested(w.fd, w.m.dev, w.viommu, 0, &w.hwpt));
	require_ok(mock_vdevice(w.fd, w.viommu, w.m.dev, VIRT_ID, &w.vdevice));
	require_ok(mock_replace(w.fd, &w.m, w.hwpt));
}

static void up(uint32_t depth)
{
	up_without_queue();
	require_ok(veventq_alloc(w.fd, w.viommu, depth, &w.q));
}

static void down_without_queue(void)
{
	check_ret(mock_replace(w.fd, &w.m, w.ioas), 0);
	check_ret(iommu_destroy(w.fd, w.vdevice), 0);
	check_ret(iommu_destroy(w.fd, w.hwpt), 0);
	check_ret(iommu_destroy(w.fd, w.viommu), 0);
	check_ret(iommu_destroy(w.fd, w.parent), 0);
	check_ret(mock_unplug(w.fd, &w.m), 0);
	check_ret(iommu_destroy(w.fd, w.ioas), 0);
	close(w.fd);
}

static void down(void)
{
	check_ret(iommu_destroy(w.fd, w.viommu), -EBUSY);
	check_ret(iommu_destroy(w.fd, w.q.id), -EBUSY);
	close(w.q.fd);
	check_ret(iommu_destroy(w.fd, w.q.id), 0);
	down_without_queue();
}

static void report(unsigned int n)
{
	while (n--)
		require_ok(mock_event(w.fd, &w.m));
}

static bool is_event(const record *r, uint32_t sequence)
{
	return !r->header.flags && r->header.sequence == sequence &&
	       r->event.virt_id == VIRT_ID;
}

/* The next one that is read. */
static void check_event(uint32_t sequence)
{
	record r = {};

	check_ret(events_read(&w.q, &r, sizeof(r)), sizeof(r));
	check_eq(r.header.flags, 0);
	check_eq(r.header.sequence, sequence);
	check_eq(r.event.virt_id, VIRT_ID);
}

static void check_lost(uint32_t sequence)
{
	record r = {};

	check_ret(events_read(&w.q, &r, sizeof(r)), HEADER);
	check_eq(r.header.flags, LOST);
	check_eq(r.header.sequence, sequence);
}

static void check_empty(void)
{
	record r;

	check_ret(events_read(&w.q, &r, sizeof(r)), 0);
	check_eq(events_poll(&w.q), 0);
}

static void queue_itself(void)
{
	struct events q2;

	up(1);
	check(fcntl(w.q.fd, F_GETFD) & FD_CLOEXEC);
	check_empty();
	check(write(w.q.fd, &q2, 8) < 0 && errno == EINVAL);
	check_ret(veventq_alloc(w.fd, w.viommu, 1, &q2), -EEXIST);
	close(w.q.fd);
	/* the file is gone, the queue not */
	report(1);
	check_ret(veventq_alloc(w.fd, w.viommu, 1, &q2), -EEXIST);
	check_ret(iommu_destroy(w.fd, w.q.id), 0);
	require_ok(veventq_alloc(w.fd, w.viommu, 1, &w.q));
	check_empty();
	down();
}

static void queue_refused(void)
{
	struct iommu_veventq_alloc base = {
		.size = sizeof(base), .type = IOMMU_VEVENTQ_TYPE_SELFTEST,
		.veventq_depth = 1,
	}, c, *ro;
	struct rlimit old, none = {};
	int next;

	up_without_queue();
	base.viommu_id = w.viommu;
	next = dup(0);
	close(next);
#define REFUSE(field, value, want)					\
	do {								\
		c = base;						\
		c.field = value;					\
		check_ret(iommu_ioctl(w.fd, IOMMU_VEVENTQ_ALLOC, &c), want); \
	} while (0)
	REFUSE(flags, 1, -EOPNOTSUPP);
	REFUSE(__reserved, 1, -EOPNOTSUPP);
	REFUSE(type, IOMMU_VEVENTQ_TYPE_DEFAULT, -EOPNOTSUPP);
	REFUSE(veventq_depth, 0, -EINVAL);
	REFUSE(veventq_depth, (1u << 19) + 1, -EINVAL);
	REFUSE(veventq_depth, UINT32_MAX, -EINVAL);
	REFUSE(viommu_id, 0, -ENOENT);
	REFUSE(viommu_id, UINT32_MAX, -ENOENT);
	REFUSE(viommu_id, w.ioas, -ENOENT);
	REFUSE(size, offsetof(struct iommu_veventq_alloc, out_veventq_fd), -EINVAL);
	ro = read_only_copy(&base, sizeof(base));
	check_ret(iommu_ioctl(w.fd, IOMMU_VEVENTQ_ALLOC, ro), -EFAULT);

	require(!getrlimit(RLIMIT_NOFILE, &old));
	none.rlim_max = old.rlim_max;
	require(!setrlimit(RLIMIT_NOFILE, &none));
	REFUSE(flags, 0, -EMFILE);
	require(!setrlimit(RLIMIT_NOFILE, &old));
	check_eq(dup(0), next);
	close(next);
	/* and nothing holds the vIOMMU */
	check_ret(mock_event(w.fd, &w.m), -EOPNOTSUPP);
	down_without_queue();
}

static void delivers(void)
{
	record r[8];

	up(1u << 19);
	for (int i = 0; i < 3; i++) {
		report(1);
		check_eq(events_poll(&w.q), POLLIN);
		check_event(i);
		check_empty();
	}
	report(10);
	check_ret(events_read(&w.q, r, sizeof(r)), sizeof(r));
	for (int i = 0; i < 8; i++)
		check(is_event(&r[i], 3 + i));
	check_ret(events_read(&w.q, r, sizeof(r)), 2 * sizeof(r[0]));
	check(is_event(&r[0], 11) && is_event(&r[1], 12));
	check_empty();
	down();
}

static void sizes(void)
{
	char buf[4 * sizeof(record)];

	up(4);
	for (int again = 0; again < 2; again++) {
		for (size_t size = 0; size < HEADER; size++)
			check_ret(events_read(&w.q, buf, size), -EINVAL);
		for (size_t size = HEADER; size < sizeof(record); size++)
			check_ret(events_read(&w.q, buf, size), again ? -EINVAL : 0);
		if (!again)
			report(3);
	}
	/* whole ones only */
	check_ret(events_read(&w.q, buf, 2 * sizeof(record) - 1), sizeof(record));
	check_ret(events_read(&w.q, buf, 2 * sizeof(record) + HEADER),
		  2 * sizeof(record));
	check(pread(w.q.fd, buf, sizeof(buf), 8) < 0 && errno == ESPIPE);
	check_empty();
	down();
}

/* As many as fit wait; a reader learns of the others by the numbers. */
static void depth(void)
{
	record r[4] = {};

	up(2);
	report(2);
	report(3);			/* 2, 3 and 4 are lost */
	check_eq(events_poll(&w.q), POLLIN);
	check_ret(events_read(&w.q, r, sizeof(r)), 2 * sizeof(r[0]) + HEADER);
	check(is_event(&r[0], 0) && is_event(&r[1], 1));
	check_eq(r[2].header.flags, LOST);
	check_eq(r[2].header.sequence, 4);
	check_empty();

	/* the next one tells by its number */
	report(3);			/* 5, 6, lost 7 */
	check_event(5);
	report(1);			/* 8 */
	check_event(6);
	check_event(8);
	check_empty();

	/* a header alone fits where no event does */
	report(3);			/* 9, 10, lost 11 */
	check_ret(events_read(&w.q, r, 2 * sizeof(r[0]) + HEADER),
		  2 * sizeof(r[0]) + HEADER);
	check_empty();
	report(3);			/* 12, 13, lost 14 */
	check_ret(events_read(&w.q, r, 2 * sizeof(r[0]) + HEADER - 1),
		  2 * sizeof(r[0]));
	check_eq(events_poll(&w.q), POLLIN);
	check_ret(events_read(&w.q, r, HEADER - 1), -EINVAL);
	check_ret(events_read(&w.q, r, HEADER), HEADER);
	check_eq(r[0].header.flags, LOST);
	check_eq(r[0].header.sequence, 14);
	check_empty();
	down();
}

/* All that is lost is counted, however often the queue is full. */
static void accounts(void)
{
	record r;
	uint32_t next = 0, read = 0, missing = 0, reported = 0;

	up(3);
	for (int i = 0; i < 200; i++) {
		report(i % 7);
		reported += i % 7;
		for (int k = 0; k < i % 3; k++) {
			memset(&r, 0, sizeof(r));
			if (events_read(&w.q, &r, sizeof(r)) <= 0)
				break;
			missing += r.header.sequence - next;
			next = r.header.sequence + 1;
			if (r.header.flags)
				missing++;
			else
				read++;
		}
	}
	while (events_read(&w.q, &r, sizeof(r)) > 0) {
		missing += r.header.sequence - next;
		next = r.header.sequence + 1;
		if (r.header.flags)
			missing++;
		else
			read++;
	}
	check_eq(next, reported);
	check_eq(read + missing, reported);
	tap_diag("%u reported, %u read, %u missing", reported, read, missing);
	down();
}

static void pointers(void)
{
	record *r;

	up(2);
	report(3);
	/* neither a header nor an event goes for nothing */
	check_ret(events_read(&w.q, before_hole(0), sizeof(*r)), -EFAULT);
	check_ret(events_read(&w.q, before_hole(HEADER), sizeof(*r)), -EFAULT);
	check_ret(events_read(&w.q, before_hole(sizeof(*r) - 1), sizeof(*r)), -EFAULT);
	check_eq(events_poll(&w.q), POLLIN);
	r = before_hole(sizeof(*r));
	check_ret(events_read(&w.q, r, 4 * sizeof(*r)), sizeof(*r));
	check(is_event(r, 0));
	check_event(1);
	check_ret(events_read(&w.q, before_hole(HEADER / 2), sizeof(*r)), -EFAULT);
	check_eq(events_poll(&w.q), POLLIN);
	check_lost(2);
	check_empty();
	/* room was given back */
	report(2);
	check_event(3);
	check_event(4);
	check_empty();
	down();
}

/* No events from a device that isn't the vIOMMU's, or when there's no queue. */
static void nowhere(void)
{
	struct mock m2;

	up(2);
	require_ok(mock_device(w.fd, w.ioas, 0, &m2));
	check(mock_event(w.fd, &m2) < 0);
	check_empty();
	check_ret(mock_unplug(w.fd, &m2), 0);
	report(1);
	close(w.q.fd);
	check_ret(iommu_destroy(w.fd, w.q.id), 0);
	check_ret(mock_event(w.fd, &w.m), -EOPNOTSUPP);
	/* another one counts anew */
	require_ok(veventq_alloc(w.fd, w.viommu, 2, &w.q));
	report(1);
	check_event(0);
	down();
}

/* Files are closed in the order that is worst, with events in the queue. */
static void leaves_all(void)
{
	up(2);
	report(3);
	close(w.fd);
	check_event(0);
	close(w.q.fd);
}

static void child_reads(void *arg)
{
	record r;
	int n = 0;

	(void)arg;
	while (events_read(&w.q, &r, sizeof(r)) == sizeof(r)) {
		check_eq(r.event.virt_id, VIRT_ID);
		n++;
	}
	tap_diag("a child read %d", n);
}

static void children(void)
{
	int pid[3];

	up(5000);
	report(5000);
	for (int i = 0; i < 3; i++)
		pid[i] = tap_spawn(child_reads, NULL);
	for (int i = 0; i < 3; i++)
		tap_join(pid[i]);
	check_empty();
	report(1);
	check_event(5000);
	down();
}

static struct trap trap;

static int read_into_trap(void *arg)
{
	(void)arg;
	return events_read(&w.q, trap.va, PAGE);
}

static int report_one(void *arg)
{
	(void)arg;
	return mock_event(w.fd, &w.m);
}

static int move_away(void *arg)
{
	(void)arg;
	return mock_replace(w.fd, &w.m, w.ioas);
}

/* A reader whose memory takes its time holds up no report. */
static void stuck_reader(void)
{
	struct call reader;
	record *r;

	up(2);
	report(1);
	trap_set(&trap, PAGE);
	call_start(&reader, read_into_trap, NULL);
	trap_wait(&trap);
	check_returns(report_one, NULL, 0);
	/* 0 is still there, being read, so 2 is lost */
	check_returns(report_one, NULL, 0);
	check_returns(move_away, NULL, 0);
	check_eq(events_poll(&w.q), POLLIN);
	trap_release(&trap);
	require(call_returns(&reader));
	check_ret(reader.ret, 2 * sizeof(*r) + HEADER);
	r = (record *)trap.va;
	check(is_event(&r[0], 0) && is_event(&r[1], 1));
	check_eq(r[2].header.flags, LOST);
	check_eq(r[2].header.sequence, 2);
	check_empty();
	check_ret(mock_replace(w.fd, &w.m, w.hwpt), 0);
	down();
}

/* More is lost while it is being told that something was. */
static void stuck_lost(void)
{
	struct call reader;
	record *r;

	up(1);
	report(2);
	check_event(0);
	trap_set(&trap, PAGE);
	call_start(&reader, read_into_trap, NULL);
	trap_wait(&trap);
	report(2);			/* 2, lost 3 */
	trap_release(&trap);
	require(call_returns(&reader));
	check_ret(reader.ret, HEADER + sizeof(*r) + HEADER);
	r = (record *)trap.va;
	check_eq(r->header.flags, LOST);
	check_eq(r->header.sequence, 1);
	r = (record *)(trap.va + HEADER);
	check(is_event(r, 2));
	check_eq(r[1].header.flags, LOST);
	check_eq(r[1].header.sequence, 3);
	check_empty();
	down();
}

static void wakes(void)
{
	struct call waiter;

	up(1);
	call_start(&waiter, events_wait, &w.q);
	usleep(50000);
	check(!call_over(&waiter));
	report(1);
	require(call_returns(&waiter));
	check_eq(waiter.ret, POLLIN);
	check_event(0);
	down();
}

/* A large queue is filled to the last event, and one more: the largest if that is fast. */
static void deepest(void)
{
	uint32_t n = 1u << (tap_time_factor() > 1 ? 14 : 19), read = 0;
	record r[512];
	int got;

	up(n);
	report(n + 1);
	while ((got = events_read(&w.q, r, sizeof(r))) == sizeof(r)) {
		require(is_event(&r[0], read) && is_event(&r[511], read + 511));
		read += 512;
	}
	check_eq(read, n);
	check_eq(got, HEADER);
	check_eq(r[0].header.flags, LOST);
	check_eq(r[0].header.sequence, n);
	check_empty();
	down();
}

static const struct test tests[] = {
	{ "queue_itself", queue_itself },
	{ "queue_refused", queue_refused },
	{ "delivers", delivers },
	{ "sizes", sizes },
	{ "depth", depth },
	{ "accounts", accounts },
	{ "pointers", pointers },
	{ "nowhere", nowhere },
	{ "leaves_all", leaves_all },
	{ "children", children },
	{ "stuck_reader", stuck_reader },
	{ "stuck_lost", stuck_lost },
	{ "wakes", wakes },
	{ "deepest", deepest, 300 },
};

TAP_MAIN("veventq", tests)
