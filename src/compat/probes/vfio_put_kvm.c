/* Linux 6.4 added put_kvm to struct vfio_device. */
#include <linux/vfio.h>

void probe(struct vfio_device *vdev, void (*put)(struct kvm *kvm));
void probe(struct vfio_device *vdev, void (*put)(struct kvm *kvm))
{
	vdev->put_kvm = put;
}
