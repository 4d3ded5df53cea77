// SPDX-License-Identifier: GPL-2.0-only
/* Fault queues: what a queue's file delivers and takes, and who is left waiting. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "events.h"
#include "mem.h"
#include "stuck.h"
#include "tap.h"
#include "trace.h"
#include "world.h"

#define SUCCESS	IOMMUFD_PAGE_RESP_SUCCESS
#define INVALID	IOMMUFD_PAGE_RESP_INVALID

typedef struct iommu_hwpt_pgfault record;

/* A device whose page faults go to a queue, and where it goes when they shan't. */
static struct rig {
	int fd;
	uint32_t ioas;
	uint32_t hwpt;
	uint32_t plain;
	struct mock m;
	struct events q;
} w;

static void up(void)
{
	int ret;

	w.fd = mock_open();
	w.ioas = ioas_new(w.fd);
	require_ok(mock_device(w.fd, w.ioas, MOCK_FLAGS_DEVICE_PASID, &w.m));
	require_ok(hwpt_alloc(w.fd, w.m.dev, w.ioas, 0, &w.plain));
	require_ok(faults_alloc(w.fd, &w.q));
	ret = hwpt_with_faults(w.fd, w.m.dev, w.ioas, IOMMU_HWPT_ALLOC_PASID, w.q.id,
			       &w.hwpt);
	if (ret == -EOPNOTSUPP && kernel_before(6, 2))
		tap_skip("this kernel has no page faults");
	require_ok(ret);
	require_ok(mock_replace(w.fd, &w.m, w.hwpt));
}

static void down(void)
{
	check_ret(mock_unplug(w.fd, &w.m), 0);
	check_ret(iommu_destroy(w.fd, w.hwpt), 0);
	check_ret(iommu_destroy(w.fd, w.q.id), -EBUSY);
	check_ret(iommu_destroy(w.fd, w.plain), 0);
	close(w.q.fd);
	check_ret(iommu_destroy(w.fd, w.q.id), 0);
	check_ret(iommu_destroy(w.fd, w.ioas), 0);
	close(w.fd);
}

static void fault(uint64_t addr)
{
	require_ok(mock_fault(w.fd, &w.m, 0, 7, addr));
}

/* The only fault that waits. */
static uint32_t take(uint64_t addr)
{
	record r = {};

	check_ret(events_read(&w.q, &r, sizeof(r)), sizeof(r));
	check_eq(r.addr, addr);
	return r.cookie;
}

static void check_empty(void)
{
	record r;

	check_ret(events_read(&w.q, &r, sizeof(r)), 0);
	check_eq(events_poll(&w.q), POLLOUT);
}

static void queue_itself(void)
{
	int fd = iommu_open();
	struct events q, other;

	require_ok(faults_alloc(fd, &q));
	require_ok(faults_alloc(fd, &other));
	check(q.id != other.id && q.fd != other.fd);
	check(fcntl(q.fd, F_GETFD) & FD_CLOEXEC);
	check_eq(fcntl(q.fd, F_GETFL) & O_ACCMODE, O_RDWR);
	check_eq(events_poll(&q), POLLOUT);
	check_ret(iommu_destroy(fd, q.id), -EBUSY);
	close(q.fd);
	check_ret(iommu_destroy(fd, q.id), 0);
	check_ret(iommu_destroy(fd, q.id), -ENOENT);
	/* the file keeps the context, too */
	close(fd);
	check_eq(events_poll(&other), POLLOUT);
	close(other.fd);
}

/* How many descriptors does the process have, and which is the next one? */
static int next_fd(void)
{
	int fd = dup(0);

	close(fd);
	return fd;
}

