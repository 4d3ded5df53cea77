// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page faults of user space, and their queue: what is allocated and refused, what is
 * delivered in which order and size, and which responses count.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "events.h"
#include "fault_scene.h"
#include "mem.h"
#include "tap.h"
#include "world.h"

#define INVALID	IOMMUFD_PAGE_RESP_INVALID

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

	faults_up();
	check_ret(hwpt_with_faults(faults.fd, faults.m.dev, faults.ioas, 0, 0, &id), -ENOENT);
	check_ret(hwpt_with_faults(faults.fd, faults.m.dev, faults.ioas, 0, UINT32_MAX, &id), -ENOENT);
	check_ret(hwpt_with_faults(faults.fd, faults.m.dev, faults.ioas, 0, faults.ioas, &id), -ENOENT);
	check_ret(hwpt_with_faults(faults.fd, faults.m.dev, faults.ioas, IOMMU_HWPT_ALLOC_NEST_PARENT,
				   faults.q.id, &id), -EOPNOTSUPP);
	/* a queue may serve several */
	check_ret(hwpt_with_faults(faults.fd, faults.m.dev, faults.ioas, 0, faults.q.id, &other), 0);
	close(faults.q.fd);
	check_ret(iommu_destroy(faults.fd, faults.q.id), -EBUSY);
	check_ret(iommu_destroy(faults.fd, other), 0);
	check_ret(iommu_destroy(faults.fd, faults.hwpt), -EBUSY);
	check_ret(mock_unplug(faults.fd, &faults.m), 0);
	check_ret(iommu_destroy(faults.fd, faults.hwpt), 0);
	check_ret(iommu_destroy(faults.fd, faults.q.id), 0);
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

	faults_up();
	faults_check_empty();
	for (uint32_t i = 1; i < 4; i++) {
		memset(&r, 0xff, sizeof(r));
		require_ok(mock_fault(faults.fd, &faults.m, 0, i, i * PAGE));
		check_eq(events_poll(&faults.q), POLLIN | POLLOUT);
		check_ret(events_read(&faults.q, &r, sizeof(r)), sizeof(r));
		check_eq(r.flags, IOMMU_PGFAULT_FLAGS_LAST_PAGE);
		check_eq(r.dev_id, faults.m.dev);
		check_eq(r.pasid, 0);
		check_eq(r.grpid, i);
		check_eq(r.perm, IOMMU_PGFAULT_PERM_READ | IOMMU_PGFAULT_PERM_WRITE);
		check_eq(r.__reserved, 0);
		check_eq(r.addr, i * PAGE);
		check_eq(r.length, 0);
		faults_check_empty();
		check_ret(faults_answer(&faults.q, r.cookie, i & 1 ? SUCCESS : INVALID), 0);
		check_ret(faults_answer(&faults.q, r.cookie, SUCCESS), -EINVAL);
		faults_check_empty();
	}
	faults_down();
}

/* In order, and as many as fit. */
static void many(void)
{
	record r[64];

	faults_up();
	for (int i = 0; i < 100; i++)
		faults_fault(i * PAGE);
	for (int i = 0, n; i < 100; i += n) {
		n = events_read(&faults.q, r, sizeof(r)) / (int)sizeof(r[0]);
		require(n == (i ? 36 : 64));
		for (int k = 0; k < n; k++) {
			check_eq(r[k].addr, (i + k) * PAGE);
			for (int l = 0; l < k; l++)
				check(r[k].cookie != r[l].cookie);
		}
		/* answered in another order */
		for (int k = n; k--; )
			check_ret(faults_answer(&faults.q, r[k].cookie, SUCCESS), 0);
	}
	faults_check_empty();
	faults_down();
}

/* A group is delivered when it is complete, and only whole. */
static void groups(void)
{
	const uint32_t last = IOMMU_PGFAULT_FLAGS_LAST_PAGE;
	record r[8] = {}, *bad;

	if (tap_oracle())
		tap_skip("Linux's mock asks for one page at a time");
	faults_up();
	require_ok(mock_fault_more(faults.fd, &faults.m, 0, 1, PAGE));
	require_ok(mock_fault_more(faults.fd, &faults.m, 0, 2, 2 * PAGE));
	require_ok(mock_fault_more(faults.fd, &faults.m, 0, 1, 3 * PAGE));
	faults_check_empty();
	require_ok(mock_fault(faults.fd, &faults.m, 0, 1, 4 * PAGE));
	require_ok(mock_fault(faults.fd, &faults.m, 0, 2, 5 * PAGE));
	check_ret(events_read(&faults.q, r, 2 * sizeof(r[0])), -EINVAL);
	bad = before_hole(3 * sizeof(r[0]) - 1);
	check_ret(events_read(&faults.q, bad, 3 * sizeof(r[0])), -EFAULT);
	/* one and a half */
	check_ret(events_read(&faults.q, r, 4 * sizeof(r[0])), 3 * sizeof(r[0]));
	for (int i = 0; i < 3; i++) {
		check_eq(r[i].grpid, 1);
		check_eq(r[i].cookie, r[0].cookie);
		check_eq(r[i].flags, i < 2 ? 0 : last);
	}
	check_eq(r[0].addr, PAGE);
	check_eq(r[1].addr, 3 * PAGE);
	check_eq(r[2].addr, 4 * PAGE);
	check_ret(events_read(&faults.q, r + 3, 5 * sizeof(r[0])), 2 * sizeof(r[0]));
	check_eq(r[3].addr, 2 * PAGE);
	check_eq(r[4].addr, 5 * PAGE);
	check_eq(r[4].flags, last);
	check_ret(faults_answer(&faults.q, r[3].cookie, SUCCESS), 0);
	check_ret(faults_answer(&faults.q, r[0].cookie, SUCCESS), 0);
	check_ret(faults_answer(&faults.q, r[0].cookie, SUCCESS), -EINVAL);
	/* a large one, and one that isn't complete when the device goes */
	for (int i = 0; i < 500; i++)
		require_ok(mock_fault_more(faults.fd, &faults.m, 0, 3, i * PAGE));
	require_ok(mock_fault(faults.fd, &faults.m, 0, 3, 500 * PAGE));
	require_ok(mock_fault_more(faults.fd, &faults.m, 0, 4, PAGE));
	check_ret(events_read(&faults.q, r, sizeof(r)), -EINVAL);
	check_eq(events_poll(&faults.q), POLLIN | POLLOUT);
	faults_down();
}

