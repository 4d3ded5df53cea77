// SPDX-License-Identifier: GPL-2.0-only
/*
 * IOMMU_HWPT_SET_DIRTY_TRACKING and IOMMU_HWPT_GET_DIRTY_BITMAP.
 *
 * ioas->lock keeps areas from being unmapped while they are read, and blocks mapping, too.
 * So read a range in parts, limited in bytes and in areas, and drop the locks in between.
 */
#include <linux/err.h>
#include <linux/log2.h>
#include <linux/overflow.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>

#include <uapi/linux/iommufd.h>

#include "../core/context.h"
#include "../hw/hw.h"
#include "../ioas/area.h"
#include "../ioas/ioas.h"
#include "../ioas/memory.h"
#include "bitmap.h"
#include "hwpt.h"

/* Areas to read with the locks held; struct hw_dirty limits the bytes of IOVA. */
#define PART_AREAS 4096

struct scan {
	struct hwpt *hwpt;
	unsigned long first;		/* of the range left to read */
	unsigned long last;
	struct hw_dirty hw;
	struct hw_dirty_sink sink;
	struct user_bitmap map;
};

/* Without a window, ends the reading with -ENOSPC and scan->first set to what was found. */
static int scan_note(struct hw_dirty_sink *sink, unsigned long iova, unsigned long length)
{
	struct scan *scan = container_of(sink, struct scan, sink);

	if (!bitmap_is_open(&scan->map)) {
		scan->first = iova;
		return -ENOSPC;
	}
	bitmap_note(&scan->map, iova, iova + length - 1);
	return 0;
}

static int scan_area(struct scan *scan, struct area *area, unsigned long first,
		     unsigned long last)
{
	const struct iova_range mapped = { area->node.first, area->node.last };

	return hw_dirty_read(&scan->hw, &mapped, max(first, mapped.first),
			     min(last, mapped.last));
}

/* Skip an area that was revoked; its memory's lock delays a revoke meanwhile. */
static int scan_exported_area(struct scan *scan, struct area *area, unsigned long first,
			      unsigned long last)
{
	int rc = 0;

	mutex_lock(&area->memory->lock);
	if (area->entries)
		rc = scan_area(scan, area, first, last);
	memory_unlock(area->memory);
	return rc;
}

/*
 * Read areas that overlap [first, last].  Return the last IOVA read, or set *@rc: with -EAGAIN,
 * what is left begins at scan->first.
 */
static unsigned long scan_area_list(struct scan *scan, struct iova_node *node,
				    unsigned long first, unsigned long last, int *rc)
{
	unsigned int left = PART_AREAS;
	struct area *area;

	for (; node && !*rc; node = space_next(node, last)) {
		if (!left--)
			return node->first - 1;
		area = to_area(node);
		/* Not mapped yet, or being unmapped.  Pairs with the release in ioas/map.c. */
		if (!smp_load_acquire(&area->live))
			continue;
		if (area->memory->dmabuf)
			*rc = scan_exported_area(scan, area, first, last);
		else
			*rc = scan_area(scan, area, first, last);
		if (*rc == -EAGAIN)
			scan->first = max(first, node->first);
	}
	return last;
}

/* Read up to @last or less.  Return the last IOVA read, or set *@rc. */
static unsigned long scan_part(struct scan *scan, unsigned long last, int *rc)
{
	struct iova_space *space = &scan->hwpt->ioas->space;
	unsigned long first = scan->first;
	struct iova_node *node;

	/* Recorded with an entry that reached past the previous part. */
	if (bitmap_has_noted(&scan->map, first)) {
		if (scan->map.noted >= last)
			return last;
		first = scan->map.noted + 1;
	}
	node = space_find(space, first, scan->last);
	if (!node)
		return scan->last;
	if (node->first > last)
		return node->first - 1;
	first = max(first, node->first);
	last = min(last, first | (scan->hw.part - 1));
	return scan_area_list(scan, node, first, last, rc);
}

/* scan_part() with the locks taken. */
static unsigned long scan_part_locked(struct scan *scan, unsigned long last, int *rc)
{
	struct ioas *ioas = scan->hwpt->ioas;

	*rc = down_read_killable(&ioas->users);
	if (*rc)
		return last;
	*rc = down_read_killable(&ioas->lock);
	if (!*rc) {
		/* An unfilled page table has nothing to read. */
		last = scan->hwpt->table.filled ? scan_part(scan, last, rc) : scan->last;
		up_read(&ioas->lock);
	}
	up_read(&ioas->users);
	return last;
}

/* Read the range that has its bits in one window; all of it while there is none. */
static int scan_window(struct scan *scan, unsigned long window_last)
{
	unsigned long last;
	bool again;
	int rc;

	do {
		last = scan_part_locked(scan, window_last, &rc);
		again = rc == -EAGAIN;
		if ((!rc || again) && fatal_signal_pending(current))
			return -EINTR;
		if (rc && !again)
			return rc;
		cond_resched();
		if (!again)
			scan->first = last + 1;
	} while (again || last < window_last);
	return 0;
}