static void queue_refused(void)
{
	struct iommu_fault_alloc c = { .size = sizeof(c) }, *ro;
	struct rlimit old, none = {};
	int fd = iommu_open(), next;

	next = next_fd();
	c.flags = 1;
	check_ret(iommu_ioctl(fd, IOMMU_FAULT_QUEUE_ALLOC, &c), -EOPNOTSUPP);
	c.flags = 0;
	c.size = offsetof(struct iommu_fault_alloc, out_fault_fd);
	check_ret(iommu_ioctl(fd, IOMMU_FAULT_QUEUE_ALLOC, &c), -EINVAL);
	c.size = sizeof(c);
	ro = read_only_copy(&c, sizeof(c));
	check_ret(iommu_ioctl(fd, IOMMU_FAULT_QUEUE_ALLOC, ro), -EFAULT);
	check_eq(next_fd(), next);

	require(!getrlimit(RLIMIT_NOFILE, &old));
	none.rlim_max = old.rlim_max;
	require(!setrlimit(RLIMIT_NOFILE, &none));
	check_ret(iommu_ioctl(fd, IOMMU_FAULT_QUEUE_ALLOC, &c), -EMFILE);
	require(!setrlimit(RLIMIT_NOFILE, &old));
	check_eq(next_fd(), next);

	/* RLIMIT_MODE can be set while there are no objects at all. */
	check_ret(option_set(fd, IOMMU_OPTION_RLIMIT_MODE, 0, 1), 0);
	close(fd);
}

static void page_tables(void)
{
	uint32_t id, other;

	up();
	check_ret(hwpt_with_faults(w.fd, w.m.dev, w.ioas, 0, 0, &id), -ENOENT);
	check_ret(hwpt_with_faults(w.fd, w.m.dev, w.ioas, 0, UINT32_MAX, &id), -ENOENT);
	check_ret(hwpt_with_faults(w.fd, w.m.dev, w.ioas, 0, w.ioas, &id), -ENOENT);
	check_ret(hwpt_with_faults(w.fd, w.m.dev, w.ioas, IOMMU_HWPT_ALLOC_NEST_PARENT,
				   w.q.id, &id), -EOPNOTSUPP);
	/* a queue may serve several */
	check_ret(hwpt_with_faults(w.fd, w.m.dev, w.ioas, 0, w.q.id, &other), 0);
	close(w.q.fd);
	check_ret(iommu_destroy(w.fd, w.q.id), -EBUSY);
	check_ret(iommu_destroy(w.fd, other), 0);
	check_ret(iommu_destroy(w.fd, w.hwpt), -EBUSY);
	check_ret(mock_unplug(w.fd, &w.m), 0);
	check_ret(iommu_destroy(w.fd, w.hwpt), 0);
	check_ret(iommu_destroy(w.fd, w.q.id), 0);
}

static void without_faults(void)
{
	struct events q;
	uint32_t ioas, id;
	struct mock m;
	int fd = mock_open();

	if (!kernel_before(6, 2))
		tap_skip("this kernel has page faults");
	ioas = ioas_new(fd);
	require_ok(mock_device(fd, ioas, 0, &m));
	require_ok(faults_alloc(fd, &q));
	check_ret(hwpt_with_faults(fd, m.dev, ioas, 0, q.id, &id), -EOPNOTSUPP);
	check_ret(hwpt_with_faults(fd, m.dev, ioas, 0, 0, &id), -ENOENT);
	close(q.fd);
	check_ret(iommu_destroy(fd, q.id), 0);
}

static void delivers(void)
{
	record r;

	up();
	check_empty();
	for (uint32_t i = 1; i < 4; i++) {
		memset(&r, 0xff, sizeof(r));
		require_ok(mock_fault(w.fd, &w.m, 0, i, i * PAGE));
		check_eq(events_poll(&w.q), POLLIN | POLLOUT);
		check_ret(events_read(&w.q, &r, sizeof(r)), sizeof(r));
		check_eq(r.flags, IOMMU_PGFAULT_FLAGS_LAST_PAGE);
		check_eq(r.dev_id, w.m.dev);
		check_eq(r.pasid, 0);
		check_eq(r.grpid, i);
		check_eq(r.perm, IOMMU_PGFAULT_PERM_READ | IOMMU_PGFAULT_PERM_WRITE);
		check_eq(r.__reserved, 0);
		check_eq(r.addr, i * PAGE);
		check_eq(r.length, 0);
		check_empty();
		check_ret(faults_answer(&w.q, r.cookie, i & 1 ? SUCCESS : INVALID), 0);
		check_ret(faults_answer(&w.q, r.cookie, SUCCESS), -EINVAL);
		check_empty();
	}
	down();
}

