/* Until Linux 6.14, kernfs_node.parent was a plain pointer (633488947ef6). */
#include <linux/kernfs.h>

struct kernfs_node *probe_parent(struct kernfs_node *kn);
struct kernfs_node *probe_parent(struct kernfs_node *kn)
{
	return kn->parent;
}
