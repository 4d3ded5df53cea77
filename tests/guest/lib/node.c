// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/vfio.h>

#include "node.h"
#include "iommu.h"
#include "legacy.h"
#include "mem.h"
#include "tap.h"

void node_prepare(struct node *f)
{
	f->bdf = device_find("edu", 0);
	if (!f->bdf)
		tap_skip("needs an edu on vfio-pci");
	f->uses = module_uses();
}

void node_use(struct node *f)
{
	struct mem m;

	f->fd = iommu_open();
	f->ioas = ioas_new(f->fd);
	device_get(&f->dev, "edu", 0, f->fd);
	require_ok(device_attach(&f->dev, f->ioas));
	mem_get(&m, MEM_ANON, NODE_SIZE);
	require_ok(ioas_map_at(f->fd, f->ioas, m.va, m.size, NODE_IOVA));
}

int node_ask(int fd)
{
	struct vfio_device_info info = { .argsz = sizeof(info) };

	return iommu_ioctl(fd, VFIO_DEVICE_GET_INFO, &info);
}

void node_check_in_use(struct node *f)
{
	struct device other;
	int fd = iommu_open();

	check_ret(legacy_open_group(f->bdf), -EBUSY);
	require_ok(device_open(&other, f->bdf));
	check_ret(device_bind(&other, fd), -EINVAL);
	device_close(&other);
	close(fd);
}

void node_check_free(struct node *f)
{
	struct device dev;
	int fd;

	check(legacy_is_free(f->bdf));
	fd = iommu_open();
	device_get(&dev, "edu", 0, fd);
	device_close(&dev);
	close(fd);
	/* some are given back a moment after the last close */
	for (int i = 0; i < 100 && module_uses() != f->uses; i++)
		usleep(10000);
	check_eq(module_uses(), f->uses);
}

void send_fd(int sock, int fd)
{
	char byte = 'x', control[CMSG_SPACE(sizeof(int))] = {};
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(int));
	require(sendmsg(sock, &msg, 0) == 1);
}

int receive_fd(int sock)
{
	char byte, control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	int fd;

	require(recvmsg(sock, &msg, 0) == 1 && CMSG_FIRSTHDR(&msg));
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(int));
	return fd;
}