/* Return 0 if nothing is dirty; -ENOSPC, with scan->first set to it, for what is. */
static int scan_find(struct scan *scan)
{
	scan->hw.finds = true;
	scan->sink.last = scan->last;
	return scan_window(scan, scan->last);
}

/*
 * Read from the begin of a window on.  If it was cut short, the next one can't be had, most
 * likely, and an entry that reaches there stays dirty: else the rest of it would be lost.
 */
static int scan_read(struct scan *scan)
{
	scan->hw.finds = false;
	scan->sink.last = scan->map.cut ? scan->map.window_last : scan->last;
	return scan_window(scan, scan->map.window_last);
}

/* The bitmap's pages before the first dirty one, and after the last window, aren't pinned. */
static int scan_bitmap(struct scan *scan)
{
	int rc;

	do {
		rc = bitmap_has_noted(&scan->map, scan->first) ? -ENOSPC : scan_find(scan);
		if (rc != -ENOSPC)
			return rc;
		rc = bitmap_open(&scan->map, scan->first);
		if (rc)
			return rc;
		rc = scan_read(scan);
		bitmap_close(&scan->map);
		if (rc)
			return rc;
	} while (scan->first && scan->first <= scan->last);
	return 0;
}

static int hwpt_clean_all(struct hwpt *hwpt)
{
	struct scan scan = { .hwpt = hwpt, .last = ULONG_MAX };
	int rc;

	rc = hw_dirty_begin(&scan.hw, hwpt->table.domain, true, NULL);
	if (rc)
		return rc;
	rc = scan_window(&scan, scan.last);
	hw_dirty_end(&scan.hw);
	return rc;
}

/*
 * ioas->users keeps devices from coming and going, see ioas_freeze(): VT-d's driver of
 * Linux 6.12 takes its locks of IOMMU and domain in another order for that.
 */
static int hwpt_switch_dirty(struct hwpt *hwpt, bool enable)
{
	int rc = down_read_killable(&hwpt->ioas->users);

	if (rc)
		return rc;
	rc = hw_dirty_set(hwpt->table.domain, enable);
	up_read(&hwpt->ioas->users);
	return rc;
}

int hwpt_set_dirty_ioctl(struct command *cmd)
{
	const struct iommu_hwpt_set_dirty_tracking *arg = cmd->arg;
	bool enable = arg->flags & IOMMU_HWPT_DIRTY_TRACKING_ENABLE;
	struct hwpt *hwpt;
	int rc = 0;

	if (arg->flags & ~IOMMU_HWPT_DIRTY_TRACKING_ENABLE)
		return -EOPNOTSUPP;
	hwpt = hwpt_get_paging(cmd->ctx, arg->hwpt_id);
	if (IS_ERR(hwpt))
		return PTR_ERR(hwpt);
	if (!hwpt->tracks_dirty)
		rc = -EOPNOTSUPP;
	else if (enable)
		rc = hwpt_clean_all(hwpt);
	if (!rc)
		rc = hwpt_switch_dirty(hwpt, enable);
	object_put(cmd->ctx, &hwpt->obj);
	return rc;
}

static int hwpt_check_dirty_range(struct scan *scan, const struct iommu_hwpt_get_dirty_bitmap *arg)
{
	/* May change concurrently; either value will do. */
	u64 align = READ_ONCE(scan->hwpt->ioas->align), last;

	if (!arg->length)
		return -EINVAL;
	if (check_add_overflow(arg->iova, arg->length - 1, &last))
		return -EOVERFLOW;
	if (!is_power_of_2(arg->page_size))
		return -EINVAL;
	if ((arg->iova | (last + 1)) & ((align - 1) | (arg->page_size - 1)))
		return -EINVAL;
	scan->first = arg->iova;
	scan->last = last;
	return 0;
}

static int hwpt_get_dirty(struct hwpt *hwpt, const struct iommu_hwpt_get_dirty_bitmap *arg)
{
	bool clear = !(arg->flags & IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR);
	struct scan scan = { .hwpt = hwpt, .sink.note = scan_note };
	int rc;

	rc = hwpt_check_dirty_range(&scan, arg);
	if (rc)
		return rc;
	if (!hwpt->tracks_dirty)
		return -EOPNOTSUPP;
	rc = hw_dirty_begin(&scan.hw, hwpt->table.domain, clear, &scan.sink);
	if (rc)
		return rc;
	rc = bitmap_begin(&scan.map, scan.first, scan.last, arg->page_size, arg->data);
	if (!rc)
		rc = scan_bitmap(&scan);
	/* Also after an error: what was made clean is recorded, see later writes. */
	hw_dirty_end(&scan.hw);
	return rc;
}

int hwpt_get_dirty_ioctl(struct command *cmd)
{
	const struct iommu_hwpt_get_dirty_bitmap *arg = cmd->arg;
	struct hwpt *hwpt;
	int rc;

	if ((arg->flags & ~IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR) || arg->__reserved)
		return -EOPNOTSUPP;
	hwpt = hwpt_get_paging(cmd->ctx, arg->hwpt_id);
	if (IS_ERR(hwpt))
		return PTR_ERR(hwpt);
	rc = hwpt_get_dirty(hwpt, arg);
	object_put(cmd->ctx, &hwpt->obj);
	return rc;
}
