/* Linux 6.17 made memfd_pin_folios() reserve huge pages, and added this helper (717cf9357325). */
#include <linux/hugetlb.h>

struct hugepage_subpool *probe(struct inode *inode);
struct hugepage_subpool *probe(struct inode *inode)
{
	return subpool_inode(inode);
}
