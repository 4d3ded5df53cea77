// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/vfio.h>

#include "iommu.h"
#include "plug.h"
#include "tap.h"

int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY), ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

void write_alone(void *arg)
{
	struct write_alone *w = arg;

	require(!close_range(3, ~0u, 0));
	check_ret(write_file(w->path, w->text), 0);
}

bool ended(int pid, int ms)
{
	for (int i = 0; i < ms / 10; i++) {
		siginfo_t info = {};

		waitid(P_PID, pid, &info, WEXITED | WNOHANG | WNOWAIT);
		if (info.si_pid == pid)
			return true;
		usleep(10000);
	}
	return false;
}

int request_eventfd(struct device *dev)
{
	union {
		struct vfio_irq_set set;
		char bytes[sizeof(struct vfio_irq_set) + sizeof(int)];
	} u = {
		.set = {
			.argsz = sizeof(u), .index = VFIO_PCI_REQ_IRQ_INDEX, .count = 1,
			.flags = VFIO_IRQ_SET_DATA_EVENTFD |
				 VFIO_IRQ_SET_ACTION_TRIGGER,
		},
	};
	int fd = eventfd(0, EFD_CLOEXEC);

	require(fd >= 0);
	memcpy(u.set.data, &fd, sizeof(fd));
	require_ok(iommu_ioctl(dev->fd, VFIO_DEVICE_SET_IRQS, &u.set));
	return fd;
}
