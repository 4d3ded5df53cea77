// SPDX-License-Identifier: GPL-2.0-only
/*
 * VFIO_DEVICE_FEATURE by a device node: its header, which features the driver answers,
 * and the states of a migration with its data file.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>
#include <linux/vfio.h>

#include "feature.h"
#include "mem.h"
#include "mock.h"
#include "tap.h"
#include "vfio_mock.h"

static void header(void)
{
	struct vfio_device_feature f = { .argsz = 7, .flags = PROBE | 1 };

	feature_up(F_STOP_COPY);
	check_ret(iommu_ioctl(feature_mock.dev.fd, VFIO_DEVICE_FEATURE, &f), -EINVAL);
	check_ret(iommu_ioctl(feature_mock.dev.fd, VFIO_DEVICE_FEATURE, NULL), -EFAULT);
	check_ret(feature_ask(MIGRATION | 1u << 19, NULL, 8), -EINVAL);
	check_ret(feature_ask(MIGRATION | GET | SET, NULL, 8), -EINVAL);
	check_ret(feature_ask(VFIO_MOCK_FEATURE | GET | SET, NULL, 8), -EINVAL);
	check_ret(feature_ask(VFIO_MOCK_FEATURE | 1u << 31, NULL, 8), -EINVAL);
	check_eq(feature_asked(), 0);
}

static void unbound(void)
{
	struct vfio_mock_make make = VFIO_MOCK_PLAIN;

	if (tap_oracle())
		vfio_mock_adopt(&feature_mock);
	else
		require_ok(vfio_mock_make(&feature_mock, &make));
	require_ok(vfio_mock_open(&feature_mock));
	check_ret(feature_ask(MIGRATION | GET, NULL, 8), -EINVAL);
	check_ret(feature_ask(VFIO_MOCK_FEATURE | GET, NULL, 8), -EINVAL);
}

static void drivers_own(void)
{
	uint64_t value = 0x123456789abcdef0;

	feature_up(0);
	check_ret(feature_ask(VFIO_MOCK_FEATURE | SET, &value, 8), 0);
	value = 0;
	check_ret(feature_ask(VFIO_MOCK_FEATURE | GET, &value, 8), 0);
	check_eq(value, 0x123456789abcdef0);
	check_ret(feature_ask(VFIO_MOCK_FEATURE | GET, &value, 7), -EINVAL);
	check_ret(feature_ask(VFIO_MOCK_FEATURE | GET, &value, 64), 0);
	check_ret(feature_ask(VFIO_MOCK_FEATURE | PROBE | GET | SET, NULL, 0), 0);
	check_ret(feature_ask(VFIO_MOCK_FEATURE | PROBE, NULL, 0), 0);
	check_ret(feature_ask(VFIO_MOCK_FEATURE, &value, 8), -EINVAL);
	check_ret(feature_ask(0xffff | GET, NULL, 8), -ENOTTY);
	check_eq(feature_asked(), 8);
}

/* What one kernel's core keeps for itself another's leaves to the driver. */
static void kept(void)
{
	static const uint32_t always[] = { MIGRATION, STATE, LOG_START, LOG_STOP, LOG_REPORT };

	feature_up(0);
	for (size_t i = 0; i < ARRAY_SIZE(always); i++) {
		check_ret(feature_ask(always[i] | GET, NULL, 48), -ENOTTY);
		check_ret(feature_ask(always[i] | SET, NULL, 48), -ENOTTY);
		check_ret(feature_ask(always[i] | PROBE, NULL, 48), -ENOTTY);
		check_ret(feature_ask(always[i] | PROBE | GET | SET, NULL, 0), -ENOTTY);
	}
	check_eq(feature_asked(), 0);
	check_ret(feature_ask(DATA_SIZE | GET, NULL, 8), -ENOTTY);
	check_eq(feature_asked(), kernel_before(6, 12));
	check_ret(feature_ask(PRECOPY | SET, NULL, 0), kernel_before(7, 2) ? -ENOTTY : -EINVAL);
	check_ret(feature_ask(PRECOPY | PROBE, NULL, 0),
		  kernel_before(7, 2) ? -ENOTTY : -EINVAL);
	check_eq(feature_asked(),
		 kernel_before(6, 12) ? 3 : kernel_before(7, 2) ? 2 : 0);
}

static void migration(void)
{
	uint64_t flags = ~0ull;

	feature_up(F_STOP_COPY | F_P2P);
	check_ret(feature_ask(MIGRATION | GET, &flags, 8), 0);
	check_eq(flags, F_STOP_COPY | F_P2P);
	check_ret(feature_ask(MIGRATION | GET, &flags, 64), 0);
	check_ret(feature_ask(MIGRATION | GET, NULL, 7), -EINVAL);
	check_ret(feature_ask(MIGRATION | GET, NULL, 0), -EINVAL);
	check_ret(feature_ask(MIGRATION | SET, NULL, 8), -EINVAL);
	check_ret(feature_ask(MIGRATION, NULL, 8), -EINVAL);
	check_ret(feature_ask(MIGRATION | PROBE, NULL, 0), 0);
	check_ret(feature_ask(MIGRATION | PROBE | GET, NULL, 0), 0);
	check_ret(feature_ask(MIGRATION | PROBE | SET, NULL, 0), -EINVAL);
	check_ret(feature_ask(MIGRATION | PROBE | GET | SET, NULL, 0), -EINVAL);
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
	ret = iommu_ioctl(feature_mock.dev.fd, VFIO_DEVICE_FEATURE, page + PAGE - HEADER);
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
	ret = iommu_ioctl(feature_mock.dev.fd, VFIO_DEVICE_FEATURE, arg);
	munmap(arg, PAGE);
	return ret;
}

