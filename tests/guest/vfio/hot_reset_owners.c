// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hot reset of two devices of one bus that are in two groups, and so may have two
 * owners.  Of emulated devices only the functions of some network cards are that.
 */
#include <errno.h>
#include <string.h>

#include "hot.h"
#include "tap.h"

static struct hot_pair s;

static bool find_neighbours(void)
{
	const char *bdf;

	for (unsigned int i = 0; (bdf = device_find("igb", i)); i++) {
		strcpy(s.bdf[0], bdf);
		for (unsigned int j = i + 1; (bdf = device_find("igb", j)); j++) {
			strcpy(s.bdf[1], bdf);
			if (!strncmp(s.bdf[0], s.bdf[1], strlen("0000:00:")) &&
			    device_group(s.bdf[0]) != device_group(s.bdf[1]))
				return true;
		}
	}
	return false;
}

static void two_owners(void)
{
	struct device a, b;
	int fd = iommu_open(), fd2 = iommu_open();

	if (!find_neighbours())
		tap_skip("needs two igbs on one bus");
	require_ok(device_open(&a, s.bdf[0]));
	require_ok(device_open(&b, s.bdf[1]));
	require_ok(device_bind(&a, fd));
	hot_check_info(&a, HOT_BY_ID, s.bdf[1], HOT_NOT_OWNED);
	check_ret(hot_reset(a.fd), -EINVAL);
	require_ok(device_bind(&b, fd2));
	hot_check_info(&a, HOT_BY_ID, s.bdf[1], HOT_NOT_OWNED);
	hot_check_info(&b, HOT_BY_ID, s.bdf[0], HOT_NOT_OWNED);
	check_ret(hot_reset(a.fd), -EINVAL);
	check_ret(hot_reset(b.fd), -EINVAL);
	device_close(&b);
	check_ret(hot_reset(a.fd), -EINVAL);
	require_ok(device_open(&b, s.bdf[1]));
	require_ok(device_bind(&b, fd));
	hot_check_info(&a, HOT_BY_ID | HOT_ALL_OWNED, s.bdf[1], b.id);
	check_ret(hot_reset(a.fd), 0);
	check_ret(hot_reset(b.fd), 0);
}

static const struct test tests[] = {
	{ "two_owners", two_owners },
};

TAP_MAIN("hot_reset_owners", tests)
