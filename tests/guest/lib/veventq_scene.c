// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <unistd.h>

#include "events.h"
#include "stuck.h"
#include "tap.h"
#include "veventq_scene.h"
#include "world.h"

struct veventq_scene veventqs;

void veventqs_up_without_queue(void)
{
	struct iommu_viommu_selftest data = { .in_data = 1 };

	veventqs.fd = mock_open();
	veventqs.ioas = ioas_new(veventqs.fd);
	require_ok(mock_device(veventqs.fd, veventqs.ioas, 0, &veventqs.m));
	require_ok(hwpt_alloc(veventqs.fd, veventqs.m.dev, veventqs.ioas, IOMMU_HWPT_ALLOC_NEST_PARENT,
			      &veventqs.parent));
	require_ok(mock_viommu(veventqs.fd, veventqs.m.dev, veventqs.parent, &data, &veventqs.viommu));
	require_ok(mock_hwpt_nested(veventqs.fd, veventqs.m.dev, veventqs.viommu, 0, &veventqs.hwpt));
	require_ok(mock_vdevice(veventqs.fd, veventqs.viommu, veventqs.m.dev, VIRT_ID, &veventqs.vdevice));
	require_ok(mock_replace(veventqs.fd, &veventqs.m, veventqs.hwpt));
}

void veventqs_up(uint32_t depth)
{
	veventqs_up_without_queue();
	require_ok(veventq_alloc(veventqs.fd, veventqs.viommu, depth, &veventqs.q));
}

void veventqs_down_without_queue(void)
{
	check_ret(mock_replace(veventqs.fd, &veventqs.m, veventqs.ioas), 0);
	check_ret(iommu_destroy(veventqs.fd, veventqs.vdevice), 0);
	check_ret(iommu_destroy(veventqs.fd, veventqs.hwpt), 0);
	check_ret(iommu_destroy(veventqs.fd, veventqs.viommu), 0);
	check_ret(iommu_destroy(veventqs.fd, veventqs.parent), 0);
	check_ret(mock_unplug(veventqs.fd, &veventqs.m), 0);
	check_ret(iommu_destroy(veventqs.fd, veventqs.ioas), 0);
	close(veventqs.fd);
}

void veventqs_down(void)
{
	check_ret(iommu_destroy(veventqs.fd, veventqs.viommu), -EBUSY);
	check_ret(iommu_destroy(veventqs.fd, veventqs.q.id), -EBUSY);
	close(veventqs.q.fd);
	check_ret(iommu_destroy(veventqs.fd, veventqs.q.id), 0);
	veventqs_down_without_queue();
}

void veventqs_report(unsigned int n)
{
	while (n--)
		require_ok(mock_event(veventqs.fd, &veventqs.m));
}

bool veventq_is_event(const record *r, uint32_t sequence)
{
	return !r->header.flags && r->header.sequence == sequence &&
	       r->event.virt_id == VIRT_ID;
}

void veventq_check_event(uint32_t sequence)
{
	record r = {};

	check_ret(events_read(&veventqs.q, &r, sizeof(r)), sizeof(r));
	check_eq(r.header.flags, 0);
	check_eq(r.header.sequence, sequence);
	check_eq(r.event.virt_id, VIRT_ID);
}

void veventqs_check_empty(void)
{
	record r;

	check_ret(events_read(&veventqs.q, &r, sizeof(r)), 0);
	check_eq(events_poll(&veventqs.q), 0);
}
