// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page requests of a real device that are none, too many, or late: stop markers, an overflow
 * of the IOMMU's queue, a queue that nobody reads, and requests on their way when what they
 * are for ends.  Each group is answered once, by whom it may be.
 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <poll.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "page_scene.h"
#include "race.h"
#include "tap.h"

/* More than a group may have, and than the queue of VT-d's driver takes. */
#define TOO_MANY	4095

static void need_tries(void)
{
	pages_up();
	edu_set_tries(&pages.edu, 1000000);
}

static void pause_ms(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
}

/* Until the transfer was answered @n times by success. */
static void wait_answers(uint32_t n)
{
	double end = tap_now() + 10 * tap_patience();

	while (edu_answers(&pages.edu, 0) < n && tap_now() < end)
		pause_ms();
	require(edu_answers(&pages.edu, 0) >= n);
}

static void check_group(const fault_t *fault, int n)
{
	for (int i = 0; i < n; i++) {
		check_eq(fault[i].addr, PAGES_IOVA + i * PAGE);
		check_eq(fault[i].grpid, fault[0].grpid);
		check_eq(fault[i].cookie, fault[0].cookie);
		check_eq(!!(fault[i].flags & IOMMU_PGFAULT_FLAGS_LAST_PAGE), i == n - 1);
	}
}

/* The next group has @n pages, of which the first is mapped now. */
static void check_mended(int n)
{
	fault_t fault[8];

	check_eq(pages_next(fault, 8), n);
	check_group(fault, n);
	pages_check_none();
	pages_map(0);
	require_ok(faults_answer(&pages.queue, fault[0].cookie, SUCCESS));
	require_ok(edu_wait(&pages.edu));
	check_eq(edu_result(&pages.edu), 0);
	check(pages_arrived(0));
}

/* A marker is no request: nobody is told, and nothing answered. */
static void markers(void)
{
	static const uint32_t pasids[] = { 5, 6, 1023 };

	pages_up_with(IOMMU_HWPT_ALLOC_PASID);
	require_ok(pages_attach_pasid(5, pages.hwpt));
	edu_use_pasid(&pages.edu, 5);
	edu_ask_more(&pages.edu, 3);
	for (size_t i = 0; i < ARRAY_SIZE(pasids); i++) {
		uint64_t gone;

		edu_stop_pasid(&pages.edu, pasids[i]);
		edu_stop_within(&pages.edu, pasids[i]);
		pages_start(PAGES_IOVA);
		pages_wait();
		edu_stop_pasid(&pages.edu, pasids[i]);
		check_mended(4);
		edu_stop_pasid(&pages.edu, pasids[i]);
		pages_check_answers(i + 1, 0, 0);
		require_ok(ioas_unmap(pages.fd, pages.ioas, PAGES_IOVA, PAGE, &gone));
	}
	/* Of those after which nothing came: what comes next is told, and nothing else. */
	edu_stop_within(&pages.edu, EDU_NO_PASID);
	edu_use_pasid(&pages.edu, EDU_NO_PASID);
	edu_ask_more(&pages.edu, 0);
	pages_start(PAGES_IOVA);
	check_mended(1);
	for (int which = 0; which < 3; which++)
		check_eq(edu_ask_answers(&pages.edu, which), 0);
}

/*
 * More than the IOMMU can queue: it answers the last one by success itself, the device asks
 * again, and of groups that aren't complete nothing is told.
 */
static void overflow(void)
{
	need_tries();
	for (int i = 0; i < 2; i++) {
		uint64_t gone;

		edu_ask_more(&pages.edu, TOO_MANY);
		pages_start(PAGES_IOVA);
		wait_answers(edu_answers(&pages.edu, 0) + 3);
		pages_check_none();
		edu_ask_more(&pages.edu, 2);
		check_mended(3);
		check_eq(edu_answers(&pages.edu, 1) + edu_answers(&pages.edu, 2), 0);
		require_ok(ioas_unmap(pages.fd, pages.ioas, PAGES_IOVA, PAGE, &gone));
	}
}

/* What another device was told, or will be, isn't lost by it. */
static void overflow_beside(void)
{
	struct device second;
	struct edu edu;
	fault_t fault;

	if (!device_find("edu", 1))
		tap_skip("needs two edus");
	need_tries();
	device_get(&second, "edu", 1, pages.fd);
	edu_init(&edu, &second);
	edu.limit = UINT64_MAX;
	require_ok(device_attach(&second, pages.hwpt));
	for (int told = 0; told < 2; told++) {
		edu_start(&edu, true, PAGES_IOVA + (1 + told) * PAGE, 0, 8);
		pages_wait();
		if (told)
			check_eq(pages_next(&fault, 1), 1);
		edu_ask_more(&pages.edu, TOO_MANY);
		pages_start(PAGES_IOVA);
		wait_answers(edu_answers(&pages.edu, 0) + 3);
		if (!told)
			check_eq(pages_next(&fault, 1), 1);
		check_eq(fault.dev_id, second.id);
		check_eq(fault.addr, PAGES_IOVA + (1 + told) * PAGE);
		pages_map(1 + told);
		require_ok(faults_answer(&pages.queue, fault.cookie, SUCCESS));
		require_ok(edu_wait(&edu));
		check_eq(edu_result(&edu), 0);
		edu_ask_more(&pages.edu, 0);
		if (told)
			check_mended(1);
		else {
			check_eq(pages_next(&fault, 1), 1);
			require_ok(faults_answer(&pages.queue, fault.cookie, INVALID));
			require_ok(edu_wait(&pages.edu));
		}
	}
}

