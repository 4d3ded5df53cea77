// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "nested_guest.h"
#include "tap.h"

#define DATA	VTD_DATA	/* the page whose contents the device is charged with */
#define PAGES	VTD_PAGES
#define VSID	0x100u		/* the same for every guest */
#define CANARY	0x3c

_Static_assert(DATA > GUEST_DATA && PAGES == GUEST_PAGES, "there is data of both");

struct nested_vendor {
	uint64_t iova, gpa;
	void (*begin)(struct nested_guest *n);	/* the memory is there */
	void (*charge)(struct nested_guest *n);
	int (*viommu)(struct nested_guest *n);
	int (*vdevice)(struct nested_guest *n);
	int (*table)(struct nested_guest *n, unsigned int table);
	void (*map)(struct nested_guest *n, unsigned int table, unsigned int page);
	int (*invalidate)(struct nested_guest *n);
	int (*where)(struct nested_guest *n, uint64_t iova);
};

static void nested_vtd_begin(struct nested_guest *n)
{
	n->vtd.fd = n->fd;
	n->vtd.ioas = n->ioas;
	n->vtd.m = n->m;
	n->vtd.used = 0;
	n->vtd.root[0] = vtd_gpa(n->vtd.used++);
	n->vtd.root[1] = vtd_gpa(n->vtd.used++);
}

static void nested_vtd_charge(struct nested_guest *n)
{
	vtd_charge(&n->vtd);
}

static int nested_vtd_nothing(struct nested_guest *n)
{
	(void)n;
	return 0;
}

static int nested_vtd_table(struct nested_guest *n, unsigned int table)
{
	struct iommu_hwpt_vtd_s1 data = {
		.pgtbl_addr = n->vtd.root[table], .addr_width = 48,
	};

	n->vtd.parent = n->parent;
	return vtd_nested(&n->vtd, 0, &data, &n->table[table]);
}

static void nested_vtd_map(struct nested_guest *n, unsigned int table, unsigned int page)
{
	vtd_map(&n->vtd, table, VTD_IOVA, page);
}

static int nested_vtd_invalidate(struct nested_guest *n)
{
	struct iommu_hwpt_vtd_s1_invalidate all = { .npages = UINT64_MAX };
	int rc = 0;

	for (unsigned int i = 0; i < 2 && !rc; i++) {
		uint32_t done = 1;

		if (n->table[i])
			rc = vtd_invalidate(n->fd, n->table[i], &all, &done);
	}
	return rc;
}

static int nested_vtd_where(struct nested_guest *n, uint64_t iova)
{
	return vtd_where(&n->vtd, iova);
}

static const struct nested_vendor nested_vtd = {
	VTD_IOVA, VTD_GPA, nested_vtd_begin, nested_vtd_charge, nested_vtd_nothing,
	nested_vtd_nothing, nested_vtd_table, nested_vtd_map, nested_vtd_invalidate,
	nested_vtd_where,
};

static void nested_smmu_begin(struct nested_guest *n)
{
	n->smmu.g = (struct guest){ .fd = n->fd, .ioas = n->ioas, .m = n->m };
	n->smmu.d.guest = &n->smmu.g;
	n->smmu.d.vsid = VSID;
	for (unsigned int i = 0; i < 2; i++)
		stage1_make(&n->smmu.s[i], &n->smmu.g, 8 * i, i + 1);
}

static void nested_smmu_charge(struct nested_guest *n)
{
	n->smmu.g.parent = n->parent;
	device_charge(&n->smmu.d);
}

static int nested_smmu_viommu(struct nested_guest *n)
{
	int rc = viommu_alloc(n->fd, n->dev->id, n->parent, IOMMU_VIOMMU_TYPE_ARM_SMMUV3,
			      &n->viommu);

	n->smmu.g.viommu = n->viommu;
	return rc;
}

static int nested_smmu_vdevice(struct nested_guest *n)
{
	return vdevice_alloc(n->fd, n->viommu, n->dev->id, VSID, &n->smmu.d.vdevice);
}

static int nested_smmu_table(struct nested_guest *n, unsigned int table)
{
	uint64_t ste[2] = { STE_V | STE_S1 | guest_ipa(n->smmu.s[table].page), STE_ATTRIBUTES };

	return nested_alloc(n->fd, n->dev->id, n->viommu, ste, &n->table[table]);
}

static void nested_smmu_map(struct nested_guest *n, unsigned int table, unsigned int page)
{
	stage1_map(&n->smmu.s[table], 0, page);
}

static int nested_smmu_invalidate(struct nested_guest *n)
{
	const uint64_t all[1][2] = { { TLBI_NH_ALL, 0 } };
	uint32_t done = 1;

	return guest_invalidate(&n->smmu.g, all, &done);
}

static int nested_smmu_where(struct nested_guest *n, uint64_t iova)
{
	return device_lands(&n->smmu.d, iova);
}

static const struct nested_vendor nested_smmu = {
	GUEST_IOVA, GUEST_IPA, nested_smmu_begin, nested_smmu_charge, nested_smmu_viommu,
	nested_smmu_vdevice, nested_smmu_table, nested_smmu_map, nested_smmu_invalidate,
	nested_smmu_where,
};

static unsigned int page_of(unsigned int page)
{
	return DATA + 1 + page;
}

void nested_memory(struct mem *m)
{
	mem_get(m, MEM_MEMFD, PAGES * PAGE);
	memset(m->va, 0, m->size);
}

static void use_device(struct nested_guest *n, struct device *dev, struct edu *edu)
{
	n->dev = dev;
	n->edu = edu;
	edu_init(edu, dev);
	edu->limit = UINT64_MAX;
}

