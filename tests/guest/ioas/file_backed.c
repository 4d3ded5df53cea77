// SPDX-License-Identifier: GPL-2.0-only
/*
 * Shared mappings of files that are written back to a disk.  What a device writes to
 * their pages while these are pinned may never get there, so they can't be pinned for
 * writing: neither at once nor later, nor by another process.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "device.h"
#include "edu.h"
#include "iommu.h"
#include "mem.h"
#include "meters.h"
#include "tap.h"

#define BASE	EDU_IOVA
#define SIZE	(16 * PAGE)

static struct {
	int fd;
	uint32_t ioas;
	struct device dev;
	uint8_t *va;
	char disk[32];
} s;

/* A disk of 8 MiB in memory. */
static void disk_get(void)
{
	FILE *f;
	int fd;

	if (s.disk[0])
		return;
	fd = open("/tmp/disk", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	require(fd >= 0 && !ftruncate(fd, 8 * MIB));
	close(fd);
	f = popen("modprobe -q loop; l=$(losetup -f) && losetup $l /tmp/disk && echo $l", "re");
	require(f);
	if (!fgets(s.disk, sizeof(s.disk), f))
		s.disk[0] = 0;
	pclose(f);
	s.disk[strcspn(s.disk, "\n")] = 0;
	if (!s.disk[0])
		tap_skip("no loop devices");
}

static void disk_put(void)
{
	char command[64];

	snprintf(command, sizeof(command), "losetup -d %s", s.disk);
	check(!system(command));
	s.disk[0] = 0;
}

static int disk_file(void)
{
	int fd;

	disk_get();
	fd = open(s.disk, O_RDWR | O_CLOEXEC);
	require(fd >= 0);
	return fd;
}

static int ext4_file(void)
{
	char command[64];
	int fd;

	disk_get();
	snprintf(command, sizeof(command), "mke2fs %s >/dev/null 2>&1", s.disk);
	require(!system(command));
	if (system("modprobe -q ext4")) {
		disk_put();
		tap_skip("no ext4");
	}
	mkdir("/tmp/ext4", 0700);
	require(!mount(s.disk, "/tmp/ext4", "ext4", 0, NULL));
	fd = open("/tmp/ext4/file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	require(fd >= 0 && !ftruncate(fd, 4 * SIZE));
	return fd;
}

static void file_map(int fd, int flags)
{
	s.va = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, flags, fd, 0);
	require(s.va != MAP_FAILED);
}

static int map(uint8_t *va, uint64_t size, uint32_t flags)
{
	uint64_t iova = BASE;

	return ioas_map(s.fd, s.ioas, flags | MAP_FIX, va, size, &iova);
}

static void unmap(uint64_t size)
{
	check_eq(ioas_unmap_all(s.fd, s.ioas), size);
	check_eq(meters_vmpin(), 0);
}

static void check_at_once(void)
{
	/* it isn't there, there by reading, and there by writing */
	check_ret(map(s.va, SIZE, MAP_RW), -EFAULT);
	check_eq(*(volatile uint8_t *)s.va, 0);
	check_ret(map(s.va, SIZE, MAP_RW), -EFAULT);
	check_ret(map(s.va, PAGE, MAP_RW), -EFAULT);
	memset(s.va, 1, SIZE);
	check_ret(map(s.va, SIZE, MAP_RW), -EFAULT);
	check_ret(map(s.va + 5 * PAGE, PAGE, MAP_RW), -EFAULT);
	check_eq(meters_vmpin(), 0);
	/* for reading it can */
	require_ok(map(s.va, SIZE, MAP_R));
	unmap(SIZE);
}

/* Behind memory that can be pinned, in one range. */
static void check_behind(int fd)
{
	uint8_t *all = mmap(NULL, 2 * SIZE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	long long pins = meters_pins();

	require(all != MAP_FAILED);
	require_ok(map(all, 2 * SIZE, MAP_RW));
	unmap(2 * SIZE);
	require(mmap(all + SIZE, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
		     fd, 0) == all + SIZE);
	check_ret(map(all, 2 * SIZE, MAP_RW), -EFAULT);
	check_eq(meters_wait_pins(pins), pins);
	require_ok(map(all, SIZE, MAP_RW));
	unmap(SIZE);
	munmap(all, 2 * SIZE);
}

static int attach_child(void)
{
	int pid = fork(), status;

	require(pid >= 0);
	if (!pid)
		_exit(-device_attach(&s.dev, s.ioas));
	require(waitpid(pid, &status, 0) == pid);
	check(WIFEXITED(status));
	return -WEXITSTATUS(status);
}

/* When a device comes, in this process and in another. */
static void check_later(void)
{
	require_ok(device_detach(&s.dev));
	require_ok(map(s.va, SIZE, MAP_RW));
	check_ret(device_attach(&s.dev, s.ioas), -EFAULT);
	check_ret(attach_child(), -EFAULT);
	unmap(SIZE);
	require_ok(device_attach(&s.dev, s.ioas));
}

static void check_file(int fd)
{
	s.fd = iommu_open();
	s.ioas = ioas_new(s.fd);
	device_get(&s.dev, "edu", 0, s.fd);
	require_ok(device_attach(&s.dev, s.ioas));
	file_map(fd, MAP_SHARED);
	check_at_once();
	check_behind(fd);
	check_later();
	munmap(s.va, SIZE);
	/* the process's own copies are anonymous memory */
	file_map(fd, MAP_PRIVATE);
	require_ok(map(s.va, SIZE, MAP_RW));
	unmap(SIZE);
	munmap(s.va, SIZE);
	close(fd);
}

static void disk(void)
{
	check_file(disk_file());
	disk_put();
}

static void ext4(void)
{
	check_file(ext4_file());
	check(!umount("/tmp/ext4"));
	disk_put();
}

/* Files that are nowhere but in memory can be pinned. */
static void tmpfs(void)
{
	struct mem m;

	s.fd = iommu_open();
	s.ioas = ioas_new(s.fd);
	device_get(&s.dev, "edu", 0, s.fd);
	require_ok(device_attach(&s.dev, s.ioas));
	mem_get(&m, MEM_MEMFD, SIZE);
	require_ok(map(m.va, SIZE, MAP_RW));
	unmap(SIZE);
	mem_get(&m, MEM_MEMFD_HUGE, HUGE);
	require_ok(map(m.va, HUGE, MAP_RW));
	unmap(HUGE);
}

static const struct test tests[] = {
	{ "disk", disk },
	{ "ext4", ext4 },
	{ "tmpfs", tmpfs },
};

TAP_MAIN("file_backed", tests)
