// SPDX-License-Identifier: GPL-2.0-only

#include "events.h"
#include "mock.h"
#include "pasid_scene.h"
#include "tap.h"

struct pasid_scene pasids;

bool pasids_no_pasids(void)
{
	return kernel_before(6, 12);
}

uint32_t pasids_table(uint32_t flags)
{
	uint32_t id;

	require_ok(hwpt_alloc(pasids.fd, pasids.dev.dev, pasids.ioas, flags, &id));
	return id;
}

void pasids_set(void)
{
	pasids.fd = mock_open();
	pasids.ioas = ioas_new(pasids.fd);
	require_ok(mock_device(pasids.fd, pasids.ioas, MOCK_FLAGS_DEVICE_PASID, &pasids.dev));
	pasids.home = pasids_table(FIT);
	pasids.fit[0] = pasids_table(FIT);
	pasids.fit[1] = pasids_table(FIT);
	pasids.unfit = pasids_table(0);
	require_ok(mock_replace(pasids.fd, &pasids.dev, pasids.home));
}

void pasids_need_pasids(void)
{
	if (pasids_no_pasids())
		tap_skip("Linux 6.1 has no PASIDs");
	pasids_set();
}

int pasids_attach(uint32_t pasid, uint32_t pt)
{
	return mock_pasid_attach(pasids.fd, &pasids.dev, pasid, pt);
}

int pasids_detach(uint32_t pasid)
{
	return mock_pasid_detach(pasids.fd, &pasids.dev, pasid);
}

int pasids_replace(uint32_t pasid, uint32_t pt)
{
	return mock_pasid_replace(pasids.fd, &pasids.dev, pasid, pt);
}

void pasids_detach_all(void)
{
	for (uint32_t pasid = 5; pasid < 9; pasid++)
		check_ret(pasids_detach(pasid), 0);
}

int pasids_at(uint32_t pasid, uint32_t hwpt)
{
	return mock_pasid_check(pasids.fd, &pasids.dev, pasid, hwpt);
}
