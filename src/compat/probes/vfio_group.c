/* A VFIO device knows its legacy group; without CONFIG_VFIO_GROUP there is none. */
#include <linux/vfio.h>

void *probe(struct vfio_device *vdev);
void *probe(struct vfio_device *vdev)
{
	return vdev->group;
}
