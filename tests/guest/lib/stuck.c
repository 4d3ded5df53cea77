// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <linux/userfaultfd.h>

#include "mem.h"
#include "stuck.h"
#include "tap.h"

#define PATIENCE 10	/* seconds */

#ifndef UFFD_FEATURE_WP_HUGETLBFS_SHMEM
#define UFFD_FEATURE_WP_HUGETLBFS_SHMEM (1 << 12)
#endif

static void trap_open(struct trap *t, void *va, size_t size, uint64_t features)
{
	struct uffdio_api api = { .api = UFFD_API };

	t->fd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	if (t->fd < 0)
		tap_skip("no userfaultfd: %s", strerror(errno));
	require(!ioctl(t->fd, UFFDIO_API, &api));
	if (features & ~api.features)
		tap_skip("no userfaultfd for writes to such memory");
	t->va = va;
	t->size = size;
	t->write = !!features;
}

static void trap_arm(struct trap *t, uint64_t mode)
{
	struct uffdio_register reg = {
		.range = { (uintptr_t)t->va, t->size },
		.mode = mode,
	};

	require(!ioctl(t->fd, UFFDIO_REGISTER, &reg));
}

static int protect(struct trap *t, uint64_t mode)
{
	struct uffdio_writeprotect wp = {
		.range = { (uintptr_t)t->va, t->size },
		.mode = mode,
	};

	return ioctl(t->fd, UFFDIO_WRITEPROTECT, &wp);
}

void trap_set(struct trap *t, size_t size)
{
	struct mem m;

	mem_get(&m, MEM_ANON, size);
	trap_open(t, m.va, size, 0);
	trap_arm(t, UFFDIO_REGISTER_MODE_MISSING);
}

void trap_protect(struct trap *t, const struct mem *m, size_t at, size_t size)
{
	uint64_t features = UFFD_FEATURE_PAGEFAULT_FLAG_WP;

	if (m->fd >= 0)
		features |= UFFD_FEATURE_WP_HUGETLBFS_SHMEM;
	trap_open(t, m->va + at, size, features);
	trap_arm(t, UFFDIO_REGISTER_MODE_WP);
	require(!protect(t, UFFDIO_WRITEPROTECT_MODE_WP));
}

void trap_set_write(struct trap *t, const void *data, size_t size)
{
	struct mem m;

	mem_get(&m, MEM_ANON, PAGE);
	memset(m.va, 0, PAGE);
	memcpy(m.va, data, size);
	trap_protect(t, &m, 0, PAGE);
}

void trap_wait(struct trap *t)
{
	struct pollfd p = { .fd = t->fd, .events = POLLIN };

	/* the message stays unread: nobody else asks for it */
	require(poll(&p, 1, PATIENCE * 1000 * tap_patience()) == 1);
}

void trap_release(struct trap *t)
{
	struct uffdio_zeropage zero = {
		.range = { (uintptr_t)t->va, t->size },
	};

	if (t->write)
		check(!protect(t, 0));
	else
		check(!ioctl(t->fd, UFFDIO_ZEROPAGE, &zero));
}

static void *run(void *arg)
{
	struct call *c = arg;

	c->ret = c->fn(c->arg);
	return NULL;
}

void call_start(struct call *c, int (*fn)(void *arg), void *arg)
{
	c->fn = fn;
	c->arg = arg;
	require(!pthread_create(&c->thread, NULL, run, c));
}

bool call_over(struct call *c)
{
	return pthread_tryjoin_np(c->thread, NULL) == 0;
}

bool call_returns(struct call *c)
{
	struct timespec end;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += PATIENCE * tap_patience();
	return pthread_timedjoin_np(c->thread, NULL, &end) == 0;
}

bool returns(int (*fn)(void *arg), void *arg, int *ret)
{
	/* a thread that is held up needs it beyond this function */
	static struct call c[32];
	static unsigned int n;

	struct call *this = &c[n++];

	require(n <= ARRAY_SIZE(c));
	call_start(this, fn, arg);
	if (!call_returns(this))
		return false;
	*ret = this->ret;
	return true;
}

int child_start(void (*fn)(void))
{
	int pid = fork();

	require(pid >= 0);
	if (!pid) {
		fn();
		_exit(0);
	}
	return pid;
}

bool child_ends(int pid)
{
	double end = tap_now() + PATIENCE * tap_patience();
	int status;

	while (tap_now() < end) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			return true;
		usleep(2000);
	}
	return false;
}
