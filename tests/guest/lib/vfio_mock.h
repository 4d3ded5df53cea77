/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Devices of the VFIO test driver (tests/kmod/vfio_mock.h), which do as they are told
 * and tell what they saw.  The test is skipped where the driver isn't loaded.
 */
#ifndef TESTS_GUEST_VFIO_MOCK_H
#define TESTS_GUEST_VFIO_MOCK_H

#include <stdint.h>

#include "../../kmod/vfio_mock.h"
#include "device.h"

struct vfio_mock {
	int control;
	struct vfio_mock_place place;
	struct device dev;		/* its bdf is that of an adopted one only */
};

#define VFIO_MOCK_PLAIN { .beside = -1 }

/* A new device behind the mock IOMMU, or an emulated one: 0 or -errno. */
int vfio_mock_make(struct vfio_mock *m, const struct vfio_mock_make *make);
/* The first edu, taken from vfio-pci. */
void vfio_mock_adopt(struct vfio_mock *m);

/* Its node; 0 or -errno.  vfio_mock_get() opens and binds, or ends the test. */
int vfio_mock_open(struct vfio_mock *m);
void vfio_mock_get(struct vfio_mock *m, int iommufd);

void vfio_mock_behave(struct vfio_mock *m, const struct vfio_mock_behave *behave);
struct vfio_mock_seen vfio_mock_seen(struct vfio_mock *m);
/* Takes the device from its driver, and gives it back, as another device. */
int vfio_mock_unbind(struct vfio_mock *m);
int vfio_mock_bind(struct vfio_mock *m);

/* The node of its group, opened by the legacy path: 0 (and closed again) or -errno. */
int vfio_mock_try_group(struct vfio_mock *m);

/* How often the driver's module is in use. */
long vfio_mock_uses(void);
/* Waits until it is so. */
void vfio_mock_check_uses(long uses);

#endif
