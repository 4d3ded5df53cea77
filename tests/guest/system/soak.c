// SPDX-License-Identifier: GPL-2.0-only
/*
 * A long day in some minutes: several processes bind, attach, map, do DMA, detach and
 * close in all orders, and are killed now and then.  Afterwards the kernel's memory is
 * what it was after the first fifth of the time.
 *
 *   soak [-t SECONDS] [-s SEED] [-k: without VMs]
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <linux/capability.h>

#include "edu.h"
#include "node.h"
#include "iommu.h"
#include "kvm.h"
#include "legacy.h"
#include "mem.h"
#include "meters.h"
#include "tap.h"

#define WORKERS	3
#define DEVICES	8
#define SLOTS	6
#define STEPS	12
#define SLOT_IOVA(i) (NODE_IOVA + (i) * 16 * MIB)

static unsigned int seconds = 20;
static unsigned int seed;
static bool without_vms;

/* What all of it came to, for people to see; shared with the workers. */
static struct counts {
	unsigned long rounds, refused, maps, moves, transfers, vms, kills;
} *counts;

#define count(what) __atomic_add_fetch(&counts->what, 1, __ATOMIC_RELAXED)

static uint32_t state;

static uint32_t rnd(uint32_t below)
{
	state = state * 1664525 + 1013904223;
	return (uint64_t)state * below >> 32;
}

struct bench {
	int fd;
	uint32_t ioas[2];
	int at;				/* where the device is attached, or -1 */
	struct mem slot[2][SLOTS];	/* what is mapped */
	struct device dev;
	bool is_edu;
	struct edu edu;
	struct vm vm;
	bool has_vm;
};

static void map_one(struct bench *b, int to, int i)
{
	static const enum mem_kind kinds[] = { MEM_ANON, MEM_THP, MEM_MEMFD };
	struct mem *m = &b->slot[to][i];

	if (m->va)
		return;
	mem_get(m, kinds[rnd(ARRAY_SIZE(kinds))], (1 + rnd(256)) * PAGE);
	require_ok(ioas_map_at(b->fd, b->ioas[to], m->va, m->size, SLOT_IOVA(i)));
	count(maps);
}

static void unmap_one(struct bench *b, int from, int i)
{
	struct mem *m = &b->slot[from][i];

	if (!m->va)
		return;
	require_ok(ioas_unmap(b->fd, b->ioas[from], SLOT_IOVA(i), m->size, NULL));
	mem_put(m);
	m->va = NULL;
}

static void unmap_all(struct bench *b, int from)
{
	require(ioas_unmap_all(b->fd, b->ioas[from]) >= 0 || errno == ENOENT);
	for (int i = 0; i < SLOTS; i++) {
		if (b->slot[from][i].va)
			mem_put(&b->slot[from][i]);
		b->slot[from][i].va = NULL;
	}
}

static void move_to(struct bench *b, int to)
{
	uint32_t hwpt;

	if (to < 0) {
		require_ok(device_detach(&b->dev));
	} else if (rnd(3)) {
		require_ok(device_attach(&b->dev, b->ioas[to]));
	} else {
		require_ok(hwpt_alloc(b->fd, b->dev.id, b->ioas[to], 0, &hwpt));
		require_ok(device_attach(&b->dev, hwpt));
		check_ret(iommu_destroy(b->fd, hwpt), -EBUSY);
	}
	b->at = to;
	count(moves);
}

/* Through the device's own buffer and back, to where it came from. */
static void transfer(struct bench *b)
{
	const uint32_t length = 512, pattern = rnd(1 << 30);
	struct mem *m;
	int i = rnd(SLOTS);

	if (!b->is_edu)
		return;
	if (b->at < 0)
		move_to(b, rnd(2));
	map_one(b, b->at, i);
	m = &b->slot[b->at][i];
	mem_fill(m->va, length, pattern);
	require_ok(edu_load(&b->edu, SLOT_IOVA(i), 0, length));
	memset(m->va, 0, length);
	require_ok(edu_store(&b->edu, SLOT_IOVA(i), 0, length));
	check_eq(mem_differs(m->va, length, pattern), -1);
	count(transfers);
}

static void step(struct bench *b)
{
	int which = rnd(2), i = rnd(SLOTS);

	switch (rnd(12)) {
	case 0 ... 4:
		map_one(b, which, i);
		break;
	case 5 ... 6:
		unmap_one(b, which, i);
		break;
	case 7:
		if (!rnd(4))
			unmap_all(b, which);
		break;
	case 8 ... 9:
		move_to(b, (int)rnd(3) - 1);
		break;
	case 10:
		transfer(b);
		break;
	default:
		require_ok(node_ask(b->dev.fd));
		if (!b->is_edu && !rnd(4))
			device_reset(&b->dev);
	}
}

