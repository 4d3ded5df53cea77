// SPDX-License-Identifier: GPL-2.0-only
/* try: bind, attach and map as a program would, step by step, then undo it. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/iommufd.h>
#include <linux/vfio.h>

#include "files.h"
#include "iommufdctl.h"

/* ioctls of device nodes; <linux/vfio.h> has them from Linux 6.6 on. */
struct node_bind {
	uint32_t argsz;
	uint32_t flags;
	int32_t iommufd;
	uint32_t out_devid;
};

struct node_attach {
	uint32_t argsz;
	uint32_t flags;
	uint32_t pt_id;
};

struct node_detach {
	uint32_t argsz;
	uint32_t flags;
};

#define NODE_BIND	_IO(VFIO_TYPE, VFIO_BASE + 18)
#define NODE_ATTACH	_IO(VFIO_TYPE, VFIO_BASE + 19)
#define NODE_DETACH	_IO(VFIO_TYPE, VFIO_BASE + 20)

struct attempt {
	const struct vdevice *dev;
	int iommufd, node;
	uint32_t ioas;
	uint64_t iova;
	size_t page;
};

static bool try_told(const char *step, bool good, const char *what)
{
	if (good)
		report(step, PASS, NULL, "%s", what);
	else
		report(step, FAIL, NULL, "%s: %s", what, strerror(errno));
	return good;
}

static bool try_open(struct attempt *a)
{
	const char *path = path_at("/dev/vfio/devices/%s", a->dev->node);

	a->iommufd = open(path_at("/dev/iommu"), O_RDWR | O_CLOEXEC);
	if (!try_told("try-iommu-node", a->iommufd >= 0, "open /dev/iommu"))
		return false;
	if (!*a->dev->node) {
		report("try-device-node", FAIL, NULL, "%s has no node", a->dev->address);
		return false;
	}
	a->node = open(path, O_RDWR | O_CLOEXEC);
	return try_told("try-device-node", a->node >= 0, text_print("open %s", path));
}

static bool try_bind(struct attempt *a)
{
	struct node_bind bind = { .argsz = sizeof(bind), .iommufd = a->iommufd };

	return try_told("try-bind", !ioctl(a->node, NODE_BIND, &bind), "bind it to the file");
}

static bool try_attach(struct attempt *a)
{
	struct iommu_ioas_alloc alloc = { .size = sizeof(alloc) };
	struct node_attach attach = { .argsz = sizeof(attach) };

	if (!try_told("try-ioas", !ioctl(a->iommufd, IOMMU_IOAS_ALLOC, &alloc), "make an address space"))
		return false;
	a->ioas = attach.pt_id = alloc.out_ioas_id;
	return try_told("try-attach", !ioctl(a->node, NODE_ATTACH, &attach), "attach the device to it");
}

static bool try_map(struct attempt *a)
{
	struct iommu_ioas_map map = {
		.size = sizeof(map),
		.flags = IOMMU_IOAS_MAP_READABLE | IOMMU_IOAS_MAP_WRITEABLE,
		.ioas_id = a->ioas,
		.length = a->page,
	};
	void *memory = mmap(NULL, a->page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	map.user_va = (uintptr_t)memory;
	if (!try_told("try-map", memory != MAP_FAILED && !ioctl(a->iommufd, IOMMU_IOAS_MAP, &map),
		  "map a page of memory"))
		return false;
	a->iova = map.iova;
	return true;
}

static void try_back(struct attempt *a)
{
	struct iommu_ioas_unmap unmap = {
		.size = sizeof(unmap), .ioas_id = a->ioas, .iova = a->iova, .length = a->page,
	};
	struct node_detach detach = { .argsz = sizeof(detach) };

	try_told("try-unmap", !ioctl(a->iommufd, IOMMU_IOAS_UNMAP, &unmap), "unmap it");
	try_told("try-detach", !ioctl(a->node, NODE_DETACH, &detach), "detach the device");
}

static void try_all(struct attempt *a)
{
	if (try_open(a) && try_bind(a) && try_attach(a) && try_map(a))
		try_back(a);
	if (a->node >= 0)
		close(a->node);
	if (a->iommufd >= 0)
		close(a->iommufd);
}

int command_try(const char *name, const struct who *who)
{
	struct vdevice dev;
	struct attempt attempt = {
		.dev = &dev, .iommufd = -1, .node = -1, .page = sysconf(_SC_PAGESIZE),
	};
	int rc;

	if (!vdevice_find(name, &dev)) {
		fprintf(stderr, "iommufdctl: no device %s\n", name);
		return EXIT_NO_LOOK;
	}
	rc = who_become(who);
	if (rc) {
		fprintf(stderr, "iommufdctl: can't become %s: %s\n", who->name, strerror(rc));
		return EXIT_NO_LOOK;
	}
	try_all(&attempt);
	return report_end("try", dev.address);
}
