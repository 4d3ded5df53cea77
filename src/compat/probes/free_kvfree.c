/* Linux 6.12 has __free(kvfree), 6.1 doesn't. */
#include <linux/slab.h>

int probe(void);
int probe(void)
{
	void *p __free(kvfree) = NULL;

	return !p;
}
