// SPDX-License-Identifier: GPL-2.0-only

#include "events.h"
#include "mock.h"
#include "node_pasid.h"
#include "tap.h"
#include "vfio_mock.h"

struct node_pasid_scene pasid_node;

bool node_no_pasids(void)
{
	return kernel_before(6, 12);
}

uint32_t pasid_node_table(uint32_t flags)
{
	uint32_t id;

	require_ok(hwpt_alloc(pasid_node.fd, pasid_node.m.dev.id, pasid_node.ioas, flags, &id));
	return id;
}

void pasid_node_set(void)
{
	struct vfio_mock_make make = { .flags = MOCK_FLAGS_DEVICE_PASID, .beside = -1 };

	pasid_node.fd = mock_open();
	pasid_node.ioas = ioas_new(pasid_node.fd);
	require_ok(vfio_mock_make(&pasid_node.m, &make));
	vfio_mock_get(&pasid_node.m, pasid_node.fd);
	pasid_node.home = pasid_node_table(FIT);
	pasid_node.fit[0] = pasid_node_table(FIT);
	pasid_node.fit[1] = pasid_node_table(FIT);
	pasid_node.unfit = pasid_node_table(0);
}

void node_need_pasids(void)
{
	if (node_no_pasids())
		tap_skip("Linux 6.1 has no PASIDs");
	pasid_node_set();
}

int node_pasid_attach_of(struct vfio_mock *m, uint32_t pasid, uint32_t pt)
{
	struct cdev_attach arg = {
		.argsz = sizeof(arg), .flags = pasid ? WITH_PASID : 0,
		.pt_id = pt, .pasid = pasid,
	};
	int ret = iommu_ioctl(m->dev.fd, CDEV_ATTACH, &arg);

	check(ret || arg.pt_id == pt);
	return ret;
}

int node_pasid_attach(uint32_t pasid, uint32_t pt)
{
	return node_pasid_attach_of(&pasid_node.m, pasid, pt);
}

int node_pasid_detach_of(struct vfio_mock *m, uint32_t pasid)
{
	struct cdev_detach arg = {
		.argsz = sizeof(arg), .flags = pasid ? WITH_PASID : 0, .pasid = pasid,
	};

	return iommu_ioctl(m->dev.fd, CDEV_DETACH, &arg);
}

int node_pasid_detach(uint32_t pasid)
{
	return node_pasid_detach_of(&pasid_node.m, pasid);
}

int node_pasid_at_of(struct vfio_mock *m, uint32_t pasid, uint32_t hwpt)
{
	struct mock mock = { .stdev = m->dev.id };

	return mock_pasid_check(pasid_node.fd, &mock, pasid, hwpt);
}

int node_pasid_at(uint32_t pasid, uint32_t hwpt)
{
	return node_pasid_at_of(&pasid_node.m, pasid, hwpt);
}
