/* A pinned folio can be pinned several times more. */
#include <linux/mm.h>

int probe(struct folio *folio);
int probe(struct folio *folio)
{
	return folio_add_pins(folio, 1);
}
