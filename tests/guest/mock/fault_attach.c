// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page faults and the attachment that they are of: which are refused when it ends, with two
 * devices, with a PASID, and with nested page tables.
 */
#include <errno.h>
#include <unistd.h>

#include "events.h"
#include "fault_scene.h"
#include "mem.h"
#include "tap.h"

/* What nobody can answer any more is refused. */
static void moves_away(void)
{
	uint32_t cookie;

	faults_up();
	faults_fault(PAGE);
	cookie = faults_take(PAGE);
	faults_fault(2 * PAGE);
	check_ret(mock_replace(faults.fd, &faults.m, faults.plain), 0);
	faults_check_empty();
	check_ret(faults_answer(&faults.q, cookie, SUCCESS), -EINVAL);
	/* it has no queue there */
	mock_fault(faults.fd, &faults.m, 0, 1, PAGE);
	faults_check_empty();

	check_ret(mock_replace(faults.fd, &faults.m, faults.hwpt), 0);
	faults_fault(PAGE);
	cookie = faults_take(PAGE);
	faults_fault(2 * PAGE);
	check_ret(mock_unplug(faults.fd, &faults.m), 0);
	faults_check_empty();
	check_ret(faults_answer(&faults.q, cookie, SUCCESS), -EINVAL);
	check_ret(iommu_destroy(faults.fd, faults.hwpt), 0);
	close(faults.q.fd);
	check_ret(iommu_destroy(faults.fd, faults.q.id), 0);
}

/* Two devices share a queue: one leaves, the other's faults stay. */
static void two_devices(void)
{
	record r[2] = {};
	struct mock m2;

	faults_up();
	require_ok(mock_device(faults.fd, faults.hwpt, 0, &m2));
	require_ok(mock_fault(faults.fd, &m2, 0, 1, PAGE));
	faults_fault(2 * PAGE);
	require_ok(mock_fault(faults.fd, &m2, 0, 1, 3 * PAGE));
	faults_fault(4 * PAGE);
	check_ret(events_read(&faults.q, r, sizeof(r)), sizeof(r));
	check_eq(r[0].dev_id, m2.dev);
	check_eq(r[1].dev_id, faults.m.dev);
	check_ret(mock_unplug(faults.fd, &m2), 0);
	check_ret(faults_answer(&faults.q, r[0].cookie, SUCCESS), -EINVAL);
	check_ret(faults_answer(&faults.q, r[1].cookie, SUCCESS), 0);
	check_ret(faults_answer(&faults.q, faults_take(4 * PAGE), SUCCESS), 0);
	faults_check_empty();
	faults_down();
}

/* Two devices that the IOMMU can't tell apart: the first one leaves. */
static void one_group(void)
{
	record r[2] = {};
	struct mock m2;

	if (tap_oracle())
		tap_skip("Linux's mock has one device in a group");
	faults_up();
	require_ok(mock_device_beside(faults.fd, faults.hwpt, 0, &faults.m, &m2));
	check(m2.dev != faults.m.dev);
	faults_fault(PAGE);
	require_ok(mock_fault(faults.fd, &m2, 0, 1, 2 * PAGE));
	faults_fault(3 * PAGE);
	require_ok(mock_fault(faults.fd, &m2, 0, 1, 4 * PAGE));
	check_ret(events_read(&faults.q, r, sizeof(r)), sizeof(r));
	check_eq(r[0].dev_id, faults.m.dev);
	check_eq(r[1].dev_id, m2.dev);
	/* the attachment stays, the device that came first doesn't */
	check_ret(mock_unplug(faults.fd, &faults.m), 0);
	check_ret(faults_answer(&faults.q, r[0].cookie, SUCCESS), -EINVAL);
	check_ret(faults_answer(&faults.q, r[1].cookie, SUCCESS), 0);
	check_ret(faults_answer(&faults.q, faults_take(4 * PAGE), SUCCESS), 0);
	require_ok(mock_fault(faults.fd, &m2, 0, 1, 5 * PAGE));
	check_ret(events_read(&faults.q, r, sizeof(r[0])), sizeof(r[0]));
	check_eq(r[0].dev_id, m2.dev);
	/* both are moved by one */
	faults.m = m2;
	check_ret(mock_replace(faults.fd, &faults.m, faults.plain), 0);
	check_ret(faults_answer(&faults.q, r[0].cookie, SUCCESS), -EINVAL);
	faults_check_empty();
	faults_down();
}

