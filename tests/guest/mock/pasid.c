// SPDX-License-Identifier: GPL-2.0-only
/*
 * PASIDs: attached, replaced and detached, which page tables fit, and what happens
 * beside them.  On the mock IOMMU, as a driver in the kernel would do it.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "events.h"
#include "mem.h"
#include "mock.h"
#include "tap.h"

#define NO_PASID 0			/* the DMA without one */
#define PASIDS	(1u << MOCK_PASID_WIDTH)
#define FIT	IOMMU_HWPT_ALLOC_PASID

/* A device with PASIDs, attached to a page table that fits them. */
static struct scene {
	int fd;
	uint32_t ioas;
	uint32_t home;		/* for the device's DMA without PASID */
	uint32_t fit[2], unfit;
	struct mock dev;
} s;

/* On Linux 6.1 nothing can be attached to a PASID. */
static bool no_pasids(void)
{
	return kernel_before(6, 12);
}

static uint32_t table(uint32_t flags)
{
	uint32_t id;

	require_ok(hwpt_alloc(s.fd, s.dev.dev, s.ioas, flags, &id));
	return id;
}

static void set_scene(void)
{
	s.fd = mock_open();
	s.ioas = ioas_new(s.fd);
	require_ok(mock_device(s.fd, s.ioas, MOCK_FLAGS_DEVICE_PASID, &s.dev));
	s.home = table(FIT);
	s.fit[0] = table(FIT);
	s.fit[1] = table(FIT);
	s.unfit = table(0);
	require_ok(mock_replace(s.fd, &s.dev, s.home));
}

static void need_pasids(void)
{
	if (no_pasids())
		tap_skip("Linux 6.1 has no PASIDs");
	set_scene();
}

static int attach(uint32_t pasid, uint32_t pt)
{
	return mock_pasid_attach(s.fd, &s.dev, pasid, pt);
}

static int detach(uint32_t pasid)
{
	return mock_pasid_detach(s.fd, &s.dev, pasid);
}

static int replace(uint32_t pasid, uint32_t pt)
{
	return mock_pasid_replace(s.fd, &s.dev, pasid, pt);
}

/* The mock of Linux's own module doesn't at its end. */
static void detach_all(void)
{
	for (uint32_t pasid = 5; pasid < 9; pasid++)
		check_ret(detach(pasid), 0);
}

/* Is it there, and nowhere else? */
static int at(uint32_t pasid, uint32_t hwpt)
{
	return mock_pasid_check(s.fd, &s.dev, pasid, hwpt);
}

static void width(void)
{
	struct iommu_hw_info info;
	struct mock plain;

	set_scene();
	require_ok(hw_info(s.fd, s.dev.dev, NULL, 0, &info));
	check_eq(info.out_max_pasid_log2, no_pasids() ? 0 : MOCK_PASID_WIDTH);
	check(!(info.out_capabilities &
		(IOMMU_HW_CAP_PCI_PASID_EXEC | IOMMU_HW_CAP_PCI_PASID_PRIV)));
	require_ok(mock_device(s.fd, s.ioas, 0, &plain));
	require_ok(hw_info(s.fd, plain.dev, NULL, 0, &info));
	check_eq(info.out_max_pasid_log2, 0);
}

static void not_there(void)
{
	if (!no_pasids())
		tap_skip("there are PASIDs");
	set_scene();
	check_ret(attach(5, s.fit[0]), -EOPNOTSUPP);
	check_ret(replace(5, s.fit[0]), -EINVAL);
	check_ret(detach(5), 0);
	check_ret(iommu_destroy(s.fd, s.fit[0]), 0);
}

