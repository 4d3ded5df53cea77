/* A VFIO device says how to give its VM back (6.4). */
#include <linux/vfio.h>

void probe(struct vfio_device *vdev, void (*put)(struct kvm *kvm));
void probe(struct vfio_device *vdev, void (*put)(struct kvm *kvm))
{
	vdev->put_kvm = put;
}
