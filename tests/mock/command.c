// SPDX-License-Identifier: GPL-2.0-only
/* IOMMU_TEST_CMD: which operation is answered where. */
#include <linux/err.h>
#include <linux/nospec.h>
#include <linux/overflow.h>

#include "../../src/core/context.h"
#include "../../src/ioas/ioas.h"
#include "command.h"
#include "hooks.h"
#include "uapi.h"

unsigned long test_nth_iova(struct iommufd_ctx *ctx, u32 ioas_id, u64 iova)
{
	unsigned int n = lower_32_bits(iova);
	unsigned long found = 0;
	struct iova_node *node;
	struct ioas *ioas;

	ioas = ioas_get(ctx, ioas_id);
	if (IS_ERR(ioas))
		return 0;
	down_read(&ioas->lock);
	node = space_find(&ioas->space, 0, ULONG_MAX);
	while (node && n--)
		node = space_next(node, ULONG_MAX);
	if (node)
		found = node->first + upper_32_bits(iova);
	up_read(&ioas->lock);
	ioas_put(ioas);
	return found;
}

/* The range stays reserved as long as the IOAS is there. */
static int test_add_reserved(struct command *cmd, struct iommu_test_cmd *arg)
{
	struct iova_range range = { .first = arg->add_reserved.start };
	struct ioas *ioas;
	int rc;

	if (!arg->add_reserved.length)
		return -EINVAL;
	if (check_add_overflow(arg->add_reserved.start,
			       arg->add_reserved.length - 1, &range.last))
		return -EOVERFLOW;
	ioas = ioas_get(cmd->ctx, arg->id);
	if (IS_ERR(ioas))
		return PTR_ERR(ioas);
	rc = ioas_reserve(ioas, &range, 1);
	ioas_put(ioas);
	return rc;
}

/* There are no batches here whose memory could be limited. */
static int test_memory_limit(struct command *cmd, struct iommu_test_cmd *arg)
{
	if (arg->memory_limit.limit < sizeof(unsigned long) + sizeof(u32))
		return -EINVAL;
	return 0;
}

static int (*const operations[])(struct command *cmd, struct iommu_test_cmd *arg) = {
	[IOMMU_TEST_OP_ADD_RESERVED] = test_add_reserved,
	[IOMMU_TEST_OP_MOCK_DOMAIN] = test_mock_domain,
	[IOMMU_TEST_OP_MD_CHECK_MAP] = test_check_map,
	[IOMMU_TEST_OP_MD_CHECK_REFS] = test_check_refs,
	[IOMMU_TEST_OP_CREATE_ACCESS] = test_create_access,
	[IOMMU_TEST_OP_DESTROY_ACCESS_PAGES] = test_destroy_access_pages,
	[IOMMU_TEST_OP_ACCESS_PAGES] = test_access_pages,
	[IOMMU_TEST_OP_ACCESS_RW] = test_access_rw,
	[IOMMU_TEST_OP_SET_TEMP_MEMORY_LIMIT] = test_memory_limit,
	[IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE] = test_mock_domain_replace,
	[IOMMU_TEST_OP_ACCESS_REPLACE_IOAS] = test_access_replace_ioas,
	[IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS] = test_mock_domain_flags,
	[IOMMU_TEST_OP_DIRTY] = test_dirty,
	[IOMMU_TEST_OP_MD_CHECK_IOTLB] = test_check_iotlb,
	[IOMMU_TEST_OP_TRIGGER_IOPF] = test_trigger_iopf,
	[IOMMU_TEST_OP_DEV_CHECK_CACHE] = test_check_cache,
	[IOMMU_TEST_OP_TRIGGER_VEVENT] = test_trigger_vevent,
	[IOMMU_TEST_OP_PASID_ATTACH] = test_pasid_attach,
	[IOMMU_TEST_OP_PASID_REPLACE] = test_pasid_replace,
	[IOMMU_TEST_OP_PASID_DETACH] = test_pasid_detach,
	[IOMMU_TEST_OP_PASID_CHECK_HWPT] = test_pasid_check,
	[IOMMU_TEST_OP_DMABUF_GET] = test_dmabuf_get,
	[IOMMU_TEST_OP_DMABUF_REVOKE] = test_dmabuf_revoke,
	[IOMMU_TEST_OP_RESET] = test_reset,
};

int test_command(struct command *cmd)
{
	struct iommu_test_cmd *arg = cmd->arg;
	u32 op = arg->op;

	if (op >= ARRAY_SIZE(operations))
		return -EOPNOTSUPP;
	op = array_index_nospec(op, ARRAY_SIZE(operations));
	if (!operations[op])
		return -EOPNOTSUPP;
	return operations[op](cmd, arg);
}
