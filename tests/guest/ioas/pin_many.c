// SPDX-License-Identifier: GPL-2.0-only
/*
 * Large mappings of memory that isn't there yet, which several kernel threads pin
 * together: what comes of it is what would if one did it, whatever else the
 * process does meanwhile.  And huge pages that aren't whole any more.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <unistd.h>

#include "device.h"
#include "edu.h"
#include "iommu.h"
#include "mem.h"
#include "meters.h"
#include "stuck.h"
#include "tap.h"

#define BASE	EDU_IOVA
#define SIZE	(72 * MIB)
#define BASE2	(BASE + 2 * SIZE)
#define THREAD	"iommufd-pin"

static struct {
	int fd;
	uint32_t ioas;
	struct device dev;
	struct mem m;
	struct call call;
} s;

static void attached(void)
{
	s.fd = iommu_open();
	s.ioas = ioas_new(s.fd);
	device_get(&s.dev, "edu", 0, s.fd);
	require_ok(device_attach(&s.dev, s.ioas));
}

static int map(void *arg)
{
	(void)arg;
	return ioas_map_at(s.fd, s.ioas, s.m.va, s.m.size, BASE);
}

static void unmap(void)
{
	check_eq(ioas_unmap_all(s.fd, s.ioas), s.m.size);
	check_eq(meters_vmpin(), 0);
}

/* Is there more than one CPU for it? */
static bool together(void)
{
	return get_nprocs() > 1 && !tap_oracle();
}

