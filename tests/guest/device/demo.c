// SPDX-License-Identifier: GPL-2.0-only
/*
 * A demonstration for people: drives an NVMe disk through /dev/iommu and
 * /dev/vfio/devices, and says what it does.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "iommu.h"
#include "klog.h"
#include "mem.h"
#include "nvme.h"
#include "tap.h"

#define DATA	0x4000000ull
#define SIZE	(64 * KIB)

/* "what .......... " without an end of line */
static void step(const char *fmt, ...)
{
	char text[128];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	printf("  %s ", text);
	for (size_t n = strlen(text); n < 52; n++)
		putchar('.');
	putchar(' ');
	fflush(stdout);
}

static void say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
}

/* The end of a step; a failed one is the end of the demonstration. */
static void done(int ret, const char *good)
{
	if (!ret) {
		say("%s", good);
		return;
	}
	if (ret < 0)
		say("FAILED: %s", strerror(-ret));
	else
		say("FAILED: NVMe status 0x%x", ret);
	check_msg(false, "the step above failed");
	tap_end();
}

struct disk {
	int fd, klog;
	uint32_t ioas;
	struct device dev;
	struct nvme n;
	struct mem queues, data;
};

static void open_nodes(struct disk *d, const char *bdf)
{
	step("open /dev/iommu");
	d->fd = open("/dev/iommu", O_RDWR | O_CLOEXEC);
	done(d->fd < 0 ? -errno : 0, "ok");
	step("open the VFIO device of %s", bdf);
	done(device_open(&d->dev, bdf), d->dev.node);
	step("bind it to the context");
	done(device_bind(&d->dev, d->fd), "ok");
	step("make an I/O address space");
	done(ioas_alloc(d->fd, &d->ioas), "ok");
	step("attach the device to it");
	done(device_attach(&d->dev, d->ioas), "ok");
}

static void map_memory(struct disk *d)
{
	mem_get(&d->queues, MEM_ANON, NVME_MEMORY);
	mem_get(&d->data, MEM_ANON, 2 * SIZE);
	step("map %llu KiB for queues at IOVA 0x%llx", NVME_MEMORY / KIB,
	     NVME_IOVA);
	done(ioas_map_at(d->fd, d->ioas, d->queues.va, NVME_MEMORY,
			 NVME_IOVA), "ok");
	step("map %llu KiB for data at IOVA 0x%llx", 2 * SIZE / KIB, DATA);
	done(ioas_map_at(d->fd, d->ioas, d->data.va, 2 * SIZE, DATA), "ok");
}

static void start(struct disk *d)
{
	step("map the controller's registers");
	done(nvme_open(&d->n, &d->dev, d->queues.va), "ok");
	step("reset it, start it with an admin queue");
	done(nvme_start(&d->n), "ok");
	step("identify");
	done(nvme_identify(&d->n), d->n.model);
	step("its size");
	say("%llu MiB", (unsigned long long)(d->n.blocks * d->n.block_size /
					     MIB));
	step("create an I/O queue");
	done(nvme_create_io(&d->n), "ok");
}

static void read_back(struct disk *d)
{
	mem_fill(d->data.va, SIZE, 42);
	step("write %llu KiB at LBA 0", SIZE / KIB);
	done(nvme_write(&d->n, 0, DATA, SIZE), "ok");
	step("read them back elsewhere");
	done(nvme_read(&d->n, 0, DATA + SIZE, SIZE), "ok");
	step("compare");
	done(memcmp(d->data.va, d->data.va + SIZE, SIZE) ? -EIO : 0,
	     "65536 bytes equal");
}

/* The device is told to write where nothing is mapped any more. */
static void stopped(struct disk *d)
{
	bool reported = false;

	step("unmap the data");
	done(ioas_unmap(d->fd, d->ioas, DATA, 2 * SIZE, NULL), "ok");
	memset(d->data.va, 0, 2 * SIZE);
	/* reports are limited to a few in five seconds */
	for (int i = 0; i < 4 && !reported; i++) {
		nvme_read(&d->n, 0, DATA, SIZE);
		reported = klog_reports(true) &&
			   klog_fault(d->klog, DATA, 2000);
	}
	step("read there all the same: memory untouched");
	done(mem_differs_from(d->data.va, 2 * SIZE, 0) < 0 ? 0 : -EIO, "ok");
	if (!klog_reports(true))
		return;
	step("the IOMMU's report");
	done(reported ? 0 : -ENOENT, "");
	say("    %s", klog_line());
}

static void nvme_disk(void)
{
	const char *bdf = device_find("nvme", 0);
	struct disk d;

	if (!bdf)
		tap_skip("needs an nvme device on vfio-pci");
	d.klog = klog_open();
	say("\nAn NVMe disk, driven from user space:\n");
	open_nodes(&d, bdf);
	map_memory(&d);
	start(&d);
	read_back(&d);
	stopped(&d);
	step("stop the controller, close everything");
	done(nvme_stop(&d.n), "ok");
	device_close(&d.dev);
	close(d.fd);
	say("");
}

static const struct test tests[] = {
	{ "nvme_disk", nvme_disk },
};

TAP_MAIN("demo", tests)
