// SPDX-License-Identifier: GPL-2.0-only
/*
 * VFIO_DEVICE_FEATURE through a device node: what the kernel's VFIO core keeps for itself
 * (migration, logging of DMA), what goes to the driver; and GET_REGION_INFO.  With the
 * VFIO test driver, on the mock IOMMU or, on Linux's own module, with a PCI device.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <linux/vfio.h>

#include "mem.h"
#include "mock.h"
#include "tap.h"
#include "vfio_mock.h"

#define GET	VFIO_DEVICE_FEATURE_GET
#define SET	VFIO_DEVICE_FEATURE_SET
#define PROBE	VFIO_DEVICE_FEATURE_PROBE
#define HEADER	8

/* Debian 12's <linux/vfio.h> doesn't know the later ones. */
enum { MIGRATION = 1, STATE = 2, LOG_START = 6, LOG_STOP = 7, LOG_REPORT = 8,
       DATA_SIZE = 9, PRECOPY = 12 };
enum { F_STOP_COPY = 1, F_P2P = 2, F_PRE_COPY = 4 };
enum { ERROR, STOP, RUNNING, STOP_COPY, RESUMING };

struct state {
	uint32_t state;
	int32_t fd;
};

static struct vfio_mock m;
static int iommufd;
static uint32_t asked_before;		/* an adopted device was there in another test */

/* How often the driver was asked about a feature. */
static uint32_t asked(void)
{
	return vfio_mock_seen(&m).features - asked_before;
}

/* A bound device; what it can migrate. */
static void device_up(uint32_t mig_flags)
{
	struct vfio_mock_make make = VFIO_MOCK_PLAIN;
	struct vfio_mock_behave behave = { .mig_flags = mig_flags };

	iommufd = iommu_open();
	if (tap_oracle())
		vfio_mock_adopt(&m);
	else
		require_ok(vfio_mock_make(&m, &make));
	vfio_mock_behave(&m, &behave);
	vfio_mock_get(&m, iommufd);
	asked_before = vfio_mock_seen(&m).features;
}

/* @data becomes what is there then. */
static int feature(uint32_t flags, void *data, uint32_t size)
{
	struct { struct vfio_device_feature f; uint8_t data[64]; } arg = {
		.f = { .argsz = HEADER + size, .flags = flags },
	};
	int ret;

	if (data)
		memcpy(arg.data, data, size);
	ret = iommu_ioctl(m.dev.fd, VFIO_DEVICE_FEATURE, &arg);
	if (data)
		memcpy(data, arg.data, size);
	return ret;
}

static void header(void)
{
	struct vfio_device_feature f = { .argsz = 7, .flags = PROBE | 1 };

	device_up(F_STOP_COPY);
	check_ret(iommu_ioctl(m.dev.fd, VFIO_DEVICE_FEATURE, &f), -EINVAL);
	check_ret(iommu_ioctl(m.dev.fd, VFIO_DEVICE_FEATURE, NULL), -EFAULT);
	check_ret(feature(MIGRATION | 1u << 19, NULL, 8), -EINVAL);
	check_ret(feature(MIGRATION | GET | SET, NULL, 8), -EINVAL);
	check_ret(feature(VFIO_MOCK_FEATURE | GET | SET, NULL, 8), -EINVAL);
	check_ret(feature(VFIO_MOCK_FEATURE | 1u << 31, NULL, 8), -EINVAL);
	check_eq(asked(), 0);
}

static void unbound(void)
{
	struct vfio_mock_make make = VFIO_MOCK_PLAIN;

	if (tap_oracle())
		vfio_mock_adopt(&m);
	else
		require_ok(vfio_mock_make(&m, &make));
	require_ok(vfio_mock_open(&m));
	check_ret(feature(MIGRATION | GET, NULL, 8), -EINVAL);
	check_ret(feature(VFIO_MOCK_FEATURE | GET, NULL, 8), -EINVAL);
}

