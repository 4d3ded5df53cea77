/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of vfio_mock.ko know of each other. */
#ifndef TESTS_KMOD_VFIO_MOCK_DRIVER_H
#define TESTS_KMOD_VFIO_MOCK_DRIVER_H

#include <linux/atomic.h>
#include <linux/mm_types.h>
#include <linux/vfio.h>

#include "../../src/compat/vfio.h"
#include "vfio_mock.h"

struct vfio_mock {
	struct vfio_device vdev;
	bool emulated;
	struct page *page;		/* region 0 */
	u64 value;			/* of VFIO_MOCK_FEATURE */
	struct vfio_mock_behave behave;
	struct vfio_mock_seen seen;
};

static inline struct vfio_mock *to_vfio_mock(struct vfio_device *vdev)
{
	return container_of(vdev, struct vfio_mock, vdev);
}

/* vfio_mock_ops.c: what VFIO calls.  @ops is VFIO_MOCK_FULL or _BARE. */
const struct vfio_device_ops *vfio_mock_ops(u32 ops);
void vfio_mock_set_behaviour(struct vfio_mock *m, const struct vfio_mock_behave *behave);

/* vfio_mock_bus.c: where devices come from, and the drivers they are bound to */
int vfio_mock_bus_init(void);
void vfio_mock_bus_exit(void);

/*
 * A new device, bound; or an ERR_PTR.  @beside is another one that was made here, or
 * NULL.
 */
struct device *vfio_mock_create(const struct vfio_mock_make *make, struct device *beside);
void vfio_mock_destroy(struct device *dev, u32 kind);
int vfio_mock_bind(struct device *dev, const struct vfio_mock_make *make);
/* The PCI device of that name with a reference, or NULL. */
struct device *vfio_mock_find_pci(const char *name);
/* What serves the device, with a reference to vdev.device; NULL if it isn't bound here. */
struct vfio_mock *vfio_mock_of(struct device *dev);

#endif
