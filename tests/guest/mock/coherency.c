// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two devices, of which one has an IOMMU that can enforce coherency: KVM is told once that its
 * DMA is coherent, so it never comes to a page table that doesn't enforce it.  The driver takes
 * care of the reverse.  Linux's own module attaches it there, and its mock has no such devices.
 */
#include <errno.h>
#include <stdint.h>
#include <unistd.h>

#include "events.h"
#include "iommu.h"
#include "klog.h"
#include "mem.h"
#include "mock.h"
#include "tap.h"

#define REFUSED		"made for a device whose DMA can't be forced to be coherent"
#define NOT_TAKEN	"its IOMMU's driver doesn't take the page table"
#define ENFORCES	MOCK_FLAGS_DEVICE_ENFORCES
#define PASIDS		MOCK_FLAGS_DEVICE_PASID
#define AT		(uint64_t)MOCK_APERTURE_START

static struct {
	int fd, klog;
	uint32_t ioas;
	struct mem m;
} s;

static void set_up(void)
{
	if (tap_oracle())
		tap_skip("its mock has no such devices");
	s.fd = mock_open();
	if (kernel_before(6, 2))
		tap_skip("Linux 6.1's drivers can't be asked");
	s.ioas = ioas_new(s.fd);
	s.klog = klog_open();
	mem_get(&s.m, MEM_ANON, 8 * PAGE);
	mem_fill(s.m.va, s.m.size, 1);
	require_ok(ioas_map_at(s.fd, s.ioas, s.m.va, s.m.size, AT));
}

/* Has the page table what is mapped? */
static int has_memory(uint32_t hwpt)
{
	struct iommu_test_cmd cmd = { .check_map = {
		.iova = AT, .length = s.m.size, .uptr = (uintptr_t)s.m.va } };

	return mock_cmd(s.fd, IOMMU_TEST_OP_MD_CHECK_MAP, hwpt, &cmd);
}

/* An address space makes a page table for each, whoever comes first, and others join. */
static void check_automatic(uint32_t first, uint32_t second)
{
	struct mock a, b, c, d;

	set_up();
	require_ok(mock_device(s.fd, s.ioas, first, &a));
	require_ok(mock_device(s.fd, s.ioas, second, &b));
	require_ok(mock_device(s.fd, s.ioas, second, &c));
	require_ok(mock_device(s.fd, s.ioas, first, &d));
	check(a.hwpt != b.hwpt);
	check_eq(c.hwpt, b.hwpt);
	check_eq(d.hwpt, a.hwpt);
	check_ret(has_memory(a.hwpt), 0);
	check_ret(has_memory(b.hwpt), 0);
	check_ret(mock_unplug(s.fd, &a), 0);
	check_ret(mock_unplug(s.fd, &d), 0);
	check_ret(has_memory(b.hwpt), 0);
}

static void automatic(void) { check_automatic(ENFORCES, 0); }
static void automatic_reverse(void) { check_automatic(0, ENFORCES); }

/* A page table that was made for one is not for the other, and the log says why. */
static void refused(void)
{
	struct mock enforcing, plain, other;
	uint32_t coherent, loose;

	set_up();
	require_ok(mock_device(s.fd, s.ioas, ENFORCES, &enforcing));
	require_ok(mock_device(s.fd, s.ioas, 0, &plain));
	require_ok(hwpt_alloc(s.fd, enforcing.dev, s.ioas, 0, &coherent));
	require_ok(hwpt_alloc(s.fd, plain.dev, s.ioas, 0, &loose));
	check(!klog_says(s.klog, REFUSED, 0));
	check_ret(mock_device(s.fd, loose, ENFORCES, &other), -EINVAL);
	check(klog_says(s.klog, REFUSED, 1000));
	check_ret(mock_replace(s.fd, &enforcing, loose), -EINVAL);
	check(klog_says(s.klog, REFUSED, 1000));
	check_ret(mock_replace(s.fd, &plain, coherent), -EINVAL);
	check(klog_says(s.klog, NOT_TAKEN, 1000));
	/* both have stayed where they were, and go where they may */
	check_ret(iommu_destroy(s.fd, enforcing.hwpt), -EBUSY);
	check_ret(iommu_destroy(s.fd, plain.hwpt), -EBUSY);
	check_ret(mock_replace(s.fd, &enforcing, coherent), 0);
	check_ret(mock_replace(s.fd, &plain, loose), 0);
	check_ret(has_memory(coherent), 0);
	check_ret(has_memory(loose), 0);
	check_ret(mock_replace(s.fd, &enforcing, s.ioas), 0);
	check_ret(iommu_destroy(s.fd, coherent), 0);
	check_ret(mock_unplug(s.fd, &plain), 0);
	check_ret(iommu_destroy(s.fd, loose), 0);
}

/* PASIDs reach memory by the same rule. */
static void pasids(void)
{
	struct mock enforcing, plain;
	uint32_t coherent, loose;

	set_up();
	require_ok(mock_device(s.fd, s.ioas, ENFORCES | PASIDS, &enforcing));
	require_ok(mock_device(s.fd, s.ioas, PASIDS, &plain));
	require_ok(hwpt_alloc(s.fd, enforcing.dev, s.ioas, IOMMU_HWPT_ALLOC_PASID, &coherent));
	require_ok(hwpt_alloc(s.fd, plain.dev, s.ioas, IOMMU_HWPT_ALLOC_PASID, &loose));
	require_ok(mock_replace(s.fd, &enforcing, coherent));
	require_ok(mock_replace(s.fd, &plain, loose));
	check_ret(mock_pasid_attach(s.fd, &enforcing, 5, loose), -EINVAL);
	check(klog_says(s.klog, REFUSED, 1000));
	check_ret(mock_pasid_check(s.fd, &enforcing, 5, 0), 0);
	check_ret(mock_pasid_attach(s.fd, &enforcing, 5, coherent), 0);
	check_ret(mock_pasid_replace(s.fd, &enforcing, 5, loose), -EINVAL);
	check_ret(mock_pasid_check(s.fd, &enforcing, 5, coherent), 0);
	check_ret(mock_pasid_attach(s.fd, &plain, 5, coherent), -EINVAL);
	check_ret(mock_pasid_attach(s.fd, &plain, 5, loose), 0);
	check_ret(mock_unplug(s.fd, &enforcing), 0);
	check_ret(mock_unplug(s.fd, &plain), 0);
}

/* So a nested page table is refused for what its parent is. */
static void nested(void)
{
	struct mock enforcing, plain;
	uint32_t parent, child;

	set_up();
	require_ok(mock_device(s.fd, s.ioas, ENFORCES, &enforcing));
	require_ok(mock_device(s.fd, s.ioas, 0, &plain));
	require_ok(hwpt_alloc(s.fd, plain.dev, s.ioas, IOMMU_HWPT_ALLOC_NEST_PARENT, &parent));
	require_ok(mock_hwpt_nested(s.fd, plain.dev, parent, 0, &child));
	check_ret(mock_replace(s.fd, &enforcing, child), -EINVAL);
	check(klog_says(s.klog, REFUSED, 1000));
	check_ret(mock_replace(s.fd, &plain, child), 0);
	check_ret(mock_unplug(s.fd, &plain), 0);
}

static const struct test tests[] = {
	{ "automatic", automatic },
	{ "automatic_reverse", automatic_reverse },
	{ "refused", refused },
	{ "pasids", pasids },
	{ "nested", nested },
};

TAP_MAIN("coherency", tests)
