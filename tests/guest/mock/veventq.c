// SPDX-License-Identifier: GPL-2.0-only
/*
 * Event queues of a vIOMMU: what is allocated and refused, what is delivered in which
 * size, and what is told of lost events.
 */
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
#include "veventq_scene.h"
#include "world.h"

static void check_lost(uint32_t sequence)
{
	record r = {};

	check_ret(events_read(&veventqs.q, &r, sizeof(r)), HEADER);
	check_eq(r.header.flags, LOST);
	check_eq(r.header.sequence, sequence);
}

static void queue_itself(void)
{
	struct events q2;

	veventqs_up(1);
	check(fcntl(veventqs.q.fd, F_GETFD) & FD_CLOEXEC);
	veventqs_check_empty();
	check(write(veventqs.q.fd, &q2, 8) < 0 && errno == EINVAL);
	check_ret(veventq_alloc(veventqs.fd, veventqs.viommu, 1, &q2), -EEXIST);
	close(veventqs.q.fd);
	/* the file is gone, the queue not */
	veventqs_report(1);
	check_ret(veventq_alloc(veventqs.fd, veventqs.viommu, 1, &q2), -EEXIST);
	check_ret(iommu_destroy(veventqs.fd, veventqs.q.id), 0);
	require_ok(veventq_alloc(veventqs.fd, veventqs.viommu, 1, &veventqs.q));
	veventqs_check_empty();
	veventqs_down();
}

static void queue_refused(void)
{
	struct iommu_veventq_alloc base = {
		.size = sizeof(base), .type = IOMMU_VEVENTQ_TYPE_SELFTEST,
		.veventq_depth = 1,
	}, c, *ro;
	struct rlimit old, none = {};
	int next;

	veventqs_up_without_queue();
	base.viommu_id = veventqs.viommu;
	next = dup(0);
	close(next);
#define REFUSE(field, value, want)					\
	do {								\
		c = base;						\
		c.field = value;					\
		check_ret(iommu_ioctl(veventqs.fd, IOMMU_VEVENTQ_ALLOC, &c), want); \
	} while (0)
	REFUSE(flags, 1, -EOPNOTSUPP);
	REFUSE(__reserved, 1, -EOPNOTSUPP);
	REFUSE(type, IOMMU_VEVENTQ_TYPE_DEFAULT, -EOPNOTSUPP);
	REFUSE(veventq_depth, 0, -EINVAL);
	REFUSE(veventq_depth, (1u << 19) + 1, -EINVAL);
	REFUSE(veventq_depth, UINT32_MAX, -EINVAL);
	REFUSE(viommu_id, 0, -ENOENT);
	REFUSE(viommu_id, UINT32_MAX, -ENOENT);
	REFUSE(viommu_id, veventqs.ioas, -ENOENT);
	REFUSE(size, offsetof(struct iommu_veventq_alloc, out_veventq_fd), -EINVAL);
	ro = read_only_copy(&base, sizeof(base));
	check_ret(iommu_ioctl(veventqs.fd, IOMMU_VEVENTQ_ALLOC, ro), -EFAULT);

	require(!getrlimit(RLIMIT_NOFILE, &old));
	none.rlim_max = old.rlim_max;
	require(!setrlimit(RLIMIT_NOFILE, &none));
	REFUSE(flags, 0, -EMFILE);
	require(!setrlimit(RLIMIT_NOFILE, &old));
	check_eq(dup(0), next);
	close(next);
	/* and nothing holds the vIOMMU */
	check_ret(mock_event(veventqs.fd, &veventqs.m), -EOPNOTSUPP);
	veventqs_down_without_queue();
}

static void delivers(void)
{
	record r[8];

	veventqs_up(1u << 19);
	for (int i = 0; i < 3; i++) {
		veventqs_report(1);
		check_eq(events_poll(&veventqs.q), POLLIN);
		veventq_check_event(i);
		veventqs_check_empty();
	}
	veventqs_report(10);
	check_ret(events_read(&veventqs.q, r, sizeof(r)), sizeof(r));
	for (int i = 0; i < 8; i++)
		check(veventq_is_event(&r[i], 3 + i));
	check_ret(events_read(&veventqs.q, r, sizeof(r)), 2 * sizeof(r[0]));
	check(veventq_is_event(&r[0], 11) && veventq_is_event(&r[1], 12));
	veventqs_check_empty();
	veventqs_down();
}

static void sizes(void)
{
	char buf[4 * sizeof(record)];

	veventqs_up(4);
	for (int again = 0; again < 2; again++) {
		for (size_t size = 0; size < HEADER; size++)
			check_ret(events_read(&veventqs.q, buf, size), -EINVAL);
		for (size_t size = HEADER; size < sizeof(record); size++)
			check_ret(events_read(&veventqs.q, buf, size), again ? -EINVAL : 0);
		if (!again)
			veventqs_report(3);
	}
	/* whole ones only */
	check_ret(events_read(&veventqs.q, buf, 2 * sizeof(record) - 1), sizeof(record));
	check_ret(events_read(&veventqs.q, buf, 2 * sizeof(record) + HEADER),
		  2 * sizeof(record));
	check(pread(veventqs.q.fd, buf, sizeof(buf), 8) < 0 && errno == ESPIPE);
	veventqs_check_empty();
	veventqs_down();
}