static void bad_memory(void)
{
	feature_up(F_STOP_COPY);
	check_ret(feature_without_data(MIGRATION | GET), -EFAULT);
	check_ret(feature_without_data(STATE | GET), -EFAULT);
	check_ret(feature_without_data(STATE | SET), -EFAULT);
	check_ret(feature_without_data(VFIO_MOCK_FEATURE | GET), -EFAULT);
	check_ret(feature_read_only(MIGRATION | GET, 0), -EFAULT);
	check_ret(feature_read_only(STATE | GET, 0), -EFAULT);
	if (!kernel_before(6, 12))
		check_ret(feature_without_data(DATA_SIZE | GET), -EFAULT);
	check_eq(vfio_mock_seen(&feature_mock).state, RUNNING);
}

static void state_flags(void)
{
	feature_up(F_STOP_COPY);
	check_ret(feature_ask(STATE | PROBE, NULL, 0), 0);
	check_ret(feature_ask(STATE | PROBE | GET, NULL, 0), 0);
	check_ret(feature_ask(STATE | PROBE | SET, NULL, 0), 0);
	check_ret(feature_ask(STATE | PROBE | GET | SET, NULL, 0), 0);
	check_ret(feature_ask(STATE, NULL, 8), -EINVAL);
	check_ret(feature_ask(STATE | GET, NULL, 7), -EINVAL);
	check_ret(feature_ask(STATE | SET, NULL, 7), -EINVAL);
	check_eq(vfio_mock_seen(&feature_mock).state, RUNNING);
}

static void state_moves(void)
{
	struct state s = { .state = 77, .fd = 77 };
	int fd;

	feature_up(F_STOP_COPY);
	check_ret(feature_ask(STATE | GET, &s, sizeof(s)), 0);
	check_eq(s.state, RUNNING);
	check_eq(s.fd, -1);
	check_ret(feature_set_state(STOP, &fd), 0);
	check_eq(fd, -1);
	check_eq(vfio_mock_seen(&feature_mock).state, STOP);
	/* what there is no way to */
	check_ret(feature_set_state(ERROR, &fd), -EINVAL);
	check_eq(fd, -1);
	check_ret(feature_set_state(100, &fd), -EINVAL);
	check_ret(feature_set_state(~0u, &fd), -EINVAL);
	check_eq(fd, -1);
	s = (struct state){};
	check_ret(feature_ask(STATE | GET, &s, sizeof(s)), 0);
	check_eq(s.state, STOP);
}

static void state_file(void)
{
	char bytes[64] = {};
	long uses;
	int fd;

	feature_up(F_STOP_COPY);
	uses = vfio_mock_uses();
	require_ok(feature_set_state(STOP_COPY, &fd));
	require(fd >= 0);
	check_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	check_eq(read(fd, bytes, sizeof(bytes)), sizeof(bytes));
	check_eq(mem_differs_from(bytes, sizeof(bytes), VFIO_MOCK_STATE_BYTE), -1);
	check(write(fd, bytes, 1) < 0);
	check_eq(vfio_mock_uses(), uses + 1);
	close(fd);
	vfio_mock_check_uses(uses);
	require_ok(feature_set_state(RESUMING, &fd));
	require(fd >= 0);
	check_eq(write(fd, bytes, sizeof(bytes)), sizeof(bytes));
	close(fd);
	require_ok(feature_set_state(RUNNING, &fd));
	check_eq(fd, -1);
	/* it outlives the device's file */
	require_ok(feature_set_state(STOP_COPY, &fd));
	device_close(&feature_mock.dev);
	check_eq(read(fd, bytes, 1), 1);
}

static void state_errors(void)
{
	struct vfio_mock_behave behave = { .mig_flags = F_STOP_COPY, .state_error = -EIO };
	struct state s = { .state = STOP, .fd = 77 };
	int fd;

	feature_up(F_STOP_COPY);
	vfio_mock_behave(&feature_mock, &behave);
	check_ret(feature_ask(STATE | GET, &s, sizeof(s)), -EIO);
	check_eq(s.fd, 77);
	check_ret(feature_set_state(STOP, &fd), -EIO);
	check_eq(fd, -1);
	if (!kernel_before(6, 12))
		check_ret(feature_ask(DATA_SIZE | GET, NULL, 8), -EIO);
	check_eq(vfio_mock_seen(&feature_mock).state, RUNNING);
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

	feature_up(F_STOP_COPY);
	uses = vfio_mock_uses();
	next = free_fd();
	require(!getrlimit(RLIMIT_NOFILE, &limit));
	few = (struct rlimit){ next, limit.rlim_max };
	require(!setrlimit(RLIMIT_NOFILE, &few));
	check_ret(feature_set_state(STOP_COPY, &fd), -EMFILE);
	require(!setrlimit(RLIMIT_NOFILE, &limit));
	vfio_mock_check_uses(uses);
	check_eq(vfio_mock_seen(&feature_mock).state, STOP_COPY);
	check_eq(free_fd(), next);

	require_ok(feature_set_state(RUNNING, &fd));
	check_ret(feature_read_only(STATE | SET, STOP_COPY), -EFAULT);
	vfio_mock_check_uses(uses);
	check_eq(free_fd(), next);
	require_ok(feature_set_state(RUNNING, &fd));
	check_ret(feature_read_only(STATE | SET, STOP), -EFAULT);
	check_eq(free_fd(), next);
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
};

TAP_MAIN("feature", tests)
