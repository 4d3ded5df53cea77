// SPDX-License-Identifier: GPL-2.0-only
/* A driver that takes neither the new page table nor, after that, the old one. */
#include <errno.h>
#include <unistd.h>

#include "events.h"
#include "iommu.h"
#include "klog.h"
#include "mock.h"
#include "plug.h"
#include "tap.h"

#define REFUSE	"/sys/module/iommufd_mock/parameters/refuse_attach"
#define RETURN	"/sys/module/iommufd_mock/parameters/refuse_return"
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

/*
 * A move that fails after the attach, and then its way back: one more device that comes to the
 * group is blocked with the first, and both go on with the next page table.
 */
static void joined(void)
{
	struct events faults;
	struct mock device, other;
	uint32_t first, next, hwpt;
	int fd, klog;

	if (kernel_before(6, 12) || !kernel_before(7, 0))
		tap_skip("no step of a move fails after the attach on this kernel");
	fd = mock_open();
	first = ioas_new(fd);
	next = ioas_new(fd);
	require_ok(mock_device(fd, first, 0, &device));
	require_ok(faults_alloc(fd, &faults));
	require_ok(hwpt_with_faults(fd, device.dev, first, 0, faults.id, &hwpt));
	klog = klog_open();
	require_ok(write_file(RETURN, "1"));
	check_ret(mock_replace(fd, &device, hwpt), -EIO);
	check(klog_says(klog, BLOCKED, 300));
	close(klog);
	require_ok(write_file(RETURN, "0"));
	set_refuse("0");
	require_ok(mock_device_beside(fd, first, 0, &device, &other));
	check_ret(mock_replace(fd, &device, next), 0);
	require_ok(iommu_destroy(fd, other.stdev));
	require_ok(iommu_destroy(fd, device.stdev));
	check_ret(iommu_destroy(fd, hwpt), 0);
	close(faults.fd);
	check_ret(iommu_destroy(fd, faults.id), 0);
	check_ret(iommu_destroy(fd, next), 0);
	check_ret(iommu_destroy(fd, first), 0);
	close(fd);
}

static const struct test tests[] = {
	{ "replace", replace },
	{ "joined", joined },
};

TAP_MAIN("blocked", tests)
