/* Linux 6.5 dropped the VMAs from pin_user_pages_remote() (0b295316b3a9). */
#include <linux/mm.h>

long probe(struct mm_struct *mm, struct page **pages, int *locked);
long probe(struct mm_struct *mm, struct page **pages, int *locked)
{
	return pin_user_pages_remote(mm, 0, 1, FOLL_LONGTERM, pages, locked);
}
