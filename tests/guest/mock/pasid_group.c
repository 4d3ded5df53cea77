// SPDX-License-Identifier: GPL-2.0-only
/*
 * PASIDs of groups, of several devices and with nested page tables.
 */
#include <errno.h>
#include <unistd.h>

#include "events.h"
#include "mem.h"
#include "mock.h"
#include "pasid_scene.h"
#include "tap.h"

static void nested(void)
{
	uint32_t parent, n[2];

	pasids_need_pasids();
	parent = pasids_table(IOMMU_HWPT_ALLOC_NEST_PARENT | FIT);
	for (int i = 0; i < 2; i++)
		require_ok(mock_hwpt_nested(pasids.fd, pasids.dev.dev, parent, FIT, &n[i]));
	check_ret(pasids_attach(5, n[0]), 0);
	check_ret(pasids_attach(6, parent), 0);
	check_ret(pasids_attach(7, n[1]), 0);
	check_ret(pasids_at(5, n[0]), 0);
	check_ret(pasids_at(6, parent), 0);
	check_ret(pasids_replace(5, n[1]), 0);
	check_ret(pasids_replace(6, n[1]), 0);
	check_ret(pasids_replace(7, parent), 0);
	check_ret(iommu_destroy(pasids.fd, n[0]), 0);
	check_ret(iommu_destroy(pasids.fd, n[1]), -EBUSY);
	check_ret(iommu_destroy(pasids.fd, parent), -EBUSY);
	check_ret(mock_replace(pasids.fd, &pasids.dev, n[1]), 0);
	pasids_detach_all();
	check_ret(mock_replace(pasids.fd, &pasids.dev, pasids.home), 0);
	check_ret(iommu_destroy(pasids.fd, n[1]), 0);
	check_ret(iommu_destroy(pasids.fd, parent), 0);
}

/* What is mapped while PASIDs are attached is there for them. */
static void follows(void)
{
	struct iommu_test_cmd cmd;
	uint64_t pasids_at = MOCK_APERTURE_START;
	struct mem m;

	pasids_need_pasids();
	mem_get(&m, MEM_ANON, 4 * PAGE);
	require_ok(pasids_attach(5, pasids.fit[0]));
	require_ok(ioas_map_at(pasids.fd, pasids.ioas, m.va, m.size, pasids_at));
	cmd = (struct iommu_test_cmd){ .check_map = {
		.iova = pasids_at, .length = m.size, .uptr = (uintptr_t)m.va } };
	check_ret(mock_cmd(pasids.fd, IOMMU_TEST_OP_MD_CHECK_MAP, pasids.fit[0], &cmd), 0);
	check_ret(pasids_replace(5, pasids.fit[1]), 0);
	check_ret(mock_cmd(pasids.fd, IOMMU_TEST_OP_MD_CHECK_MAP, pasids.fit[1], &cmd), 0);
	check_ret(pasids_detach(5), 0);
	check_eq(ioas_unmap_all(pasids.fd, pasids.ioas), m.size);
}

/* A device takes all its PASIDs along, and so does a context. */
static void many(void)
{
	const uint32_t n = 600 / tap_time_factor();
	uint32_t pasid;

	if (tap_oracle())
		tap_skip("its mock doesn't detach PASIDs");
	pasids_need_pasids();
	for (pasid = 1; pasid <= n; pasid++)
		require_ok(pasids_attach(pasid * 521, pasids.fit[pasid % 2]));
	for (pasid = 1; pasid <= n; pasid += 3)
		require_ok(pasids_replace(pasid * 521, pasids.home));
	check_ret(mock_unplug(pasids.fd, &pasids.dev), 0);
	check_ret(iommu_destroy(pasids.fd, pasids.fit[0]), 0);
	require_ok(mock_device(pasids.fd, pasids.home, MOCK_FLAGS_DEVICE_PASID, &pasids.dev));
	for (pasid = 1; pasid <= n; pasid++)
		require_ok(pasids_attach(pasid * 521, pasids.fit[1]));
	close(pasids.fd);
}

/* Two devices, each with a group of its own, share page tables and PASIDs. */
static void two_devices(void)
{
	struct mock other;

	pasids_need_pasids();
	require_ok(mock_device(pasids.fd, pasids.home, MOCK_FLAGS_DEVICE_PASID, &other));
	check_ret(pasids_attach(5, pasids.fit[0]), 0);
	check_ret(mock_pasid_attach(pasids.fd, &other, 5, pasids.fit[0]), 0);
	check_ret(mock_pasid_attach(pasids.fd, &other, 6, pasids.fit[1]), 0);
	check_ret(pasids_detach(5), 0);
	check_ret(mock_pasid_check(pasids.fd, &other, 5, pasids.fit[0]), 0);
	check_ret(iommu_destroy(pasids.fd, pasids.fit[0]), -EBUSY);
	check_ret(mock_pasid_detach(pasids.fd, &other, 5), 0);
	check_ret(mock_pasid_detach(pasids.fd, &other, 6), 0);
	check_ret(mock_unplug(pasids.fd, &other), 0);
	check_ret(iommu_destroy(pasids.fd, pasids.fit[0]), 0);
	check_ret(iommu_destroy(pasids.fd, pasids.fit[1]), 0);
}

