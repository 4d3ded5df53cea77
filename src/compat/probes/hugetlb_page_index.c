/* Linux 6.7 indexes the page cache of hugetlbfs by small pages, not huge ones (a08c7193e4f1). */
#include <linux/hugetlb.h>

struct folio *probe(struct hstate *h, struct address_space *mapping);
struct folio *probe(struct hstate *h, struct address_space *mapping)
{
	return filemap_lock_hugetlb_folio(h, mapping, 0);
}
