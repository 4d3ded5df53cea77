/* Linux 6.13 added copy_struct_to_user() (424a55a4a908). */
#include <linux/uaccess.h>

int probe(void __user *to, size_t size, int *from);
int probe(void __user *to, size_t size, int *from)
{
	return copy_struct_to_user(to, size, from, sizeof(*from), NULL);
}
