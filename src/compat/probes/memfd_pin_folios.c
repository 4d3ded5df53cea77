/* Folios of a memfd can be pinned without a mapping. */
#include <linux/mm.h>

long probe(struct file *file, struct folio **folios);
long probe(struct file *file, struct folio **folios)
{
	pgoff_t offset;

	return memfd_pin_folios(file, 0, 1, folios, 1, &offset);
}
