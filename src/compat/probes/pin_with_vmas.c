/* Until Linux 6.4, pin_user_pages_remote() returned VMAs (0b295316b3a9). */
#include <linux/mm.h>

long probe(struct mm_struct *mm, struct page **pages, int *locked);
long probe(struct mm_struct *mm, struct page **pages, int *locked)
{
	return pin_user_pages_remote(mm, 0, 1, FOLL_LONGTERM, pages,
				     (struct vm_area_struct **)NULL, locked);
}
