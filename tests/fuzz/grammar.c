// SPDX-License-Identifier: GPL-2.0-only
/* The grammar's tables, one after another. */
#include <stdlib.h>

#include "grammar.h"

const struct op *ops[MAX_OPS];
unsigned int n_ops;
static unsigned int first_node_op, first_vendor_op;

static void add(const struct op *table, unsigned int n)
{
	while (n--) {
		if (n_ops == MAX_OPS)
			abort();
		ops[n_ops++] = table++;
	}
}

void grammar_begin(void)
{
	add(iommu_ops, n_iommu_ops);
	add(mock_ops, n_mock_ops);
	first_node_op = n_ops;
	add(node_ops, n_node_ops);
	first_vendor_op = n_ops;
	add(vendor_ops, n_vendor_ops);
}

/* Few objects are of use to nodes; those calls belong to both. */
unsigned int grammar_part(unsigned int op)
{
	static const unsigned long both[] = {
		IOMMU_DESTROY, IOMMU_IOAS_ALLOC, IOMMU_IOAS_MAP, IOMMU_IOAS_MAP_FILE,
		IOMMU_IOAS_UNMAP, IOMMU_HWPT_ALLOC,
	};
	unsigned int i;

	if (op >= first_vendor_op)
		return PART_IOMMU | PART_NODE;
	if (op >= first_node_op)
		return PART_NODE;
	for (i = 0; i < sizeof(both) / sizeof(both[0]); i++) {
		if (ops[op]->request == both[i])
			return PART_IOMMU | PART_NODE;
	}
	return PART_IOMMU;
}
