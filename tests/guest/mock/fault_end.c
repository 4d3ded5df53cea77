// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page faults that come while what they are for ends.  The device asks once more before its
 * driver takes it off the list of those that report faults, and after that; that nobody has
 * such a fault is looked at by the mock, and by the kernel.
 */
#include <errno.h>
#include <unistd.h>

#include "events.h"
#include "fault_scene.h"
#include "mem.h"
#include "stuck.h"
#include "tap.h"
#include "world.h"

#define PASID	5

static void up(void)
{
	if (tap_oracle())
		tap_skip("no device of Linux's mock ends page faults so");
	faults_up_with(MOCK_FLAGS_DEVICE_ENDS_EARLY);
}

static void up_with_pasid(void)
{
	up();
	require_ok(mock_pasid_attach(faults.fd, &faults.m, PASID, faults.hwpt));
}

/* Where only the PASID has faults. */
static void up_with_pasid_alone(void)
{
	uint32_t plain;

	up_with_pasid();
	require_ok(hwpt_alloc(faults.fd, faults.m.dev, faults.ioas, IOMMU_HWPT_ALLOC_PASID,
			      &plain));
	require_ok(mock_replace(faults.fd, &faults.m, plain));
	require_ok(iommu_destroy(faults.fd, faults.plain));
	faults.plain = plain;
}

static void ask(uint32_t pasid, uint64_t addr)
{
	require_ok(mock_fault(faults.fd, &faults.m, pasid, 7, addr));
}

/* A fault is told and answered. */
static void check_works(uint32_t pasid)
{
	ask(pasid, 9 * PAGE);
	check_ret(faults_answer(&faults.q, faults_take(9 * PAGE), SUCCESS), 0);
	faults_check_empty();
}

/* What was read can't be answered any more, and nothing else is to be read. */
static void check_ended(uint32_t pasid, int (*end)(void))
{
	uint32_t cookie;

	ask(pasid, PAGE);
	cookie = faults_take(PAGE);
	ask(pasid, 2 * PAGE);
	require_ok(mock_fault_more(faults.fd, &faults.m, pasid, 8, 3 * PAGE));
	require_ok(end());
	faults_check_empty();
	check_ret(faults_answer(&faults.q, cookie, SUCCESS), -EINVAL);
	ask(pasid, 4 * PAGE);
	faults_check_empty();
}

static int to_plain(void)
{
	return mock_replace(faults.fd, &faults.m, faults.plain);
}

static int to_faults(void)
{
	return mock_replace(faults.fd, &faults.m, faults.hwpt);
}

static int detach_pasid(void)
{
	return mock_pasid_detach(faults.fd, &faults.m, PASID);
}

static int attach_pasid(void)
{
	return mock_pasid_attach(faults.fd, &faults.m, PASID, faults.hwpt);
}

static int pasid_to_plain(void)
{
	return mock_pasid_replace(faults.fd, &faults.m, PASID, faults.plain);
}

static int pasid_to_faults(void)
{
	return mock_pasid_replace(faults.fd, &faults.m, PASID, faults.hwpt);
}

static void rounds(uint32_t pasid, int (*end)(void), int (*again)(void))
{
	for (int i = 0; i < 4; i++) {
		check_ended(pasid, end);
		require_ok(again());
		check_works(pasid);
	}
}

static void replaced(void)
{
	up();
	rounds(0, to_plain, to_faults);
	faults_down();
}

/* By the device's going, which detaches it. */
static void detached(void)
{
	uint32_t cookie;

	up();
	ask(0, PAGE);
	cookie = faults_take(PAGE);
	ask(0, 2 * PAGE);
	check_ret(mock_unplug(faults.fd, &faults.m), 0);
	faults_check_empty();
	check_ret(faults_answer(&faults.q, cookie, SUCCESS), -EINVAL);
}

static void pasid_detached(void)
{
	up_with_pasid_alone();
	rounds(PASID, detach_pasid, attach_pasid);
	require_ok(detach_pasid());
	faults_down();
}