static bool is_helper(const char *pid)
{
	char path[300], name[32];
	int fd, got;

	snprintf(path, sizeof(path), "/proc/%s/comm", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	got = read(fd, name, sizeof(name));
	close(fd);
	return got == (int)strlen(THREAD) + 1 && !memcmp(name, THREAD, got - 1);
}

/* Is it in that cgroup? */
static bool is_in_group(const char *pid, const char *group)
{
	char path[300], line[256];
	bool found = false;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%s/cgroup", pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		found |= !!strstr(line, group);
	if (f)
		fclose(f);
	return found;
}

/* How many kernel threads help now that are younger than a process, of those in @group. */
static unsigned int helpers_in(int pid, const char *group)
{
	struct dirent *entry;
	unsigned int n = 0;
	DIR *dir;

	dir = opendir("/proc");
	while (dir && (entry = readdir(dir)))
		n += atoi(entry->d_name) > pid && is_helper(entry->d_name) &&
		     (!group || is_in_group(entry->d_name, group));
	if (dir)
		closedir(dir);
	return n;
}

static unsigned int helpers(int pid)
{
	return helpers_in(pid, NULL);
}

/* Maps, and returns how many threads were seen to help at most. */
static unsigned int map_watched(int want)
{
	unsigned int most = 0, now;

	call_start(&s.call, map, NULL);
	while (!call_over(&s.call)) {
		now = helpers(getpid());
		most = now > most ? now : most;
		usleep(500);
	}
	check_ret(s.call.ret, want);
	return most;
}

/* Threads that were started go by themselves. */
static void check_alone(void)
{
	for (int i = 0; i < 500 && helpers(getpid()); i++)
		usleep(10000);
	check_eq(helpers(getpid()), 0);
}

static bool reads(struct edu *edu, uint64_t at)
{
	uint64_t byte = at / PAGE * 0x9e3779b97f4a7c15ull;

	memcpy(s.m.va + at, &byte, sizeof(byte));
	memset(s.m.va + at + 8, 0, 8);
	return !edu_load(edu, BASE + at, 0, 8) && !edu_store(edu, BASE + at + 8, 0, 8) &&
	       !memcmp(s.m.va + at, s.m.va + at + 8, 8);
}

/* Each page has to stand where it should; these are on both sides of what may be a seam. */
static void check_places(void)
{
	static const uint64_t at[] = {
		0, PAGE, HUGE - PAGE, HUGE, 7 * HUGE - PAGE, 7 * HUGE, 20 * HUGE + 5 * PAGE,
		31 * HUGE, 32 * HUGE - PAGE, 33 * HUGE + 300 * PAGE, SIZE - PAGE,
	};
	struct edu edu;

	edu_init(&edu, &s.dev);
	device_bus_master(&s.dev);
	for (size_t i = 0; i < ARRAY_SIZE(at); i++)
		check_msg(reads(&edu, at[i]), "what the device sees at 0x%llx",
			  (unsigned long long)at[i]);
	edu_fini(&edu);
}

static void check_kind(enum mem_kind kind, uint64_t shift)
{
	struct mem all;
	unsigned int most;

	attached();
	mem_get(&all, kind, SIZE + HUGE);
	s.m = (struct mem){ .va = all.va + shift, .size = SIZE, .fd = -1 };
	/* some is there already */
	memset(s.m.va + 9 * HUGE + PAGE, 1, 3 * PAGE);
	memset(s.m.va + 30 * HUGE, 1, HUGE);
	most = map_watched(0);
	check_eq(meters_vmpin(), SIZE / PAGE);
	check_places();
	unmap();
	check_alone();
	tap_diag("%u threads helped", most);
	if (kind == MEM_ANON && together())
		check(most > 0);
	require_ok(map(NULL));
	check_places();
	unmap();
}

static void small(void) { check_kind(MEM_ANON, 0); }
static void odd(void) { check_kind(MEM_ANON, 5 * PAGE); }
static void thp(void) { check_kind(MEM_THP, 0); }
static void thp_odd(void) { check_kind(MEM_THP, 7 * PAGE); }
static void memfd(void) { check_kind(MEM_MEMFD, 0); }

/* The pages of a huge one that were taken away, moved, or may not be written to. */
static void broken(void)
{
	static const uint64_t at[] = {
		PAGE, 100 * PAGE, 101 * PAGE, 102 * PAGE, HUGE - PAGE, HUGE, HUGE + PAGE,
		2 * HUGE - PAGE, 3 * HUGE + 5 * PAGE, 4 * HUGE - PAGE,
	};
	struct mem other;
	struct edu edu;

	attached();
	mem_get(&s.m, MEM_THP, 4 * HUGE);
	mem_get(&other, MEM_ANON, PAGE);
	memset(s.m.va, 1, s.m.size);
	memset(other.va, 2, PAGE);
	require(!madvise(s.m.va + 101 * PAGE, PAGE, MADV_DONTNEED));
	require(mremap(other.va, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
		       s.m.va + 2 * HUGE - PAGE) != MAP_FAILED);
	require_ok(map(NULL));
	check_eq(meters_vmpin(), s.m.size / PAGE);
	edu_init(&edu, &s.dev);
	device_bus_master(&s.dev);
	for (size_t i = 0; i < ARRAY_SIZE(at); i++)
		check_msg(reads(&edu, at[i]), "what the device sees at 0x%llx",
			  (unsigned long long)at[i]);
	edu_fini(&edu);
	unmap();
	require(!mprotect(s.m.va + HUGE, HUGE, PROT_READ));
	check_ret(map(NULL), -EFAULT);
	check_ret(ioas_map(s.fd, s.ioas, MAP_R | MAP_FIX, s.m.va, s.m.size,
			   &(uint64_t){ BASE }), 0);
	unmap();
	require(!mprotect(s.m.va + HUGE, HUGE, PROT_NONE));
	check_ret(map(NULL), -EFAULT);
	check_ret(ioas_map(s.fd, s.ioas, MAP_R | MAP_FIX, s.m.va, s.m.size,
			   &(uint64_t){ BASE }), -EFAULT);
	check_eq(meters_vmpin(), 0);
}

/* Huge pages that are shared with a child until somebody writes. */
static void forked(void)
{
	struct mem other;
	struct edu edu;
	int pid, status;

	attached();
	mem_get(&s.m, MEM_THP, 4 * HUGE);
	mem_get(&other, MEM_ANON, PAGE);
	memset(s.m.va, 1, s.m.size);
	pid = fork();
	require(pid >= 0);
	if (!pid) {
		pause();
		_exit(0);
	}
	check_ret(ioas_map(s.fd, s.ioas, MAP_R | MAP_FIX, s.m.va, s.m.size,
			   &(uint64_t){ BASE }), 0);
	require_ok(ioas_map_at(s.fd, s.ioas, other.va, PAGE, BASE2));
	edu_init(&edu, &s.dev);
	device_bus_master(&s.dev);
	for (uint64_t at = PAGE; at < s.m.size; at += HUGE + PAGE) {
		uint64_t value = at;

		/* the device sees what this process writes, and not the child's */
		memcpy(s.m.va + at, &value, 8);
		require_ok(edu_load(&edu, BASE + at, 0, 8));
		require_ok(edu_store(&edu, BASE2, 0, 8));
		check(!memcmp(other.va, &value, 8));
	}
	require_ok(ioas_unmap(s.fd, s.ioas, BASE2, PAGE, NULL));
	unmap();
	require_ok(map(NULL));
	for (uint64_t at = PAGE; at < s.m.size; at += HUGE + PAGE)
		check(reads(&edu, at));
	edu_fini(&edu);
	unmap();
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
}

/* Of two holes, as of one: an error, and nothing stays pinned. */
static void hole(void)
{
	long long pins = meters_pins();

	attached();
	mem_get(&s.m, MEM_ANON, SIZE);
	require(!mprotect(s.m.va + 60 * MIB, PAGE, PROT_NONE));
	check_ret(map(NULL), -EFAULT);
	check_eq(meters_wait_pins(pins), pins);
	require(!munmap(s.m.va + 40 * MIB + PAGE, PAGE));
	check_ret(map(NULL), -EFAULT);
	check_eq(meters_wait_pins(pins), pins);
	check_eq(meters_vmpin(), 0);
	/* up to the hole all is well */
	s.m.size = 40 * MIB + PAGE;
	require_ok(map(NULL));
	unmap();
	check_alone();
}

/* The last page takes its time. */
static struct trap trap;

static void set_trap(void)
{
	attached();
	trap_set(&trap, PAGE);
	s.m = (struct mem){ .va = trap.va + PAGE - SIZE, .size = SIZE, .fd = -1 };
	require(mmap(s.m.va, SIZE - PAGE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == s.m.va);
}

static void stall(void)
{
	set_trap();
	if (kernel_before(6, 2)) {
		check_ret(map(NULL), -EFAULT);	/* it can't wait there */
		return;
	}
	call_start(&s.call, map, NULL);
	trap_wait(&trap);
	usleep(200000);
	trap_release(&trap);
	check(call_returns(&s.call));
	check_ret(s.call.ret, 0);
	unmap();
	check_alone();
}

/* An error isn't kept waiting by a page fault above it. */
static void error_first(void)
{
	const uint64_t trapped = 30 * HUGE;
	uint8_t *bad;

	attached();
	trap_set(&trap, SIZE + HUGE);
	s.m.va = (void *)(((uintptr_t)trap.va + HUGE - 1) & ~(HUGE - 1));
	s.m.size = SIZE;
	/* one page is left of the trap */
	require(mmap(s.m.va, trapped, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == s.m.va);
	require(mmap(s.m.va + trapped + PAGE, SIZE - trapped - PAGE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED);
	for (int i = 0; i < 6; i++) {
		bad = s.m.va + trapped - i * HUGE - PAGE;
		require(!mprotect(bad, PAGE, PROT_NONE));
		check_returns(map, NULL, -EFAULT);
		check_eq(meters_vmpin(), 0);
		require(!mprotect(bad, PAGE, PROT_READ | PROT_WRITE));
		require(!madvise(s.m.va, trapped, MADV_DONTNEED));
	}
}

/* A child of fork() has no trap of its own, so it makes one. */
static void stall_child(const int *ready)
{
	set_trap();
	call_start(&s.call, map, NULL);
	trap_wait(&trap);
	usleep(100000);
	require(write(ready[1], "", 1) == 1);
	pause();
}

static void stall_killed(void)
{
	long long pins = meters_pins();
	int ready[2], pid;
	char c;

	if (kernel_before(6, 2))
		tap_skip("Linux 6.1 doesn't wait there");
	require(!pipe(ready));
	pid = fork();
	require(pid >= 0);
	if (!pid) {
		stall_child(ready);
		_exit(0);
	}
	require(read(ready[0], &c, 1) == 1);
	kill(pid, SIGKILL);
	check(child_ends(pid));
	check_eq(meters_wait_pins(pins), pins);
}

/* A child that maps over and over, each time memory that isn't there. */
static void map_forever(void)
{
	attached();
	for (;;) {
		mem_get(&s.m, MEM_ANON, SIZE);
		if (map(NULL))
			_exit(1);
		ioas_unmap_all(s.fd, s.ioas);
		mem_put(&s.m);
	}
}

static int start_mapping(void (*also)(void))
{
	int pid = fork();

	require(pid >= 0);
	if (pid)
		return pid;
	if (also)
		also();
	map_forever();
	_exit(0);
}

/* Lets it come to some place in its work. */
static bool wait_for_help(int pid, int i)
{
	bool met = false;

	for (int tries = 0; tries < 2000 && !met; tries++) {
		met = helpers(pid);
		if (!met)
			usleep(1000);
		if (!together() && tries > 50)
			break;
	}
	usleep(i * 3700);
	return met;
}

static void killed(void)
{
	long long pins = meters_pins();
	unsigned int met = 0;

	for (int i = 0; i < 6; i++) {
		int pid = start_mapping(NULL);

		met += wait_for_help(pid, i);
		kill(pid, SIGKILL);
		check(child_ends(pid));
		check_eq(meters_wait_pins(pins), pins);
	}
	check(met || !together());
}

/* Another thread ends the process, or makes it another one. */
static void *end_soon(void *arg)
{
	usleep((uintptr_t)arg);
	_exit(3);
}

static void *exec_soon(void *arg)
{
	usleep((uintptr_t)arg);
	execl("/bin/true", "true", NULL);
	execl("/bin/busybox", "true", NULL);
	_exit(4);
}

static uintptr_t delay;

static void also_end(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, end_soon, (void *)delay);
}

static void also_exec(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, exec_soon, (void *)delay);
}

static void ended_by(void (*also)(void))
{
	long long pins = meters_pins();
	unsigned int met = 0;

	for (delay = 60000; delay < 460000; delay += 57000) {
		int pid = start_mapping(also);

		met += wait_for_help(pid, 0);
		check(child_ends(pid));
		check_eq(meters_wait_pins(pins), pins);
	}
	check(met || !together());
}

static void exited(void) { ended_by(also_end); }
static void executed(void) { ended_by(also_exec); }

/* ^Z stops all of it, and it goes on. */
static void stopped(void)
{
	int pid = start_mapping(NULL), status = 0;
	unsigned int met = 0;

	for (int i = 0; i < 8; i++) {
		met += wait_for_help(pid, i % 5);
		require(!kill(pid, SIGSTOP));
		for (int t = 0; t < 1000 && !status; t++) {
			if (waitpid(pid, &status, WUNTRACED | WNOHANG) != pid)
				usleep(10000);
		}
		check_msg(WIFSTOPPED(status), "round %d: not stopped", i);
		require(!kill(pid, SIGCONT));
		status = 0;
	}
	check(met || !together());
	kill(pid, SIGSTOP);
	usleep(20000);
	kill(pid, SIGKILL);
	check(child_ends(pid));
}

/* Who may use one CPU uses one. */
static void one_cpu(void)
{
	cpu_set_t one;

	attached();
	mem_get(&s.m, MEM_ANON, SIZE);
	CPU_ZERO(&one);
	CPU_SET(get_nprocs() - 1, &one);
	require(!sched_setaffinity(0, sizeof(one), &one));
	check_eq(map_watched(0), 0);
	unmap();
}

/* What a kernel thread can't be: it works without. */
static void real_time(void)
{
	struct sched_param param = { .sched_priority = 1 };

	attached();
	mem_get(&s.m, MEM_ANON, SIZE);
	require(!sched_setscheduler(0, SCHED_FIFO, &param));
	check_eq(map_watched(0), 0);
	unmap();
}

/* Keys keep from the kernel what they keep from the process, whoever helps. */
static void keys(void)
{
	int key = pkey_alloc(0, 0);

	if (key < 0)
		tap_skip("no protection keys: %s", strerror(errno));
	attached();
	mem_get(&s.m, MEM_ANON, SIZE);
	require(!pkey_mprotect(s.m.va, SIZE, PROT_READ | PROT_WRITE, key));
	require_ok(map(NULL));
	unmap();
	mem_put(&s.m);
	mem_get(&s.m, MEM_ANON, SIZE);
	require(!pkey_mprotect(s.m.va + SIZE / 2, SIZE / 2, PROT_READ | PROT_WRITE, key));
	require(!pkey_set(key, PKEY_DISABLE_WRITE));
	check_ret(map(NULL), -EFAULT);
	check_eq(meters_vmpin(), 0);
}

/* When the call returns the process has no other thread, and may leave its namespace. */
static int map_and_leave(void)
{
	struct dirent *entry;
	unsigned int n = 0;
	DIR *dir;

	mem_get(&s.m, MEM_ANON, SIZE);
	if (map(NULL))
		return 1;
	if (unshare(CLONE_NEWUSER))
		return errno == EINVAL ? 2 : 3;
	dir = opendir("/proc/self/task");
	while (dir && (entry = readdir(dir)))
		n += entry->d_name[0] != '.';
	return n == 1 ? 0 : 4;
}

static void alone(void)
{
	int pid, status;

	attached();
	for (int i = 0; i < 40; i++) {
		pid = fork();
		require(pid >= 0);
		if (!pid)
			_exit(map_and_leave());
		require(waitpid(pid, &status, 0) == pid);
		check_msg(!status, "round %d: status 0x%x", i, status);
		check_eq(ioas_unmap_all(s.fd, s.ioas), SIZE);
	}
}

/* What the threads allocate is charged to the group of who called. */
static void cgroup(void)
{
	static const char *dir = "/tmp/cgroup";
	char path[128], text[32];
	bool seen = false;
	long long used;
	FILE *f;

	mkdir(dir, 0700);
	/* -EBUSY: another test has left it there */
	if (mount("none", dir, "cgroup2", 0, NULL) && errno != EBUSY)
		tap_skip("no cgroup2: %s", strerror(errno));
	snprintf(path, sizeof(path), "%s/cgroup.subtree_control", dir);
	f = fopen(path, "we");
	require(f);
	fputs("+memory", f);
	if (fclose(f)) {
		umount(dir);
		tap_skip("no cgroup for memory");
	}
	snprintf(path, sizeof(path), "%s/pin_many", dir);
	require(!mkdir(path, 0700) || errno == EEXIST);
	snprintf(path, sizeof(path), "%s/pin_many/cgroup.procs", dir);
	f = fopen(path, "we");
	require(f);
	fputs("0", f);
	require(!fclose(f));
	attached();
	mem_get(&s.m, MEM_ANON, SIZE);
	call_start(&s.call, map, NULL);
	while (!call_over(&s.call)) {
		seen |= helpers_in(getpid(), "/pin_many\n");
		usleep(500);
	}
	check_ret(s.call.ret, 0);
	check(seen || !together());
	snprintf(path, sizeof(path), "%s/pin_many/memory.current", dir);
	f = fopen(path, "re");
	require(f && fgets(text, sizeof(text), f));
	fclose(f);
	used = atoll(text);
	check_msg(used >= (long long)SIZE, "%lld bytes are charged", used);
	unmap();
	umount2(dir, MNT_DETACH);
}

/* The process forks, or takes memory away, while it's pinned. */
static volatile bool stop;

static void *keep_forking(void *arg)
{
	while (!stop) {
		int pid = fork();

		if (!pid)
			_exit(0);
		waitpid(pid, NULL, 0);
	}
	return arg;
}

static void forking(void)
{
	pthread_t thread;

	attached();
	mem_get(&s.m, MEM_ANON, SIZE);
	pthread_create(&thread, NULL, keep_forking, NULL);
	require_ok(map(NULL));
	stop = true;
	pthread_join(thread, NULL);
	check_places();
	unmap();
}

static void *keep_dropping(void *arg)
{
	unsigned int at = 1;

	while (!stop) {
		at = at * 1103515245 + 12345;
		madvise(s.m.va + at % (SIZE / PAGE) * PAGE, 16 * PAGE, MADV_DONTNEED);
	}
	munmap(s.m.va + 50 * MIB, 16 * PAGE);
	return arg;
}

static void dropping(void)
{
	long long pins = meters_pins();
	pthread_t thread;

	attached();
	for (int i = 0; i < 3; i++) {
		mem_get(&s.m, i % 2 ? MEM_THP : MEM_ANON, SIZE);
		stop = false;
		pthread_create(&thread, NULL, keep_dropping, NULL);
		require_ok(map(NULL));
		check_eq(meters_vmpin(), SIZE / PAGE);
		stop = true;
		pthread_join(thread, NULL);
		unmap();
		check_eq(meters_wait_pins(pins), pins);
		mem_put(&s.m);
	}
}

static void *hole_soon(void *arg)
{
	usleep((uintptr_t)arg);
	munmap(s.m.va + 66 * MIB, 16 * PAGE);
	return NULL;
}

static void unmapping(void)
{
	long long pins = meters_pins();
	pthread_t thread;
	int ret;

	attached();
	for (uintptr_t wait = 1000; wait < 100000; wait *= 3) {
		mem_get(&s.m, MEM_ANON, SIZE);
		pthread_create(&thread, NULL, hole_soon, (void *)wait);
		ret = map(NULL);
		check_msg(!ret || ret == -EFAULT, "map says %d", ret);
		pthread_join(thread, NULL);
		if (!ret)
			unmap();
		check_eq(meters_wait_pins(pins), pins);
		munmap(s.m.va, SIZE);
	}
}

static const struct test tests[] = {
	{ "small", small, 120 },
	{ "odd", odd, 120 },
	{ "thp", thp, 120 },
	{ "thp_odd", thp_odd, 120 },
	{ "memfd", memfd, 120 },
	{ "broken", broken },
	{ "forked", forked },
	{ "hole", hole },
	{ "stall", stall, 120 },
	{ "error_first", error_first, 240 },
	{ "stall_killed", stall_killed },
	{ "killed", killed, 120 },
	{ "exited", exited, 120 },
	{ "executed", executed, 120 },
	{ "stopped", stopped, 120 },
	{ "one_cpu", one_cpu, 120 },
	{ "real_time", real_time, 120 },
	{ "keys", keys, 120 },
	{ "alone", alone, 600 },
	{ "cgroup", cgroup },
	{ "forking", forking, 120 },
	{ "dropping", dropping, 120 },
	{ "unmapping", unmapping, 120 },
};

TAP_MAIN("pin_many", tests)
