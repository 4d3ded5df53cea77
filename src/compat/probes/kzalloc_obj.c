/* Allocation by type: kzalloc_obj() and its family (7.0; 6.12.107 or earlier). */
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