/* Two in one group: what is attached to a PASID is so for both. */
static struct mock need_pair(void)
{
	struct mock b, none;

	if (tap_oracle())
		tap_skip("its mock has no groups of two");
	pasids_need_pasids();
	check_ret(mock_device_beside(pasids.fd, pasids.fit[0], MOCK_FLAGS_DEVICE_PASID, &pasids.dev,
				     &none), -EINVAL);
	require_ok(mock_device_beside(pasids.fd, pasids.home, MOCK_FLAGS_DEVICE_PASID, &pasids.dev, &b));
	check_eq(b.hwpt, pasids.home);
	return b;
}

static void group(void)
{
	struct mock b = need_pair();

	check_ret(pasids_attach(5, pasids.fit[0]), 0);
	check_ret(mock_pasid_attach(pasids.fd, &b, 5, pasids.fit[1]), -EINVAL);
	check_ret(mock_pasid_replace(pasids.fd, &b, 5, pasids.fit[1]), -EINVAL);
	check_ret(mock_pasid_detach(pasids.fd, &b, 5), 0);
	check_ret(pasids_at(5, pasids.fit[0]), 0);
	check_ret(mock_pasid_attach(pasids.fd, &b, 5, pasids.fit[0]), 0);
	check_ret(mock_pasid_attach(pasids.fd, &b, 5, pasids.fit[0]), -EBUSY);
	check_ret(mock_pasid_check(pasids.fd, &b, 5, pasids.fit[0]), 0);
	/* both move */
	check_ret(mock_pasid_replace(pasids.fd, &b, 5, pasids.fit[1]), 0);
	check_ret(pasids_at(5, pasids.fit[1]), 0);
	check_ret(iommu_destroy(pasids.fd, pasids.fit[0]), 0);
	/* and the last one ends it */
	check_ret(pasids_detach(5), 0);
	check_ret(pasids_at(5, pasids.fit[1]), 0);
	check_ret(mock_pasid_check(pasids.fd, &b, 5, pasids.fit[1]), 0);
	check_ret(pasids_replace(5, pasids.home), -EINVAL);
	check_ret(iommu_destroy(pasids.fd, pasids.fit[1]), -EBUSY);
	check_ret(mock_replace(pasids.fd, &pasids.dev, pasids.unfit), -EINVAL);
	check_ret(mock_pasid_detach(pasids.fd, &b, 5), 0);
	check_ret(pasids_at(5, 0), 0);
	check_ret(mock_pasid_check(pasids.fd, &b, 5, 0), 0);
	check_ret(mock_replace(pasids.fd, &pasids.dev, pasids.unfit), 0);
	check_ret(iommu_destroy(pasids.fd, pasids.fit[1]), 0);
}

/* The device that came first goes, and the other one goes on. */
static void group_leaves(void)
{
	struct mock b = need_pair();

	check_ret(pasids_attach(5, pasids.fit[0]), 0);
	check_ret(pasids_attach(6, pasids.fit[0]), 0);
	check_ret(mock_pasid_attach(pasids.fd, &b, 5, pasids.fit[0]), 0);
	check_ret(mock_unplug(pasids.fd, &pasids.dev), 0);
	check_ret(mock_pasid_check(pasids.fd, &b, 5, pasids.fit[0]), 0);
	check_ret(mock_pasid_check(pasids.fd, &b, 6, 0), 0);
	check_ret(mock_pasid_replace(pasids.fd, &b, 5, pasids.fit[1]), 0);
	check_ret(mock_pasid_attach(pasids.fd, &b, 6, pasids.fit[1]), 0);
	check_ret(mock_replace(pasids.fd, &b, pasids.fit[1]), 0);
	check_ret(iommu_destroy(pasids.fd, pasids.fit[0]), 0);
	check_ret(iommu_destroy(pasids.fd, pasids.home), 0);
	check_ret(mock_pasid_detach(pasids.fd, &b, 5), 0);
	check_ret(mock_unplug(pasids.fd, &b), 0);
	check_ret(iommu_destroy(pasids.fd, pasids.fit[1]), 0);
	check_ret(iommu_destroy(pasids.fd, pasids.unfit), 0);
	check_ret(iommu_destroy(pasids.fd, pasids.ioas), 0);
}

/* One without PASIDs has page tables that fit them, but no use for it. */
static void plain_device(void)
{
	struct mock plain;

	pasids_need_pasids();
	require_ok(mock_device(pasids.fd, pasids.ioas, 0, &plain));
	check_ret(mock_replace(pasids.fd, &plain, pasids.fit[0]), 0);
	check_ret(mock_replace(pasids.fd, &plain, pasids.ioas), 0);
	check_ret(mock_pasid_attach(pasids.fd, &plain, 5, pasids.fit[0]), -EINVAL);
	check_ret(mock_pasid_attach(pasids.fd, &plain, 5, pasids.unfit), -EINVAL);
	check_ret(mock_pasid_check(pasids.fd, &plain, 5, 0), 0);
}

static const struct test tests[] = {
	{ "nested", nested },
	{ "follows", follows },
	{ "many", many },
	{ "two_devices", two_devices },
	{ "group", group },
	{ "group_leaves", group_leaves },
	{ "plain_device", plain_device },
};

TAP_MAIN("pasid_group", tests)