/* The vendor, by the device. */
static void find_vendor(struct nested_guest *n, struct device *dev)
{
	struct iommu_hw_info info;
	char data[64];

	require_ok(hw_info(n->fd, dev->id, data, sizeof(data), &info));
	if (info.out_data_type == IOMMU_HW_INFO_TYPE_INTEL_VTD) {
		n->vendor = &nested_vtd;
	} else if (info.out_data_type == IOMMU_HW_INFO_TYPE_ARM_SMMUV3) {
		guest_need_nesting();
		n->vendor = &nested_smmu;
	} else {
		tap_skip("needs VT-d or an SMMUv3");
	}
}

static void take_device(struct nested_guest *n, const struct device *dev)
{
	if (n->vendor == &nested_vtd) {
		n->vtd.dev = *dev;
		use_device(n, &n->vtd.dev, &n->vtd.edu);
	} else {
		n->smmu.d.dev = *dev;
		use_device(n, &n->smmu.d.dev, &n->smmu.d.edu);
	}
}

void nested_open(struct nested_guest *n, const struct mem *m, unsigned int nth)
{
	struct device dev;

	memset(n, 0, sizeof(*n));
	n->m = *m;
	n->fd = iommu_open();
	n->ioas = ioas_new(n->fd);
	device_get(&dev, "edu", nth, n->fd);
	find_vendor(n, &dev);
	memset(m->va, 0, m->size);
	n->vendor->begin(n);
	take_device(n, &dev);
	require_ok(ioas_map_at(n->fd, n->ioas, m->va, m->size, n->vendor->gpa));
	nested_map(n, 0, 0);
	nested_map(n, 1, 1);
}

void nested_open_again(struct nested_guest *n)
{
	struct device dev;

	require_ok(device_open(&dev, n->dev->bdf));
	require_ok(device_bind(&dev, n->fd));
	take_device(n, &dev);
}

void nested_close_device(struct nested_guest *n)
{
	edu_fini(n->edu);
	device_close(n->dev);
}

void nested_close(struct nested_guest *n)
{
	nested_close_device(n);
	close(n->fd);
}

static int make_parent(struct nested_guest *n)
{
	int rc = hwpt_alloc(n->fd, n->dev->id, n->ioas, IOMMU_HWPT_ALLOC_NEST_PARENT,
			    &n->parent);

	if (rc == -EOPNOTSUPP && n->vendor == &nested_vtd && !vtd_is_meant_to_nest())
		tap_skip("this IOMMU doesn't nest");
	return rc;
}

int nested_try(struct nested_guest *n, enum nested_step step)
{
	int rc = -EINVAL;

	switch (step) {
	case NESTED_PARENT:
		return make_parent(n);
	case NESTED_ON_PARENT:
		rc = device_attach(n->dev, n->parent);
		if (!rc)
			n->vendor->charge(n);
		return rc;
	case NESTED_VIOMMU:
		return n->vendor->viommu(n);
	case NESTED_VDEVICE:
		return n->vendor->vdevice(n);
	case NESTED_TABLE:
		return n->vendor->table(n, 0);
	case NESTED_OTHER_TABLE:
		return n->vendor->table(n, 1);
	case NESTED_ATTACHED:
		return device_attach(n->dev, n->table[0]);
	case NESTED_INVALIDATED:
		return nested_invalidate(n);
	case NESTED_REPLACED:
		return device_attach(n->dev, n->table[1]);
	case NESTED_BACK:
		return device_attach(n->dev, n->parent);
	case NESTED_STEPS:
		break;
	}
	return rc;
}

void nested_up(struct nested_guest *n, const struct mem *m, unsigned int nth,
	       enum nested_step last)
{
	nested_open(n, m, nth);
	for (int step = 0; step <= (int)last; step++)
		require_ok(nested_try(n, step));
}

uint64_t nested_iova(const struct nested_guest *n)
{
	return n->vendor->iova;
}

uint64_t nested_gpa(const struct nested_guest *n, unsigned int page)
{
	return n->vendor->gpa + page_of(page) * PAGE;
}

uint8_t *nested_va(const struct nested_guest *n, unsigned int page)
{
	return n->m.va + page_of(page) * PAGE;
}

void nested_map(struct nested_guest *n, unsigned int table, unsigned int page)
{
	n->vendor->map(n, table, page_of(page));
}

int nested_invalidate(struct nested_guest *n)
{
	return n->vendor->invalidate(n);
}

int nested_events(struct nested_guest *n, struct events *queue)
{
	struct iommu_veventq_alloc c = {
		.size = sizeof(c), .viommu_id = n->viommu,
		.type = IOMMU_VEVENTQ_TYPE_ARM_SMMUV3, .veventq_depth = 64,
	};
	int rc = iommu_ioctl(n->fd, IOMMU_VEVENTQ_ALLOC, &c);

	queue->id = c.out_veventq_id;
	queue->fd = rc ? -1 : (int)c.out_veventq_fd;
	return rc;
}

int nested_where(struct nested_guest *n, uint64_t iova)
{
	int page = n->vendor->where(n, iova);

	return page < 0 ? page : page - (int)page_of(0);
}

void nested_dma(struct nested_guest *n)
{
	if (edu_has_more(n->edu))
		edu_repeat(n->edu, true);
	edu_start(n->edu, true, nested_iova(n), 0, 64);
}

void nested_dma_ends(struct nested_guest *n)
{
	if (edu_has_more(n->edu))
		edu_repeat(n->edu, false);
	require_ok(edu_wait(n->edu));
}

void nested_fill(const struct mem *m)
{
	memset(m->va + DATA * PAGE, CANARY, m->size - DATA * PAGE);
}

bool nested_is_filled(const struct mem *m)
{
	return mem_differs_from(m->va + DATA * PAGE, m->size - DATA * PAGE, CANARY) < 0;
}
