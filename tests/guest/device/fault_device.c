// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page requests of a real device, by its IOMMU's driver: told, answered, tried again; and
 * what becomes of those that nobody answers.  fault.c has the rules, on the mock.
 */
#include <sys/wait.h>
#include <unistd.h>

#include "page_scene.h"
#include "tap.h"

static void check_fault(const fault_t *fault, uint64_t iova, uint32_t pasid)
{
	check_eq(fault->addr, iova & ~(PAGE - 1));
	check_eq(fault->dev_id, pages.dev.id);
	check_eq(fault->perm, IOMMU_PGFAULT_PERM_WRITE);
	check_eq(!!(fault->flags & IOMMU_PGFAULT_FLAGS_PASID_VALID), pasid != 0);
	if (pasid)
		check_eq(fault->pasid, pasid);
	check(fault->flags & IOMMU_PGFAULT_FLAGS_LAST_PAGE);
}

/* Told, mapped, answered: the transfer goes on. */
static void mended(void)
{
	fault_t fault;

	pages_up();
	for (unsigned int page = 0; page < 3; page++) {
		pages_start(PAGES_IOVA + page * PAGE + 8);
		check_eq(pages_next(&fault, 1), 1);
		check_fault(&fault, PAGES_IOVA + page * PAGE, 0);
		pages_map(page);
		require_ok(faults_answer(&pages.queue, fault.cookie, SUCCESS));
		require_ok(edu_wait(&pages.edu));
		check_eq(edu_result(&pages.edu), 0);
		check_eq(mem_differs(pages.m.va + page * PAGE + 8, PAGES_SIZE, PAGES_SEED), -1);
		pages_check_answers(page + 1, 0, 0);
	}
}

/* A success that mends nothing is asked again; a refusal ends the transfer. */
static void refused(void)
{
	fault_t fault;

	pages_up();
	pages_start(PAGES_IOVA);
	for (int i = 0; i < 3; i++) {
		pages_next(&fault, 1);
		check_fault(&fault, PAGES_IOVA, 0);
		require_ok(faults_answer(&pages.queue, fault.cookie, i < 2 ? SUCCESS : INVALID));
	}
	require_ok(edu_wait(&pages.edu));
	check(edu_result(&pages.edu) != 0);
	pages_check_answers(2, 1, 0);
	check(!pages_arrived(0));
	/* The next one is as the first. */
	pages_start(PAGES_IOVA);
	pages_next(&fault, 1);
	pages_map(0);
	require_ok(faults_answer(&pages.queue, fault.cookie, SUCCESS));
	require_ok(edu_wait(&pages.edu));
	check(pages_arrived(0));
}

/* Several requests, one answer. */
static void group(void)
{
	fault_t fault[8];

	pages_up();
	edu_ask_more(&pages.edu, 4);
	pages_start(PAGES_IOVA);
	check_eq(pages_next(fault, 8), 5);
	for (int i = 0; i < 5; i++) {
		check_eq(fault[i].addr, PAGES_IOVA + i * PAGE);
		check_eq(fault[i].grpid, fault[0].grpid);
		check_eq(fault[i].cookie, fault[0].cookie);
		check_eq(!!(fault[i].flags & IOMMU_PGFAULT_FLAGS_LAST_PAGE), i == 4);
	}
	pages_map(0);
	require_ok(faults_answer(&pages.queue, fault[0].cookie, SUCCESS));
	check_ret(faults_answer(&pages.queue, fault[0].cookie, SUCCESS) < 0, 1);
	require_ok(edu_wait(&pages.edu));
	check(pages_arrived(0));
	pages_check_answers(1, 0, 0);
}

/* Requests with a PASID tell it. */
static void with_pasid(void)
{
	fault_t fault;

	pages_up_with(IOMMU_HWPT_ALLOC_PASID);
	require_ok(pages_attach_pasid(5, pages.hwpt));
	edu_use_pasid(&pages.edu, 5);
	pages_start(PAGES_IOVA);
	pages_next(&fault, 1);
	check_fault(&fault, PAGES_IOVA, 5);
	pages_map(0);
	require_ok(faults_answer(&pages.queue, fault.cookie, SUCCESS));
	require_ok(edu_wait(&pages.edu));
	check(pages_arrived(0));
	edu_use_pasid(&pages.edu, EDU_NO_PASID);
	pages_start(PAGES_IOVA + PAGE);
	pages_next(&fault, 1);
	check_fault(&fault, PAGES_IOVA + PAGE, 0);
	require_ok(faults_answer(&pages.queue, fault.cookie, INVALID));
	require_ok(edu_wait(&pages.edu));
}

/* A transfer that waits, and has been told or not. */
static void start_pending(bool told)
{
	fault_t fault;

	pages_start(PAGES_IOVA);
	pages_wait();
	if (told)
		pages_next(&fault, 1);
}

/* Replaced, detached, and the file closed, while a transfer waits. */
static void moved(void)
{
	for (int told = 0; told < 2; told++) {
		pages_up();
		start_pending(told);
		require_ok(device_attach(&pages.dev, pages.plain));
		pages_check_given_up();
		require_ok(device_attach(&pages.dev, pages.hwpt));
		pages_down();
	}
}

static void detached(void)
{
	for (int told = 0; told < 2; told++) {
		pages_up();
		start_pending(told);
		require_ok(device_detach(&pages.dev));
		pages_check_given_up();
		pages_down();
	}
}

static void unread(void)
{
	if (tap_oracle())
		tap_skip("Linux's own leaves them until the queue is destroyed");
	for (int told = 0; told < 2; told++) {
		pages_up();
		start_pending(told);
		close(pages.queue.fd);
		pages_check_given_up();
		/* Nobody is there to ask from now on. */
		pages_start(PAGES_IOVA);
		require_ok(edu_wait(&pages.edu));
		check(edu_result(&pages.edu) != 0);
		pages_down();
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
			pages_up();
			start_pending(told);
			_exit(7);
		}
		require(waitpid(pid, &status, 0) == pid);
		if (!WIFEXITED(status) || WEXITSTATUS(status) != 7)
			pages_up();		/* says why not */
		mended();
		pages_down();
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