static void sizes(void)
{
	struct iommu_hwpt_page_response a = {};
	record r[2];

	faults_up();
	for (size_t size = 1; size < 2 * sizeof(r[0]); size++) {
		if (size == sizeof(r[0]))
			continue;
		check_ret(events_read(&faults.q, r, size), -ESPIPE);
	}
	check_ret(events_read(&faults.q, r, 0), 0);
	faults_fault(PAGE);
	check_ret(events_read(&faults.q, r, 0), -EINVAL);
	check_ret(events_read(&faults.q, r, sizeof(r[0]) - 1), -ESPIPE);
	check(pread(faults.q.fd, r, sizeof(r[0]), sizeof(r[0])) < 0 && errno == ESPIPE);
	a.cookie = faults_take(PAGE);
	for (size_t size = 1; size < sizeof(a); size++)
		check(write(faults.q.fd, &a, size) < 0 && errno == ESPIPE);
	check_eq(write(faults.q.fd, &a, 0), 0);
	check(pwrite(faults.q.fd, &a, sizeof(a), sizeof(a)) < 0 && errno == ESPIPE);
	check_ret(faults_answer(&faults.q, a.cookie, SUCCESS), 0);
	faults_down();
}

static void cookies(void)
{
	struct iommu_hwpt_page_response a[3] = {};
	uint32_t cookie;

	faults_up();
	check_ret(faults_answer(&faults.q, 0, SUCCESS), -EINVAL);
	check_ret(faults_answer(&faults.q, 1, SUCCESS), -EINVAL);
	faults_fault(PAGE);
	/* it has none before it is read */
	check_ret(faults_answer(&faults.q, 1, SUCCESS), -EINVAL);
	cookie = faults_take(PAGE);
	check_ret(faults_answer(&faults.q, cookie + 1, SUCCESS), -EINVAL);
	check_ret(faults_answer(&faults.q, cookie, 2), -EINVAL);
	check_ret(faults_answer(&faults.q, cookie, UINT32_MAX), -EINVAL);
	check_ret(faults_answer(&faults.q, cookie, INVALID), 0);

	/* those before a bad one count */
	faults_fault(PAGE);
	a[0].cookie = faults_take(PAGE);
	faults_fault(2 * PAGE);
	a[2].cookie = faults_take(2 * PAGE);
	check_eq(write(faults.q.fd, a, sizeof(a)), sizeof(a[0]));
	check_ret(faults_answer(&faults.q, a[0].cookie, SUCCESS), -EINVAL);
	check_ret(faults_answer(&faults.q, a[2].cookie, SUCCESS), 0);
	faults_down();
}

static void pointers(void)
{
	struct iommu_hwpt_page_response a[2] = {}, *bad;
	record *r;

	faults_up();
	faults_fault(PAGE);
	check_ret(events_read(&faults.q, NULL, sizeof(*r)), -EFAULT);
	/* half of it is nothing */
	r = before_hole(sizeof(*r) / 2);
	check_ret(events_read(&faults.q, r, sizeof(*r)), -EFAULT);
	check_eq(events_poll(&faults.q), POLLIN | POLLOUT);
	faults_fault(2 * PAGE);
	/* the first of two is something */
	r = before_hole(sizeof(*r));
	check_ret(events_read(&faults.q, r, 2 * sizeof(*r)), sizeof(*r));
	check_eq(r->addr, PAGE);
	a[0].cookie = r->cookie;
	a[1].cookie = faults_take(2 * PAGE);

	check(write(faults.q.fd, before_hole(0), sizeof(a[0])) < 0 && errno == EFAULT);
	bad = before_hole(sizeof(a[0]));
	*bad = a[0];
	check_eq(write(faults.q.fd, bad, sizeof(a)), sizeof(a[0]));
	check_ret(faults_answer(&faults.q, a[0].cookie, SUCCESS), -EINVAL);
	check_ret(faults_answer(&faults.q, a[1].cookie, SUCCESS), 0);
	faults_check_empty();
	faults_down();
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
};

TAP_MAIN("fault", tests)