/* As many as fit wait; a reader learns of the others by the numbers. */
static void depth(void)
{
	record r[4] = {};

	veventqs_up(2);
	veventqs_report(2);
	veventqs_report(3);			/* 2, 3 and 4 are lost */
	check_eq(events_poll(&veventqs.q), POLLIN);
	check_ret(events_read(&veventqs.q, r, sizeof(r)), 2 * sizeof(r[0]) + HEADER);
	check(veventq_is_event(&r[0], 0) && veventq_is_event(&r[1], 1));
	check_eq(r[2].header.flags, LOST);
	check_eq(r[2].header.sequence, 4);
	veventqs_check_empty();

	/* the next one tells by its number */
	veventqs_report(3);			/* 5, 6, lost 7 */
	veventq_check_event(5);
	veventqs_report(1);			/* 8 */
	veventq_check_event(6);
	veventq_check_event(8);
	veventqs_check_empty();

	/* a header alone fits where no event does */
	veventqs_report(3);			/* 9, 10, lost 11 */
	check_ret(events_read(&veventqs.q, r, 2 * sizeof(r[0]) + HEADER),
		  2 * sizeof(r[0]) + HEADER);
	veventqs_check_empty();
	veventqs_report(3);			/* 12, 13, lost 14 */
	check_ret(events_read(&veventqs.q, r, 2 * sizeof(r[0]) + HEADER - 1),
		  2 * sizeof(r[0]));
	check_eq(events_poll(&veventqs.q), POLLIN);
	check_ret(events_read(&veventqs.q, r, HEADER - 1), -EINVAL);
	check_ret(events_read(&veventqs.q, r, HEADER), HEADER);
	check_eq(r[0].header.flags, LOST);
	check_eq(r[0].header.sequence, 14);
	veventqs_check_empty();
	veventqs_down();
}

/* All that is lost is counted, however often the queue is full. */
static void accounts(void)
{
	record r;
	uint32_t next = 0, read = 0, missing = 0, reported = 0;

	veventqs_up(3);
	for (int i = 0; i < 200; i++) {
		veventqs_report(i % 7);
		reported += i % 7;
		for (int k = 0; k < i % 3; k++) {
			memset(&r, 0, sizeof(r));
			if (events_read(&veventqs.q, &r, sizeof(r)) <= 0)
				break;
			missing += r.header.sequence - next;
			next = r.header.sequence + 1;
			if (r.header.flags)
				missing++;
			else
				read++;
		}
	}
	while (events_read(&veventqs.q, &r, sizeof(r)) > 0) {
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
	veventqs_down();
}

static void pointers(void)
{
	record *r;

	veventqs_up(2);
	veventqs_report(3);
	/* neither a header nor an event goes for nothing */
	check_ret(events_read(&veventqs.q, before_hole(0), sizeof(*r)), -EFAULT);
	check_ret(events_read(&veventqs.q, before_hole(HEADER), sizeof(*r)), -EFAULT);
	check_ret(events_read(&veventqs.q, before_hole(sizeof(*r) - 1), sizeof(*r)), -EFAULT);
	check_eq(events_poll(&veventqs.q), POLLIN);
	r = before_hole(sizeof(*r));
	check_ret(events_read(&veventqs.q, r, 4 * sizeof(*r)), sizeof(*r));
	check(veventq_is_event(r, 0));
	veventq_check_event(1);
	check_ret(events_read(&veventqs.q, before_hole(HEADER / 2), sizeof(*r)), -EFAULT);
	check_eq(events_poll(&veventqs.q), POLLIN);
	check_lost(2);
	veventqs_check_empty();
	/* room was given back */
	veventqs_report(2);
	veventq_check_event(3);
	veventq_check_event(4);
	veventqs_check_empty();
	veventqs_down();
}

/* No events from a device that isn't the vIOMMU's, or when there's no queue. */
static void nowhere(void)
{
	struct mock m2;

	veventqs_up(2);
	require_ok(mock_device(veventqs.fd, veventqs.ioas, 0, &m2));
	check(mock_event(veventqs.fd, &m2) < 0);
	veventqs_check_empty();
	check_ret(mock_unplug(veventqs.fd, &m2), 0);
	veventqs_report(1);
	close(veventqs.q.fd);
	check_ret(iommu_destroy(veventqs.fd, veventqs.q.id), 0);
	check_ret(mock_event(veventqs.fd, &veventqs.m), -EOPNOTSUPP);
	/* another one counts anew */
	require_ok(veventq_alloc(veventqs.fd, veventqs.viommu, 2, &veventqs.q));
	veventqs_report(1);
	veventq_check_event(0);
	veventqs_down();
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
};

TAP_MAIN("veventq", tests)
