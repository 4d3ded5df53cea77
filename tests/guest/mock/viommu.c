// SPDX-License-Identifier: GPL-2.0-only
/*
 * vIOMMUs and vDEVICEs on the mock: bad values, what holds what, devices that go.
 */
#include <errno.h>
#include <unistd.h>

#include "device.h"
#include "mem.h"
#include "mock.h"
#include "tap.h"
#include "viommu_scene.h"

#define bad_viommu(member, value, want)					\
	check_with(IOMMU_VIOMMU_ALLOC, c, out_viommu_id, member, value, want)

static void viommu_fields(void)
{
	struct iommu_viommu_selftest data = { .in_data = 7 };
	struct iommu_viommu_alloc c = {
		.size = sizeof(c), .type = IOMMU_VIOMMU_TYPE_SELFTEST,
		.data_len = sizeof(data), .data_uptr = (uintptr_t)&data,
	};
	uint32_t plain, nested;

	viommus_up();
	c.dev_id = viommus.mock.dev;
	c.hwpt_id = viommus.parent;
	require_ok(hwpt_alloc(viommus.fd, viommus.mock.dev, viommus.ioas, 0, &plain));
	require_ok(mock_hwpt_nested(viommus.fd, viommus.mock.dev, viommus.parent, 0, &nested));
	bad_viommu(flags, 1, -EOPNOTSUPP);
	bad_viommu(type, IOMMU_VIOMMU_TYPE_DEFAULT, -EOPNOTSUPP);
	bad_viommu(type, IOMMU_VIOMMU_TYPE_ARM_SMMUV3, -EOPNOTSUPP);
	bad_viommu(type, UINT32_MAX, -EOPNOTSUPP);
	bad_viommu(dev_id, BAD_ID, -ENOENT);
	bad_viommu(dev_id, viommus.parent, -ENOENT);
	bad_viommu(hwpt_id, BAD_ID, -ENOENT);
	bad_viommu(hwpt_id, viommus.ioas, -ENOENT);
	bad_viommu(hwpt_id, nested, -ENOENT);
	bad_viommu(hwpt_id, plain, -EINVAL);
	bad_viommu(hwpt_id, viommus.mock.hwpt, -EINVAL);
	bad_viommu(data_len, 1, -EINVAL);
	bad_viommu(data_len, UINT32_MAX, -EINVAL);
	bad_viommu(data_uptr, 0, -EFAULT);
	bad_viommu(data_uptr, (uintptr_t)before_hole(PAGE) + PAGE - 8, -EFAULT);
	check_ret(viommu_unanswered(IOMMU_VIOMMU_ALLOC, &c, sizeof(c)), -EFAULT);
	check_ret(iommu_destroy(viommus.fd, nested), 0);
	check_ret(iommu_destroy(viommus.fd, plain), 0);
	viommus_down();
}

#define bad_vdevice(member, value, want)				\
	check_with(IOMMU_VDEVICE_ALLOC, c, out_vdevice_id, member, value, want)

static void vdevice_fields(void)
{
	struct iommu_vdevice_alloc c = { .size = sizeof(c), .virt_id = 0x99 };
	struct mock other;
	uint32_t id, id2;

	viommus_up();
	c.viommu_id = viommus.viommu;
	c.dev_id = viommus.mock.dev;
	bad_vdevice(viommu_id, BAD_ID, -ENOENT);
	bad_vdevice(viommu_id, viommus.parent, -ENOENT);
	bad_vdevice(dev_id, BAD_ID, -ENOENT);
	bad_vdevice(dev_id, viommus.mock.stdev, -ENOENT);
	check_ret(viommu_unanswered(IOMMU_VDEVICE_ALLOC, &c, sizeof(c)), -EFAULT);

	/* One for a device, and one for a virtual ID. */
	require_ok(mock_device(viommus.fd, viommus.ioas, 0, &other));
	require_ok(mock_vdevice(viommus.fd, viommus.viommu, viommus.mock.dev, 0x99, &id));
	bad_vdevice(virt_id, 0x98, -EEXIST);
	bad_vdevice(dev_id, other.dev, -EEXIST);
	check_ret(mock_vdevice(viommus.fd, viommus.viommu, other.dev, UINT64_MAX, &id2), 0);
	check_ret(iommu_destroy(viommus.fd, id2), 0);
	check_ret(mock_vdevice(viommus.fd, viommus.viommu, other.dev, 0, &id2), 0);
	check_ret(iommu_destroy(viommus.fd, viommus.viommu), -EBUSY);
	check_ret(iommu_destroy(viommus.fd, id), 0);
	check_ret(iommu_destroy(viommus.fd, id), -ENOENT);
	check_ret(mock_vdevice(viommus.fd, viommus.viommu, viommus.mock.dev, 0x99, &id), 0);
	check_ret(iommu_destroy(viommus.fd, id), 0);
	check_ret(iommu_destroy(viommus.fd, id2), 0);
	check_ret(mock_unplug(viommus.fd, &other), 0);
	viommus_down();
}

/* The same virtual ID in two vIOMMUs, and a device in one of them. */
static void vdevice_two_viommus(void)
{
	struct mock other;
	uint32_t viommu, id, id2;

	viommus_up();
	require_ok(mock_viommu(viommus.fd, viommus.mock.dev, viommus.parent, NULL, &viommu));
	require_ok(mock_device(viommus.fd, viommus.ioas, 0, &other));
	check_ret(mock_vdevice(viommus.fd, viommus.viommu, viommus.mock.dev, 5, &id), 0);
	check_ret(mock_vdevice(viommus.fd, viommu, viommus.mock.dev, 6, NULL), -EEXIST);
	check_ret(mock_vdevice(viommus.fd, viommu, other.dev, 5, &id2), 0);
	check_ret(iommu_destroy(viommus.fd, viommu), -EBUSY);
	check_ret(mock_unplug(viommus.fd, &other), 0);
	check_ret(iommu_destroy(viommus.fd, viommu), 0);
	check_ret(iommu_destroy(viommus.fd, id), 0);
	viommus_down();
}

