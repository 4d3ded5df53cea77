// SPDX-License-Identifier: GPL-2.0-only
/*
 * A driver that doesn't unmap: what its page table still has is kept, the memory and the
 * IOVA, until the page table is gone.
 */
#include <errno.h>
#include <unistd.h>

#include "iommu.h"
#include "mem.h"
#include "meters.h"
#include "mock.h"
#include "plug.h"
#include "tap.h"

#define STUCK	"/sys/module/iommufd_mock/parameters/stuck_iova"
#define BASE	MOCK_APERTURE_START
#define PAGES	4ull

static struct {
	int fd;
	uint32_t ioas;
	struct mock device;
	struct mem m;
	long long pins;
} w;

static void up(void)
{
	w.fd = mock_open();
	w.ioas = ioas_new(w.fd);
	require_ok(mock_device(w.fd, w.ioas, 0, &w.device));
	mem_get(&w.m, MEM_ANON, 16 * PAGE);
	w.pins = meters_pins();
}

static void set_stuck(const char *iova)
{
	require_ok(write_file(STUCK, iova));
}

static int map_at(uint64_t iova, uint64_t pages)
{
	return ioas_map_at(w.fd, w.ioas, w.m.va, pages * PAGE, iova);
}

static void check_kept(void)
{
	uint64_t iova;

	check_eq(meters_pins(), w.pins + PAGES);
	/* it's unmapped, but nothing else can be mapped there */
	check_ret(ioas_unmap(w.fd, w.ioas, BASE, PAGES * PAGE, NULL), -ENOENT);
	check_ret(map_at(BASE, PAGES), -EEXIST);
	check_ret(map_at(BASE + (PAGES - 1) * PAGE, 2), -EEXIST);
	check_ret(map_at(BASE, 1), -EEXIST);
	for (int i = 0; i < 4; i++) {
		require_ok(ioas_map(w.fd, w.ioas, MAP_RW, w.m.va, PAGES * PAGE, &iova));
		check(iova >= BASE + PAGES * PAGE || iova + PAGES * PAGE <= BASE);
	}
	check_eq(ioas_unmap_all(w.fd, w.ioas), 4 * PAGES * PAGE);
	check_eq(meters_pins(), w.pins + PAGES);
}

static void kept(void)
{
	up();
	require_ok(map_at(BASE, PAGES));
	set_stuck("0x1001000");
	check_eq(ioas_unmap_all(w.fd, w.ioas), PAGES * PAGE);
	set_stuck("0");
	check_kept();
	require_ok(iommu_destroy(w.fd, w.device.stdev));
	check_eq(meters_wait_pins(w.pins + PAGES), w.pins + PAGES);
	require_ok(iommu_destroy(w.fd, w.ioas));
	check_eq(meters_wait_pins(w.pins), w.pins);
}

/* The file is closed instead. */
static void closed(void)
{
	up();
	require_ok(map_at(BASE, PAGES));
	set_stuck("0x1001000");
	check_eq(ioas_unmap_all(w.fd, w.ioas), PAGES * PAGE);
	set_stuck("0");
	close(w.fd);
	check_eq(meters_wait_pins(w.pins), w.pins);
}

static const struct test tests[] = {
	{ "kept", kept },
	{ "closed", closed },
};

TAP_MAIN("lost", tests)