/* In order, and as many as fit. */
static void many(void)
{
	record r[64];

	up();
	for (int i = 0; i < 100; i++)
		fault(i * PAGE);
	for (int i = 0, n; i < 100; i += n) {
		n = events_read(&w.q, r, sizeof(r)) / (int)sizeof(r[0]);
		require(n == (i ? 36 : 64));
		for (int k = 0; k < n; k++) {
			check_eq(r[k].addr, (i + k) * PAGE);
			for (int l = 0; l < k; l++)
				check(r[k].cookie != r[l].cookie);
		}
		/* answered in another order */
		for (int k = n; k--; )
			check_ret(faults_answer(&w.q, r[k].cookie, SUCCESS), 0);
	}
	check_empty();
	down();
}

/* A group is delivered when it is complete, and only whole. */
static void groups(void)
{
	const uint32_t last = IOMMU_PGFAULT_FLAGS_LAST_PAGE;
	record r[8] = {}, *bad;

	if (tap_oracle())
		tap_skip("Linux's mock asks for one page at a time");
	up();
	require_ok(mock_fault_more(w.fd, &w.m, 0, 1, PAGE));
	require_ok(mock_fault_more(w.fd, &w.m, 0, 2, 2 * PAGE));
	require_ok(mock_fault_more(w.fd, &w.m, 0, 1, 3 * PAGE));
	check_empty();
	require_ok(mock_fault(w.fd, &w.m, 0, 1, 4 * PAGE));
	require_ok(mock_fault(w.fd, &w.m, 0, 2, 5 * PAGE));
	check_ret(events_read(&w.q, r, 2 * sizeof(r[0])), -EINVAL);
	bad = before_hole(3 * sizeof(r[0]) - 1);
	check_ret(events_read(&w.q, bad, 3 * sizeof(r[0])), -EFAULT);
	/* one and a half */
	check_ret(events_read(&w.q, r, 4 * sizeof(r[0])), 3 * sizeof(r[0]));
	for (int i = 0; i < 3; i++) {
		check_eq(r[i].grpid, 1);
		check_eq(r[i].cookie, r[0].cookie);
		check_eq(r[i].flags, i < 2 ? 0 : last);
	}
	check_eq(r[0].addr, PAGE);
	check_eq(r[1].addr, 3 * PAGE);
	check_eq(r[2].addr, 4 * PAGE);
	check_ret(events_read(&w.q, r + 3, 5 * sizeof(r[0])), 2 * sizeof(r[0]));
	check_eq(r[3].addr, 2 * PAGE);
	check_eq(r[4].addr, 5 * PAGE);
	check_eq(r[4].flags, last);
	check_ret(faults_answer(&w.q, r[3].cookie, SUCCESS), 0);
	check_ret(faults_answer(&w.q, r[0].cookie, SUCCESS), 0);
	check_ret(faults_answer(&w.q, r[0].cookie, SUCCESS), -EINVAL);
	/* a large one, and one that isn't complete when the device goes */
	for (int i = 0; i < 500; i++)
		require_ok(mock_fault_more(w.fd, &w.m, 0, 3, i * PAGE));
	require_ok(mock_fault(w.fd, &w.m, 0, 3, 500 * PAGE));
	require_ok(mock_fault_more(w.fd, &w.m, 0, 4, PAGE));
	check_ret(events_read(&w.q, r, sizeof(r)), -EINVAL);
	check_eq(events_poll(&w.q), POLLIN | POLLOUT);
	down();
}

static void sizes(void)
{
	struct iommu_hwpt_page_response a = {};
	record r[2];

	up();
	for (size_t size = 1; size < 2 * sizeof(r[0]); size++) {
		if (size == sizeof(r[0]))
			continue;
		check_ret(events_read(&w.q, r, size), -ESPIPE);
	}
	check_ret(events_read(&w.q, r, 0), 0);
	fault(PAGE);
	check_ret(events_read(&w.q, r, 0), -EINVAL);
	check_ret(events_read(&w.q, r, sizeof(r[0]) - 1), -ESPIPE);
	check(pread(w.q.fd, r, sizeof(r[0]), sizeof(r[0])) < 0 && errno == ESPIPE);
	a.cookie = take(PAGE);
	for (size_t size = 1; size < sizeof(a); size++)
		check(write(w.q.fd, &a, size) < 0 && errno == ESPIPE);
	check_eq(write(w.q.fd, &a, 0), 0);
	check(pwrite(w.q.fd, &a, sizeof(a), sizeof(a)) < 0 && errno == ESPIPE);
	check_ret(faults_answer(&w.q, a.cookie, SUCCESS), 0);
	down();
}

