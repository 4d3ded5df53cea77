/* Linux 6.7 added __free(kvfree) (a67d74a4b163). */
#include <linux/slab.h>

int probe(void);
int probe(void)
{
	void *p __free(kvfree) = NULL;

	return !p;
}
