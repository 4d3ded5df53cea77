// SPDX-License-Identifier: GPL-2.0-only
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "smmuv3.h"
#include "tap.h"

#define SIZE		64u		/* bytes of a transfer */

/* Beside what it is to write */
#define BUFFER_COPY	1024u

#define COHERENT	"/sys/module/iommufd/parameters/smmuv3_assume_coherent"

void guest_need_nesting(void)
{
	int fd = open(COHERENT, O_WRONLY);

	if (fd < 0)
		tap_skip("no test build for a machine with an SMMUv3");
	require(write(fd, "1", 1) == 1);
	close(fd);
}

void guest_up(struct guest *g)
{
	guest_need_nesting();
	g->fd = iommu_open();
	g->ioas = ioas_new(g->fd);
	mem_get(&g->m, MEM_ANON, GUEST_PAGES * PAGE);
	memset(g->m.va, 0, g->m.size);
	require_ok(ioas_map_at(g->fd, g->ioas, g->m.va, g->m.size, GUEST_IPA));
}

int viommu_alloc(int fd, uint32_t dev, uint32_t hwpt, uint32_t type, uint32_t *id)
{
	struct iommu_viommu_alloc c = {
		.size = sizeof(c), .type = type, .dev_id = dev, .hwpt_id = hwpt,
	};
	int rc = iommu_ioctl(fd, IOMMU_VIOMMU_ALLOC, &c);

	*id = c.out_viommu_id;
	return rc;
}

int vdevice_alloc(int fd, uint32_t viommu, uint32_t dev, uint64_t virt_id, uint32_t *id)
{
	struct iommu_vdevice_alloc c = {
		.size = sizeof(c), .viommu_id = viommu, .dev_id = dev, .virt_id = virt_id,
	};
	int rc = iommu_ioctl(fd, IOMMU_VDEVICE_ALLOC, &c);

	*id = c.out_vdevice_id;
	return rc;
}

int nested_alloc(int fd, uint32_t dev, uint32_t viommu, const uint64_t ste[2], uint32_t *id)
{
	struct iommu_hwpt_arm_smmuv3 data = { { ste[0], ste[1] } };
	struct iommu_hwpt_alloc c = {
		.size = sizeof(c), .dev_id = dev, .pt_id = viommu,
		.data_type = IOMMU_HWPT_DATA_ARM_SMMUV3,
		.data_len = sizeof(data), .data_uptr = (uintptr_t)&data,
	};
	int rc = iommu_ioctl(fd, IOMMU_HWPT_ALLOC, &c);

	*id = c.out_hwpt_id;
	return rc;
}

void guest_make_viommu(struct guest *g, struct guest_device *d)
{
	require_ok(hwpt_alloc(g->fd, d->dev.id, g->ioas, IOMMU_HWPT_ALLOC_NEST_PARENT,
			      &g->parent));
	require_ok(viommu_alloc(g->fd, d->dev.id, g->parent, IOMMU_VIOMMU_TYPE_ARM_SMMUV3,
				&g->viommu));
}

void guest_down(struct guest *g)
{
	check_ret(iommu_destroy(g->fd, g->viommu), 0);
	check_ret(iommu_destroy(g->fd, g->parent), 0);
	check_ret(iommu_destroy(g->fd, g->ioas), 0);
	close(g->fd);
}

void *guest_page(struct guest *g, unsigned int page)
{
	require(page < GUEST_PAGES);
	return g->m.va + page * PAGE;
}

uint64_t guest_ipa(unsigned int page)
{
	return GUEST_IPA + page * PAGE;
}

void guest_device_get(struct guest_device *d, struct guest *g, unsigned int nth)
{
	memset(d, 0, sizeof(*d));
	d->guest = g;
	d->vsid = 0x100 + nth;
	device_get(&d->dev, "edu", nth, g->fd);
	edu_init(&d->edu, &d->dev);
	d->edu.limit = UINT64_MAX;
}

void guest_device_put(struct guest_device *d)
{
	edu_fini(&d->edu);
	device_close(&d->dev);
}

