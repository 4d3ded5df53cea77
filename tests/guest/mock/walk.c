// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dirty entries of VT-d's and AMD-Vi's page tables on Linux 7.2, which our module
 * reads by itself.  The work is done by iommufd_walk_test.ko while it is loaded.
 */
#include <stdio.h>

#include "tap.h"

static void compared(void)
{
	FILE *file = fopen("/sys/module/iommufd_walk_test/parameters/checks", "r");
	unsigned int checks = 0;

	if (!file)
		tap_skip("iommufd_walk_test isn't loaded");
	require(fscanf(file, "%u", &checks) == 1);
	fclose(file);
	if (!checks)
		tap_skip("the kernel has no such page tables");
	tap_diag("%u entries compared", checks);
	check(checks >= 100000);
}

static const struct test tests[] = {
	{ "compared", compared },
};

TAP_MAIN("walk", tests)
