// SPDX-License-Identifier: GPL-2.0-only
/*
 * IOAS_MAP_FILE: which files can be mapped, with which rights, and seals.
 *
 * A file that can't be mapped is refused at once; Linux's own accepts some until
 * a device needs them, and asks neither for rights nor for seals.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "device.h"
#include "edu.h"
#include "iommu.h"
#include "mem.h"
#include "tap.h"

#define PAGES	64ull
#define SIZE	(PAGES * PAGE)

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x10
#endif

static struct space {
	int fd;
	uint32_t ioas;
	struct device dev;
} s;

static void space_up(bool device)
{
	s.fd = iommu_open();
	s.ioas = ioas_new(s.fd);
	if (!device)
		return;
	device_get(&s.dev, "edu", 0, s.fd);
	require_ok(device_attach(&s.dev, s.ioas));
}

static int map(uint32_t flags, int file, uint64_t start, uint64_t length)
{
	uint64_t iova = EDU_IOVA;

	return ioas_map_file(s.fd, s.ioas, flags | MAP_FIX, file, start, length,
			     &iova);
}

static int memory_file(unsigned int flags)
{
	int fd = memfd_create("test", MFD_CLOEXEC | flags);

	require(fd >= 0 && !ftruncate(fd, SIZE));
	return fd;
}

/* The same file by a descriptor with other rights. */
static int reopen(int fd, int flags)
{
	char path[32];
	int other;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	other = open(path, flags | O_CLOEXEC);
	require(other >= 0);
	return other;
}

/* Checks one mapping; what is mapped is unmapped, and all that there is. */
static void check_map(const char *what, uint32_t flags, int file, int want)
{
	int ret = map(flags, file, 0, SIZE);

	check_msg(ret == want, "%s, flags %x: %d (%s), not %d (%s)", what,
		  flags, ret, strerror(-ret), want, strerror(-want));
	check_eq(ioas_unmap_all(s.fd, s.ioas), ret ? 0 : SIZE);
}

static void check_rights(bool device)
{
	int file, only_read, only_write;

	if (tap_oracle())
		tap_skip("Linux doesn't ask how a file was opened");
	space_up(device);
	file = memory_file(0);
	only_read = reopen(file, O_RDONLY);
	only_write = reopen(file, O_WRONLY);
	check_map("opened for both", MAP_RW, file, 0);
	check_map("opened for both", MAP_R, file, 0);
	check_map("opened for both", MAP_W, file, 0);
	check_map("opened to read", MAP_R, only_read, 0);
	check_map("opened to read", MAP_RW, only_read, -EACCES);
	check_map("opened to read", MAP_W, only_read, -EACCES);
	/* what is mapped can be read by somebody */
	check_map("opened to write", MAP_R, only_write, -EACCES);
	check_map("opened to write", MAP_RW, only_write, -EACCES);
	check_map("opened to write", MAP_W, only_write, -EACCES);
}

static void rights(void) { check_rights(true); }
static void rights_bare(void) { check_rights(false); }

static void check_seals(bool device)
{
	static const struct {
		const char *name;
		int seal, write;
	} seals[] = {
		{ "F_SEAL_WRITE", F_SEAL_WRITE, -EPERM },
		{ "F_SEAL_FUTURE_WRITE", F_SEAL_FUTURE_WRITE, -EPERM },
		{ "F_SEAL_SHRINK", F_SEAL_SHRINK, 0 },
		{ "F_SEAL_GROW", F_SEAL_GROW, 0 },
		{ "F_SEAL_SEAL", F_SEAL_SEAL, 0 },
	};

	if (tap_oracle())
		tap_skip("Linux doesn't ask for seals");
	space_up(device);
	for (size_t i = 0; i < ARRAY_SIZE(seals); i++) {
		int file = memory_file(MFD_ALLOW_SEALING);

		require(!fcntl(file, F_ADD_SEALS, seals[i].seal));
		check_map(seals[i].name, MAP_R, file, 0);
		check_map(seals[i].name, MAP_RW, file, seals[i].write);
		check_map(seals[i].name, MAP_W, file, seals[i].write);
		close(file);
	}
}

