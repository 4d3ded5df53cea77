// SPDX-License-Identifier: GPL-2.0-only
/* Calls that do next to nothing. */
#include "bench.h"

void bench_ioctls(void)
{
	static struct samples get, alloc, destroy;
	struct space s;

	space_open(&s, false);
	for (unsigned int i = 0; i < 200; i++) {
		struct call call = {
			.cmd = IOMMU_OPTION,
			.fd = s.fd,
			.option = {
				.size = sizeof(struct iommu_option),
				.option_id = IOMMU_OPTION_HUGE_PAGES,
				.op = IOMMU_OPTION_OP_GET,
				.object_id = s.ioas,
			},
		};

		sample(&get, timed(&call));
	}
	samples_print(&get, "iommufd/option-get");
	for (unsigned int i = 0; i < 200; i++) {
		struct iommu_ioas_alloc a = { .size = sizeof(a) };
		struct iommu_destroy d = { .size = sizeof(d) };
		uint64_t start = ticks();

		require(!iommu_ioctl(s.fd, IOMMU_IOAS_ALLOC, &a));
		sample(&alloc, ticks() - start);
		d.id = a.out_ioas_id;
		start = ticks();
		require(!iommu_ioctl(s.fd, IOMMU_DESTROY, &d));
		sample(&destroy, ticks() - start);
	}
	samples_print(&alloc, "iommufd/ioas-alloc");
	samples_print(&destroy, "iommufd/ioas-destroy");
	space_close(&s);
}