static void drivers_own(void)
{
	uint64_t value = 0x123456789abcdef0;

	device_up(0);
	check_ret(feature(VFIO_MOCK_FEATURE | SET, &value, 8), 0);
	value = 0;
	check_ret(feature(VFIO_MOCK_FEATURE | GET, &value, 8), 0);
	check_eq(value, 0x123456789abcdef0);
	check_ret(feature(VFIO_MOCK_FEATURE | GET, &value, 7), -EINVAL);
	check_ret(feature(VFIO_MOCK_FEATURE | GET, &value, 64), 0);
	check_ret(feature(VFIO_MOCK_FEATURE | PROBE | GET | SET, NULL, 0), 0);
	check_ret(feature(VFIO_MOCK_FEATURE | PROBE, NULL, 0), 0);
	check_ret(feature(VFIO_MOCK_FEATURE, &value, 8), -EINVAL);
	check_ret(feature(0xffff | GET, NULL, 8), -ENOTTY);
	check_eq(asked(), 8);
}

/* What one kernel's core keeps for itself another's leaves to the driver. */
static void kept(void)
{
	static const uint32_t always[] = { MIGRATION, STATE, LOG_START, LOG_STOP, LOG_REPORT };

	device_up(0);
	for (size_t i = 0; i < ARRAY_SIZE(always); i++) {
		check_ret(feature(always[i] | GET, NULL, 48), -ENOTTY);
		check_ret(feature(always[i] | SET, NULL, 48), -ENOTTY);
		check_ret(feature(always[i] | PROBE, NULL, 48), -ENOTTY);
		check_ret(feature(always[i] | PROBE | GET | SET, NULL, 0), -ENOTTY);
	}
	check_eq(asked(), 0);
	check_ret(feature(DATA_SIZE | GET, NULL, 8), -ENOTTY);
	check_eq(asked(), kernel_before(6, 12));
	check_ret(feature(PRECOPY | SET, NULL, 0), kernel_before(7, 2) ? -ENOTTY : -EINVAL);
	check_ret(feature(PRECOPY | PROBE, NULL, 0),
		  kernel_before(7, 2) ? -ENOTTY : -EINVAL);
	check_eq(asked(),
		 kernel_before(6, 12) ? 3 : kernel_before(7, 2) ? 2 : 0);
}

static void migration(void)
{
	uint64_t flags = ~0ull;

	device_up(F_STOP_COPY | F_P2P);
	check_ret(feature(MIGRATION | GET, &flags, 8), 0);
	check_eq(flags, F_STOP_COPY | F_P2P);
	check_ret(feature(MIGRATION | GET, &flags, 64), 0);
	check_ret(feature(MIGRATION | GET, NULL, 7), -EINVAL);
	check_ret(feature(MIGRATION | GET, NULL, 0), -EINVAL);
	check_ret(feature(MIGRATION | SET, NULL, 8), -EINVAL);
	check_ret(feature(MIGRATION, NULL, 8), -EINVAL);
	check_ret(feature(MIGRATION | PROBE, NULL, 0), 0);
	check_ret(feature(MIGRATION | PROBE | GET, NULL, 0), 0);
	check_ret(feature(MIGRATION | PROBE | SET, NULL, 0), -EINVAL);
	check_ret(feature(MIGRATION | PROBE | GET | SET, NULL, 0), -EINVAL);
}

/* The header lies at the end of a page and the data where nothing is. */
static int feature_without_data(uint32_t flags)
{
	uint8_t *page = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct vfio_device_feature f = { .argsz = HEADER + 8, .flags = flags };
	int ret;

	require(page != MAP_FAILED && !munmap(page + PAGE, PAGE));
	memcpy(page + PAGE - HEADER, &f, HEADER);
	ret = iommu_ioctl(m.dev.fd, VFIO_DEVICE_FEATURE, page + PAGE - HEADER);
	munmap(page, PAGE);
	return ret;
}

/* Everything can be read, and nothing written. */
static int feature_read_only(uint32_t flags, uint32_t state)
{
	struct { struct vfio_device_feature f; struct state s; } *arg;
	int ret;

	arg = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	require(arg != MAP_FAILED);
	arg->f = (struct vfio_device_feature){ .argsz = HEADER + 8, .flags = flags };
	arg->s = (struct state){ .state = state };
	require(!mprotect(arg, PAGE, PROT_READ));
	ret = iommu_ioctl(m.dev.fd, VFIO_DEVICE_FEATURE, arg);
	munmap(arg, PAGE);
	return ret;
}