static void detach(void)
{
	require_ok(device_detach(&pages.dev));
}

static void replace(void)
{
	require_ok(device_attach(&pages.dev, pages.plain));
}

static void close_queue(void)
{
	close(pages.queue.fd);
}

/* What a device's page requests are for ends while the queue overflows. */
static void overflow_ended(void)
{
	static void (*const end[])(void) = { detach, replace, close_queue };

	for (size_t i = 0; i < ARRAY_SIZE(end); i++) {
		pages_up();
		edu_set_tries(&pages.edu, 200);
		edu_ask_more(&pages.edu, TOO_MANY);
		pages_start(PAGES_IOVA);
		wait_answers(2);
		end[i]();
		edu_ask_more(&pages.edu, 0);
		if (end[i] != close_queue || !tap_oracle()) {
			require_ok(edu_wait(&pages.edu));
			check(edu_result(&pages.edu) != 0);
		}
		check(!pages_arrived(0));
		pages_down();
		pages_up();
		pages_check_works(1);
		pages_down();
	}
}

static uint32_t answered(void)
{
	uint32_t sum = 0;

	for (int which = 0; which < 3; which++)
		sum += edu_ask_answers(&pages.edu, which);
	return sum;
}

static void check_answered(uint32_t n)
{
	double end = tap_now() + 10 * tap_patience();

	while (answered() < n && tap_now() < end)
		pause_ms();
	check_eq(answered(), n);
}

/*
 * Requests on their way to user space, some of them read, when their attachment ends.  Groups
 * of one: of others that are for nobody any more the kernel's core answers each request.
 */
static void late_rounds(void (*end)(void), void (*again)(void))
{
	uint32_t asked = 0;
	fault_t fault;

	/* Linux's own can do those that aren't skipped before. */
	if (!tap_oracle())
		pages_need_guard();
	for (int round = 0; round < 12; round++) {
		for (int i = 0; i < 40; i++, asked++)
			edu_ask(&pages.edu, PAGES_IOVA + i % 8 * PAGE);
		for (int i = 0; i < round % 4; i++)
			check_eq(pages_next(&fault, 1), 1);
		end();
		/* Nothing is for whoever comes next. */
		check_answered(asked);
		pages_check_none();
		again();
	}
	check_eq(edu_ask_answers(&pages.edu, 0), 0);
	pages_check_works(0);
}

/* By its function, as a guest does it. */
static int reset_by_config(void)
{
	unsigned int at = device_capability(&pages.dev, PCI_CAP_ID_EXP) + PCI_EXP_DEVCTL;
	uint16_t control;
	int ret = device_config_read(&pages.dev, at, &control, 2);

	control |= PCI_EXP_DEVCTL_BCR_FLR;
	return ret ?: device_config_write(&pages.dev, at, &control, 2);
}

static int reset_by_call(void)
{
	return device_reset(&pages.dev);
}

static int (*const reset[])(void) = { reset_by_call, reset_by_config };

static void attach(void)
{
	require_ok(device_attach(&pages.dev, pages.hwpt));
}

static void late(void (*end)(void))
{
	pages_up();
	late_rounds(end, attach);
}

/* The kernel lets faults go before it waits for those on their way, and takes them again. */
static void late_reset(void)
{
	pages_need_guard();
	for (int round = 0; round < 12; round++) {
		fault_t fault;

		pages_up();
		for (int i = 0; i < 40; i++)
			edu_ask(&pages.edu, PAGES_IOVA + i % 8 * PAGE);
		for (int i = 0; i < round % 4; i++)
			check_eq(pages_next(&fault, 1), 1);
		/* And more while it lasts: what is refused is asked again. */
		edu_set_tries(&pages.edu, 1000000);
		edu_repeat(&pages.edu, true);
		pages_start(PAGES_IOVA + 7 * PAGE);
		require_ok(reset[round % 2]());
		/* By the same attachment. */
		pages_revive();
		while (events_poll(&pages.queue) & POLLIN)
			pages_next(&fault, 1);
		pages_check_works(0);
		pages_down();
		close(pages.queue.fd);
		close(pages.fd);
	}
}

static void late_detached(void)
{
	pages_need_guard();
	late(detach);
}

static void late_replaced(void)
{
	late(replace);
}

static void attach_5(void)
{
	require_ok(pages_attach_pasid(5, pages.hwpt));
}