static void pasid_replaced(void)
{
	up_with_pasid_alone();
	rounds(PASID, pasid_to_plain, pasid_to_faults);
	require_ok(detach_pasid());
	faults_down();
}

/* Each of two ends, and the other's faults go on. */
static void one_of_two(void)
{
	up_with_pasid();
	for (int i = 0; i < 4; i++) {
		check_ended(PASID, detach_pasid);
		check_works(0);
		require_ok(attach_pasid());
		check_works(PASID);
	}
	require_ok(mock_fault(faults.fd, &faults.m, 0, 7, PAGE));
	require_ok(mock_fault(faults.fd, &faults.m, PASID, 7, 2 * PAGE));
	require_ok(detach_pasid());
	check_ret(faults_answer(&faults.q, faults_take(PAGE), SUCCESS), 0);
	faults_check_empty();
	faults_down();
}

/* In the place of a page table with faults comes a nested one, with faults and without. */
static void nested(void)
{
	uint32_t parent, with, without;

	up();
	require_ok(hwpt_alloc(faults.fd, faults.m.dev, faults.ioas, IOMMU_HWPT_ALLOC_NEST_PARENT,
			      &parent));
	require_ok(nested_with_faults(faults.fd, faults.m.dev, parent, faults.q.id, &with));
	require_ok(mock_hwpt_nested(faults.fd, faults.m.dev, parent, 0, &without));
	for (int i = 0; i < 4; i++) {
		uint32_t cookie;

		ask(0, PAGE);
		cookie = faults_take(PAGE);
		require_ok(mock_replace(faults.fd, &faults.m, with));
		check_ret(faults_answer(&faults.q, cookie, SUCCESS), -EINVAL);
		check_works(0);
		require_ok(mock_replace(faults.fd, &faults.m, without));
		ask(0, PAGE);
		faults_check_empty();
		require_ok(to_faults());
		check_works(0);
	}
	require_ok(to_plain());
	require_ok(iommu_destroy(faults.fd, with));
	require_ok(iommu_destroy(faults.fd, without));
	require_ok(iommu_destroy(faults.fd, parent));
	faults_down();
}

/* The driver doesn't take what shall come, and the faults go on. */
static void refused(void)
{
	uint32_t tracking;
	struct mock other;

	if (tap_oracle())
		tap_skip("no device of Linux's mock ends page faults so");
	faults_up_with(MOCK_FLAGS_DEVICE_ENDS_EARLY | MOCK_FLAGS_DEVICE_NO_DIRTY);
	require_ok(mock_device(faults.fd, faults.ioas, 0, &other));
	require_ok(hwpt_alloc(faults.fd, other.dev, faults.ioas, IOMMU_HWPT_ALLOC_DIRTY_TRACKING,
			      &tracking));
	for (int i = 0; i < 4; i++) {
		ask(0, PAGE);
		check_ret(mock_replace(faults.fd, &faults.m, tracking), -EINVAL);
		check_ret(faults_answer(&faults.q, faults_take(PAGE), SUCCESS), 0);
		check_works(0);
	}
	require_ok(to_plain());
	require_ok(mock_unplug(faults.fd, &other));
	require_ok(iommu_destroy(faults.fd, tracking));
	faults_down();
}

/* The kernel blocks the device's DMA, and lets it go on, by the same attachment. */
static void reset(void)
{
	up();
	for (int i = 0; i < 4; i++) {
		uint32_t cookie;
		int ret;

		ask(0, PAGE);
		cookie = faults_take(PAGE);
		ask(0, 2 * PAGE);
		ret = mock_reset(faults.fd, &faults.m);
		if (ret == -EOPNOTSUPP)
			tap_skip("this kernel surrounds no resets");
		require_ok(ret);
		/* What was told before can be answered. */
		check_ret(faults_answer(&faults.q, cookie, SUCCESS), 0);
		check_ret(faults_answer(&faults.q, faults_take(2 * PAGE), SUCCESS), 0);
		check_works(0);
	}
	require_ok(to_plain());
	require_ok(mock_reset(faults.fd, &faults.m));
	require_ok(to_faults());
	check_works(0);
	faults_down();
}

