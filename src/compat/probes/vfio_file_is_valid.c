/* VFIO tells its own files from others by a function beside the one for groups (6.6). */
#include <linux/vfio.h>

bool probe(struct file *file);
bool probe(struct file *file)
{
	return vfio_file_is_valid(file);
}
