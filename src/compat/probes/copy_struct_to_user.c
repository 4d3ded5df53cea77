/* Linux 6.13 added copy_struct_to_user(). */
#include <linux/uaccess.h>

int probe(void __user *to, size_t size, int *from);
int probe(void __user *to, size_t size, int *from)
{
	return copy_struct_to_user(to, size, from, sizeof(*from), NULL);
}