static void attach_detach(void)
{
	need_pasids();
	check_ret(at(5, 0), 0);
	check_ret(attach(5, s.fit[0]), 0);
	check_ret(at(5, s.fit[0]), 0);
	check_ret(at(6, 0), 0);
	check_ret(at(NO_PASID, s.home), 0);
	/* once, wherever to */
	check_ret(attach(5, s.fit[0]), -EBUSY);
	check_ret(attach(5, s.fit[1]), -EBUSY);
	check_ret(attach(5, s.unfit), -EBUSY);
	check_ret(attach(5, s.ioas), -EBUSY);
	check_ret(at(5, s.fit[0]), 0);
	check_ret(iommu_destroy(s.fd, s.fit[0]), -EBUSY);
	/* another one there, and one elsewhere */
	check_ret(attach(6, s.fit[0]), 0);
	check_ret(attach(7, s.fit[1]), 0);
	check_ret(attach(8, s.home), 0);
	check_ret(detach(5), 0);
	check_ret(at(5, 0), 0);
	check_ret(at(6, s.fit[0]), 0);
	check_ret(iommu_destroy(s.fd, s.fit[0]), -EBUSY);
	check_ret(detach(6), 0);
	check_ret(iommu_destroy(s.fd, s.fit[0]), 0);
	check_ret(at(7, s.fit[1]), 0);
	check_ret(at(8, s.home), 0);
	/* what isn't attached is detached in vain */
	check_ret(detach(6), 0);
	check_ret(attach(5, s.fit[1]), 0);
	detach_all();
}

static void numbers(void)
{
	need_pasids();
	check_ret(attach(PASIDS, s.fit[0]), -EINVAL);
	check_ret(attach(PASIDS + 5, s.fit[0]), -EINVAL);
	check_ret(attach(~0u, s.fit[0]), -EINVAL);
	check_ret(attach(~0u - 1, s.fit[0]), -EINVAL);
	check_ret(iommu_destroy(s.fd, s.fit[0]), 0);
	check_ret(attach(1, s.fit[1]), 0);
	check_ret(attach(PASIDS - 1, s.fit[1]), 0);
	check_ret(at(PASIDS - 1, s.fit[1]), 0);
	check_ret(detach(PASIDS - 1), 0);
	check_ret(at(PASIDS - 1, 0), 0);
	check_ret(detach(1), 0);
	check_ret(iommu_destroy(s.fd, s.fit[1]), 0);
}

static void wrong_objects(void)
{
	need_pasids();
	check_ret(attach(5, 0xfffff), -ENOENT);
	check_ret(attach(5, s.dev.dev), -EINVAL);
	check_ret(attach(5, s.fit[0]), 0);
	check_ret(replace(5, 0xfffff), -ENOENT);
	check_ret(replace(5, s.dev.dev), -EINVAL);
	check_ret(at(5, s.fit[0]), 0);
	detach_all();
}

/* None that is made by itself fits. */
static void unfit(void)
{
	need_pasids();
	check_ret(attach(5, s.unfit), -EINVAL);
	check_ret(attach(5, s.ioas), -EINVAL);
	check_ret(at(5, 0), 0);
	check_ret(attach(5, s.fit[0]), 0);
	check_ret(replace(5, s.unfit), -EINVAL);
	check_ret(replace(5, s.ioas), -EINVAL);
	check_ret(at(5, s.fit[0]), 0);
	check_ret(iommu_destroy(s.fd, s.unfit), 0);
	/* no automatic one is left over */
	check_ret(detach(5), 0);
	check_ret(mock_unplug(s.fd, &s.dev), 0);
	for (int i = 0; i < 2; i++)
		check_ret(iommu_destroy(s.fd, s.fit[i]), 0);
	check_ret(iommu_destroy(s.fd, s.home), 0);
	check_ret(iommu_destroy(s.fd, s.ioas), 0);
}

/* The page table beside PASIDs has to fit as well, whoever comes first. */
static void beside(void)
{
	need_pasids();
	check_ret(mock_replace(s.fd, &s.dev, s.unfit), 0);
	check_ret(attach(5, s.fit[0]), -EINVAL);
	check_ret(mock_replace(s.fd, &s.dev, s.ioas), 0);
	check_ret(attach(5, s.fit[0]), -EINVAL);
	check_ret(at(5, 0), 0);
	check_ret(mock_replace(s.fd, &s.dev, s.home), 0);
	check_ret(attach(5, s.fit[0]), 0);
	check_ret(mock_replace(s.fd, &s.dev, s.unfit), -EINVAL);
	check_ret(mock_replace(s.fd, &s.dev, s.ioas), -EINVAL);
	check_ret(at(NO_PASID, s.home), 0);
	check_ret(mock_replace(s.fd, &s.dev, s.fit[1]), 0);
	check_ret(at(NO_PASID, s.fit[1]), 0);
	check_ret(at(5, s.fit[0]), 0);
	check_ret(detach(5), 0);
	check_ret(mock_replace(s.fd, &s.dev, s.unfit), 0);
}