static void nested_needs_vdevice(void)
{
	struct iommu_viommu_invalidate_selftest e = { .vdev_id = 0x99 };
	uint32_t nested, id, n = 1;

	viommus_up();
	require_ok(mock_hwpt_nested(viommus.fd, viommus.mock.dev, viommus.viommu, 0, &nested));
	check_ret(iommu_destroy(viommus.fd, viommus.viommu), -EBUSY);
	check_ret(mock_replace(viommus.fd, &viommus.mock, nested), -ENOENT);
	require_ok(mock_vdevice(viommus.fd, viommus.viommu, viommus.mock.dev, 0x99, &id));
	check_ret(mock_replace(viommus.fd, &viommus.mock, nested), 0);
	check_ret(mock_invalidate(viommus.fd, viommus.viommu, &e, sizeof(e), &n), 0);
	check_eq(n, 1);
	check_ret(mock_check_cache(viommus.fd, viommus.mock.dev, 0, 0), 0);
	check_ret(mock_check_cache(viommus.fd, viommus.mock.dev, 1, IOMMU_TEST_DEV_CACHE_DEFAULT), 0);
	/* Not held by being in use. */
	check_ret(iommu_destroy(viommus.fd, id), 0);
	check_ret(mock_invalidate(viommus.fd, viommus.viommu, &e, sizeof(e), &n), -EINVAL);
	check_eq(n, 0);
	check_ret(mock_replace(viommus.fd, &viommus.mock, viommus.ioas), 0);
	check_ret(iommu_destroy(viommus.fd, nested), 0);
	viommus_down();
}

/* Its ID is taken for good, and its virtual ID free at once. */
static void unplugged(void)
{
	struct mock other, more[16];
	uint32_t id, id2;

	viommus_up();
	require_ok(mock_device(viommus.fd, viommus.ioas, 0, &other));
	require_ok(mock_vdevice(viommus.fd, viommus.viommu, other.dev, 0x99, &id));
	check_ret(mock_unplug(viommus.fd, &other), 0);
	check_ret(iommu_destroy(viommus.fd, id), -ENOENT);
	check_ret(mock_vdevice(viommus.fd, viommus.viommu, other.dev, 0x98, NULL), -ENOENT);
	check_ret(mock_hwpt_nested(viommus.fd, viommus.mock.dev, id, 0, NULL), -EINVAL);
	check_ret(mock_vdevice(viommus.fd, viommus.viommu, viommus.mock.dev, 0x99, &id2), 0);
	check(id2 != id);
	for (size_t i = 0; i < ARRAY_SIZE(more); i++) {
		require_ok(mock_device(viommus.fd, viommus.ioas, 0, &more[i]));
		check(more[i].dev != id && more[i].stdev != id);
	}
	for (size_t i = 0; i < ARRAY_SIZE(more); i++)
		check_ret(mock_unplug(viommus.fd, &more[i]), 0);
	check_ret(iommu_destroy(viommus.fd, id2), 0);
	viommus_down();
}

/* With all in use, first the device goes, and then the file. */
static void unplugged_in_use(void)
{
	uint32_t nested, id;

	viommus_up();
	require_ok(mock_hwpt_nested(viommus.fd, viommus.mock.dev, viommus.viommu, 0, &nested));
	require_ok(mock_vdevice(viommus.fd, viommus.viommu, viommus.mock.dev, 1, &id));
	require_ok(mock_replace(viommus.fd, &viommus.mock, nested));
	check_ret(mock_unplug(viommus.fd, &viommus.mock), 0);
	check_ret(iommu_destroy(viommus.fd, id), -ENOENT);
	check_ret(iommu_destroy(viommus.fd, viommus.viommu), -EBUSY);
	check_ret(iommu_destroy(viommus.fd, nested), 0);
	check_ret(iommu_destroy(viommus.fd, viommus.viommu), 0);
	close(viommus.fd);

	viommus_up();
	require_ok(mock_hwpt_nested(viommus.fd, viommus.mock.dev, viommus.viommu, 0, &nested));
	require_ok(mock_vdevice(viommus.fd, viommus.viommu, viommus.mock.dev, 1, NULL));
	require_ok(mock_replace(viommus.fd, &viommus.mock, nested));
	close(viommus.fd);
}

/* A device behind another IOMMU is none of the vIOMMU's business. */
static void other_iommu(void)
{
	struct device dev;

	viommus_up();
	device_get(&dev, "edu", 0, viommus.fd);
	check_ret(mock_vdevice(viommus.fd, viommus.viommu, dev.id, 1, NULL), -EINVAL);
	check_ret(mock_hwpt_nested(viommus.fd, dev.id, viommus.viommu, 0, NULL), -EINVAL);
	check_ret(mock_viommu(viommus.fd, dev.id, viommus.parent, NULL, NULL), -EOPNOTSUPP);
	device_close(&dev);
	viommus_down();
}

static const struct test tests[] = {
	{ "viommu_fields", viommu_fields },
	{ "vdevice_fields", vdevice_fields },
	{ "vdevice_two_viommus", vdevice_two_viommus },
	{ "nested_needs_vdevice", nested_needs_vdevice },
	{ "unplugged", unplugged },
	{ "unplugged_in_use", unplugged_in_use },
	{ "other_iommu", other_iommu },
};

TAP_MAIN("viommu", tests)
