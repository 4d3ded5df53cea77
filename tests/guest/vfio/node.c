// SPDX-License-Identifier: GPL-2.0-only
/*
 * Device nodes up to BIND: which nodes there are, what they refuse before BIND, and
 * what BIND refuses.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <linux/vfio.h>

#include "device.h"
#include "iommu.h"
#include "legacy.h"
#include "mem.h"
#include "node_need.h"
#include "tap.h"

#define TOKEN_FLAG 1u

static bool read_file(const char *path, char *buf, size_t size)
{
	ssize_t len;
	int fd = open(path, O_RDONLY);

	if (fd < 0)
		return false;
	len = read(fd, buf, size - 1);
	close(fd);
	buf[len > 0 ? len : 0] = 0;
	return len > 0;
}

static void check_node(const char *bdf)
{
	char path[512], text[256];
	unsigned int major, minor;
	struct device dev;
	struct stat st;

	require_ok(device_open(&dev, bdf));
	require(!fstat(dev.fd, &st));
	check(S_ISCHR(st.st_mode));
	check_eq(st.st_mode & 0777, 0600);
	check_eq(st.st_uid, 0);

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/vfio-dev/%s/dev",
		 bdf, basename(dev.node));
	require(read_file(path, text, sizeof(text)));
	require(sscanf(text, "%u:%u", &major, &minor) == 2);
	check_eq(major, major(st.st_rdev));
	check_eq(minor, minor(st.st_rdev));

	snprintf(path, sizeof(path), "/sys/dev/char/%u:%u/device", major, minor);
	require(realpath(path, text));
	check_msg(!strcmp(basename(text), bdf), "%s leads to %s", path, text);
	device_close(&dev);
}

static void check_line(const char *file, const char *format, ...)
{
	char text[4096], line[128];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	require(read_file(file, text, sizeof(text)));
	check_msg(strstr(text, line), "no %s in %s: %s", line, file, text);
}

/* Rules, systemd and container runtimes go by these. */
static void check_names(const char *bdf)
{
	char path[PATH_MAX + 16], place[PATH_MAX], text[PATH_MAX];
	struct device dev;
	struct stat st;

	require_ok(device_open(&dev, bdf));
	require(!fstat(dev.fd, &st));
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/vfio-dev/%s", bdf,
		 basename(dev.node));
	require(realpath(path, place));
	snprintf(path, sizeof(path), "/sys/dev/char/%u:%u", major(st.st_rdev), minor(st.st_rdev));
	require(realpath(path, text));
	check_msg(!strcmp(text, place), "%s leads to %s, not %s", path, text, place);

	snprintf(path, sizeof(path), "%s/subsystem", place);
	require(realpath(path, text));
	check_msg(!strcmp(text, "/sys/class/vfio-dev"), "class %s", text);
	snprintf(path, sizeof(path), "%s/uevent", place);
	check_line(path, "MAJOR=%u\n", major(st.st_rdev));
	check_line(path, "MINOR=%u\n", minor(st.st_rdev));
	check_line(path, "DEVNAME=%s\n", dev.node + strlen("/dev/"));
	check_line("/proc/devices", "%3u vfio-dev\n", major(st.st_rdev));
	device_close(&dev);
}

static void names(void)
{
	check_names(node_need("edu"));
	check_names(node_need("nvme"));
}

static void nodes(void)
{
	check_node(node_need("edu"));
	check_node(node_need("nvme"));
}

static unsigned int count_entries(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	unsigned int n = 0;

	require(d != NULL);
	while ((e = readdir(d)))
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

/* Programs take the only entry of vfio-dev for the device's name. */
static void one_name(void)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/vfio-dev", node_need("edu"));
	check_eq(count_entries(path), 1);
}

static void no_such_minor(void)
{
	struct device dev;
	struct stat st;

	node_edu_open(&dev);
	require(!fstat(dev.fd, &st));
	require(!mknod("/tmp/no-device", S_IFCHR | 0600,
		       makedev(major(st.st_rdev), 77777)));
	check(open("/tmp/no-device", O_RDWR) < 0);
	check_eq(errno, ENXIO);
	unlink("/tmp/no-device");
}