static int call_to_plain(void *unused)
{
	(void)unused;
	return to_plain();
}

static int call_detach_pasid(void *unused)
{
	(void)unused;
	return detach_pasid();
}

static int call_reset(void *unused)
{
	(void)unused;
	return mock_reset(faults.fd, &faults.m);
}

/* What ends the faults waits for one that is being reported.  It is told, then refused. */
static void check_waits(uint32_t pasid, int (*end)(void *))
{
	struct call call;

	require_ok(mock_fault_hold(faults.fd, &faults.m, pasid, 7, PAGE));
	call_start(&call, end, NULL);
	usleep(200000);
	check(!call_over(&call));
	require_ok(mock_fault_go(faults.fd, &faults.m));
	require(call_returns(&call));
	check_ret(call.ret, 0);
}

static void waits(void)
{
	up_with_pasid_alone();
	if (kernel_before(7, 0))
		tap_skip("faults are switched off after the detach");
	check_waits(PASID, call_detach_pasid);
	faults_check_empty();
	require_ok(to_faults());
	check_waits(0, call_to_plain);
	faults_check_empty();
	require_ok(to_faults());
	check_waits(0, call_reset);
	check_ret(faults_answer(&faults.q, faults_take(PAGE), SUCCESS), 0);
	check_works(0);
	faults_down();
}

/*
 * A driver may not wait at all: the fault has found its attachment, which was replaced since,
 * and whose page table and queue are gone.  Its memory stays, and the fault is refused.
 */
static void outlives(void)
{
	struct fault_scene old;

	if (tap_oracle())
		tap_skip("Linux's mock can't hold a fault");
	faults_up();
	old = faults;
	require_ok(faults_alloc(faults.fd, &faults.q));
	require_ok(hwpt_with_faults(faults.fd, faults.m.dev, faults.ioas, 0, faults.q.id,
				    &faults.hwpt));
	require_ok(mock_fault_hold(faults.fd, &faults.m, 0, 7, PAGE));
	require_ok(to_faults());
	require_ok(iommu_destroy(faults.fd, old.hwpt));
	close(old.q.fd);
	require_ok(iommu_destroy(faults.fd, old.q.id));
	/* Longer than an attachment is kept that no fault uses. */
	sleep(4);
	require_ok(mock_fault_go(faults.fd, &faults.m));
	faults_check_empty();
	check_works(0);
	check_ret(mock_fault_go(faults.fd, &faults.m), -ENOENT);
	faults_down();
}

/* The same where it comes back to the page table in between, whose queue isn't told either. */
static void comes_back(void)
{
	uint32_t other;

	if (tap_oracle())
		tap_skip("Linux's mock can't hold a fault");
	faults_up();
	require_ok(hwpt_with_faults(faults.fd, faults.m.dev, faults.ioas, 0, faults.q.id, &other));
	require_ok(mock_fault_hold(faults.fd, &faults.m, 0, 7, PAGE));
	require_ok(mock_replace(faults.fd, &faults.m, other));
	require_ok(to_faults());
	require_ok(mock_fault_go(faults.fd, &faults.m));
	faults_check_empty();
	check_works(0);
	require_ok(iommu_destroy(faults.fd, other));
	faults_down();
}

static const struct test tests[] = {
	{ "replaced", replaced },
	{ "detached", detached },
	{ "pasid_detached", pasid_detached },
	{ "pasid_replaced", pasid_replaced },
	{ "one_of_two", one_of_two },
	{ "nested", nested },
	{ "refused", refused },
	{ "reset", reset },
	{ "waits", waits },
	{ "outlives", outlives },
	{ "comes_back", comes_back },
};

TAP_MAIN("fault_end", tests)
