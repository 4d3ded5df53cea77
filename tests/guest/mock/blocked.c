// SPDX-License-Identifier: GPL-2.0-only
/* A driver that takes neither the new page table nor, after that, the old one. */
#include <errno.h>
#include <unistd.h>

#include "iommu.h"
#include "klog.h"
#include "mock.h"
#include "plug.h"
#include "tap.h"

#define REFUSE	"/sys/module/iommufd_mock/parameters/refuse_attach"
#define BLOCKED	"is blocked, its page table can't be restored"

static void set_refuse(const char *value)
{
	require_ok(write_file(REFUSE, value));
}

/*
 * Linux 6.1's core detaches a group before it attaches the next page table, so that it may
 * end up with none.  That is logged when it happens, and not with what fails later.
 */
static void replace(void)
{
	bool blocks = kernel_before(6, 12);
	struct mock device;
	uint32_t first, next;
	int fd, klog;

	fd = mock_open();
	first = ioas_new(fd);
	next = ioas_new(fd);
	require_ok(mock_device(fd, first, 0, &device));
	klog = klog_open();
	set_refuse("1");
	check_ret(mock_replace(fd, &device, next), -EIO);
	check_eq(klog_says(klog, BLOCKED, 300), blocks);
	check_ret(mock_replace(fd, &device, next), -EIO);
	check(!klog_says(klog, BLOCKED, 300));
	set_refuse("0");
	check_ret(mock_replace(fd, &device, next), 0);
	check_ret(mock_replace(fd, &device, first), 0);
	check(!klog_says(klog, BLOCKED, 300));
	close(klog);
	require_ok(iommu_destroy(fd, device.stdev));
	check_ret(iommu_destroy(fd, next), 0);
	check_ret(iommu_destroy(fd, first), 0);
	close(fd);
}

static const struct test tests[] = {
	{ "replace", replace },
};

TAP_MAIN("blocked", tests)