static void detach_5(void)
{
	require_ok(pages_detach_pasid(5));
}

static void replace_5(void)
{
	require_ok(pages_attach_pasid(5, pages.plain));
}

/* The same with a PASID, which alone has faults. */
static void late_pasid(void (*end)(void))
{
	pages_up_with(IOMMU_HWPT_ALLOC_PASID);
	replace();
	attach_5();
	edu_use_pasid(&pages.edu, 5);
	late_rounds(end, attach_5);
}

static void late_pasid_detached(void)
{
	late_pasid(detach_5);
}

static void late_pasid_replaced(void)
{
	pages_need_guard();
	late_pasid(replace_5);
}

static bool come_and_go_round(struct race *race, struct race_side *side)
{
	int ret;

	(void)race;
	race_begin(side);
	ret = pages_attach_pasid(5, pages.hwpt);
	race_end(side, !ret);
	if (ret)
		return check_msg(ret == -EBUSY, "attach: %d", ret);
	/* A reset forgets it. */
	edu_use_pasid(&pages.edu, 5);
	edu_ask(&pages.edu, PAGES_IOVA);
	if (race_random(side) % 2) {
		ret = pages_attach_pasid(5, pages.plain);
		if (ret && !check_msg(ret == -EBUSY, "replace: %d", ret))
			return false;
	}
	race_begin(side);
	ret = pages_detach_pasid(5);
	race_end(side, !ret);
	return check_msg(!ret, "detach: %d", ret);
}

static bool reset_round(struct race *race, struct race_side *side)
{
	int ret;

	(void)race;
	race_begin(side);
	ret = device_reset(&pages.dev);
	race_end(side, !ret);
	/* Another thread has the device's configuration space. */
	return check_msg(!ret || ret == -EAGAIN, "reset: %d", ret);
}

/* The kernel moves each PASID's page table out of the way of a reset, and back. */
static void pasid_reset(void)
{
	struct race race = {
		.side = {
			{ .name = "come and go", .round = come_and_go_round },
			{ .name = "reset", .round = reset_round },
		},
	};

	pages_need_guard();
	pages_up_with(IOMMU_HWPT_ALLOC_PASID);
	replace();
	race_run(&race);
	pages_down();
}

/* The file goes with requests on their way; later ones are refused at once. */
static void late_closed(void)
{
	uint32_t asked = 0;

	if (tap_oracle())
		tap_skip("Linux's own leaves them until the queue is destroyed");
	pages_need_guard();
	pages_up();
	for (; asked < 40; asked++)
		edu_ask(&pages.edu, PAGES_IOVA);
	close(pages.queue.fd);
	for (; asked < 60; asked++)
		edu_ask(&pages.edu, PAGES_IOVA);
	check_answered(asked);
	check_eq(edu_ask_answers(&pages.edu, 0), 0);
}

/*
 * A queue that nobody reads takes a limited number of pages, and refuses what is beyond; it
 * can be read then, and takes others.
 */
static void flooded(void)
{
	const int pages_each = 512;
	static fault_t fault[512];
	uint32_t asked = 0, read = 0, overflowed;
	double end = tap_now() + 30 * tap_patience();

	if (tap_oracle())
		tap_skip("Linux's own has no limit");
	pages_up();
	edu_ask_more(&pages.edu, pages_each - 1);
	while (!edu_ask_answers(&pages.edu, 1) && tap_now() < end) {
		edu_ask(&pages.edu, PAGES_IOVA);
		asked++;
		pause_ms();
	}
	require(edu_ask_answers(&pages.edu, 1) > 0);
	/* What the IOMMU answered, as its queue was full. */
	overflowed = edu_ask_answers(&pages.edu, 0);
	while (answered() < asked && tap_now() < end) {
		if (!(events_poll(&pages.queue) & POLLIN)) {
			pause_ms();
			continue;
		}
		require(pages_next(fault, pages_each) == pages_each);
		check_eq(fault[pages_each - 1].addr, PAGES_IOVA + (pages_each - 1) * PAGE);
		require_ok(faults_answer(&pages.queue, fault[0].cookie, SUCCESS));
		read++;
	}
	check_eq(answered(), asked);
	check(read >= 16384u / pages_each);
	check_eq(edu_ask_answers(&pages.edu, 0) - overflowed, read);
	edu_ask_more(&pages.edu, 0);
	pages_check_works(0);
}

static const struct test tests[] = {
	{ "markers", markers },
	{ "overflow", overflow },
	{ "overflow_beside", overflow_beside },
	{ "overflow_ended", overflow_ended, 120 },
	{ "late_reset", late_reset, 120 },
	{ "late_detached", late_detached },
	{ "late_replaced", late_replaced },
	{ "late_pasid_detached", late_pasid_detached },
	{ "late_pasid_replaced", late_pasid_replaced },
	{ "pasid_reset", pasid_reset },
	{ "late_closed", late_closed },
	{ "flooded", flooded },
};

TAP_MAIN("fault_late", tests)
