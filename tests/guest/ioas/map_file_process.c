// SPDX-License-Identifier: GPL-2.0-only
/*
 * IOAS_MAP_FILE changes the file and not the process: its mappings, what its children
 * inherit, and what mlockall() counts are as they were.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "device.h"
#include "edu.h"
#include "iommu.h"
#include "mem.h"
#include "meters.h"
#include "tap.h"

#define NAME	"file-of-the-test"

static struct {
	int fd;
	uint32_t ioas;
	struct device dev;
	int file;
	uint64_t size;
} s;

static int map(void)
{
	uint64_t iova = EDU_IOVA;

	return ioas_map_file(s.fd, s.ioas, MAP_RW | MAP_FIX, s.file, 0, s.size, &iova);
}

static void unmap(void)
{
	check_eq(ioas_unmap_all(s.fd, s.ioas), s.size);
}

/* A file that isn't mapped by anybody. */
static void setup(unsigned int flags, uint64_t size)
{
	s.fd = iommu_open();
	s.ioas = ioas_new(s.fd);
	device_get(&s.dev, "edu", 0, s.fd);
	require_ok(device_attach(&s.dev, s.ioas));
	s.size = size;
	if (flags & MFD_HUGETLB && !mem_huge_reserve(size / HUGE))
		tap_skip("no huge pages");
	s.file = memfd_create(NAME, MFD_CLOEXEC | flags);
	require(s.file >= 0 && !ftruncate(s.file, size));
}

static void file_punch(void)
{
	require(!fallocate(s.file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, s.size));
}

/* Does this process have a mapping of the file? */
static bool is_mapped(void)
{
	bool mapped = false;
	char line[512];
	FILE *f;

	f = fopen("/proc/self/maps", "re");
	while (f && fgets(line, sizeof(line), f))
		mapped |= !!strstr(line, NAME);
	if (f)
		fclose(f);
	return mapped;
}

static volatile bool stop;
static int result;

static void *keep_mapping(void *arg)
{
	while (!stop && !result) {
		result = map();
		if (!result && ioas_unmap_all(s.fd, s.ioas) != (int64_t)s.size)
			result = 1;
		file_punch();
	}
	return arg;
}

static void check_children(unsigned int flags, uint64_t size)
{
	unsigned int inherited = 0, seen = 0;
	pthread_t thread;
	int status, pid;

	setup(flags, size);
	result = 0;
	stop = false;
	require(!pthread_create(&thread, NULL, keep_mapping, NULL));
	for (int i = 0; i < 100; i++) {
		seen += is_mapped();
		pid = fork();
		require(pid >= 0);
		if (!pid)
			_exit(is_mapped());
		require(waitpid(pid, &status, 0) == pid);
		inherited += !!status;
	}
	stop = true;
	pthread_join(thread, NULL);
	check_eq(result, 0);
	check_eq(inherited, 0);
	check_eq(seen, 0);
}

static void children(void) { check_children(0, 2 * MIB); }
static void children_huge(void) { check_children(MFD_HUGETLB, 4 * HUGE); }

/* What a process may lock in memory isn't used up, nor looked at. */
static void check_locked(unsigned int flags, uint64_t size)
{
	struct rlimit limit = { size + 4 * PAGE, size + 4 * PAGE };
	long locked;

	setup(flags, size);
	require(!mlockall(MCL_CURRENT | MCL_FUTURE));
	require(!setrlimit(RLIMIT_MEMLOCK, &limit));
	require(!setuid(12345));
	locked = meters_vmlck();
	check(locked > 4);
	for (int i = 0; i < 3; i++) {
		require_ok(map());
		check_eq(meters_vmlck(), locked);
		unmap();
		file_punch();
	}
}

static void locked(void) { check_locked(0, 24 * MIB); }
static void locked_huge(void) { check_locked(MFD_HUGETLB, 8 * HUGE); }

/* Signals that don't kill don't disturb it. */
static void ticked(int sig)
{
	(void)sig;
}

static void check_signals(unsigned int flags, uint64_t size)
{
	struct itimerval often = { { 0, 300 }, { 0, 300 } }, never = { 0 };
	struct sigaction act = { .sa_handler = ticked };
	sigset_t blocked;

	setup(flags, size);
	require(!sigaction(SIGALRM, &act, NULL));
	require(!setitimer(ITIMER_REAL, &often, NULL));
	for (int i = 0; i < 20; i++) {
		check_ret(map(), 0);
		unmap();
		file_punch();
	}
	require(!setitimer(ITIMER_REAL, &never, NULL));
	/* nor does one that waits for all of the call */
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGUSR1);
	sigprocmask(SIG_BLOCK, &blocked, NULL);
	raise(SIGUSR1);
	check_ret(map(), 0);
	unmap();
}

static void signals(void) { check_signals(0, 4 * MIB); }
static void signals_huge(void) { check_signals(MFD_HUGETLB, 8 * HUGE); }

/* Holes take huge pages from the pool, and from what was reserved for the file. */
static void pool(void)
{
	long long before, after;
	void *va;

	setup(MFD_HUGETLB, 8 * HUGE);
	before = meters_field("/proc/meminfo", "HugePages_Rsvd");
	va = mmap(NULL, s.size, PROT_READ | PROT_WRITE, MAP_SHARED, s.file, 0);
	require(va != MAP_FAILED);
	check_eq(meters_field("/proc/meminfo", "HugePages_Rsvd"), before + 8);
	require_ok(map());
	check_eq(meters_field("/proc/meminfo", "HugePages_Rsvd"), before);
	unmap();
	munmap(va, s.size);
	file_punch();
	require_ok(map());
	unmap();
	close(s.file);
	after = meters_field("/proc/meminfo", "HugePages_Rsvd");
	check_eq(after, before);
}

static const struct test tests[] = {
	{ "children", children, 120 },
	{ "children_huge", children_huge, 120 },
	{ "locked", locked },
	{ "locked_huge", locked_huge },
	{ "signals", signals, 120 },
	{ "signals_huge", signals_huge, 120 },
	{ "pool", pool },
};

TAP_MAIN("map_file_process", tests)