/* Another worker may have the device, or one of its group. */
static bool take(struct bench *b, bool kvm)
{
	const char *bdf[DEVICES];
	char text[DEVICES][16];
	unsigned int n = 0, edus = 0;
	const char *found;
	int ret;

	while (n < DEVICES && (found = device_find("edu", edus)))
		edus++, bdf[n] = strcpy(text[n], found), n++;
	if (n < DEVICES && (found = device_find("nvme", 0)))
		bdf[n] = strcpy(text[n], found), n++;
	n = rnd(n);
	b->is_edu = n < edus;
	require_ok(device_open(&b->dev, bdf[n]));
	b->has_vm = kvm && !rnd(4);
	if (b->has_vm) {
		vm_open(&b->vm);
		require_ok(vm_add(&b->vm, b->dev.fd));
		count(vms);
	}
	ret = device_bind(&b->dev, b->fd);
	check(ret == 0 || ret == -EINVAL || ret == -EPERM || ret == -EBUSY);
	if (ret)
		count(refused);
	return !ret;
}

static void drop(struct bench *b)
{
	unsigned int order = rnd(2);

	if (b->edu.regs)
		edu_fini(&b->edu);
	if (b->has_vm && rnd(2))
		require_ok(vm_del(&b->vm, b->dev.fd));
	if (order)
		close(b->fd);
	device_close(&b->dev);
	if (!order)
		close(b->fd);
	if (b->has_vm)
		vm_close(&b->vm);
	for (int i = 0; i < 2 * SLOTS; i++)
		if (b->slot[i / SLOTS][i % SLOTS].va)
			mem_put(&b->slot[i / SLOTS][i % SLOTS]);
}

static void work(bool kvm)
{
	struct bench b = { .at = -1, .fd = iommu_open() };

	if (!rnd(4))
		require_ok(option_set(b.fd, IOMMU_OPTION_RLIMIT_MODE, 0, 1));
	if (take(&b, kvm)) {
		b.ioas[0] = ioas_new(b.fd);
		b.ioas[1] = ioas_new(b.fd);
		if (b.is_edu) {
			edu_init(&b.edu, &b.dev);
			b.edu.limit = SLOT_IOVA(SLOTS);
			/* of who was killed before us */
			require_ok(edu_wait(&b.edu));
		}
		for (unsigned int n = rnd(STEPS); n; n--)
			step(&b);
	}
	drop(&b);
	count(rounds);
}

struct start {
	uint32_t seed;
	bool kvm;
};

static void worker(void *arg)
{
	struct start *start = arg;

	state = start->seed;
	while (rnd(200))
		work(start->kvm);
}

/* On a machine that is slow or busy nothing happens for a while. */
static bool has_done(unsigned long rounds)
{
	return counts->rounds >= rounds && counts->transfers && counts->kills;
}

/* Workers for so long, and until so much is done in all, with kills. */
static void run_for(double time, unsigned long rounds, bool kvm)
{
	static uint32_t born;
	struct start start = { .kvm = kvm };
	double end = tap_now() + time;
	int pid[WORKERS] = {};

	while ((tap_now() < end || !has_done(rounds)) && !tap_failures()) {
		int i = rnd(WORKERS);

		if (pid[i]) {
			kill(pid[i], SIGKILL);
			tap_join(pid[i]);
			count(kills);
		}
		for (i = 0; i < WORKERS; i++) {
			if (pid[i] && !kill(pid[i], 0))
				continue;
			start.seed = seed + ++born;
			pid[i] = tap_spawn(worker, &start);
		}
		usleep(rnd(400000) * tap_time_factor());
	}
	for (int i = 0; i < WORKERS; i++) {
		if (!pid[i])
			continue;	/* a check had failed before */
		kill(pid[i], SIGKILL);
		tap_join(pid[i]);
	}
}

static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0)
		return;
	if (write(fd, text, strlen(text)) < 0 && errno != EINVAL)
		tap_diag("%s: %s", path, strerror(errno));
	close(fd);
}

/* Gives back what allocators and sanitizers keep for a while. */
static void shrink(void)
{
	glob_t caches;

	put("/proc/sys/vm/drop_caches", "3");
	if (!glob("/sys/kernel/slab/*/shrink", 0, NULL, &caches)) {
		for (size_t i = 0; i < caches.gl_pathc; i++)
			put(caches.gl_pathv[i], "1");
		globfree(&caches);
	}
}

