/* Linux 6.3 added put_kvm to struct vfio_device (2b48f52f2bff). */
#include <linux/vfio.h>

void probe(struct vfio_device *vdev, void (*put)(struct kvm *kvm));
void probe(struct vfio_device *vdev, void (*put)(struct kvm *kvm))
{
	vdev->put_kvm = put;
}
