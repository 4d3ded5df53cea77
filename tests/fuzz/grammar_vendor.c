// SPDX-License-Identifier: GPL-2.0-only
/* The grammar of what has a vendor's data: nested page tables of VT-d and SMMUv3. */
#include "grammar.h"

#define NESTED(_name, _needs, _on, _type, _struct, _at)			\
	IOCTL_IF(_name, 5, _needs, IOMMU_HWPT_ALLOC, iommu_hwpt_alloc,	\
	      F(iommu_hwpt_alloc, flags, SELDOM, 15),			\
	      F(iommu_hwpt_alloc, dev_id, TAKES, MASK(DEVICE)),		\
	      F(iommu_hwpt_alloc, pt_id, TAKES, _on),			\
	      F(iommu_hwpt_alloc, out_hwpt_id, MAKES, HWPT),		\
	      F(iommu_hwpt_alloc, data_type, FIXED, _type),		\
	      F(iommu_hwpt_alloc, data_len, FIXED, sizeof(struct _struct)), \
	      F(iommu_hwpt_alloc, data_uptr, BLOB, _at))

#define INVALIDATE(_name, _needs, _on, _type, _struct, _at)		\
	IOCTL_IF(_name, 5, _needs, IOMMU_HWPT_INVALIDATE, iommu_hwpt_invalidate, \
	      F(iommu_hwpt_invalidate, hwpt_id, TAKES, _on),		\
	      F(iommu_hwpt_invalidate, data_uptr, BLOB, _at),		\
	      F(iommu_hwpt_invalidate, data_type, FIXED, _type),	\
	      F(iommu_hwpt_invalidate, entry_len, FIXED, sizeof(struct _struct)), \
	      F(iommu_hwpt_invalidate, entry_num, COUNT, 8),		\
	      F(iommu_hwpt_invalidate, __reserved, FIXED, 0))

const struct op vendor_ops[] = {
	NESTED("vtd_nested", NEED_VTD, MASK(HWPT), IOMMU_HWPT_DATA_VTD_S1,
	       iommu_hwpt_vtd_s1, DATA_VTD_TABLES),
	INVALIDATE("vtd_invalidate", NEED_VTD, MASK(HWPT), IOMMU_HWPT_INVALIDATE_DATA_VTD_S1,
		   iommu_hwpt_vtd_s1_invalidate, DATA_VTD_RANGES),
	IOCTL_IF("smmu_viommu", 4, NEED_SMMU, IOMMU_VIOMMU_ALLOC, iommu_viommu_alloc,
	      F(iommu_viommu_alloc, flags, FIXED, 0),
	      F(iommu_viommu_alloc, type, FIXED, IOMMU_VIOMMU_TYPE_ARM_SMMUV3),
	      F(iommu_viommu_alloc, dev_id, TAKES, MASK(DEVICE)),
	      F(iommu_viommu_alloc, hwpt_id, TAKES, MASK(HWPT)),
	      F(iommu_viommu_alloc, out_viommu_id, MAKES, VIOMMU),
	      F(iommu_viommu_alloc, data_len, FIXED, 0),
	      F(iommu_viommu_alloc, __reserved, FIXED, 0)),
	IOCTL_IF("smmu_veventq", 2, NEED_SMMU, IOMMU_VEVENTQ_ALLOC, iommu_veventq_alloc,
	      F(iommu_veventq_alloc, flags, FIXED, 0),
	      F(iommu_veventq_alloc, viommu_id, TAKES, MASK(VIOMMU)),
	      F(iommu_veventq_alloc, type, FIXED, IOMMU_VEVENTQ_TYPE_ARM_SMMUV3),
	      F(iommu_veventq_alloc, veventq_depth, COUNT, 4),
	      F(iommu_veventq_alloc, out_veventq_id, MAKES, VEVENTQ),
	      F(iommu_veventq_alloc, out_veventq_fd, MAKES, EVENT_FD),
	      F(iommu_veventq_alloc, __reserved, FIXED, 0)),
	NESTED("smmu_nested", NEED_SMMU, MASK(VIOMMU), IOMMU_HWPT_DATA_ARM_SMMUV3,
	       iommu_hwpt_arm_smmuv3, DATA_SMMU_STES),
	INVALIDATE("smmu_invalidate", NEED_SMMU, MASK(VIOMMU),
		   IOMMU_VIOMMU_INVALIDATE_DATA_ARM_SMMUV3,
		   iommu_viommu_arm_smmuv3_invalidate, DATA_SMMU_COMMANDS),
	/* Of what the kernel may be reading at the moment */
	CALL("poke", 2, run_poke, W("at", BLOB, DATA_VTD_TABLES), W("word", PICK, 255),
	     W("value", LENGTH, 0)),
};

const unsigned int n_vendor_ops = sizeof(vendor_ops) / sizeof(vendor_ops[0]);
