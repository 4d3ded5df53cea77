// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "klog.h"
#include "meters.h"
#include "tap.h"
#include "world.h"

static void snapshot(struct world *w)
{
	w->num_ranges = MAX_RANGES;
	require_ok(ioas_ranges(w->fd, w->ioas, w->ranges, &w->num_ranges,
			       &w->align));
	w->pins = meters_pins();
}

static void build(struct world *w, bool attached)
{
	uint64_t iova = W_RO;
	uint32_t id;

	memset(w, 0, sizeof(*w));
	w->fd = iommu_open();
	w->foreign_fd = iommu_open();
	if (attached)
		device_get(&w->dev, "edu", 0, w->fd);
	w->ioas = ioas_new(w->fd);
	w->other = ioas_new(w->fd);
	if (attached) {
		require_ok(hwpt_alloc(w->fd, w->dev.id, w->ioas, 0, &w->hwpt));
		require_ok(device_attach(&w->dev, w->hwpt));
		w->attached = true;
	}
	w->gone = ioas_new(w->fd);
	require_ok(iommu_destroy(w->fd, w->gone));
	/* IDs count up, so make sure that this one isn't used here too */
	for (id = 0; id <= w->gone + 8; )
		id = ioas_new(w->foreign_fd);
	w->foreign = id;
	mem_get(&w->m, MEM_ANON, W_SIZE);
	mem_get(&w->ro, MEM_ANON, PAGE);
	mem_fill(w->m.va, W_SIZE, 1);
	mem_fill(w->ro.va, PAGE, 2);
	require(!mprotect(w->ro.va, PAGE, PROT_READ));
	require_ok(ioas_map_at(w->fd, w->ioas, w->m.va, W_SIZE, W_BASE));
	require_ok(ioas_map(w->fd, w->ioas, MAP_R | MAP_FIX, w->ro.va, PAGE,
			    &iova));
	snapshot(w);
}

void world_bare(struct world *w)
{
	build(w, false);
}

void world_attached(struct world *w)
{
	build(w, true);
}

/* Is this mapped (0), or is there nothing (-ENOENT)?  Copies it to find out. */
static int probe(struct world *w, uint64_t iova, uint64_t size)
{
	uint64_t at = W_BASE;
	int ret = ioas_copy(w->fd, w->other, w->ioas, MAP_R | MAP_FIX, iova,
			    size, &at);

	if (!ret)
		ret = ioas_unmap(w->fd, w->other, W_BASE, size, NULL);
	return ret;
}

static bool same_ranges(struct world *w)
{
	struct iommu_iova_range ranges[MAX_RANGES];
	uint32_t num = MAX_RANGES;
	uint64_t align;

	return !ioas_ranges(w->fd, w->ioas, ranges, &num, &align) &&
	       num == w->num_ranges && align == w->align &&
	       !memcmp(ranges, w->ranges, num * sizeof(ranges[0]));
}

bool world_same(struct world *w, const char *what)
{
	bool ok;

	ok = check_msg(same_ranges(w), "%s: other IOVA ranges", what);
	ok &= check_msg(!probe(w, W_BASE, W_SIZE), "%s: mapping lost", what);
	ok &= check_msg(!probe(w, W_RO, PAGE), "%s: mapping lost", what);
	ok &= check_msg(probe(w, W_FREE, PAGE) == -ENOENT,
			"%s: something mapped", what);
	ok &= check_msg(ioas_unmap_all(w->fd, w->other) == 0,
			"%s: something mapped in the empty space", what);
	ok &= check_msg(meters_pins() == w->pins, "%s: %lld pins, not %lld",
			what, meters_pins(), w->pins);
	return ok;
}

void world_end(struct world *w)
{
	world_same(w, "end");
	check_eq(ioas_unmap_all(w->fd, w->ioas), W_BYTES);
	check_eq(meters_wait_pins(w->attached ? w->pins - (long)W_PAGES - 1 :
				  w->pins),
		 w->attached ? w->pins - (long)W_PAGES - 1 : w->pins);
	check_eq(mem_differs(w->m.va, W_SIZE, 1), -1);
	if (w->attached) {
		require_ok(device_detach(&w->dev));
		check_ret(iommu_destroy(w->fd, w->hwpt), 0);
		device_close(&w->dev);
	}
	/* no object is left that would hold them */
	check_ret(iommu_destroy(w->fd, w->ioas), 0);
	check_ret(iommu_destroy(w->fd, w->other), 0);
	close(w->fd);
	close(w->foreign_fd);
	mem_put(&w->m);
	mem_put(&w->ro);
}

void world_refuse(struct world *w, unsigned long cmd, void *arg, int want,
		  const char *what)
{
	uint32_t size = *(uint32_t *)arg;
	uint8_t before[128];
	int ret;

	require(size <= sizeof(before));
	memcpy(before, arg, size);
	ret = iommu_ioctl(w->fd, cmd, arg);
	check_msg(ret == want, "%s: %d (%s), not %d (%s)", what, ret,
		  ret < 0 ? strerror(-ret) : "success", want, strerror(-want));
	check_msg(!memcmp(before, arg, size), "%s: structure changed", what);
	world_same(w, what);
}

bool world_bad_id(struct world *w, unsigned int *i, uint32_t *id,
		  const char **what)
{
	const struct { uint32_t id; const char *what; } bad[] = {
		{ 0, "ID 0" },
		{ w->gone, "destroyed ID" },
		{ w->foreign, "foreign ID" },
		{ 0x7fffffff, "ID 0x7fffffff" },
		{ 0x80000000, "ID 0x80000000" },
		{ UINT32_MAX, "ID 0xffffffff" },
	};

	if (*i >= ARRAY_SIZE(bad))
		return false;
	*id = bad[*i].id;
	*what = bad[*i].what;
	++*i;
	return true;
}

void *read_only_copy(const void *p, size_t size)
{
	void *copy = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	require(copy != MAP_FAILED);
	memcpy(copy, p, size);
	require(!mprotect(copy, PAGE, PROT_READ));
	return copy;
}

/* Does the kernel complete a page table when it is first attached? */
static bool completes_late(void)
{
	return kernel_before(6, 2) ||
	       (klog_iommu() == IOMMU_VIRTIO && kernel_before(7, 0));
}

void world_refuse_table(struct world *w, int want)
{
	struct iommu_hwpt_alloc base = { .size = sizeof(base) };

	base.dev_id = w->dev.id;
	base.pt_id = w->other;
	if (!completes_late()) {
		check_ret(iommu_ioctl(w->fd, IOMMU_HWPT_ALLOC, &base), want);
		check_eq(base.out_hwpt_id, 0);
		return;
	}
	require_ok(iommu_ioctl(w->fd, IOMMU_HWPT_ALLOC, &base));
	check_ret(device_attach(&w->dev, base.out_hwpt_id), want);
	require_ok(iommu_destroy(w->fd, base.out_hwpt_id));
}

void *two_pages(int prot)
{
	void *p = mmap(NULL, 2 * PAGE, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		       0);

	require(p != MAP_FAILED);
	return p;
}

bool world_knows_get_pa(const struct world *w)
{
	uint32_t size = 0;

	return !tap_oracle() ||
	       iommu_ioctl(w->fd, IOMMU_IOAS_NOIOMMU_GET_PA, &size) != -ENOTTY;
}