static void bad_memory(void)
{
	device_up(F_STOP_COPY);
	check_ret(feature_without_data(MIGRATION | GET), -EFAULT);
	check_ret(feature_without_data(STATE | GET), -EFAULT);
	check_ret(feature_without_data(STATE | SET), -EFAULT);
	check_ret(feature_without_data(VFIO_MOCK_FEATURE | GET), -EFAULT);
	check_ret(feature_read_only(MIGRATION | GET, 0), -EFAULT);
	check_ret(feature_read_only(STATE | GET, 0), -EFAULT);
	if (!kernel_before(6, 12))
		check_ret(feature_without_data(DATA_SIZE | GET), -EFAULT);
	check_eq(vfio_mock_seen(&m).state, RUNNING);
}

static int set_state(uint32_t state, int *fd)
{
	struct state s = { .state = state, .fd = 4711 };
	int ret = feature(STATE | SET, &s, sizeof(s));

	*fd = s.fd;
	return ret;
}

static void state_flags(void)
{
	device_up(F_STOP_COPY);
	check_ret(feature(STATE | PROBE, NULL, 0), 0);
	check_ret(feature(STATE | PROBE | GET, NULL, 0), 0);
	check_ret(feature(STATE | PROBE | SET, NULL, 0), 0);
	check_ret(feature(STATE | PROBE | GET | SET, NULL, 0), 0);
	check_ret(feature(STATE, NULL, 8), -EINVAL);
	check_ret(feature(STATE | GET, NULL, 7), -EINVAL);
	check_ret(feature(STATE | SET, NULL, 7), -EINVAL);
	check_eq(vfio_mock_seen(&m).state, RUNNING);
}

static void state_moves(void)
{
	struct state s = { .state = 77, .fd = 77 };
	int fd;

	device_up(F_STOP_COPY);
	check_ret(feature(STATE | GET, &s, sizeof(s)), 0);
	check_eq(s.state, RUNNING);
	check_eq(s.fd, -1);
	check_ret(set_state(STOP, &fd), 0);
	check_eq(fd, -1);
	check_eq(vfio_mock_seen(&m).state, STOP);
	/* what there is no way to */
	check_ret(set_state(ERROR, &fd), -EINVAL);
	check_eq(fd, -1);
	check_ret(set_state(100, &fd), -EINVAL);
	check_ret(set_state(~0u, &fd), -EINVAL);
	check_eq(fd, -1);
	s = (struct state){};
	check_ret(feature(STATE | GET, &s, sizeof(s)), 0);
	check_eq(s.state, STOP);
}

static void state_file(void)
{
	char bytes[64] = {};
	long uses;
	int fd;

	device_up(F_STOP_COPY);
	uses = vfio_mock_uses();
	require_ok(set_state(STOP_COPY, &fd));
	require(fd >= 0);
	check_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	check_eq(read(fd, bytes, sizeof(bytes)), sizeof(bytes));
	check_eq(mem_differs_from(bytes, sizeof(bytes), VFIO_MOCK_STATE_BYTE), -1);
	check(write(fd, bytes, 1) < 0);
	check_eq(vfio_mock_uses(), uses + 1);
	close(fd);
	vfio_mock_check_uses(uses);
	require_ok(set_state(RESUMING, &fd));
	require(fd >= 0);
	check_eq(write(fd, bytes, sizeof(bytes)), sizeof(bytes));
	close(fd);
	require_ok(set_state(RUNNING, &fd));
	check_eq(fd, -1);
	/* it outlives the device's file */
	require_ok(set_state(STOP_COPY, &fd));
	device_close(&m.dev);
	check_eq(read(fd, bytes, 1), 1);
}

static void state_errors(void)
{
	struct vfio_mock_behave behave = { .mig_flags = F_STOP_COPY, .state_error = -EIO };
	struct state s = { .state = STOP, .fd = 77 };
	int fd;

	device_up(F_STOP_COPY);
	vfio_mock_behave(&m, &behave);
	check_ret(feature(STATE | GET, &s, sizeof(s)), -EIO);
	check_eq(s.fd, 77);
	check_ret(set_state(STOP, &fd), -EIO);
	check_eq(fd, -1);
	if (!kernel_before(6, 12))
		check_ret(feature(DATA_SIZE | GET, NULL, 8), -EIO);
	check_eq(vfio_mock_seen(&m).state, RUNNING);
}

