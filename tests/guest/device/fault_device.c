// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page requests of a real device, by its IOMMU's driver: told, answered, tried again; and
 * what becomes of those that nobody answers.  fault.c has the rules, on the mock.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "edu.h"
#include "events.h"
#include "mem.h"
#include "tap.h"

#define IOVA		(64 * MIB)
#define HOME		(32 * MIB)	/* always mapped */
#define SIZE		64u
#define SEED		0x42u
#define WITH_PASID	1
#define SUCCESS		IOMMUFD_PAGE_RESP_SUCCESS
#define INVALID		IOMMUFD_PAGE_RESP_INVALID

typedef struct iommu_hwpt_pgfault fault_t;

static struct world {
	int fd;
	uint32_t ioas, hwpt, plain;
	struct device dev;
	struct edu edu;
	struct mem home, m;
	struct events queue;
} w;

/* The device on a page table with faults, its buffer full of a pattern. */
static void up_with(uint32_t flags)
{
	int ret;

	memset(&w, 0, sizeof(w));
	w.fd = iommu_open();
	w.ioas = ioas_new(w.fd);
	device_get(&w.dev, "edu", 0, w.fd);
	edu_init(&w.edu, &w.dev);
	w.edu.limit = UINT64_MAX;
	mem_get(&w.home, MEM_ANON, PAGE);
	mem_get(&w.m, MEM_ANON, 8 * PAGE);
	memset(w.m.va, 0, w.m.size);
	mem_fill(w.home.va, SIZE, SEED);
	require_ok(ioas_map_at(w.fd, w.ioas, w.home.va, PAGE, HOME));
	require_ok(faults_alloc(w.fd, &w.queue));
	ret = hwpt_with_faults(w.fd, w.dev.id, w.ioas, flags, w.queue.id, &w.hwpt);
	if (!ret)
		ret = device_attach(&w.dev, w.hwpt);
	if (ret == -EOPNOTSUPP || ret == -ENODEV)
		tap_skip("no page faults of this device");
	require_ok(ret);
	require_ok(hwpt_alloc(w.fd, w.dev.id, w.ioas, flags, &w.plain));
	require_ok(edu_load(&w.edu, HOME, 0, SIZE));
}

static void up(void)
{
	up_with(0);
}

static void start(uint64_t iova)
{
	edu_start(&w.edu, true, iova, 0, SIZE);
}

static bool arrived(unsigned int page)
{
	return mem_differs(w.m.va + page * PAGE, SIZE, SEED) < 0;
}

/* The next group, of @n faults at the most; returns how many. */
static int next(fault_t *fault, int n)
{
	struct pollfd p = { .fd = w.queue.fd, .events = POLLIN };
	int got;

	require(poll(&p, 1, 20000 * tap_patience()) == 1);
	got = events_read(&w.queue, fault, n * sizeof(*fault));
	require(got >= (int)sizeof(*fault));
	return got / sizeof(*fault);
}

static void check_fault(const fault_t *fault, uint64_t iova, uint32_t pasid)
{
	check_eq(fault->addr, iova & ~(PAGE - 1));
	check_eq(fault->dev_id, w.dev.id);
	check_eq(fault->perm, IOMMU_PGFAULT_PERM_WRITE);
	check_eq(!!(fault->flags & IOMMU_PGFAULT_FLAGS_PASID_VALID), pasid != 0);
	if (pasid)
		check_eq(fault->pasid, pasid);
	check(fault->flags & IOMMU_PGFAULT_FLAGS_LAST_PAGE);
}

static void check_answers(uint32_t success, uint32_t invalid, uint32_t failure)
{
	check_eq(edu_answers(&w.edu, 0), success);
	check_eq(edu_answers(&w.edu, 1), invalid);
	check_eq(edu_answers(&w.edu, 2), failure);
}

static void map_page(unsigned int page)
{
	require_ok(ioas_map_at(w.fd, w.ioas, w.m.va + page * PAGE, PAGE, IOVA + page * PAGE));
}

/* Told, mapped, answered: the transfer goes on. */
static void mended(void)
{
	fault_t fault;

	up();
	for (unsigned int page = 0; page < 3; page++) {
		start(IOVA + page * PAGE + 8);
		check_eq(next(&fault, 1), 1);
		check_fault(&fault, IOVA + page * PAGE, 0);
		map_page(page);
		require_ok(faults_answer(&w.queue, fault.cookie, SUCCESS));
		require_ok(edu_wait(&w.edu));
		check_eq(edu_result(&w.edu), 0);
		check_eq(mem_differs(w.m.va + page * PAGE + 8, SIZE, SEED), -1);
		check_answers(page + 1, 0, 0);
	}
}

/* A success that mends nothing is asked again; a refusal ends the transfer. */
static void refused(void)
{
	fault_t fault;

	up();
	start(IOVA);
	for (int i = 0; i < 3; i++) {
		next(&fault, 1);
		check_fault(&fault, IOVA, 0);
		require_ok(faults_answer(&w.queue, fault.cookie, i < 2 ? SUCCESS : INVALID));
	}
	require_ok(edu_wait(&w.edu));
	check(edu_result(&w.edu) != 0);
	check_answers(2, 1, 0);
	check(!arrived(0));
	/* The next one is as the first. */
	start(IOVA);
	next(&fault, 1);
	map_page(0);
	require_ok(faults_answer(&w.queue, fault.cookie, SUCCESS));
	require_ok(edu_wait(&w.edu));
	check(arrived(0));
}

