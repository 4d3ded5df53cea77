/* An export is made by the preprocessor and named by its section (before Linux 6.5). */
#include <linux/export.h>

struct kernel_symbol probe(void);
struct kernel_symbol probe(void)
{
	return (struct kernel_symbol){};
}
