// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "rig.h"
#include "tap.h"

void rig_bind(struct rig *r)
{
	r->fd = iommu_open();
	r->klog = klog_open();
	r->ioas = ioas_new(r->fd);
	device_get(&r->dev, "edu", 0, r->fd);
	edu_init(&r->edu, &r->dev);
}

void rig_map(struct rig *r)
{
	struct mem scratch;

	mem_get(&r->m, MEM_ANON, RIG_SIZE);
	mem_get(&scratch, MEM_ANON, PAGE);
	r->copy = scratch.va;
	require_ok(ioas_map_at(r->fd, r->ioas, r->m.va, RIG_SIZE, RIG_BASE));
	require_ok(ioas_map_at(r->fd, r->ioas, r->copy, PAGE, RIG_SCRATCH));
}

void rig_up(struct rig *r)
{
	rig_bind(r);
	require_ok(device_attach(&r->dev, r->ioas));
	rig_map(r);
}

void rig_close_device(struct rig *r)
{
	edu_fini(&r->edu);
	device_close(&r->dev);
}

void rig_charge(struct rig *r, uint32_t size, uint32_t seed)
{
	mem_fill(r->copy, size, seed);
	require_ok(edu_load(&r->edu, RIG_SCRATCH, 0, size));
}

bool rig_reads(struct rig *r, uint64_t iova, const void *va, uint32_t size)
{
	memset(r->copy, 0x5a, size);
	require_ok(edu_load(&r->edu, iova, 0, size));
	require_ok(edu_store(&r->edu, RIG_SCRATCH, 0, size));
	return !memcmp(r->copy, va, size);
}

bool rig_writes(struct rig *r, uint64_t iova, const void *va, uint32_t size,
		uint32_t seed)
{
	rig_charge(r, size, seed);
	require_ok(edu_store(&r->edu, iova, 0, size));
	return mem_differs(va, size, seed) < 0;
}

bool rig_reaches(struct rig *r, uint64_t iova, void *va, uint32_t size,
		 uint32_t seed)
{
	mem_fill(va, size, ~seed);
	return rig_reads(r, iova, va, size) &&
	       rig_writes(r, iova, va, size, seed);
}

/*
 * Small transfers until the log has the IOMMU's report: reports are limited to
 * a few in five seconds, so a missing one is given time.
 */
static bool reported(struct rig *r, bool to_memory, uint64_t iova)
{
	double end = tap_now() + 12 * tap_patience();

	while (tap_now() < end) {
		edu_start(&r->edu, to_memory, iova, 0, 8);
		require_ok(edu_wait(&r->edu));
		if (klog_fault(r->klog, iova, 1500))
			return true;
	}
	return false;
}

void rig_check_fault(struct rig *r, bool to_memory, uint64_t iova,
		     bool attached)
{
	if (!klog_reports(attached)) {
		edu_start(&r->edu, to_memory, iova, 0, 8);
		require_ok(edu_wait(&r->edu));
		tap_diag("this IOMMU reports nothing here");
		return;
	}
	check_msg(reported(r, to_memory, iova),
		  "the IOMMU reported no fault at 0x%llx",
		  (unsigned long long)iova);
}