struct usage {
	long long slab, used;		/* in KiB; what can't be reclaimed */
};

static struct usage usage_of_kernel(void)
{
	struct usage u, least = { 1 << 30, 1 << 30 };
	const char *info = "/proc/meminfo";

	for (int i = 0; i < 6; i++) {
		shrink();
		usleep(500000);
		u.slab = meters_field(info, "SUnreclaim");
		u.used = meters_field(info, "MemTotal") - meters_field(info, "MemFree") -
			 meters_field(info, "Cached") - meters_field(info, "Buffers") -
			 meters_field(info, "SReclaimable");
		if (u.slab < least.slab)
			least.slab = u.slab;
		if (u.used < least.used)
			least.used = u.used;
	}
	return least;
}

/* Nothing is charged to this user any more: what the limit allows can be pinned. */
static void check_charge(void)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct caps[2];
	struct rlimit limit = { 16 * PAGE, 16 * PAGE };
	struct node s;
	struct mem m;

	require(!syscall(SYS_capget, &head, caps));
	caps[0].effective &= ~(1u << CAP_IPC_LOCK);
	node_prepare(&s);
	s.fd = iommu_open();
	s.ioas = ioas_new(s.fd);
	device_get(&s.dev, "edu", 0, s.fd);
	require_ok(device_attach(&s.dev, s.ioas));
	mem_get(&m, MEM_ANON, 32 * PAGE);
	require(!setrlimit(RLIMIT_MEMLOCK, &limit) && !syscall(SYS_capset, &head, caps));
	check_ret(ioas_map_at(s.fd, s.ioas, m.va, 16 * PAGE, NODE_IOVA), 0);
	check_ret(ioas_map_at(s.fd, s.ioas, m.va, PAGE, NODE_IOVA + m.size), -ENOMEM);
	device_close(&s.dev);
	close(s.fd);
}

/* A page a round would be far more, on any kernel. */
static long long limit_of(unsigned long rounds)
{
	long long kib = rounds / 2;

	return (kib < 512 ? 512 : kib) * (tap_time_factor() > 1 ? 4 : 1);
}

static void soak(void)
{
	struct usage before, after;
	unsigned long rounds;
	long uses;
	bool kvm = !without_vms && kvm_exists();

	if (!device_find("edu", 0))
		tap_skip("needs an edu on vfio-pci");
	tap_diag("seed %u, %u seconds, KVM: %s", seed, seconds, kvm ? "yes" : "no");
	counts = mmap(NULL, sizeof(*counts), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	require(counts != MAP_FAILED);
	state = seed;
	/* Each CPU keeps few free pages for itself, as these count as used. */
	put("/proc/sys/vm/percpu_pagelist_high_fraction", "1000000");
	uses = module_uses();
	run_for(seconds / 5.0, 10, kvm);
	before = usage_of_kernel();
	rounds = counts->rounds;
	run_for(seconds * 4 / 5.0, rounds + 20, kvm);
	after = usage_of_kernel();
	rounds = counts->rounds - rounds;
	tap_diag("%lu rounds, %lu maps, %lu moves, %lu transfers, %lu VMs, %lu refused, %lu kills",
		 counts->rounds, counts->maps, counts->moves, counts->transfers,
		 counts->vms, counts->refused, counts->kills);
	tap_diag("slab %lld -> %lld KiB, used %lld -> %lld KiB in %lu rounds",
		 before.slab, after.slab, before.used, after.used, rounds);
	check(has_done(0));
	check(after.slab - before.slab < limit_of(rounds));
	check(after.used - before.used < 4 * limit_of(rounds));
	if (kvm)
		vm_check_count(0);
	for (int i = 0; i < 100 && module_uses() != uses; i++)
		usleep(10000);
	check_eq(module_uses(), uses);
	check_charge();
	put("/proc/sys/vm/percpu_pagelist_high_fraction", "0");
}

static struct test tests[] = {
	{ "soak", soak },
};

int main(int argc, char **argv)
{
	int option;

	seed = time(NULL);
	while ((option = getopt(argc, argv, "t:s:k")) != -1) {
		if (option == 't')
			seconds = atoi(optarg);
		else if (option == 's')
			seed = strtoul(optarg, NULL, 0);
		else if (option == 'k')
			without_vms = true;
		else
			return 2;
	}
	tests[0].seconds = seconds + 180;
	argv[optind - 1] = argv[0];
	return tap_main(argc - optind + 1, argv + optind - 1, "soak", tests,
			ARRAY_SIZE(tests));
}
