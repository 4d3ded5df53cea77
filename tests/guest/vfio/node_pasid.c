// SPDX-License-Identifier: GPL-2.0-only
/*
 * ATTACH and DETACH by a device node with and without PASID, and what the mock IOMMU
 * has then: what fits, replaces and is refused.
 */
#include <errno.h>

#include "events.h"
#include "mock.h"
#include "node_pasid.h"
#include "tap.h"
#include "vfio_mock.h"

#define PASIDS		(1u << MOCK_PASID_WIDTH)

/* The device's own DMA: attached, replaced, and made for an IOAS. */
static void own(void)
{
	uint32_t pt;

	pasid_node_set();
	check_ret(node_pasid_at(NO_PASID, 0), 0);
	check_ret(node_pasid_detach(NO_PASID), 0);
	check_ret(node_pasid_attach(NO_PASID, pasid_node.home), 0);
	check_ret(node_pasid_at(NO_PASID, pasid_node.home), 0);
	check_ret(node_pasid_attach(NO_PASID, pasid_node.unfit), 0);
	check_ret(node_pasid_at(NO_PASID, pasid_node.unfit), 0);
	check_ret(iommu_destroy(pasid_node.fd, pasid_node.home), 0);
	check_ret(iommu_destroy(pasid_node.fd, pasid_node.unfit), -EBUSY);
	pt = pasid_node.ioas;
	check_ret(device_attach_out(&pasid_node.m.dev, &pt), 0);
	check(pt != pasid_node.ioas);
	check_ret(node_pasid_at(NO_PASID, pt), 0);
	check_ret(node_pasid_attach(NO_PASID, 0xfffff), -ENOENT);
	check_ret(node_pasid_attach(NO_PASID, pasid_node.m.dev.id), -EINVAL);
	check_ret(node_pasid_at(NO_PASID, pt), 0);
	check_ret(node_pasid_detach(NO_PASID), 0);
	check_ret(node_pasid_at(NO_PASID, 0), 0);
	check_ret(iommu_destroy(pasid_node.fd, pasid_node.unfit), 0);
}

static void width(void)
{
	struct iommu_hw_info info;

	pasid_node_set();
	require_ok(hw_info(pasid_node.fd, pasid_node.m.dev.id, NULL, 0, &info));
	check_eq(info.out_max_pasid_log2, node_no_pasids() ? 0 : MOCK_PASID_WIDTH);
}

static void not_there(void)
{
	if (!node_no_pasids())
		tap_skip("there are PASIDs");
	pasid_node_set();
	check_ret(node_pasid_attach(5, pasid_node.fit[0]), -EOPNOTSUPP);
	check_ret(node_pasid_attach(NO_PASID, pasid_node.home), 0);
	check_ret(node_pasid_attach(5, pasid_node.fit[0]), -EOPNOTSUPP);
	check_ret(node_pasid_detach(5), 0);
	check_ret(node_pasid_at(NO_PASID, pasid_node.home), 0);
	check_ret(iommu_destroy(pasid_node.fd, pasid_node.fit[0]), 0);
}

static void attach_detach(void)
{
	node_need_pasids();
	/* whoever comes first */
	check_ret(node_pasid_attach(5, pasid_node.fit[0]), 0);
	check_ret(node_pasid_at(5, pasid_node.fit[0]), 0);
	check_ret(node_pasid_at(NO_PASID, 0), 0);
	check_ret(node_pasid_attach(NO_PASID, pasid_node.home), 0);
	check_ret(node_pasid_attach(6, pasid_node.fit[0]), 0);
	check_ret(node_pasid_attach(PASIDS - 1, pasid_node.fit[1]), 0);
	check_ret(node_pasid_at(NO_PASID, pasid_node.home), 0);
	check_ret(node_pasid_at(6, pasid_node.fit[0]), 0);
	check_ret(node_pasid_at(PASIDS - 1, pasid_node.fit[1]), 0);
	check_ret(iommu_destroy(pasid_node.fd, pasid_node.fit[0]), -EBUSY);
	check_ret(node_pasid_detach(5), 0);
	check_ret(node_pasid_at(5, 0), 0);
	check_ret(node_pasid_at(6, pasid_node.fit[0]), 0);
	check_ret(node_pasid_detach(5), 0);
	check_ret(node_pasid_detach(7), 0);
	check_ret(node_pasid_detach(PASIDS + 5), 0);
	check_ret(node_pasid_detach(~0u), 0);
	check_ret(node_pasid_detach(NO_PASID), 0);
	check_ret(node_pasid_at(NO_PASID, 0), 0);
	check_ret(node_pasid_at(6, pasid_node.fit[0]), 0);
	check_ret(node_pasid_detach(6), 0);
	check_ret(iommu_destroy(pasid_node.fd, pasid_node.fit[0]), 0);
	check_ret(iommu_destroy(pasid_node.fd, pasid_node.home), 0);
	check_ret(iommu_destroy(pasid_node.fd, pasid_node.fit[1]), -EBUSY);
	check_ret(node_pasid_detach(PASIDS - 1), 0);
	check_ret(iommu_destroy(pasid_node.fd, pasid_node.fit[1]), 0);
}