static void cookies(void)
{
	struct iommu_hwpt_page_response a[3] = {};
	uint32_t cookie;

	up();
	check_ret(faults_answer(&w.q, 0, SUCCESS), -EINVAL);
	check_ret(faults_answer(&w.q, 1, SUCCESS), -EINVAL);
	fault(PAGE);
	/* it has none before it is read */
	check_ret(faults_answer(&w.q, 1, SUCCESS), -EINVAL);
	cookie = take(PAGE);
	check_ret(faults_answer(&w.q, cookie + 1, SUCCESS), -EINVAL);
	check_ret(faults_answer(&w.q, cookie, 2), -EINVAL);
	check_ret(faults_answer(&w.q, cookie, UINT32_MAX), -EINVAL);
	check_ret(faults_answer(&w.q, cookie, INVALID), 0);

	/* those before a bad one count */
	fault(PAGE);
	a[0].cookie = take(PAGE);
	fault(2 * PAGE);
	a[2].cookie = take(2 * PAGE);
	check_eq(write(w.q.fd, a, sizeof(a)), sizeof(a[0]));
	check_ret(faults_answer(&w.q, a[0].cookie, SUCCESS), -EINVAL);
	check_ret(faults_answer(&w.q, a[2].cookie, SUCCESS), 0);
	down();
}

static void pointers(void)
{
	struct iommu_hwpt_page_response a[2] = {}, *bad;
	record *r;

	up();
	fault(PAGE);
	check_ret(events_read(&w.q, NULL, sizeof(*r)), -EFAULT);
	/* half of it is nothing */
	r = before_hole(sizeof(*r) / 2);
	check_ret(events_read(&w.q, r, sizeof(*r)), -EFAULT);
	check_eq(events_poll(&w.q), POLLIN | POLLOUT);
	fault(2 * PAGE);
	/* the first of two is something */
	r = before_hole(sizeof(*r));
	check_ret(events_read(&w.q, r, 2 * sizeof(*r)), sizeof(*r));
	check_eq(r->addr, PAGE);
	a[0].cookie = r->cookie;
	a[1].cookie = take(2 * PAGE);

	check(write(w.q.fd, before_hole(0), sizeof(a[0])) < 0 && errno == EFAULT);
	bad = before_hole(sizeof(a[0]));
	*bad = a[0];
	check_eq(write(w.q.fd, bad, sizeof(a)), sizeof(a[0]));
	check_ret(faults_answer(&w.q, a[0].cookie, SUCCESS), -EINVAL);
	check_ret(faults_answer(&w.q, a[1].cookie, SUCCESS), 0);
	check_empty();
	down();
}

/* What nobody can answer any more is refused. */
static void moves_away(void)
{
	uint32_t cookie;

	up();
	fault(PAGE);
	cookie = take(PAGE);
	fault(2 * PAGE);
	check_ret(mock_replace(w.fd, &w.m, w.plain), 0);
	check_empty();
	check_ret(faults_answer(&w.q, cookie, SUCCESS), -EINVAL);
	/* it has no queue there */
	mock_fault(w.fd, &w.m, 0, 1, PAGE);
	check_empty();

	check_ret(mock_replace(w.fd, &w.m, w.hwpt), 0);
	fault(PAGE);
	cookie = take(PAGE);
	fault(2 * PAGE);
	check_ret(mock_unplug(w.fd, &w.m), 0);
	check_empty();
	check_ret(faults_answer(&w.q, cookie, SUCCESS), -EINVAL);
	check_ret(iommu_destroy(w.fd, w.hwpt), 0);
	close(w.q.fd);
	check_ret(iommu_destroy(w.fd, w.q.id), 0);
}