/* A PASID's attachment ends, that without PASID stays. */
static void pasid(void)
{
	record r[3] = {};

	faults_up();
	require_ok(mock_pasid_attach(faults.fd, &faults.m, 5, faults.hwpt));
	require_ok(mock_fault(faults.fd, &faults.m, 5, 1, PAGE));
	faults_fault(2 * PAGE);
	check_ret(events_read(&faults.q, r, sizeof(r)), 2 * sizeof(r[0]));
	check_eq(r[0].flags, IOMMU_PGFAULT_FLAGS_LAST_PAGE |
			     IOMMU_PGFAULT_FLAGS_PASID_VALID);
	check_eq(r[0].pasid, 5);
	check_eq(r[0].dev_id, faults.m.dev);
	check_eq(r[1].flags, IOMMU_PGFAULT_FLAGS_LAST_PAGE);
	require_ok(mock_fault(faults.fd, &faults.m, 5, 2, 3 * PAGE));
	faults_fault(4 * PAGE);
	check_ret(mock_pasid_detach(faults.fd, &faults.m, 5), 0);
	check_ret(faults_answer(&faults.q, r[0].cookie, SUCCESS), -EINVAL);
	check_ret(faults_answer(&faults.q, r[1].cookie, SUCCESS), 0);
	check_ret(faults_answer(&faults.q, faults_take(4 * PAGE), SUCCESS), 0);
	faults_check_empty();
	/* the other way round */
	require_ok(mock_pasid_attach(faults.fd, &faults.m, 5, faults.hwpt));
	faults_fault(2 * PAGE);
	require_ok(mock_fault(faults.fd, &faults.m, 5, 1, PAGE));
	check_ret(mock_replace(faults.fd, &faults.m, faults.ioas), -EINVAL);
	check_ret(faults_answer(&faults.q, faults_take(2 * PAGE), SUCCESS), 0);
	check_ret(faults_answer(&faults.q, faults_take(PAGE), SUCCESS), 0);
	check_ret(mock_pasid_detach(faults.fd, &faults.m, 5), 0);
	faults_down();
}

static void nested(void)
{
	uint32_t parent, id;

	faults_up();
	require_ok(hwpt_alloc(faults.fd, faults.m.dev, faults.ioas, IOMMU_HWPT_ALLOC_NEST_PARENT,
			      &parent));
	check_ret(nested_with_faults(faults.fd, faults.m.dev, parent, UINT32_MAX, &id), -ENOENT);
	require_ok(nested_with_faults(faults.fd, faults.m.dev, parent, faults.q.id, &id));
	check_ret(mock_replace(faults.fd, &faults.m, id), 0);
	faults_fault(PAGE);
	check_ret(faults_answer(&faults.q, faults_take(PAGE), SUCCESS), 0);
	faults_fault(PAGE);
	check_ret(mock_replace(faults.fd, &faults.m, faults.hwpt), 0);
	faults_check_empty();
	check_ret(iommu_destroy(faults.fd, id), 0);
	check_ret(iommu_destroy(faults.fd, parent), 0);
	faults_down();
}

static const struct test tests[] = {
	{ "moves_away", moves_away },
	{ "two_devices", two_devices },
	{ "one_group", one_group },
	{ "pasid", pasid },
	{ "nested", nested },
};

TAP_MAIN("fault_attach", tests)
