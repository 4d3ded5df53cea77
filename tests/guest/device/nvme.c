// SPDX-License-Identifier: GPL-2.0-only
/*
 * A real driver's work from user space: an NVMe disk whose queues and data lie
 * in memory that is mapped for it.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "iommu.h"
#include "klog.h"
#include "mem.h"
#include "nvme.h"
#include "tap.h"

#define DATA	0x4000000ull
#define SIZE	(256 * KIB)

struct disk {
	int fd, klog;
	uint32_t ioas;
	struct device dev;
	struct nvme n;
	struct mem queues, data;
};

static void disk_up(struct disk *d, enum mem_kind kind)
{
	d->fd = iommu_open();
	d->klog = klog_open();
	d->ioas = ioas_new(d->fd);
	device_get(&d->dev, "nvme", 0, d->fd);
	require_ok(device_attach(&d->dev, d->ioas));
	mem_get(&d->queues, MEM_ANON, NVME_MEMORY);
	mem_get(&d->data, kind, kind == MEM_ANON ? SIZE : HUGE);
	require_ok(ioas_map_at(d->fd, d->ioas, d->queues.va, NVME_MEMORY,
			       NVME_IOVA));
	require_ok(ioas_map_at(d->fd, d->ioas, d->data.va, d->data.size,
			       DATA));
	require_ok(nvme_open(&d->n, &d->dev, d->queues.va));
	require_ok(nvme_ready(&d->n));
}

static void disk_down(struct disk *d)
{
	check_ret(nvme_stop(&d->n), 0);
	nvme_close(&d->n);
	device_close(&d->dev);
	close(d->fd);
}

/* Writes from the buffer's lower half, reads into its upper. */
static void check_io(struct disk *d, uint64_t block, uint32_t at,
		     uint32_t bytes, uint32_t seed)
{
	uint8_t *out = d->data.va + at, *in = d->data.va + SIZE / 2 + at;

	mem_fill(out, bytes, seed);
	memset(d->data.va + SIZE / 2, 0x5a, SIZE / 2);
	check_ret(nvme_write(&d->n, block, DATA + at, bytes), 0);
	check_ret(nvme_read(&d->n, block, DATA + SIZE / 2 + at, bytes), 0);
	check_msg(mem_differs(in, bytes, seed) < 0,
		  "%u bytes at block %llu from offset 0x%x", bytes,
		  (unsigned long long)block, at);
	check_eq(mem_differs_from(d->data.va + SIZE / 2, at, 0x5a), -1);
	check_eq(mem_differs_from(in + bytes, 64, 0x5a), -1);
}

static void identify(void)
{
	struct disk d;

	disk_up(&d, MEM_ANON);
	tap_diag("model \"%s\", serial \"%s\", %llu blocks of %u bytes",
		 d.n.model, d.n.serial, (unsigned long long)d.n.blocks,
		 d.n.block_size);
	check(strstr(d.n.model, "NVMe") != NULL);
	check(d.n.blocks >= 1024);
	check(d.n.block_size == 512 || d.n.block_size == 4096);
	disk_down(&d);
}

static void read_write(void)
{
	static const uint32_t sizes[] = { 1, 8, 16, 24, 128, 200 };
	struct disk d;

	disk_up(&d, MEM_ANON);
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		check_io(&d, i * 256, 0, sizes[i] * 512, i);
	/* data that begins in the middle of a page */
	if (d.n.block_size == 512) {
		check_io(&d, 5, 512, 512, 10);
		check_io(&d, 7, PAGE - 512, 1024, 11);
		check_io(&d, 9, 1536, 9 * 512, 12);
		check_io(&d, 20, 3072, 100 * 512, 13);
	}
	/* the last block */
	check_io(&d, d.n.blocks - 1, 0, d.n.block_size, 14);
	check(nvme_read(&d.n, d.n.blocks, DATA, d.n.block_size) > 0);
	disk_down(&d);
}

/* Enough commands for the queues to go round several times. */
static void many(void)
{
	struct disk d;

	disk_up(&d, MEM_ANON);
	for (uint32_t i = 0; i < 100; i++)
		check_io(&d, i * 8, i % 8 * PAGE, PAGE, i);
	disk_down(&d);
}