static void gate(void)
{
	struct vfio_device_info info = { .argsz = sizeof(info) };
	struct vfio_region_info region = { .argsz = sizeof(region) };
	struct vfio_device_feature feature = { .argsz = sizeof(feature) };
	struct cdev_attach attach = { .argsz = sizeof(attach) };
	struct cdev_detach detach = { .argsz = sizeof(detach) };
	struct device dev;
	char c = 0;

	node_edu_open(&dev);
	check_ret(iommu_ioctl(dev.fd, VFIO_DEVICE_GET_INFO, &info), -EINVAL);
	check_ret(iommu_ioctl(dev.fd, VFIO_DEVICE_GET_REGION_INFO, &region), -EINVAL);
	check_ret(iommu_ioctl(dev.fd, VFIO_DEVICE_FEATURE, &feature), -EINVAL);
	check_ret(iommu_ioctl(dev.fd, VFIO_DEVICE_RESET, NULL), -EINVAL);
	check_ret(iommu_ioctl(dev.fd, VFIO_DEVICE_PCI_HOT_RESET, NULL), -EINVAL);
	check_ret(iommu_ioctl(dev.fd, CDEV_ATTACH, &attach), -EINVAL);
	check_ret(iommu_ioctl(dev.fd, CDEV_DETACH, &detach), -EINVAL);
	check_ret(iommu_ioctl(dev.fd, _IO(';', 250), NULL), -EINVAL);
	check(read(dev.fd, &c, 1) < 0 && errno == EINVAL);
	check(pread(dev.fd, &c, 1, 0) < 0 && errno == EINVAL);
	check(pwrite(dev.fd, &c, 1, 0) < 0 && errno == EINVAL);
	check(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, dev.fd, 0) == MAP_FAILED &&
	      errno == EINVAL);
	check(lseek(dev.fd, 0, SEEK_SET) < 0 && errno == ESPIPE);
	/* and it doesn't shut the legacy path */
	check(legacy_is_free(dev.bdf));
}

static void fdinfo(void)
{
	char path[64], text[1024], want[64];
	struct device dev;

	node_edu_open(&dev);
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", dev.fd);
	require(read_file(path, text, sizeof(text)));
	snprintf(want, sizeof(want), "/%s\n", dev.bdf);
	check(strstr(text, "vfio-device-syspath: /sys/devices/"));
	check_msg(strstr(text, want), "no %s in %s", want, text);
}

/* BIND with these values; afterwards nobody has the device. */
static void check_refused(struct device *dev, struct cdev_bind bind, int want)
{
	uint32_t devid = bind.out_devid;
	int ret = iommu_ioctl(dev->fd, CDEV_BIND, &bind);

	check_msg(ret == want, "argsz %u flags %x fd %d: %d, not %d", bind.argsz,
		  bind.flags, bind.iommufd, ret, want);
	check_eq(bind.out_devid, devid);
}

