// SPDX-License-Identifier: GPL-2.0-only
#include "smmuv3_scene.h"
#include "tap.h"

struct smmuv3_scene nest;

void nest_vdevice(void)
{
	require_ok(vdevice_alloc(nest.g.fd, nest.g.viommu, nest.d.dev.id, nest.d.vsid,
				 &nest.d.vdevice));
}

void nest_up(void)
{
	guest_up(&nest.g);
	guest_device_get(&nest.d, &nest.g, 0);
	guest_make_viommu(&nest.g, &nest.d);
	nest_vdevice();
	require_ok(device_attach(&nest.d.dev, nest.g.parent));
	device_charge(&nest.d);
	stage1_make(&nest.s, &nest.g, 0, 1);
	stage1_map(&nest.s, 0, PAGE_A);
	stage1_map(&nest.s, 1, PAGE_B);
	nest.hwpt = stage1_hwpt(&nest.s, &nest.d);
}

void nest_down(void)
{
	check_ret(iommu_destroy(nest.g.fd, nest.hwpt), 0);
	check_ret(device_detach(&nest.d.dev), 0);
	check_ret(iommu_destroy(nest.g.fd, nest.d.vdevice), 0);
	guest_device_put(&nest.d);
	guest_down(&nest.g);
}
