// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bad input to the ioctls that make and destroy objects, set options, hand over the charge
 * of an address space or ask it for a physical address.
 */
#include <errno.h>
#include <unistd.h>

#include "tap.h"
#include "world.h"

static void destroy(void)
{
	struct iommu_destroy base = { .size = sizeof(base) };
	const char *what;
	unsigned int i = 0;
	struct world w;

	world_bare(&w);
	while (world_bad_id(&w, &i, &base.id, &what))
		world_refuse(&w, IOMMU_DESTROY, &base, -ENOENT, what);
	world_end(&w);
	/* an address space takes its mappings with it */
	world_bare(&w);
	require_ok(iommu_destroy(w.fd, w.ioas));
	check_ret(iommu_destroy(w.fd, w.ioas), -ENOENT);
	close(w.fd);
}

static void destroy_attached(void)
{
	struct iommu_destroy base = { .size = sizeof(base) };
	struct world w;

	world_attached(&w);
	BAD(&w, IOMMU_DESTROY, id, w.ioas, -EBUSY);
	BAD(&w, IOMMU_DESTROY, id, w.hwpt, -EBUSY);
	BAD(&w, IOMMU_DESTROY, id, w.dev.id, -EBUSY);
	world_end(&w);
}

static void alloc(void)
{
	struct iommu_ioas_alloc base = { .size = sizeof(base),
					 .out_ioas_id = 0x12345678 };
	uint32_t a, b;
	struct world w;

	world_bare(&w);
	BAD(&w, IOMMU_IOAS_ALLOC, flags, 1, -EOPNOTSUPP);
	BAD(&w, IOMMU_IOAS_ALLOC, flags, 1u << 31, -EOPNOTSUPP);
	BAD(&w, IOMMU_IOAS_ALLOC, flags, UINT32_MAX, -EOPNOTSUPP);
	check_ret(iommu_ioctl(w.fd, IOMMU_IOAS_ALLOC,
			      read_only_copy(&base, sizeof(base))), -EFAULT);
	a = ioas_new(w.fd);
	b = ioas_new(w.fd);
	check(a && b && a != b && a != w.ioas && b != w.other);
	require_ok(iommu_destroy(w.fd, a));
	require_ok(iommu_destroy(w.fd, b));
	world_end(&w);
}

static void option(void)
{
	struct iommu_option base = {
		.size = sizeof(base),
		.option_id = IOMMU_OPTION_HUGE_PAGES,
		.op = IOMMU_OPTION_OP_SET,
		.val64 = 1,
	};
	const char *what;
	unsigned int i = 0;
	struct world w;

	world_bare(&w);
	while (world_bad_id(&w, &i, &base.object_id, &what))
		world_refuse(&w, IOMMU_OPTION, &base, -ENOENT, what);
	base.object_id = w.ioas;
	BAD(&w, IOMMU_OPTION, option_id, 2, -EOPNOTSUPP);
	BAD(&w, IOMMU_OPTION, option_id, UINT32_MAX, -EOPNOTSUPP);
	BAD(&w, IOMMU_OPTION, op, 2, -EOPNOTSUPP);
	BAD(&w, IOMMU_OPTION, op, 0xffff, -EOPNOTSUPP);
	BAD(&w, IOMMU_OPTION, __reserved, 1, -EOPNOTSUPP);
	BAD(&w, IOMMU_OPTION, __reserved, 0xffff, -EOPNOTSUPP);
	BAD(&w, IOMMU_OPTION, val64, 2, -EINVAL);
	BAD(&w, IOMMU_OPTION, val64, 1ull << 32, -EINVAL);
	BAD(&w, IOMMU_OPTION, val64, UINT64_MAX, -EINVAL);
	base.op = IOMMU_OPTION_OP_GET;
	check_ret(iommu_ioctl(w.fd, IOMMU_OPTION,
			      read_only_copy(&base, sizeof(base))), -EFAULT);
	base.option_id = IOMMU_OPTION_RLIMIT_MODE;
	BAD(&w, IOMMU_OPTION, object_id, w.ioas, -EOPNOTSUPP);
	BAD(&w, IOMMU_OPTION, object_id, UINT32_MAX, -EOPNOTSUPP);
	base.object_id = 0;
	BAD(&w, IOMMU_OPTION, op, 2, -EOPNOTSUPP);
	base.op = IOMMU_OPTION_OP_SET;
	base.val64 = 1;
	world_refuse(&w, IOMMU_OPTION, &base, -EBUSY,
		     "accounting mode of a context with objects");
	world_end(&w);
}

