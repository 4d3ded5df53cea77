// SPDX-License-Identifier: GPL-2.0-only
/*
 * PASIDs in the in-kernel API: what fits, what is replaced, what stays when a driver
 * fails.
 */
#include <errno.h>

#include "events.h"
#include "mock.h"
#include "pasid_scene.h"
#include "tap.h"

#define NO_PASID 0			/* the DMA without one */

#define PASIDS	(1u << MOCK_PASID_WIDTH)

static void width(void)
{
	struct iommu_hw_info info;
	struct mock plain;

	pasids_set();
	require_ok(hw_info(pasids.fd, pasids.dev.dev, NULL, 0, &info));
	check_eq(info.out_max_pasid_log2, pasids_no_pasids() ? 0 : MOCK_PASID_WIDTH);
	check(!(info.out_capabilities &
		(IOMMU_HW_CAP_PCI_PASID_EXEC | IOMMU_HW_CAP_PCI_PASID_PRIV)));
	require_ok(mock_device(pasids.fd, pasids.ioas, 0, &plain));
	require_ok(hw_info(pasids.fd, plain.dev, NULL, 0, &info));
	check_eq(info.out_max_pasid_log2, 0);
}

static void not_there(void)
{
	if (!pasids_no_pasids())
		tap_skip("there are PASIDs");
	pasids_set();
	check_ret(pasids_attach(5, pasids.fit[0]), -EOPNOTSUPP);
	check_ret(pasids_replace(5, pasids.fit[0]), -EINVAL);
	check_ret(pasids_detach(5), 0);
	check_ret(iommu_destroy(pasids.fd, pasids.fit[0]), 0);
}

static void attach_detach(void)
{
	pasids_need_pasids();
	check_ret(pasids_at(5, 0), 0);
	check_ret(pasids_attach(5, pasids.fit[0]), 0);
	check_ret(pasids_at(5, pasids.fit[0]), 0);
	check_ret(pasids_at(6, 0), 0);
	check_ret(pasids_at(NO_PASID, pasids.home), 0);
	/* once, wherever to */
	check_ret(pasids_attach(5, pasids.fit[0]), -EBUSY);
	check_ret(pasids_attach(5, pasids.fit[1]), -EBUSY);
	check_ret(pasids_attach(5, pasids.unfit), -EBUSY);
	check_ret(pasids_attach(5, pasids.ioas), -EBUSY);
	check_ret(pasids_at(5, pasids.fit[0]), 0);
	check_ret(iommu_destroy(pasids.fd, pasids.fit[0]), -EBUSY);
	/* another one there, and one elsewhere */
	check_ret(pasids_attach(6, pasids.fit[0]), 0);
	check_ret(pasids_attach(7, pasids.fit[1]), 0);
	check_ret(pasids_attach(8, pasids.home), 0);
	check_ret(pasids_detach(5), 0);
	check_ret(pasids_at(5, 0), 0);
	check_ret(pasids_at(6, pasids.fit[0]), 0);
	check_ret(iommu_destroy(pasids.fd, pasids.fit[0]), -EBUSY);
	check_ret(pasids_detach(6), 0);
	check_ret(iommu_destroy(pasids.fd, pasids.fit[0]), 0);
	check_ret(pasids_at(7, pasids.fit[1]), 0);
	check_ret(pasids_at(8, pasids.home), 0);
	/* what isn't attached is detached in vain */
	check_ret(pasids_detach(6), 0);
	check_ret(pasids_attach(5, pasids.fit[1]), 0);
	pasids_detach_all();
}

static void numbers(void)
{
	pasids_need_pasids();
	check_ret(pasids_attach(PASIDS, pasids.fit[0]), -EINVAL);
	check_ret(pasids_attach(PASIDS + 5, pasids.fit[0]), -EINVAL);
	check_ret(pasids_attach(~0u, pasids.fit[0]), -EINVAL);
	check_ret(pasids_attach(~0u - 1, pasids.fit[0]), -EINVAL);
	check_ret(iommu_destroy(pasids.fd, pasids.fit[0]), 0);
	check_ret(pasids_attach(1, pasids.fit[1]), 0);
	check_ret(pasids_attach(PASIDS - 1, pasids.fit[1]), 0);
	check_ret(pasids_at(PASIDS - 1, pasids.fit[1]), 0);
	check_ret(pasids_detach(PASIDS - 1), 0);
	check_ret(pasids_at(PASIDS - 1, 0), 0);
	check_ret(pasids_detach(1), 0);
	check_ret(iommu_destroy(pasids.fd, pasids.fit[1]), 0);
}

static void wrong_objects(void)
{
	pasids_need_pasids();
	check_ret(pasids_attach(5, 0xfffff), -ENOENT);
	check_ret(pasids_attach(5, pasids.dev.dev), -EINVAL);
	check_ret(pasids_attach(5, pasids.fit[0]), 0);
	check_ret(pasids_replace(5, 0xfffff), -ENOENT);
	check_ret(pasids_replace(5, pasids.dev.dev), -EINVAL);
	check_ret(pasids_at(5, pasids.fit[0]), 0);
	pasids_detach_all();
}