void stage1_make(struct stage1 *s, struct guest *g, unsigned int page, uint16_t asid)
{
	uint64_t *cd;

	*s = (struct stage1){ .guest = g, .page = page, .asid = asid };
	memset(guest_page(g, page), 0, 4 * PAGE);
	cd = guest_page(g, page);
	/* T0SZ 25, 4 KiB, cacheable and shared walks, no TTB1, 40 bits out, AFFD, AA64, R, A */
	cd[0] = 25 | 1ull << 8 | 1ull << 10 | 3ull << 12 | 1ull << 30 | 1ull << 31 |
		2ull << 32 | 1ull << 35 | 1ull << 41 | 1ull << 45 | 1ull << 46 | 1ull << 47 |
		(uint64_t)asid << 48;
	cd[1] = guest_ipa(page + 1);
	cd[3] = 0xff;
	*(uint64_t *)guest_page(g, page + 1) = guest_ipa(page + 2) | 3;
	((uint64_t *)guest_page(g, page + 2))[GUEST_IOVA >> 21] = guest_ipa(page + 3) | 3;
	__sync_synchronize();
}

void stage1_map(struct stage1 *s, unsigned int n, int page)
{
	uint64_t *table = guest_page(s->guest, s->page + 3);

	/* A page that anyone may read and write, shared, accessed, not global */
	table[n] = page < 0 ? 0 :
		   guest_ipa(page) | 3 | 1 << 6 | 3 << 8 | 1 << 10 | 1 << 11;
	__sync_synchronize();
}

void stage1_use_tables_of(struct stage1 *s, const struct stage1 *other)
{
	((uint64_t *)guest_page(s->guest, s->page))[1] = guest_ipa(other->page + 1);
	__sync_synchronize();
}

uint32_t stage1_hwpt(struct stage1 *s, struct guest_device *d)
{
	uint64_t ste[2] = { STE_V | STE_S1 | guest_ipa(s->page), STE_ATTRIBUTES };
	uint32_t id = 0;

	require_ok(nested_alloc(s->guest->fd, d->dev.id, s->guest->viommu, ste, &id));
	return id;
}

uint64_t stage1_iova(unsigned int n)
{
	return GUEST_IOVA + n * PAGE;
}

int guest_invalidate(struct guest *g, const uint64_t (*commands)[2], uint32_t *n)
{
	struct iommu_hwpt_invalidate c = {
		.size = sizeof(c), .hwpt_id = g->viommu, .entry_num = *n, .entry_len = 16,
		.data_type = IOMMU_VIOMMU_INVALIDATE_DATA_ARM_SMMUV3,
		.data_uptr = (uintptr_t)commands,
	};
	int rc = iommu_ioctl(g->fd, IOMMU_HWPT_INVALIDATE, &c);

	*n = c.entry_num;
	return rc;
}

void guest_command(struct guest *g, uint64_t word0, uint64_t word1)
{
	uint64_t command[1][2] = { { word0, word1 } };
	uint32_t n = 1;

	check_ret(guest_invalidate(g, command, &n), 0);
	check_eq(n, 1);
}

void device_charge(struct guest_device *d)
{
	memset(guest_page(d->guest, GUEST_DATA), 0xa5, SIZE);
	require_ok(edu_load(&d->edu, guest_ipa(GUEST_DATA), 0, SIZE));
	memset(guest_page(d->guest, GUEST_DATA), 0, SIZE);
}

int device_lands(struct guest_device *d, uint64_t iova)
{
	unsigned int page;
	int found = -1;

	for (page = GUEST_DATA; page < GUEST_PAGES; page++)
		memset(guest_page(d->guest, page), 0, SIZE);
	require_ok(edu_store(&d->edu, iova, 0, SIZE));
	for (page = GUEST_DATA; page < GUEST_PAGES; page++) {
		if (mem_differs_from(guest_page(d->guest, page), SIZE, 0) < 0)
			continue;
		check(found < 0);
		check(mem_differs_from(guest_page(d->guest, page), SIZE, 0xa5) < 0);
		found = page;
	}
	return found;
}

int device_copies(struct guest_device *d, uint64_t from, uint64_t to)
{
	int rc = edu_load(&d->edu, from, BUFFER_COPY, SIZE);

	return rc ?: edu_store(&d->edu, to, BUFFER_COPY, SIZE);
}
