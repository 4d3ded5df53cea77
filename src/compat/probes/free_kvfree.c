/* __free(kvfree) is known. */
#include <linux/slab.h>

int probe(void);
int probe(void)
{
	void *p __free(kvfree) = NULL;

	return !p;
}
