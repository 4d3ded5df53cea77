// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "events.h"
#include "fault_scene.h"
#include "stuck.h"
#include "tap.h"
#include "trace.h"
#include "world.h"

struct fault_scene faults;

void faults_up_with(uint32_t flags)
{
	int ret;

	faults.fd = mock_open();
	faults.ioas = ioas_new(faults.fd);
	ret = mock_device(faults.fd, faults.ioas, MOCK_FLAGS_DEVICE_PASID | flags, &faults.m);
	if (ret == -EOPNOTSUPP)
		tap_skip("no driver of this kernel ends page faults so");
	require_ok(ret);
	require_ok(hwpt_alloc(faults.fd, faults.m.dev, faults.ioas, 0, &faults.plain));
	require_ok(faults_alloc(faults.fd, &faults.q));
	ret = hwpt_with_faults(faults.fd, faults.m.dev, faults.ioas, IOMMU_HWPT_ALLOC_PASID, faults.q.id,
			       &faults.hwpt);
	if (ret == -EOPNOTSUPP && kernel_before(6, 2))
		tap_skip("this kernel has no page faults");
	require_ok(ret);
	require_ok(mock_replace(faults.fd, &faults.m, faults.hwpt));
}

void faults_up(void)
{
	faults_up_with(0);
}

void faults_down(void)
{
	check_ret(mock_unplug(faults.fd, &faults.m), 0);
	check_ret(iommu_destroy(faults.fd, faults.hwpt), 0);
	check_ret(iommu_destroy(faults.fd, faults.q.id), -EBUSY);
	check_ret(iommu_destroy(faults.fd, faults.plain), 0);
	close(faults.q.fd);
	check_ret(iommu_destroy(faults.fd, faults.q.id), 0);
	check_ret(iommu_destroy(faults.fd, faults.ioas), 0);
	close(faults.fd);
}

void faults_fault(uint64_t addr)
{
	require_ok(mock_fault(faults.fd, &faults.m, 0, 7, addr));
}

uint32_t faults_take(uint64_t addr)
{
	record r = {};

	check_ret(events_read(&faults.q, &r, sizeof(r)), sizeof(r));
	check_eq(r.addr, addr);
	return r.cookie;
}

void faults_check_empty(void)
{
	record r;

	check_ret(events_read(&faults.q, &r, sizeof(r)), 0);
	check_eq(events_poll(&faults.q), POLLOUT);
}