/* The lowest descriptor that is free. */
static int free_fd(void)
{
	int fd = dup(0);

	close(fd);
	return fd;
}

/* A file that can't be handed out is closed; the state has changed, as on Linux. */
static void state_no_file(void)
{
	struct rlimit limit, few;
	int fd, next;
	long uses;

	device_up(F_STOP_COPY);
	uses = vfio_mock_uses();
	next = free_fd();
	require(!getrlimit(RLIMIT_NOFILE, &limit));
	few = (struct rlimit){ next, limit.rlim_max };
	require(!setrlimit(RLIMIT_NOFILE, &few));
	check_ret(set_state(STOP_COPY, &fd), -EMFILE);
	require(!setrlimit(RLIMIT_NOFILE, &limit));
	vfio_mock_check_uses(uses);
	check_eq(vfio_mock_seen(&m).state, STOP_COPY);
	check_eq(free_fd(), next);

	require_ok(set_state(RUNNING, &fd));
	check_ret(feature_read_only(STATE | SET, STOP_COPY), -EFAULT);
	vfio_mock_check_uses(uses);
	check_eq(free_fd(), next);
	require_ok(set_state(RUNNING, &fd));
	check_ret(feature_read_only(STATE | SET, STOP), -EFAULT);
	check_eq(free_fd(), next);
}

static void data_size(void)
{
	uint64_t size = 0;

	device_up(F_STOP_COPY);
	if (kernel_before(6, 12)) {
		check_ret(feature(DATA_SIZE | GET, &size, 8), -ENOTTY);
		return;
	}
	check_ret(feature(DATA_SIZE | GET, &size, 8), 0);
	check_eq(size, VFIO_MOCK_STATE_SIZE);
	check_ret(feature(DATA_SIZE | GET, NULL, 7), -EINVAL);
	check_ret(feature(DATA_SIZE | SET, NULL, 8), -EINVAL);
	check_ret(feature(DATA_SIZE | PROBE | GET, NULL, 0), 0);
	check_ret(feature(DATA_SIZE | PROBE | SET, NULL, 0), -EINVAL);
}

static void precopy(void)
{
	if (kernel_before(7, 2))
		tap_skip("Linux 7.2 has it first");
	device_up(F_STOP_COPY);
	check_ret(feature(PRECOPY | SET, NULL, 0), -EINVAL);
	check_eq(vfio_mock_seen(&m).precopy_v2, 0);
	device_close(&m.dev);
	close(m.control);

	device_up(F_STOP_COPY | F_PRE_COPY);
	check_ret(feature(PRECOPY | PROBE, NULL, 0), 0);
	check_ret(feature(PRECOPY | PROBE | SET, NULL, 0), 0);
	check_ret(feature(PRECOPY | PROBE | GET, NULL, 0), -EINVAL);
	check_ret(feature(PRECOPY | GET, NULL, 0), -EINVAL);
	check_ret(feature(PRECOPY, NULL, 0), -EINVAL);
	check_eq(vfio_mock_seen(&m).precopy_v2, 0);
	check_ret(feature(PRECOPY | SET, NULL, 0), 0);
	check_eq(vfio_mock_seen(&m).precopy_v2, 1);
	/* until the device is closed */
	device_close(&m.dev);
	vfio_mock_get(&m, iommufd);
	check_eq(vfio_mock_seen(&m).precopy_v2, 0);
}

/*
 * A driver that was built on a kernel without iommufd can't report, so logging isn't
 * begun.
 */
