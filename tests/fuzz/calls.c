// SPDX-License-Identifier: GPL-2.0-only
/* Calls on the files of /dev/iommu, and on what is mapped. */
#include <errno.h>
#include <fcntl.h>
#include <linux/iommufd.h>
#include <linux/vfio.h>
#include <poll.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "calls.h"
#include "fuzz.h"

int run_read(struct world *world, const uint64_t *values)
{
	struct iommu_hwpt_pgfault faults[8];
	struct pollfd ready = { values[0], POLLIN, 0 };
	ssize_t length;
	int i;

	if (is_ours(world, values[0], MASK(EVENT_FD)))
		return read(values[0], (void *)(uintptr_t)values[1], values[2] % 512);
	if (!is_ours(world, values[0], MASK(FAULT_FD)))
		return -1;
	/* The kernel hands faults over from a worker. */
	poll(&ready, 1, 20);
	/* One time out of four to where the program says. */
	if (values[2] % 4 == 0)
		return read(values[0], (void *)(uintptr_t)values[1], values[2] % 512);
	length = read(values[0], faults, sizeof(faults));
	for (i = 0; i < length / (ssize_t)sizeof(faults[0]); i++)
		world_made(world, COOKIE, faults[i].cookie);
	return length;
}

int run_respond(struct world *world, const uint64_t *values)
{
	struct iommu_hwpt_page_response responses[2] = {
		{ values[1], values[2] }, { values[1] + 1, values[2] },
	};

	if (!is_ours(world, values[0], MASK(FAULT_FD)))
		return -1;
	return write(values[0], responses, sizeof(responses[0]) * (values[3] % 3));
}

int run_poll(struct world *world, const uint64_t *values)
{
	struct pollfd ready = { values[0], POLLIN | POLLOUT, 0 };

	return poll(&ready, 1, 0);
}

/* The memory file stays, as programs can't map anything of it otherwise. */
int run_close(struct world *world, const uint64_t *values)
{
	if (!is_ours(world, values[0], ANY_FD & ~MASK(MEMFD)))
		return -1;
	return close(values[0]);
}

/* Addresses, and in their lowest bits how many pages there are. */
#define WINDOWS	4
static atomic_ulong windows[WINDOWS];

static uint64_t window_length(unsigned long window)
{
	return (window & 4095) * 4096;
}

int note_window(char *at, uint64_t length)
{
	static atomic_uint n;

	if (at == MAP_FAILED)
		return -1;
	atomic_store(&windows[atomic_fetch_add(&n, 1) % WINDOWS],
		     (uintptr_t)at + (length + 4095) / 4096 % 4096);
	return 0;
}

int run_mmap(struct world *world, const uint64_t *values)
{
	uint64_t length = values[1] % (1 << 20);

	return note_window(mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, world->fd,
				values[0]), length);
}

int run_munmap(struct world *world, const uint64_t *values)
{
	unsigned long window = atomic_exchange(&windows[values[0] % WINDOWS], 0);

	if (!window)
		return -1;
	return munmap((void *)(window & -4096ul), window_length(window));
}

/*
 * Reads a word of a window, or writes one that no device minds.  The kernel copies, so
 * that a window without memory is an errno.
 */
int run_touch(struct world *world, const uint64_t *values)
{
	unsigned long window = atomic_load(&windows[values[0] % WINDOWS]);
	char *at = (char *)(window & -4096ul);
	int fd = world_thing(world, MEMFD, 0);

	if (values[1] % REGION_SIZE + 8 > window_length(window))
		return -1;
	if (values[2] % 2)
		return pread(fd, at + 4, 4, 0);
	return pwrite(fd, at + values[1] % REGION_SIZE, 4, 0);
}

int run_discard(struct world *world, const uint64_t *values)
{
	uint64_t length = values[1] % REGION_SIZE;

	if (!in_region(HEAP, values[0], length))
		return -1;
	return madvise((void *)(uintptr_t)(values[0] & -4096ul), length, MADV_DONTNEED);
}

/* Changes a word of what drivers read, perhaps while one does. */
int run_poke(struct world *world, const uint64_t *values)
{
	uint64_t at = (values[0] & -8ul) + 8 * (values[1] % 256);

	if (!in_region(DATA, at, sizeof(uint64_t)))
		return -1;
	__atomic_xor_fetch((uint64_t *)(uintptr_t)at, values[2], __ATOMIC_RELAXED);
	return 0;
}

int run_memfd(struct world *world, const uint64_t *values)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0 || ftruncate(fd, values[0] % (16 << 20)))
		return -1;
	world_made(world, MEMFD, fd);
	return 0;
}

int run_truncate(struct world *world, const uint64_t *values)
{
	if (!is_ours(world, values[0], MASK(MEMFD)))
		return -1;
	return ftruncate(values[0], values[1] % REGION_SIZE);
}

int run_type1_set(struct world *world, const uint64_t *values)
{
	return ioctl(world->fd, VFIO_SET_IOMMU, values[0]);
}

int run_eventfd(struct world *world, const uint64_t *values)
{
	int fd = eventfd(values[0] % 4, EFD_CLOEXEC | EFD_NONBLOCK);

	if (fd >= 0)
		world_made(world, EVENTFD, fd);
	return fd;
}

/* Reads it, or adds to it; it is never full. */
int run_signal(struct world *world, const uint64_t *values)
{
	eventfd_t value;

	if (!is_ours(world, values[0], MASK(EVENTFD)))
		return -1;
	return values[1] % 3 ? eventfd_write(values[0], values[1] % 16) :
			       eventfd_read(values[0], &value);
}

/* One more file of /dev/iommu, for BIND and for other processes. */
int run_context(struct world *world, const uint64_t *values)
{
	int fd = open("/dev/iommu", O_RDWR | O_CLOEXEC);

	if (fd >= 0)
		world_made(world, CONTEXT, fd);
	return fd;
}

int run_fdinfo(struct world *world, const uint64_t *values)
{
	char path[64], text[4096];
	int fd, rc;

	if (!is_ours(world, values[0], ANY_FD))
		return -1;
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", (int)values[0]);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	rc = read(fd, text, sizeof(text));
	close(fd);
	return rc;
}