/* The DMA without PASID may be detached while PASIDs aren't. */
static void alone(void)
{
	need_pasids();
	check_ret(attach(5, s.fit[0]), 0);
	check_ret(detach(NO_PASID), 0);
	check_ret(at(5, s.fit[0]), 0);
	check_ret(attach(6, s.fit[0]), 0);
	check_ret(replace(5, s.fit[1]), 0);
	check_ret(attach(NO_PASID, s.unfit), -EINVAL);
	check_ret(attach(NO_PASID, s.ioas), -EINVAL);
	check_ret(attach(NO_PASID, s.home), 0);
	check_ret(at(NO_PASID, s.home), 0);
	detach_all();
}

static void replaces(void)
{
	need_pasids();
	check_ret(replace(5, s.fit[0]), -EINVAL);
	check_ret(at(5, 0), 0);
	check_ret(attach(5, s.fit[0]), 0);
	check_ret(replace(6, s.fit[0]), -EINVAL);
	check_ret(replace(5, s.fit[0]), 0);
	check_ret(replace(5, s.fit[1]), 0);
	check_ret(at(5, s.fit[1]), 0);
	check_ret(iommu_destroy(s.fd, s.fit[0]), 0);
	check_ret(iommu_destroy(s.fd, s.fit[1]), -EBUSY);
	check_ret(replace(5, s.home), 0);
	check_ret(iommu_destroy(s.fd, s.fit[1]), 0);
	check_ret(detach(5), 0);
}

/* The mock's driver refuses every second attachment of this PASID. */
static void fails_back(void)
{
	need_pasids();
	for (int i = 0; i < 3; i++) {
		uint32_t pasid = IOMMU_TEST_PASID_RESERVED, nested;
		uint32_t parent = table(IOMMU_HWPT_ALLOC_NEST_PARENT);

		require_ok(mock_hwpt_nested(s.fd, s.dev.dev, parent, FIT, &nested));
		require_ok(attach(pasid, s.fit[0]));
		check_ret(replace(pasid, nested), -ENOMEM);
		check_ret(at(pasid, s.fit[0]), 0);
		check_ret(iommu_destroy(s.fd, nested), 0);
		check_ret(iommu_destroy(s.fd, parent), 0);
		check_ret(iommu_destroy(s.fd, s.fit[0]), -EBUSY);
		check_ret(detach(pasid), 0);
		check_ret(at(pasid, 0), 0);
	}
	check_ret(iommu_destroy(s.fd, s.fit[0]), 0);
}

static void nested(void)
{
	uint32_t parent, n[2];

	need_pasids();
	parent = table(IOMMU_HWPT_ALLOC_NEST_PARENT | FIT);
	for (int i = 0; i < 2; i++)
		require_ok(mock_hwpt_nested(s.fd, s.dev.dev, parent, FIT, &n[i]));
	check_ret(attach(5, n[0]), 0);
	check_ret(attach(6, parent), 0);
	check_ret(attach(7, n[1]), 0);
	check_ret(at(5, n[0]), 0);
	check_ret(at(6, parent), 0);
	check_ret(replace(5, n[1]), 0);
	check_ret(replace(6, n[1]), 0);
	check_ret(replace(7, parent), 0);
	check_ret(iommu_destroy(s.fd, n[0]), 0);
	check_ret(iommu_destroy(s.fd, n[1]), -EBUSY);
	check_ret(iommu_destroy(s.fd, parent), -EBUSY);
	check_ret(mock_replace(s.fd, &s.dev, n[1]), 0);
	detach_all();
	check_ret(mock_replace(s.fd, &s.dev, s.home), 0);
	check_ret(iommu_destroy(s.fd, n[1]), 0);
	check_ret(iommu_destroy(s.fd, parent), 0);
}