static void bind_values(void)
{
	int fd = iommu_open(), null = open("/dev/null", O_RDWR), closed = dup(null);
	struct { struct cdev_bind c; uint64_t tail; } longer = { .tail = 1 };
	unsigned char token[16] = { 1, 2, 3 };
	struct device dev;
	long uses;

	node_edu_open(&dev);
	close(closed);
	uses = module_uses();
#define REFUSED(want, ...) \
	check_refused(&dev, (struct cdev_bind){ .argsz = 24, .iommufd = fd, \
						.out_devid = 99, __VA_ARGS__ }, want)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init"
	REFUSED(-EINVAL, .argsz = 0);
	REFUSED(-EINVAL, .argsz = 8);
	REFUSED(-EINVAL, .argsz = 15);
	REFUSED(-EINVAL, .flags = 2);
	REFUSED(-EINVAL, .flags = ~0u);
	REFUSED(-EINVAL, .iommufd = -1);
	REFUSED(-EINVAL, .iommufd = -100);
	REFUSED(-EBADF, .iommufd = closed);
	REFUSED(-EBADF, .iommufd = 0x7fffffff);
	REFUSED(-EBADFD, .iommufd = null);
	REFUSED(-EBADFD, .iommufd = dev.fd);
	/* a token where none is expected, and one that can't be read */
	REFUSED(-EINVAL, .flags = TOKEN_FLAG, .token_uuid_ptr = (uintptr_t)token);
	REFUSED(-EFAULT, .flags = TOKEN_FLAG, .token_uuid_ptr = 8);
	/* the short structure ends before the token */
	REFUSED(-EFAULT, .argsz = 16, .flags = TOKEN_FLAG);
#pragma GCC diagnostic pop
	check_ret(iommu_ioctl(dev.fd, CDEV_BIND, NULL), -EFAULT);
	longer.c = (struct cdev_bind){ .argsz = sizeof(longer), .iommufd = fd };
	check_ret(iommu_ioctl(dev.fd, CDEV_BIND, &longer), -E2BIG);

	check_eq(module_uses(), uses);
	check(legacy_is_free(dev.bdf));
	check_ret(device_bind(&dev, fd), 0);
}

static void check_size(uint32_t argsz)
{
	struct { struct cdev_bind c; uint64_t tail[5]; } arg = {
		.c = { .argsz = argsz, .iommufd = iommu_open() },
	};
	struct device dev;

	/* beyond what a short structure has, nothing counts */
	if (argsz == 16)
		arg.c.token_uuid_ptr = ~0ull;
	node_edu_open(&dev);
	check_ret(iommu_ioctl(dev.fd, CDEV_BIND, &arg), 0);
	check(arg.c.out_devid != 0);
	device_close(&dev);
	close(arg.c.iommufd);
}

static void bind_sizes(void)
{
	check_size(16);
	check_size(24);
	check_size(32);
	check_size(sizeof(struct cdev_bind) + 40);
}

/* The answer can't be delivered: all that was done is undone. */
static void bind_no_answer(void)
{
	struct cdev_bind *bind;
	int fd = iommu_open();
	struct device dev;
	long uses;

	bind = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	require(bind != MAP_FAILED);
	*bind = (struct cdev_bind){ .argsz = sizeof(*bind), .iommufd = fd };
	require(!mprotect(bind, PAGE, PROT_READ));
	node_edu_open(&dev);
	uses = module_uses();
	for (int i = 0; i < 20; i++)
		check_ret(iommu_ioctl(dev.fd, CDEV_BIND, bind), -EFAULT);
	check_ret(iommu_ioctl(dev.fd, VFIO_DEVICE_RESET, NULL), -EINVAL);
	check_eq(module_uses(), uses);
	check(legacy_is_free(dev.bdf));
	check_ret(device_bind(&dev, fd), 0);
}

static void bind_twice(void)
{
	int fd = iommu_open(), fd2 = iommu_open();
	struct device a, b;

	node_edu_open(&a);
	node_edu_open(&b);
	require_ok(device_bind(&a, fd));
	check_ret(device_bind(&a, fd), -EINVAL);
	check_ret(device_bind(&a, fd2), -EINVAL);
	check_ret(device_bind(&b, fd), -EINVAL);
	check_ret(device_bind(&b, fd2), -EINVAL);
	/* the refused ones took nothing with them */
	check_ret(legacy_open_group(a.bdf), -EBUSY);
	device_close(&a);
	check_ret(device_bind(&b, fd2), 0);
	check_ret(legacy_open_group(b.bdf), -EBUSY);
}

static const struct test tests[] = {
	{ "nodes", nodes },
	{ "names", names },
	{ "one_name", one_name },
	{ "no_such_minor", no_such_minor },
	{ "gate", gate },
	{ "fdinfo", fdinfo },
	{ "bind_values", bind_values },
	{ "bind_sizes", bind_sizes },
	{ "bind_no_answer", bind_no_answer },
	{ "bind_twice", bind_twice },
};

TAP_MAIN("node", tests)