static void huge(void)
{
	struct disk d;

	disk_up(&d, MEM_HUGETLB);
	check_io(&d, 64, 0, 64 * KIB, 1);
	check_io(&d, 64, PAGE, 100 * KIB, 2);
	disk_down(&d);
}

/* Works again after a reset, with queues where they were. */
static void check_recovers(struct disk *d, uint32_t seed)
{
	check_ret(device_reset(&d->dev), 0);
	check_ret(device_bus_master(&d->dev), 0);
	check_ret(nvme_ready(&d->n), 0);
	check_io(d, 32, 0, 16 * KIB, seed);
}

/* Takes this memory away from the device, lets it read, and gives it back. */
static bool provoke(struct disk *d, struct mem *m, uint64_t iova,
		    uint64_t fault, int *ret)
{
	bool reported;

	mem_fill(d->data.va, SIZE, 99);
	require_ok(ioas_unmap(d->fd, d->ioas, iova, m->size, NULL));
	*ret = nvme_read(&d->n, 16, DATA, PAGE);
	reported = klog_fault(d->klog, fault, 2000);
	check_eq(mem_differs(d->data.va, SIZE, 99), -1);
	require_ok(ioas_map_at(d->fd, d->ioas, m->va, m->size, iova));
	return reported;
}

/*
 * The IOMMU has to report it.  Reports are limited to a few in five seconds,
 * so a missing one gets another chance.
 */
static void check_provoked(struct disk *d, struct mem *m, uint64_t iova,
			   uint64_t fault, int *ret)
{
	for (int i = 0; i < 4; i++) {
		if (provoke(d, m, iova, fault, ret) || !klog_reports(true))
			return;
		check_recovers(d, i);
	}
	check_msg(false, "the IOMMU reported no fault at 0x%llx",
		  (unsigned long long)fault);
}

/* A buffer that isn't mapped: the memory stays, and somebody says so. */
static void data_unmapped(void)
{
	struct disk d;
	int ret;

	disk_up(&d, MEM_ANON);
	check_io(&d, 16, 0, PAGE, 1);
	check_provoked(&d, &d.data, DATA, DATA, &ret);
	tap_diag("read into an unmapped buffer: %d", ret);
	check_recovers(&d, 3);
	disk_down(&d);
}

/* Commands can't be fetched: the controller fails, and a reset helps. */
static void queues_unmapped(void)
{
	struct disk d;
	int ret;

	disk_up(&d, MEM_ANON);
	check_provoked(&d, &d.queues, NVME_IOVA,
		       NVME_IOVA + NVME_IO_SQ * PAGE, &ret);
	check_msg(ret == -EIO || ret == -ETIMEDOUT, "read: %d", ret);
	check_recovers(&d, 1);
	disk_down(&d);
}

/* Another address space with the same content serves as well. */
static void moved(void)
{
	uint64_t at = NVME_IOVA;
	struct disk d;
	uint32_t other;

	disk_up(&d, MEM_ANON);
	other = ioas_new(d.fd);
	require_ok(ioas_copy(d.fd, other, d.ioas, MAP_RW | MAP_FIX, NVME_IOVA,
			     NVME_MEMORY, &at));
	at = DATA;
	require_ok(ioas_copy(d.fd, other, d.ioas, MAP_RW | MAP_FIX, DATA, SIZE,
			     &at));
	require_ok(device_attach(&d.dev, other));
	check_io(&d, 48, 0, 64 * KIB, 1);
	require_ok(iommu_destroy(d.fd, d.ioas));
	check_io(&d, 48, 0, 64 * KIB, 2);
	disk_down(&d);
}

static const struct test tests[] = {
	{ "identify", identify },
	{ "read_write", read_write },
	{ "many", many },
	{ "huge", huge },
	{ "data_unmapped", data_unmapped },
	{ "queues_unmapped", queues_unmapped },
	{ "moved", moved },
};

TAP_MAIN("nvme", tests)