static void seals(void) { check_seals(true); }
static void seals_bare(void) { check_seals(false); }

/* A file that a device may write to can't be sealed against it. */
static void seal_of_mapped(void)
{
	int file;

	if (tap_oracle())
		tap_skip("Linux lets a file be sealed that a device writes to");
	space_up(true);
	file = memory_file(MFD_ALLOW_SEALING);
	require_ok(map(MAP_RW, file, 0, SIZE));
	check(fcntl(file, F_ADD_SEALS, F_SEAL_WRITE) && errno == EBUSY);
	check_eq(fcntl(file, F_GET_SEALS), 0);
	check_eq(ioas_unmap_all(s.fd, s.ioas), SIZE);
	check(!fcntl(file, F_ADD_SEALS, F_SEAL_WRITE));
	check_map("sealed now", MAP_RW, file, -EPERM);
	check_map("sealed now", MAP_R, file, 0);
}

/*
 * Nothing is pinned before a device comes, and the seal may have come before
 * it: then it is the attach that is refused, or the seal.
 */
static void seal_before_attach(void)
{
	int file, sealed, ret;

	if (tap_oracle())
		tap_skip("Linux doesn't ask for seals");
	space_up(false);
	device_get(&s.dev, "edu", 0, s.fd);
	file = memory_file(MFD_ALLOW_SEALING);
	require_ok(map(MAP_RW, file, 0, SIZE));
	sealed = fcntl(file, F_ADD_SEALS, F_SEAL_WRITE) ? -errno : 0;
	check(sealed == 0 || sealed == -EBUSY);
	ret = device_attach(&s.dev, s.ioas);
	check_msg(ret == (sealed ? 0 : -EPERM), "sealed: %d, attached: %d",
		  sealed, ret);
	check_eq(ioas_unmap_all(s.fd, s.ioas), SIZE);
}

static int sealed;
static int race_file;
static pthread_barrier_t gate;

static void spin(unsigned int n)
{
	for (volatile unsigned int k = n; k; k--)
		;
}

static unsigned int rounds(void)
{
	return 600 / tap_time_factor();
}

static void *sealer(void *arg)
{
	(void)arg;
	for (unsigned int i = 0; i < rounds(); i++) {
		pthread_barrier_wait(&gate);
		spin(i * 37 % 3000);
		sealed = fcntl(race_file, F_ADD_SEALS, F_SEAL_WRITE) ? -errno : 0;
		pthread_barrier_wait(&gate);
	}
	return NULL;
}

/* One of the two wins; each does at times, or nothing was tried. */
static void seal_race(void)
{
	unsigned int both = 0, none = 0, mapped = 0, was_sealed = 0;
	pthread_t t;

	if (tap_oracle())
		tap_skip("Linux lets a file be sealed that a device writes to");
	space_up(true);
	require(!pthread_barrier_init(&gate, NULL, 2));
	require(!pthread_create(&t, NULL, sealer, NULL));
	for (unsigned int i = 0; i < rounds(); i++) {
		int ret;

		race_file = memory_file(MFD_ALLOW_SEALING);
		pthread_barrier_wait(&gate);
		spin(i * 53 % 3000);
		ret = map(MAP_RW, race_file, 0, SIZE);
		pthread_barrier_wait(&gate);
		both += !ret && !sealed;
		none += ret && sealed;
		mapped += !ret && sealed == -EBUSY;
		was_sealed += ret == -EPERM && !sealed;
		if (!ret)
			require(ioas_unmap_all(s.fd, s.ioas) == (int64_t)SIZE);
		close(race_file);
	}
	pthread_join(t, NULL);
	tap_diag("%u rounds: mapped %u, sealed %u, both %u, neither %u",
		 rounds(), mapped, was_sealed, both, none);
	check_eq(both, 0);
	check_eq(mapped + was_sealed + none, rounds());
	check(mapped && was_sealed);
}