/* Fewer pages than huge ones can't be asked for once some are mapped. */
static void option_attached(void)
{
	struct iommu_option base = {
		.size = sizeof(base),
		.option_id = IOMMU_OPTION_HUGE_PAGES,
		.op = IOMMU_OPTION_OP_SET,
	};
	uint64_t value = 7;
	struct world w;

	world_attached(&w);
	BAD(&w, IOMMU_OPTION, object_id, w.ioas, -EINVAL);
	BAD(&w, IOMMU_OPTION, object_id, w.dev.id, -ENOENT);
	BAD(&w, IOMMU_OPTION, object_id, w.hwpt, -ENOENT);
	require_ok(option_get(w.fd, IOMMU_OPTION_HUGE_PAGES, w.ioas, &value));
	check_eq(value, 1);
	world_end(&w);
}

static void change_process(void)
{
	struct iommu_ioas_change_process base = { .size = sizeof(base) };
	struct world w;

	world_bare(&w);
	BAD(&w, IOMMU_IOAS_CHANGE_PROCESS, __reserved, 1, -EOPNOTSUPP);
	BAD(&w, IOMMU_IOAS_CHANGE_PROCESS, __reserved, UINT32_MAX,
	    -EOPNOTSUPP);
	BAD(&w, IOMMU_IOAS_CHANGE_PROCESS, __reserved, 0, -EINVAL);
	world_end(&w);
	world_attached(&w);
	BAD(&w, IOMMU_IOAS_CHANGE_PROCESS, __reserved, 0, -EINVAL);
	world_end(&w);
}

/* Without a device that has no IOMMU nothing past the structure is looked at. */
static void get_pa(void)
{
	struct iommu_ioas_noiommu_get_pa base = { .size = sizeof(base), .length = PAGE };
	struct world w;

	world_bare(&w);
	if (!world_knows_get_pa(&w)) {
		world_end(&w);
		tap_skip("Linux's own module here is from before 7.3");
		return;
	}
	base.ioas_id = w.ioas;
	base.iova = W_BASE;
	BAD(&w, IOMMU_IOAS_NOIOMMU_GET_PA, length, PAGE, -EOPNOTSUPP);
	BAD(&w, IOMMU_IOAS_NOIOMMU_GET_PA, length, 0, -EOPNOTSUPP);
	BAD(&w, IOMMU_IOAS_NOIOMMU_GET_PA, iova, UINT64_MAX, -EOPNOTSUPP);
	BAD(&w, IOMMU_IOAS_NOIOMMU_GET_PA, flags, 1, -EOPNOTSUPP);
	BAD(&w, IOMMU_IOAS_NOIOMMU_GET_PA, __reserved, 1, -EOPNOTSUPP);
	BAD(&w, IOMMU_IOAS_NOIOMMU_GET_PA, ioas_id, w.other + 1000, -EOPNOTSUPP);
	world_end(&w);
}

static const struct test tests[] = {
	{ "destroy", destroy },
	{ "destroy_attached", destroy_attached },
	{ "alloc", alloc },
	{ "option", option },
	{ "option_attached", option_attached },
	{ "change_process", change_process },
	{ "get_pa", get_pa },
};

TAP_MAIN("abi_object", tests)
