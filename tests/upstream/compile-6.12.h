/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Linux 6.12's suite took over tests of newer kernels without the names that
 * these use.
 */
#define IOMMU_HW_INFO_TYPE_DEFAULT	0
#define IOMMU_HW_INFO_FLAG_INPUT_TYPE	(1 << 0)
#define in_data_type			out_data_type
#define MOCK_FLAGS_DEVICE_PASID		(1 << 2)
#define MOCK_PASID_WIDTH		20