/* To attach what is attached is to replace. */
static void replaces(void)
{
	node_need_pasids();
	check_ret(node_pasid_attach(NO_PASID, pasid_node.home), 0);
	check_ret(node_pasid_attach(5, pasid_node.fit[0]), 0);
	check_ret(node_pasid_attach(5, pasid_node.fit[0]), 0);
	check_ret(node_pasid_attach(5, pasid_node.fit[1]), 0);
	check_ret(node_pasid_at(5, pasid_node.fit[1]), 0);
	check_ret(iommu_destroy(pasid_node.fd, pasid_node.fit[0]), 0);
	check_ret(node_pasid_attach(5, pasid_node.unfit), -EINVAL);
	check_ret(node_pasid_attach(5, pasid_node.ioas), -EINVAL);
	check_ret(node_pasid_attach(5, 0xfffff), -ENOENT);
	check_ret(node_pasid_at(5, pasid_node.fit[1]), 0);
	check_ret(node_pasid_attach(NO_PASID, pasid_node.unfit), -EINVAL);
	check_ret(node_pasid_attach(NO_PASID, pasid_node.fit[1]), 0);
	check_ret(node_pasid_attach(5, pasid_node.home), 0);
	check_ret(node_pasid_at(NO_PASID, pasid_node.fit[1]), 0);
	check_ret(node_pasid_at(5, pasid_node.home), 0);
	/* one detach undoes all of them */
	check_ret(node_pasid_detach(5), 0);
	check_ret(node_pasid_at(5, 0), 0);
	check_ret(iommu_destroy(pasid_node.fd, pasid_node.home), 0);
}

static void refused(void)
{
	node_need_pasids();
	check_ret(node_pasid_attach(5, pasid_node.unfit), -EINVAL);
	check_ret(node_pasid_attach(5, pasid_node.ioas), -EINVAL);
	check_ret(node_pasid_attach(5, pasid_node.m.dev.id), -EINVAL);
	check_ret(node_pasid_attach(5, 0xfffff), -ENOENT);
	check(node_pasid_attach(PASIDS, pasid_node.fit[0]) < 0);
	check(node_pasid_attach(~0u, pasid_node.fit[0]) < 0);
	check(node_pasid_attach(1u << 31, pasid_node.fit[0]) < 0);
	check_ret(node_pasid_at(5, 0), 0);
	/* none of that is held for attached */
	check_ret(node_pasid_attach(5, pasid_node.fit[0]), 0);
	check_ret(node_pasid_detach(5), 0);
	check_ret(node_pasid_attach(NO_PASID, pasid_node.unfit), 0);
	check_ret(node_pasid_attach(5, pasid_node.fit[0]), -EINVAL);
	check_ret(node_pasid_attach(5, pasid_node.fit[0]), -EINVAL);
	check_ret(iommu_destroy(pasid_node.fd, pasid_node.fit[0]), 0);
}

/* A replacement that its driver can't do leaves the old one, and it can be detached. */
static void fails_back(void)
{
	uint32_t pasid = IOMMU_TEST_PASID_RESERVED, parent, nested;

	node_need_pasids();
	parent = pasid_node_table(IOMMU_HWPT_ALLOC_NEST_PARENT);
	require_ok(mock_hwpt_nested(pasid_node.fd, pasid_node.m.dev.id, parent, FIT, &nested));
	for (int i = 0; i < 2; i++) {
		require_ok(node_pasid_attach(pasid, pasid_node.fit[0]));
		check_ret(node_pasid_attach(pasid, nested), -ENOMEM);
		check_ret(node_pasid_at(pasid, pasid_node.fit[0]), 0);
		check_ret(node_pasid_detach(pasid), 0);
		check_ret(node_pasid_at(pasid, 0), 0);
	}
	check_ret(iommu_destroy(pasid_node.fd, pasid_node.fit[0]), 0);
}

static const struct test tests[] = {
	{ "own", own },
	{ "width", width },
	{ "not_there", not_there },
	{ "attach_detach", attach_detach },
	{ "replaces", replaces },
	{ "refused", refused },
	{ "fails_back", fails_back },
};

TAP_MAIN("node_pasid", tests)