/* Several requests, one answer. */
static void group(void)
{
	fault_t fault[8];

	up();
	edu_ask_more(&w.edu, 4);
	start(IOVA);
	check_eq(next(fault, 8), 5);
	for (int i = 0; i < 5; i++) {
		check_eq(fault[i].addr, IOVA + i * PAGE);
		check_eq(fault[i].grpid, fault[0].grpid);
		check_eq(fault[i].cookie, fault[0].cookie);
		check_eq(!!(fault[i].flags & IOMMU_PGFAULT_FLAGS_LAST_PAGE), i == 4);
	}
	map_page(0);
	require_ok(faults_answer(&w.queue, fault[0].cookie, SUCCESS));
	check_ret(faults_answer(&w.queue, fault[0].cookie, SUCCESS) < 0, 1);
	require_ok(edu_wait(&w.edu));
	check(arrived(0));
	check_answers(1, 0, 0);
}

static int attach_pasid(uint32_t pasid, uint32_t pt)
{
	struct cdev_attach arg = { .argsz = sizeof(arg), .flags = WITH_PASID,
				   .pt_id = pt, .pasid = pasid };

	return iommu_ioctl(w.dev.fd, CDEV_ATTACH, &arg);
}

/* Requests with a PASID tell it. */
static void with_pasid(void)
{
	fault_t fault;

	up_with(IOMMU_HWPT_ALLOC_PASID);
	require_ok(attach_pasid(5, w.hwpt));
	edu_use_pasid(&w.edu, 5);
	start(IOVA);
	next(&fault, 1);
	check_fault(&fault, IOVA, 5);
	map_page(0);
	require_ok(faults_answer(&w.queue, fault.cookie, SUCCESS));
	require_ok(edu_wait(&w.edu));
	check(arrived(0));
	edu_use_pasid(&w.edu, EDU_NO_PASID);
	start(IOVA + PAGE);
	next(&fault, 1);
	check_fault(&fault, IOVA + PAGE, 0);
	require_ok(faults_answer(&w.queue, fault.cookie, INVALID));
	require_ok(edu_wait(&w.edu));
}

/* A transfer that waits, and has been told or not. */
static void start_pending(bool told)
{
	struct pollfd p = { .fd = w.queue.fd, .events = POLLIN };
	fault_t fault;

	start(IOVA);
	require(poll(&p, 1, 20000 * tap_patience()) == 1);
	if (told)
		next(&fault, 1);
}

static void check_given_up(void)
{
	require_ok(edu_wait(&w.edu));
	check(edu_result(&w.edu) != 0);
	check_eq(edu_answers(&w.edu, 0), 0);
	check(edu_answers(&w.edu, 1) + edu_answers(&w.edu, 2) > 0);
	check(!arrived(0));
}

/* Replaced, detached, and the file closed, while a transfer waits. */
static void moved(void)
{
	for (int told = 0; told < 2; told++) {
		up();
		start_pending(told);
		require_ok(device_attach(&w.dev, w.plain));
		check_given_up();
		require_ok(device_attach(&w.dev, w.hwpt));
		edu_fini(&w.edu);
		device_close(&w.dev);
	}
}

static void detached(void)
{
	for (int told = 0; told < 2; told++) {
		up();
		start_pending(told);
		require_ok(device_detach(&w.dev));
		check_given_up();
		edu_fini(&w.edu);
		device_close(&w.dev);
	}
}

static void unread(void)
{
	if (tap_oracle())
		tap_skip("Linux's own leaves them until the queue is destroyed");
	for (int told = 0; told < 2; told++) {
		up();
		start_pending(told);
		close(w.queue.fd);
		check_given_up();
		/* Nobody is there to ask from now on. */
		start(IOVA);
		require_ok(edu_wait(&w.edu));
		check(edu_result(&w.edu) != 0);
		edu_fini(&w.edu);
		device_close(&w.dev);
	}
}

/* The owner ends with a transfer that waits; the next one finds all in order. */
static void ended(void)
{
	int pid, status;

	for (int told = 0; told < 2; told++) {
		pid = fork();
		require(pid >= 0);
		if (!pid) {
			up();
			start_pending(told);
			_exit(7);
		}
		require(waitpid(pid, &status, 0) == pid);
		if (!WIFEXITED(status) || WEXITSTATUS(status) != 7)
			up();		/* says why not */
		mended();
		edu_fini(&w.edu);
		device_close(&w.dev);
	}
}

static const struct test tests[] = {
	{ "mended", mended },
	{ "refused", refused },
	{ "group", group },
	{ "with_pasid", with_pasid },
	{ "moved", moved },
	{ "detached", detached },
	{ "unread", unread },
	{ "ended", ended },
};

TAP_MAIN("fault_device", tests)