static void logging(void)
{
	struct vfio_mock_behave behave = { .logs = 1 };

	if (tap_oracle())
		tap_skip("drivers can report there");
	device_up(0);
	device_close(&m.dev);
	vfio_mock_behave(&m, &behave);
	vfio_mock_get(&m, iommufd);
	check_ret(feature(LOG_START | PROBE | SET, NULL, 0), -ENOTTY);
	check_ret(feature(LOG_START | SET, NULL, 24), -ENOTTY);
	check_ret(feature(LOG_STOP | SET, NULL, 0), -ENOTTY);
	check_ret(feature(LOG_REPORT | GET, NULL, 32), -ENOTTY);
	check_eq(vfio_mock_seen(&m).log_calls, 0);
	check_eq(asked(), 0);
}

static int region(struct vfio_region_info *info, uint32_t argsz, uint32_t index)
{
	*info = (struct vfio_region_info){ .argsz = argsz, .index = index,
					   .cap_offset = 0x55 };
	return iommu_ioctl(m.dev.fd, VFIO_DEVICE_GET_REGION_INFO, info);
}

static void regions(void)
{
	struct {
		struct vfio_region_info info;
		struct vfio_info_cap_header cap;
		uint64_t value;
		uint64_t behind;
	} u = { .behind = 0x77 };
	const uint32_t whole = sizeof(u) - 8;

	device_up(0);
	check_ret(region(&u.info, 31, 0), -EINVAL);
	check_ret(iommu_ioctl(m.dev.fd, VFIO_DEVICE_GET_REGION_INFO, NULL), -EFAULT);
	check_ret(region(&u.info, sizeof(u.info), 2), -EINVAL);
	check_ret(region(&u.info, sizeof(u.info), 1), 0);
	check_eq(u.info.size, 0);
	check_eq(u.info.argsz, sizeof(u.info));
	check_ret(region(&u.info, sizeof(u.info), 0), 0);
	check_eq(u.info.size, PAGE);
	if (kernel_before(7, 2))
		return;
	check(u.info.flags & VFIO_REGION_INFO_FLAG_CAPS);
	check_eq(u.info.argsz, whole);
	check_eq(u.info.cap_offset, 0);
	/* a byte too little */
	check_ret(region(&u.info, whole - 1, 0), 0);
	check_eq(u.info.argsz, whole);
	check_eq(u.info.cap_offset, 0);
	check_eq(u.value, 0);
	check_ret(region(&u.info, whole, 0), 0);
	check_eq(u.info.cap_offset, sizeof(u.info));
	check_eq(u.cap.id, VFIO_MOCK_CAP);
	check_eq(u.cap.next, 0);
	check_eq(u.value, VFIO_MOCK_CAP_VALUE);
	check_eq(u.behind, 0x77);
}

/* On a PCI device too, and not the mock IOMMU's. */
static void pci(void)
{
	struct vfio_mock_behave behave = { .mig_flags = F_STOP_COPY };
	uint64_t flags = 0;
	int fd;

	vfio_mock_adopt(&m);
	vfio_mock_behave(&m, &behave);
	vfio_mock_get(&m, iommu_open());
	check_ret(feature(MIGRATION | GET, &flags, 8), 0);
	check_eq(flags, F_STOP_COPY);
	check_ret(set_state(STOP_COPY, &fd), 0);
	check(fd >= 0);
}

static void in_32_bits(void)
{
	struct { struct vfio_device_feature f; uint64_t flags; } *arg;

	device_up(F_STOP_COPY);
	arg = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	require(arg != MAP_FAILED);
	arg->f = (struct vfio_device_feature){ .argsz = HEADER + 8, .flags = MIGRATION | GET };
	check_ret(ioctl_32(m.dev.fd, VFIO_DEVICE_FEATURE, arg), 0);
	check_eq(arg->flags, F_STOP_COPY);
}

static const struct test tests[] = {
	{ "header", header },
	{ "unbound", unbound },
	{ "drivers_own", drivers_own },
	{ "kept", kept },
	{ "migration", migration },
	{ "bad_memory", bad_memory },
	{ "state_flags", state_flags },
	{ "state_moves", state_moves },
	{ "state_file", state_file },
	{ "state_errors", state_errors },
	{ "state_no_file", state_no_file },
	{ "data_size", data_size },
	{ "precopy", precopy },
	{ "logging", logging },
	{ "regions", regions },
	{ "pci", pci },
	{ "in_32_bits", in_32_bits },
};

TAP_MAIN("feature", tests)
