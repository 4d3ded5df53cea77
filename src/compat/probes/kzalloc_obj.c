/* Linux 7.0 added kzalloc_obj() and family (2932ba8d9c99); 6.12.107 or earlier has it, too. */
#include <linux/slab.h>

struct probe {
	int a;
};

struct probe *probe(void);
struct probe *probe(void)
{
	kfree(kvmalloc_objs(struct probe, 3));
	return kzalloc_obj(struct probe, GFP_KERNEL_ACCOUNT);
}