/* Two devices share a queue: one leaves, the other's faults stay. */
static void two_devices(void)
{
	record r[2] = {};
	struct mock m2;

	up();
	require_ok(mock_device(w.fd, w.hwpt, 0, &m2));
	require_ok(mock_fault(w.fd, &m2, 0, 1, PAGE));
	fault(2 * PAGE);
	require_ok(mock_fault(w.fd, &m2, 0, 1, 3 * PAGE));
	fault(4 * PAGE);
	check_ret(events_read(&w.q, r, sizeof(r)), sizeof(r));
	check_eq(r[0].dev_id, m2.dev);
	check_eq(r[1].dev_id, w.m.dev);
	check_ret(mock_unplug(w.fd, &m2), 0);
	check_ret(faults_answer(&w.q, r[0].cookie, SUCCESS), -EINVAL);
	check_ret(faults_answer(&w.q, r[1].cookie, SUCCESS), 0);
	check_ret(faults_answer(&w.q, take(4 * PAGE), SUCCESS), 0);
	check_empty();
	down();
}

/* Two devices that the IOMMU can't tell apart: the first one leaves. */
static void one_group(void)
{
	record r[2] = {};
	struct mock m2;

	if (tap_oracle())
		tap_skip("Linux's mock has one device in a group");
	up();
	require_ok(mock_device_beside(w.fd, w.hwpt, 0, &w.m, &m2));
	check(m2.dev != w.m.dev);
	fault(PAGE);
	require_ok(mock_fault(w.fd, &m2, 0, 1, 2 * PAGE));
	fault(3 * PAGE);
	require_ok(mock_fault(w.fd, &m2, 0, 1, 4 * PAGE));
	check_ret(events_read(&w.q, r, sizeof(r)), sizeof(r));
	check_eq(r[0].dev_id, w.m.dev);
	check_eq(r[1].dev_id, m2.dev);
	/* the attachment stays, the device that came first doesn't */
	check_ret(mock_unplug(w.fd, &w.m), 0);
	check_ret(faults_answer(&w.q, r[0].cookie, SUCCESS), -EINVAL);
	check_ret(faults_answer(&w.q, r[1].cookie, SUCCESS), 0);
	check_ret(faults_answer(&w.q, take(4 * PAGE), SUCCESS), 0);
	require_ok(mock_fault(w.fd, &m2, 0, 1, 5 * PAGE));
	check_ret(events_read(&w.q, r, sizeof(r[0])), sizeof(r[0]));
	check_eq(r[0].dev_id, m2.dev);
	/* both are moved by one */
	w.m = m2;
	check_ret(mock_replace(w.fd, &w.m, w.plain), 0);
	check_ret(faults_answer(&w.q, r[0].cookie, SUCCESS), -EINVAL);
	check_empty();
	down();
}

/* A PASID's attachment ends, that without PASID stays. */
static void pasid(void)
{
	record r[3] = {};

	up();
	require_ok(mock_pasid_attach(w.fd, &w.m, 5, w.hwpt));
	require_ok(mock_fault(w.fd, &w.m, 5, 1, PAGE));
	fault(2 * PAGE);
	check_ret(events_read(&w.q, r, sizeof(r)), 2 * sizeof(r[0]));
	check_eq(r[0].flags, IOMMU_PGFAULT_FLAGS_LAST_PAGE |
			     IOMMU_PGFAULT_FLAGS_PASID_VALID);
	check_eq(r[0].pasid, 5);
	check_eq(r[0].dev_id, w.m.dev);
	check_eq(r[1].flags, IOMMU_PGFAULT_FLAGS_LAST_PAGE);
	require_ok(mock_fault(w.fd, &w.m, 5, 2, 3 * PAGE));
	fault(4 * PAGE);
	check_ret(mock_pasid_detach(w.fd, &w.m, 5), 0);
	check_ret(faults_answer(&w.q, r[0].cookie, SUCCESS), -EINVAL);
	check_ret(faults_answer(&w.q, r[1].cookie, SUCCESS), 0);
	check_ret(faults_answer(&w.q, take(4 * PAGE), SUCCESS), 0);
	check_empty();
	/* the other way round */
	require_ok(mock_pasid_attach(w.fd, &w.m, 5, w.hwpt));
	fault(2 * PAGE);
	require_ok(mock_fault(w.fd, &w.m, 5, 1, PAGE));
	check_ret(mock_replace(w.fd, &w.m, w.ioas), -EINVAL);
	check_ret(faults_answer(&w.q, take(2 * PAGE), SUCCESS), 0);
	check_ret(faults_answer(&w.q, take(PAGE), SUCCESS), 0);
	check_ret(mock_pasid_detach(w.fd, &w.m, 5), 0);
	down();
}