/* What is mapped while PASIDs are attached is there for them. */
static void follows(void)
{
	struct iommu_test_cmd cmd;
	uint64_t at = MOCK_APERTURE_START;
	struct mem m;

	need_pasids();
	mem_get(&m, MEM_ANON, 4 * PAGE);
	require_ok(attach(5, s.fit[0]));
	require_ok(ioas_map_at(s.fd, s.ioas, m.va, m.size, at));
	cmd = (struct iommu_test_cmd){ .check_map = {
		.iova = at, .length = m.size, .uptr = (uintptr_t)m.va } };
	check_ret(mock_cmd(s.fd, IOMMU_TEST_OP_MD_CHECK_MAP, s.fit[0], &cmd), 0);
	check_ret(replace(5, s.fit[1]), 0);
	check_ret(mock_cmd(s.fd, IOMMU_TEST_OP_MD_CHECK_MAP, s.fit[1], &cmd), 0);
	check_ret(detach(5), 0);
	check_eq(ioas_unmap_all(s.fd, s.ioas), m.size);
}

/* A device takes all its PASIDs along, and so does a context. */
static void many(void)
{
	const uint32_t n = 600 / tap_time_factor();
	uint32_t pasid;

	if (tap_oracle())
		tap_skip("its mock doesn't detach PASIDs");
	need_pasids();
	for (pasid = 1; pasid <= n; pasid++)
		require_ok(attach(pasid * 521, s.fit[pasid % 2]));
	for (pasid = 1; pasid <= n; pasid += 3)
		require_ok(replace(pasid * 521, s.home));
	check_ret(mock_unplug(s.fd, &s.dev), 0);
	check_ret(iommu_destroy(s.fd, s.fit[0]), 0);
	require_ok(mock_device(s.fd, s.home, MOCK_FLAGS_DEVICE_PASID, &s.dev));
	for (pasid = 1; pasid <= n; pasid++)
		require_ok(attach(pasid * 521, s.fit[1]));
	close(s.fd);
}

/* Two devices, each with a group of its own, share page tables and PASIDs. */
static void two_devices(void)
{
	struct mock other;

	need_pasids();
	require_ok(mock_device(s.fd, s.home, MOCK_FLAGS_DEVICE_PASID, &other));
	check_ret(attach(5, s.fit[0]), 0);
	check_ret(mock_pasid_attach(s.fd, &other, 5, s.fit[0]), 0);
	check_ret(mock_pasid_attach(s.fd, &other, 6, s.fit[1]), 0);
	check_ret(detach(5), 0);
	check_ret(mock_pasid_check(s.fd, &other, 5, s.fit[0]), 0);
	check_ret(iommu_destroy(s.fd, s.fit[0]), -EBUSY);
	check_ret(mock_pasid_detach(s.fd, &other, 5), 0);
	check_ret(mock_pasid_detach(s.fd, &other, 6), 0);
	check_ret(mock_unplug(s.fd, &other), 0);
	check_ret(iommu_destroy(s.fd, s.fit[0]), 0);
	check_ret(iommu_destroy(s.fd, s.fit[1]), 0);
}

/* Two in one group: what is attached to a PASID is so for both. */
static struct mock need_pair(void)
{
	struct mock b, none;

	if (tap_oracle())
		tap_skip("its mock has no groups of two");
	need_pasids();
	check_ret(mock_device_beside(s.fd, s.fit[0], MOCK_FLAGS_DEVICE_PASID, &s.dev,
				     &none), -EINVAL);
	require_ok(mock_device_beside(s.fd, s.home, MOCK_FLAGS_DEVICE_PASID, &s.dev, &b));
	check_eq(b.hwpt, s.home);
	return b;
}

