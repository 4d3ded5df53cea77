/* Linux 6.6 added vfio_file_is_valid(), beside the function for groups (b1a59be8a2b6). */
#include <linux/vfio.h>

bool probe(struct file *file);
bool probe(struct file *file)
{
	return vfio_file_is_valid(file);
}
