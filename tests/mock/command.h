/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The operations of IOMMU_TEST_CMD.  Each is one function: 0 or more is the ioctl's
 * result, and what fails has changed nothing.
 */
#ifndef TESTS_MOCK_COMMAND_H
#define TESTS_MOCK_COMMAND_H

#include <linux/types.h>

struct command;
struct dma_buf_attachment;
struct hwpt;
struct iommu_test_cmd;
struct iommufd_ctx;
struct object;
struct page;

/* command.c */
int test_command(struct command *cmd);

/* What MOCK_FLAGS_ACCESS_SYZ means for an IOAS; 0 if there's no such mapping. */
unsigned long test_nth_iova(struct iommufd_ctx *ctx, u32 ioas_id, u64 iova);

/* attach.c: mock devices, objects of test_object_type */
int test_mock_domain(struct command *cmd, struct iommu_test_cmd *arg);
int test_mock_domain_flags(struct command *cmd, struct iommu_test_cmd *arg);
int test_mock_domain_replace(struct command *cmd, struct iommu_test_cmd *arg);
int test_pasid_attach(struct command *cmd, struct iommu_test_cmd *arg);
int test_pasid_replace(struct command *cmd, struct iommu_test_cmd *arg);
int test_pasid_detach(struct command *cmd, struct iommu_test_cmd *arg);
int test_pasid_check(struct command *cmd, struct iommu_test_cmd *arg);
int test_reset(struct command *cmd, struct iommu_test_cmd *arg);
void test_device_destroy(struct object *obj);

/* trigger.c: what devices do by themselves */
int test_trigger_iopf(struct command *cmd, struct iommu_test_cmd *arg);
int test_trigger_vevent(struct command *cmd, struct iommu_test_cmd *arg);
int test_dirty(struct command *cmd, struct iommu_test_cmd *arg);

/* check.c: is what the IOMMU has what is expected? */
int test_check_map(struct command *cmd, struct iommu_test_cmd *arg);
int test_check_refs(struct command *cmd, struct iommu_test_cmd *arg);
int test_check_iotlb(struct command *cmd, struct iommu_test_cmd *arg);
int test_check_cache(struct command *cmd, struct iommu_test_cmd *arg);

/* The page that the caller has at an address, for comparing only: 0 or -errno */
int test_page_at(u64 address, struct page **page);

/* A page table of the mock's: the HWPT, used, or -ENOENT or -EINVAL */
struct hwpt *test_paging_get(struct iommufd_ctx *ctx, u32 id);

/* access.c: access objects, each behind a file */
int test_create_access(struct command *cmd, struct iommu_test_cmd *arg);
int test_access_replace_ioas(struct command *cmd, struct iommu_test_cmd *arg);
int test_access_pages(struct command *cmd, struct iommu_test_cmd *arg);
int test_destroy_access_pages(struct command *cmd, struct iommu_test_cmd *arg);
int test_access_rw(struct command *cmd, struct iommu_test_cmd *arg);

/* dmabuf.c: an exporter of DMA-bufs */
int test_dmabuf_get(struct command *cmd, struct iommu_test_cmd *arg);
int test_dmabuf_revoke(struct command *cmd, struct iommu_test_cmd *arg);

/* See test_dmabuf_phys(). */
int mock_dmabuf_phys(struct dma_buf_attachment *attachment, phys_addr_t *base,
		     size_t *length);

#endif
