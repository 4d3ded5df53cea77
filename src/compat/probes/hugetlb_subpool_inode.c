/* memfd_pin_folios() reserves the huge pages that it allocates; this came with it. */
#include <linux/hugetlb.h>

struct hugepage_subpool *probe(struct inode *inode);
struct hugepage_subpool *probe(struct inode *inode)
{
	return subpool_inode(inode);
}