static void group(void)
{
	struct mock b = need_pair();

	check_ret(attach(5, s.fit[0]), 0);
	check_ret(mock_pasid_attach(s.fd, &b, 5, s.fit[1]), -EINVAL);
	check_ret(mock_pasid_replace(s.fd, &b, 5, s.fit[1]), -EINVAL);
	check_ret(mock_pasid_detach(s.fd, &b, 5), 0);
	check_ret(at(5, s.fit[0]), 0);
	check_ret(mock_pasid_attach(s.fd, &b, 5, s.fit[0]), 0);
	check_ret(mock_pasid_attach(s.fd, &b, 5, s.fit[0]), -EBUSY);
	check_ret(mock_pasid_check(s.fd, &b, 5, s.fit[0]), 0);
	/* both move */
	check_ret(mock_pasid_replace(s.fd, &b, 5, s.fit[1]), 0);
	check_ret(at(5, s.fit[1]), 0);
	check_ret(iommu_destroy(s.fd, s.fit[0]), 0);
	/* and the last one ends it */
	check_ret(detach(5), 0);
	check_ret(at(5, s.fit[1]), 0);
	check_ret(mock_pasid_check(s.fd, &b, 5, s.fit[1]), 0);
	check_ret(replace(5, s.home), -EINVAL);
	check_ret(iommu_destroy(s.fd, s.fit[1]), -EBUSY);
	check_ret(mock_replace(s.fd, &s.dev, s.unfit), -EINVAL);
	check_ret(mock_pasid_detach(s.fd, &b, 5), 0);
	check_ret(at(5, 0), 0);
	check_ret(mock_pasid_check(s.fd, &b, 5, 0), 0);
	check_ret(mock_replace(s.fd, &s.dev, s.unfit), 0);
	check_ret(iommu_destroy(s.fd, s.fit[1]), 0);
}

/* The device that came first goes, and the other one goes on. */
static void group_leaves(void)
{
	struct mock b = need_pair();

	check_ret(attach(5, s.fit[0]), 0);
	check_ret(attach(6, s.fit[0]), 0);
	check_ret(mock_pasid_attach(s.fd, &b, 5, s.fit[0]), 0);
	check_ret(mock_unplug(s.fd, &s.dev), 0);
	check_ret(mock_pasid_check(s.fd, &b, 5, s.fit[0]), 0);
	check_ret(mock_pasid_check(s.fd, &b, 6, 0), 0);
	check_ret(mock_pasid_replace(s.fd, &b, 5, s.fit[1]), 0);
	check_ret(mock_pasid_attach(s.fd, &b, 6, s.fit[1]), 0);
	check_ret(mock_replace(s.fd, &b, s.fit[1]), 0);
	check_ret(iommu_destroy(s.fd, s.fit[0]), 0);
	check_ret(iommu_destroy(s.fd, s.home), 0);
	check_ret(mock_pasid_detach(s.fd, &b, 5), 0);
	check_ret(mock_unplug(s.fd, &b), 0);
	check_ret(iommu_destroy(s.fd, s.fit[1]), 0);
	check_ret(iommu_destroy(s.fd, s.unfit), 0);
	check_ret(iommu_destroy(s.fd, s.ioas), 0);
}

/* One without PASIDs has page tables that fit them, but no use for it. */
static void plain_device(void)
{
	struct mock plain;

	need_pasids();
	require_ok(mock_device(s.fd, s.ioas, 0, &plain));
	check_ret(mock_replace(s.fd, &plain, s.fit[0]), 0);
	check_ret(mock_replace(s.fd, &plain, s.ioas), 0);
	check_ret(mock_pasid_attach(s.fd, &plain, 5, s.fit[0]), -EINVAL);
	check_ret(mock_pasid_attach(s.fd, &plain, 5, s.unfit), -EINVAL);
	check_ret(mock_pasid_check(s.fd, &plain, 5, 0), 0);
}

static const struct test tests[] = {
	{ "width", width },
	{ "not_there", not_there },
	{ "attach_detach", attach_detach },
	{ "numbers", numbers },
	{ "wrong_objects", wrong_objects },
	{ "unfit", unfit },
	{ "beside", beside },
	{ "alone", alone },
	{ "replaces", replaces },
	{ "fails_back", fails_back },
	{ "nested", nested },
	{ "follows", follows },
	{ "many", many },
	{ "two_devices", two_devices },
	{ "group", group },
	{ "group_leaves", group_leaves },
	{ "plain_device", plain_device },
};

TAP_MAIN("pasid", tests)
