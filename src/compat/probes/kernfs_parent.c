/* The parent of a kernfs_node is a plain pointer (until 6.14). */
#include <linux/kernfs.h>

struct kernfs_node *probe_parent(struct kernfs_node *kn);
struct kernfs_node *probe_parent(struct kernfs_node *kn)
{
	return kn->parent;
}