/* A file system of a kind that memory files don't have. */
static int ordinary_file(void)
{
	int fd;

	mkdir("/tmp/other-fs", 0700);
	if (mount("none", "/tmp/other-fs", "ramfs", 0, NULL) && errno != EBUSY)
		tap_skip("no ramfs: %s", strerror(errno));
	fd = open("/tmp/other-fs/file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	require(fd >= 0 && !ftruncate(fd, SIZE));
	return fd;
}

static int opened(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC);

	if (fd < 0)
		tap_diag("%s: %s", path, strerror(errno));
	require(fd >= 0);
	return fd;
}

static void check_not_memory(bool device)
{
	int p[2];

	if (tap_oracle())
		tap_skip("Linux looks at the file when a device needs it");
	space_up(device);
	require(!pipe2(p, O_CLOEXEC));
	for (uint32_t flags = MAP_R; ; flags = MAP_RW) {
		check_map("a pipe, to read", flags, p[0], -EINVAL);
		check_map("a pipe, to write", flags, p[1], -EINVAL);
		check_map("a file of /proc", flags,
			  opened("/proc/self/status", O_RDONLY), -EINVAL);
		check_map("a file of /proc, to write", flags,
			  opened("/proc/self/comm", O_RDWR), -EINVAL);
		check_map("a directory", flags, opened("/tmp", O_RDONLY),
			  -EINVAL);
		check_map("a directory of /proc", flags,
			  opened("/proc", O_RDONLY), -EINVAL);
		check_map("a path", flags, opened("/tmp", O_PATH), -EBADF);
		check_map("/dev/zero", flags, opened("/dev/zero", O_RDWR),
			  -EINVAL);
		check_map("/dev/iommu", flags, s.fd, -EINVAL);
		check_map("an eventfd", flags, eventfd(0, EFD_CLOEXEC),
			  -EINVAL);
		check_map("a file of another file system", flags,
			  ordinary_file(), -EINVAL);
		check_map("no file", flags, -1, -EBADF);
		check_map("no file", flags, 12345, -EBADF);
		if (flags == MAP_RW)
			break;
	}
	if (device)
		check_map("a device", MAP_R, s.dev.fd, -EINVAL);
}

static void not_memory(void) { check_not_memory(true); }
static void not_memory_bare(void) { check_not_memory(false); }

/* A range that the file doesn't have: known when it's pinned. */
static void beyond_the_end(void)
{
	int file;

	space_up(true);
	file = memory_file(0);
	check_ret(map(MAP_RW, file, SIZE, PAGE), -EINVAL);
	check_ret(map(MAP_RW, file, 0, SIZE + PAGE), -EINVAL);
	check_ret(map(MAP_RW, file, SIZE - PAGE, 2 * PAGE), -EINVAL);
	check_ret(map(MAP_RW, file, SIZE - PAGE, PAGE), 0);
	check_eq(ioas_unmap_all(s.fd, s.ioas), PAGE);
	require(!ftruncate(file, 0));
	check_ret(map(MAP_RW, file, 0, PAGE), -EINVAL);
	check_eq(ioas_unmap_all(s.fd, s.ioas), 0);
}

static const struct test tests[] = {
	{ "rights", rights },
	{ "rights_bare", rights_bare },
	{ "seals", seals },
	{ "seals_bare", seals_bare },
	{ "seal_of_mapped", seal_of_mapped },
	{ "seal_before_attach", seal_before_attach },
	{ "seal_race", seal_race, 120 },
	{ "not_memory", not_memory },
	{ "not_memory_bare", not_memory_bare },
	{ "beyond_the_end", beyond_the_end },
};

TAP_MAIN("map_file", tests)