static void nested(void)
{
	uint32_t parent, id;

	up();
	require_ok(hwpt_alloc(w.fd, w.m.dev, w.ioas, IOMMU_HWPT_ALLOC_NEST_PARENT,
			      &parent));
	check_ret(nested_with_faults(w.fd, w.m.dev, parent, UINT32_MAX, &id), -ENOENT);
	require_ok(nested_with_faults(w.fd, w.m.dev, parent, w.q.id, &id));
	check_ret(mock_replace(w.fd, &w.m, id), 0);
	fault(PAGE);
	check_ret(faults_answer(&w.q, take(PAGE), SUCCESS), 0);
	fault(PAGE);
	check_ret(mock_replace(w.fd, &w.m, w.hwpt), 0);
	check_empty();
	check_ret(iommu_destroy(w.fd, id), 0);
	check_ret(iommu_destroy(w.fd, parent), 0);
	down();
}

/* The file goes with faults at every step; the device goes on. */
static void closes(void)
{
	int copy;

	up();
	fault(PAGE);
	take(PAGE);
	fault(2 * PAGE);
	copy = dup(w.q.fd);
	close(w.q.fd);
	/* it isn't closed as long as anybody has it */
	w.q.fd = copy;
	check_ret(faults_answer(&w.q, take(2 * PAGE), SUCCESS), 0);
	fault(3 * PAGE);
	close(copy);
	fault(4 * PAGE);
	check_ret(iommu_destroy(w.fd, w.q.id), -EBUSY);
	check_ret(mock_unplug(w.fd, &w.m), 0);
	check_ret(iommu_destroy(w.fd, w.hwpt), 0);
	check_ret(iommu_destroy(w.fd, w.q.id), 0);
}

/* All files at once, in the order that is worst. */
static void leaves_all(void)
{
	up();
	fault(PAGE);
	take(PAGE);
	fault(2 * PAGE);
	close(w.fd);
	check_eq(events_poll(&w.q), POLLIN | POLLOUT);
	check_ret(faults_answer(&w.q, take(2 * PAGE), SUCCESS), 0);
	close(w.q.fd);
}

static void child_reads(void *arg)
{
	record r;
	int n = 0;

	(void)arg;
	while (events_read(&w.q, &r, sizeof(r)) == sizeof(r)) {
		check_ret(faults_answer(&w.q, r.cookie, SUCCESS), 0);
		n++;
	}
	tap_diag("a child read %d", n);
}

/* Each fault goes to one reader, and the file lives as long as the last one. */
static void children(void)
{
	int pid[3];

	up();
	for (int i = 0; i < 3000; i++)
		fault(i * PAGE);
	for (int i = 0; i < 3; i++)
		pid[i] = tap_spawn(child_reads, NULL);
	for (int i = 0; i < 3; i++)
		tap_join(pid[i]);
	check_empty();
	down();
}

static struct trap trap;

static int read_into_trap(void *arg)
{
	(void)arg;
	return events_read(&w.q, trap.va, 2 * sizeof(record));
}

static int write_from_trap(void *arg)
{
	ssize_t n = write(w.q.fd, trap.va, sizeof(struct iommu_hwpt_page_response));

	(void)arg;
	return n < 0 ? -errno : n;
}

static int another_fault(void *arg)
{
	(void)arg;
	return mock_fault(w.fd, &w.m, 0, 7, 9 * PAGE);
}

static int go_away(void *arg)
{
	(void)arg;
	return mock_replace(w.fd, &w.m, w.plain);
}

