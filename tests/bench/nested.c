// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a guest with page tables of its own asks for all the time, on VT-d with nested
 * translation (tests/qemu): invalidations, and other tables for a device.
 */
#include <unistd.h>

#include "bench.h"
#include "vtd.h"

#define TIMES	200
#define MANY	256

static struct vtd_guest guest;

static void invalidate(uint32_t id, uint32_t n, uint32_t flags, const char *what)
{
	static struct iommu_hwpt_vtd_s1_invalidate array[MANY];
	static struct samples took;
	uint64_t start;
	uint32_t done;

	for (unsigned int i = 0; i < n; i++)
		array[i] = (struct iommu_hwpt_vtd_s1_invalidate){
			.addr = VTD_IOVA + i * PAGE, .npages = 1, .flags = flags,
		};
	for (int i = 0; i <= TIMES; i++) {
		done = n;
		start = ticks();
		require_ok(vtd_invalidate(guest.fd, id, array, &done));
		if (i)
			sample(&took, ticks() - start);
		require(done == n);
	}
	samples_print(&took, "iommufd/nested/invalidate-%s", what);
}

/* To and fro: each device_attach() replaces what is attached. */
static void attach(uint32_t first, uint32_t second, const char *what)
{
	static struct samples took;
	uint64_t start;

	for (int i = 0; i <= TIMES; i++) {
		require_ok(device_attach(&guest.dev, first));
		start = ticks();
		require_ok(device_attach(&guest.dev, second));
		if (i)
			sample(&took, ticks() - start);
	}
	samples_print(&took, "iommufd/nested/attach-%s", what);
}

void bench_nested(void)
{
	uint32_t first = vtd_nested_up(&guest), second = vtd_table(&guest, 1);

	invalidate(first, 1, 0, "1");
	invalidate(first, 1, IOMMU_VTD_INV_FLAGS_LEAF, "1-leaf");
	invalidate(first, MANY, 0, "256");
	attach(first, second, "other-table");
	attach(guest.parent, first, "from-parent");
	edu_fini(&guest.edu);
	device_close(&guest.dev);
	close(guest.fd);
}