/* None that is made by itself fits. */
static void unfit(void)
{
	pasids_need_pasids();
	check_ret(pasids_attach(5, pasids.unfit), -EINVAL);
	check_ret(pasids_attach(5, pasids.ioas), -EINVAL);
	check_ret(pasids_at(5, 0), 0);
	check_ret(pasids_attach(5, pasids.fit[0]), 0);
	check_ret(pasids_replace(5, pasids.unfit), -EINVAL);
	check_ret(pasids_replace(5, pasids.ioas), -EINVAL);
	check_ret(pasids_at(5, pasids.fit[0]), 0);
	check_ret(iommu_destroy(pasids.fd, pasids.unfit), 0);
	/* no automatic one is left over */
	check_ret(pasids_detach(5), 0);
	check_ret(mock_unplug(pasids.fd, &pasids.dev), 0);
	for (int i = 0; i < 2; i++)
		check_ret(iommu_destroy(pasids.fd, pasids.fit[i]), 0);
	check_ret(iommu_destroy(pasids.fd, pasids.home), 0);
	check_ret(iommu_destroy(pasids.fd, pasids.ioas), 0);
}

/* The page table beside PASIDs has to fit as well, whoever comes first. */
static void beside(void)
{
	pasids_need_pasids();
	check_ret(mock_replace(pasids.fd, &pasids.dev, pasids.unfit), 0);
	check_ret(pasids_attach(5, pasids.fit[0]), -EINVAL);
	check_ret(mock_replace(pasids.fd, &pasids.dev, pasids.ioas), 0);
	check_ret(pasids_attach(5, pasids.fit[0]), -EINVAL);
	check_ret(pasids_at(5, 0), 0);
	check_ret(mock_replace(pasids.fd, &pasids.dev, pasids.home), 0);
	check_ret(pasids_attach(5, pasids.fit[0]), 0);
	check_ret(mock_replace(pasids.fd, &pasids.dev, pasids.unfit), -EINVAL);
	check_ret(mock_replace(pasids.fd, &pasids.dev, pasids.ioas), -EINVAL);
	check_ret(pasids_at(NO_PASID, pasids.home), 0);
	check_ret(mock_replace(pasids.fd, &pasids.dev, pasids.fit[1]), 0);
	check_ret(pasids_at(NO_PASID, pasids.fit[1]), 0);
	check_ret(pasids_at(5, pasids.fit[0]), 0);
	check_ret(pasids_detach(5), 0);
	check_ret(mock_replace(pasids.fd, &pasids.dev, pasids.unfit), 0);
}

/* The DMA without PASID may be detached while PASIDs aren't. */
static void alone(void)
{
	pasids_need_pasids();
	check_ret(pasids_attach(5, pasids.fit[0]), 0);
	check_ret(pasids_detach(NO_PASID), 0);
	check_ret(pasids_at(5, pasids.fit[0]), 0);
	check_ret(pasids_attach(6, pasids.fit[0]), 0);
	check_ret(pasids_replace(5, pasids.fit[1]), 0);
	check_ret(pasids_attach(NO_PASID, pasids.unfit), -EINVAL);
	check_ret(pasids_attach(NO_PASID, pasids.ioas), -EINVAL);
	check_ret(pasids_attach(NO_PASID, pasids.home), 0);
	check_ret(pasids_at(NO_PASID, pasids.home), 0);
	pasids_detach_all();
}

static void replaces(void)
{
	pasids_need_pasids();
	check_ret(pasids_replace(5, pasids.fit[0]), -EINVAL);
	check_ret(pasids_at(5, 0), 0);
	check_ret(pasids_attach(5, pasids.fit[0]), 0);
	check_ret(pasids_replace(6, pasids.fit[0]), -EINVAL);
	check_ret(pasids_replace(5, pasids.fit[0]), 0);
	check_ret(pasids_replace(5, pasids.fit[1]), 0);
	check_ret(pasids_at(5, pasids.fit[1]), 0);
	check_ret(iommu_destroy(pasids.fd, pasids.fit[0]), 0);
	check_ret(iommu_destroy(pasids.fd, pasids.fit[1]), -EBUSY);
	check_ret(pasids_replace(5, pasids.home), 0);
	check_ret(iommu_destroy(pasids.fd, pasids.fit[1]), 0);
	check_ret(pasids_detach(5), 0);
}

/* The mock's driver refuses every second attachment of this PASID. */
static void fails_back(void)
{
	pasids_need_pasids();
	for (int i = 0; i < 3; i++) {
		uint32_t pasid = IOMMU_TEST_PASID_RESERVED, nested;
		uint32_t parent = pasids_table(IOMMU_HWPT_ALLOC_NEST_PARENT);

		require_ok(mock_hwpt_nested(pasids.fd, pasids.dev.dev, parent, FIT, &nested));
		require_ok(pasids_attach(pasid, pasids.fit[0]));
		check_ret(pasids_replace(pasid, nested), -ENOMEM);
		check_ret(pasids_at(pasid, pasids.fit[0]), 0);
		check_ret(iommu_destroy(pasids.fd, nested), 0);
		check_ret(iommu_destroy(pasids.fd, parent), 0);
		check_ret(iommu_destroy(pasids.fd, pasids.fit[0]), -EBUSY);
		check_ret(pasids_detach(pasid), 0);
		check_ret(pasids_at(pasid, 0), 0);
	}
	check_ret(iommu_destroy(pasids.fd, pasids.fit[0]), 0);
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
};

TAP_MAIN("pasid", tests)