/* A reader whose memory takes its time holds up nobody. */
static void stuck_reader(void)
{
	struct call reader;

	if (tap_oracle())
		tap_skip("Linux copies with the queue locked");
	up();
	fault(PAGE);
	trap_set(&trap, PAGE);
	call_start(&reader, read_into_trap, NULL);
	trap_wait(&trap);
	check_returns(another_fault, NULL, 0);
	check_eq(events_poll(&w.q), POLLIN | POLLOUT);
	check_returns(go_away, NULL, 0);
	trap_release(&trap);
	require(call_returns(&reader));
	check_ret(reader.ret, sizeof(record));
	check_ret(faults_answer(&w.q, ((record *)trap.va)->cookie, SUCCESS), -EINVAL);
	check_empty();
	down();
}

static void stuck_writer(void)
{
	struct call writer;

	if (tap_oracle())
		tap_skip("Linux copies with the queue locked");
	up();
	fault(PAGE);
	trap_set(&trap, PAGE);
	call_start(&writer, write_from_trap, NULL);
	trap_wait(&trap);
	check_returns(another_fault, NULL, 0);
	check_ret(faults_answer(&w.q, take(PAGE), SUCCESS), 0);
	check_returns(go_away, NULL, 0);
	trap_release(&trap);
	require(call_returns(&writer));
	check_ret(writer.ret, -EINVAL);
	down();
}

/* Nobody reads, and what the kernel stores is bounded. */
static void bounded(void)
{
	record r[256];
	unsigned long n = 0;
	int got;

	if (tap_oracle())
		tap_skip("Linux's queue isn't bounded");
	up();
	for (unsigned long i = 0; i < 16384 + 100; i++)
		fault(i * PAGE);
	while ((got = events_read(&w.q, r, sizeof(r))) > 0) {
		check_eq(r[0].addr, n * PAGE);
		n += got / sizeof(r[0]);
		for (size_t i = 0; i < got / sizeof(r[0]); i++)
			faults_answer(&w.q, r[i].cookie, SUCCESS);
	}
	check_eq(n, 16384);
	fault(PAGE);
	check_ret(faults_answer(&w.q, take(PAGE), SUCCESS), 0);
	down();
}

static void wakes(void)
{
	struct call waiter;

	up();
	call_start(&waiter, events_wait, &w.q);
	usleep(50000);
	check(!call_over(&waiter));
	fault(PAGE);
	require(call_returns(&waiter));
	check_eq(waiter.ret, POLLIN);
	check_ret(faults_answer(&w.q, take(PAGE), SUCCESS), 0);
	down();
}

/* A tracepoint shows each of them, and those that are refused. */
static void traces(void)
{
	up();
	trace_begin();
	fault(0x123 * PAGE);
	check_traced("iommufd_fault:", "pasid=0 address=%#llx perm=0x3 taken=1", 0x123 * PAGE);
	check_ret(faults_answer(&w.q, take(0x123 * PAGE), SUCCESS), 0);
	close(w.q.fd);
	fault(0x124 * PAGE);
	check_traced("iommufd_fault:", "pasid=0 address=%#llx perm=0x3 taken=0", 0x124 * PAGE);
	trace_end();
	check_ret(mock_unplug(w.fd, &w.m), 0);
}

static const struct test tests[] = {
	{ "queue_itself", queue_itself },
	{ "queue_refused", queue_refused },
	{ "page_tables", page_tables },
	{ "without_faults", without_faults },
	{ "delivers", delivers },
	{ "many", many },
	{ "groups", groups },
	{ "sizes", sizes },
	{ "cookies", cookies },
	{ "pointers", pointers },
	{ "moves_away", moves_away },
	{ "two_devices", two_devices },
	{ "one_group", one_group },
	{ "pasid", pasid },
	{ "nested", nested },
	{ "closes", closes },
	{ "leaves_all", leaves_all },
	{ "children", children },
	{ "stuck_reader", stuck_reader },
	{ "stuck_writer", stuck_writer },
	{ "bounded", bounded, 120 },
	{ "wakes", wakes },
	{ "traces", traces },
};

TAP_MAIN("fault", tests)
