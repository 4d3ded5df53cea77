/* Pages of hugetlbfs stand in the page cache by their place in pages, not in huge ones. */
#include <linux/hugetlb.h>

struct folio *probe(struct hstate *h, struct address_space *mapping);
struct folio *probe(struct hstate *h, struct address_space *mapping)
{
	return filemap_lock_hugetlb_folio(h, mapping, 0);
}
