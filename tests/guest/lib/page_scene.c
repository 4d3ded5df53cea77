// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "page_scene.h"
#include "tap.h"
#include "trace.h"

#define HOME	(32 * MIB)	/* always mapped */

struct page_scene pages;

void pages_need_guard(void)
{
	const char *shims;

	if (tap_oracle())
		tap_skip("Linux's own warns, and frees what its interrupt handler still has");
	shims = slurp("/sys/module/iommufd/parameters/shims");
	if (!strstr(shims, "vtd-faults:") || access("/sys/kernel/btf/vmlinux", R_OK))
		tap_skip("without BTF nothing keeps VT-d's driver from warning");
	require(strstr(shims, "vtd-faults: on\n"));
}

void pages_up_with(uint32_t flags)
{
	int ret;

	memset(&pages, 0, sizeof(pages));
	pages.fd = iommu_open();
	pages.ioas = ioas_new(pages.fd);
	device_get(&pages.dev, "edu", 0, pages.fd);
	edu_init(&pages.edu, &pages.dev);
	pages.edu.limit = UINT64_MAX;
	/* One that wasn't reset ends what it is at: each of its requests is answered. */
	edu_repeat(&pages.edu, false);
	edu_set_tries(&pages.edu, 16);
	require_ok(edu_wait(&pages.edu));
	mem_get(&pages.home, MEM_ANON, PAGE);
	mem_get(&pages.m, MEM_ANON, 8 * PAGE);
	memset(pages.m.va, 0, pages.m.size);
	mem_fill(pages.home.va, PAGES_SIZE, PAGES_SEED);
	require_ok(ioas_map_at(pages.fd, pages.ioas, pages.home.va, PAGE, HOME));
	require_ok(faults_alloc(pages.fd, &pages.queue));
	ret = hwpt_with_faults(pages.fd, pages.dev.id, pages.ioas, flags, pages.queue.id,
			       &pages.hwpt);
	if (!ret)
		ret = device_attach(&pages.dev, pages.hwpt);
	if (ret == -EOPNOTSUPP || ret == -ENODEV)
		tap_skip("no page faults of this device");
	require_ok(ret);
	require_ok(hwpt_alloc(pages.fd, pages.dev.id, pages.ioas, flags, &pages.plain));
	require_ok(edu_load(&pages.edu, HOME, 0, PAGES_SIZE));
}

void pages_up(void)
{
	pages_up_with(0);
}

void pages_revive(void)
{
	require_ok(device_bus_master(&pages.dev));
	require_ok(edu_load(&pages.edu, HOME, 0, PAGES_SIZE));
}

void pages_down(void)
{
	edu_fini(&pages.edu);
	device_close(&pages.dev);
}

void pages_start(uint64_t iova)
{
	edu_start(&pages.edu, true, iova, 0, PAGES_SIZE);
}

bool pages_arrived(unsigned int page)
{
	return mem_differs(pages.m.va + page * PAGE, PAGES_SIZE, PAGES_SEED) < 0;
}

void pages_map(unsigned int page)
{
	require_ok(ioas_map_at(pages.fd, pages.ioas, pages.m.va + page * PAGE, PAGE,
			       PAGES_IOVA + page * PAGE));
}

void pages_wait(void)
{
	struct pollfd p = { .fd = pages.queue.fd, .events = POLLIN };

	require(poll(&p, 1, 20000 * tap_patience()) == 1);
}

int pages_next(fault_t *fault, int n)
{
	int got;

	pages_wait();
	got = events_read(&pages.queue, fault, n * sizeof(*fault));
	require(got >= (int)sizeof(*fault));
	return got / sizeof(*fault);
}

void pages_check_none(void)
{
	check_eq(events_poll(&pages.queue), POLLOUT);
}

void pages_check_answers(uint32_t success, uint32_t invalid, uint32_t failure)
{
	check_eq(edu_answers(&pages.edu, 0), success);
	check_eq(edu_answers(&pages.edu, 1), invalid);
	check_eq(edu_answers(&pages.edu, 2), failure);
}

void pages_check_given_up(void)
{
	require_ok(edu_wait(&pages.edu));
	check(edu_result(&pages.edu) != 0);
	check_eq(edu_answers(&pages.edu, 0), 0);
	check(edu_answers(&pages.edu, 1) + edu_answers(&pages.edu, 2) > 0);
	check(!pages_arrived(0));
}

int pages_attach_pasid(uint32_t pasid, uint32_t pt)
{
	struct cdev_attach arg = { .argsz = sizeof(arg), .flags = WITH_PASID,
				   .pt_id = pt, .pasid = pasid };

	return iommu_ioctl(pages.dev.fd, CDEV_ATTACH, &arg);
}

int pages_detach_pasid(uint32_t pasid)
{
	struct cdev_detach arg = { .argsz = sizeof(arg), .flags = WITH_PASID, .pasid = pasid };

	return iommu_ioctl(pages.dev.fd, CDEV_DETACH, &arg);
}

void pages_check_works(unsigned int page)
{
	fault_t fault;

	pages_start(PAGES_IOVA + page * PAGE);
	check_eq(pages_next(&fault, 1), 1);
	check_eq(fault.addr, PAGES_IOVA + page * PAGE);
	pages_map(page);
	require_ok(faults_answer(&pages.queue, fault.cookie, SUCCESS));
	require_ok(edu_wait(&pages.edu));
	check_eq(edu_result(&pages.edu), 0);
	check(pages_arrived(page));
}
