// SPDX-License-Identifier: GPL-2.0-only
/*
 * Device nodes up to BIND: which nodes there are, what they refuse before BIND,
 * what BIND refuses, and who keeps whom out.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <pthread.h>
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
#include "tap.h"

#define TOKEN_FLAG 1u

static const char *need(const char *kind)
{
	const char *bdf = device_find(kind, 0);

	if (!bdf)
		tap_skip("needs a device \"%s\" on vfio-pci", kind);
	return bdf;
}

/* One that is open and not bound. */
static void edu_open(struct device *dev)
{
	require_ok(device_open(dev, need("edu")));
}

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
	char path[512], text[256], want[128];
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

	snprintf(path, sizeof(path), "/sys/dev/char/%u:%u/uevent", major, minor);
	require(read_file(path, text, sizeof(text)));
	snprintf(want, sizeof(want), "DEVNAME=%s\n", dev.node + strlen("/dev/"));
	check_msg(strstr(text, want), "no %s in %s", want, text);
	device_close(&dev);
}

static void nodes(void)
{
	check_node(need("edu"));
	check_node(need("nvme"));
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

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/vfio-dev", need("edu"));
	check_eq(count_entries(path), 1);
}

static void no_such_minor(void)
{
	struct device dev;
	struct stat st;

	edu_open(&dev);
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

	edu_open(&dev);
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

	edu_open(&dev);
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

	edu_open(&dev);
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
	edu_open(&dev);
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
	edu_open(&dev);
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

	edu_open(&a);
	edu_open(&b);
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

static void two_devices(void)
{
	int fd = iommu_open();
	struct device a, b;

	need("nvme");
	device_get(&a, "edu", 0, fd);
	device_get(&b, "nvme", 0, fd);
	check(a.id != b.id);
	device_close(&a);
	check_ret(legacy_open_group(b.bdf), -EBUSY);
	check(legacy_is_free(device_find("edu", 0)));
}

struct racer {
	pthread_barrier_t *start;
	struct device *dev;
	int fd, ret;
};

static void *race_bind(void *arg)
{
	struct racer *r = arg;
	struct cdev_bind c = { .argsz = sizeof(c), .iommufd = r->fd };

	pthread_barrier_wait(r->start);
	r->ret = iommu_ioctl(r->dev->fd, CDEV_BIND, &c);
	return NULL;
}

/* Returns how many of two simultaneous BINDs succeeded. */
static int race(struct device *a, struct device *b, int fd)
{
	pthread_barrier_t start;
	struct racer r[2] = { { &start, a, fd, 1 }, { &start, b, fd, 1 } };
	pthread_t thread[2];
	int wins = 0;

	pthread_barrier_init(&start, NULL, 2);
	for (int i = 0; i < 2; i++)
		require(!pthread_create(&thread[i], NULL, race_bind, &r[i]));
	for (int i = 0; i < 2; i++) {
		pthread_join(thread[i], NULL);
		check(r[i].ret == 0 || r[i].ret == -EINVAL);
		wins += !r[i].ret;
	}
	return wins;
}

static void bind_race(void)
{
	int fd = iommu_open();
	struct device a, b;

	for (int i = 0; i < 30; i++) {
		edu_open(&a);
		edu_open(&b);
		check_eq(race(&a, i & 1 ? &b : &a, fd), 1);
		device_close(&a);
		device_close(&b);
	}
	check(legacy_is_free(need("edu")));
}

/* Who has come by the legacy path keeps us out, from its first step on. */
static void legacy_first(void)
{
	int group, fd = iommu_open();
	struct device dev;
	struct legacy l;

	edu_open(&dev);
	group = legacy_open_group(dev.bdf);
	require(group >= 0);
	check_ret(device_bind(&dev, fd), -EBUSY);
	close(group);
	require_ok(legacy_open(&l, dev.bdf));
	check_ret(device_bind(&dev, fd), -EBUSY);
	/* an open device keeps its group open */
	close(l.group);
	l.group = -1;
	check_ret(device_bind(&dev, fd), -EBUSY);
	legacy_close(&l);
	check_ret(device_bind(&dev, fd), 0);
}

/* And the other way round. */
static void bound_first(void)
{
	int fd = iommu_open();
	struct device dev;
	struct legacy l;

	device_get(&dev, "edu", 0, fd);
	for (int i = 0; i < 3; i++)
		check_ret(legacy_open_group(dev.bdf), -EBUSY);
	check_ret(legacy_open(&l, dev.bdf), -EBUSY);
	device_close(&dev);
	require_ok(legacy_open(&l, dev.bdf));
	legacy_close(&l);
}

static volatile int stop;

static void *legacy_loop(void *arg)
{
	long *opened = arg;
	struct legacy l;

	while (!stop) {
		int ret = legacy_open(&l, device_find("edu", 0));

		check(ret == 0 || ret == -EBUSY);
		if (ret)
			continue;
		(*opened)++;
		legacy_close(&l);
		usleep(1000);
	}
	return NULL;
}

static void exclusion_race(void)
{
	double end = tap_now() + 3 * tap_time_factor();
	long opened = 0, bound = 0;
	int fd = iommu_open();
	struct device dev;
	pthread_t thread;

	need("edu");
	require(!pthread_create(&thread, NULL, legacy_loop, &opened));
	while (tap_now() < end) {
		int ret;

		edu_open(&dev);
		ret = device_bind(&dev, fd);
		check(ret == 0 || ret == -EBUSY);
		bound += !ret;
		device_close(&dev);
		if (!ret)
			usleep(1000);
	}
	stop = 1;
	pthread_join(thread, NULL);
	tap_diag("%ld times bound, %ld times open by the legacy path", bound, opened);
	check(bound > 0 && opened > 0);
	check(legacy_is_free(need("edu")));
}

static const struct test tests[] = {
	{ "nodes", nodes },
	{ "one_name", one_name },
	{ "no_such_minor", no_such_minor },
	{ "gate", gate },
	{ "fdinfo", fdinfo },
	{ "bind_values", bind_values },
	{ "bind_sizes", bind_sizes },
	{ "bind_no_answer", bind_no_answer },
	{ "bind_twice", bind_twice },
	{ "two_devices", two_devices },
	{ "bind_race", bind_race },
	{ "legacy_first", legacy_first },
	{ "bound_first", bound_first },
	{ "exclusion_race", exclusion_race },
};

TAP_MAIN("node", tests)
