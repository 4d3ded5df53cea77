// SPDX-License-Identifier: GPL-2.0-only
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "iommu.h"
#include "meters.h"
#include "pin_scene.h"
#include "tap.h"

#define THREAD	"iommufd-pin"

struct pin_scene pin;

void pin_attach(void)
{
	pin.fd = iommu_open();
	pin.ioas = ioas_new(pin.fd);
	device_get(&pin.dev, "edu", 0, pin.fd);
	require_ok(device_attach(&pin.dev, pin.ioas));
}

int pin_map(void *arg)
{
	(void)arg;
	return ioas_map_at(pin.fd, pin.ioas, pin.m.va, pin.m.size, PIN_BASE);
}

void pin_unmap(void)
{
	check_eq(ioas_unmap_all(pin.fd, pin.ioas), pin.m.size);
	check_eq(meters_vmpin(), 0);
}

void pin_map_forever(unsigned int *mapped)
{
	for (;;) {
		mem_get(&pin.m, MEM_ANON, PIN_SIZE);
		if (pin_map(NULL))
			_exit(1);
		if (mapped)
			__atomic_fetch_add(mapped, 1, __ATOMIC_SEQ_CST);
		if (ioas_unmap(pin.fd, pin.ioas, PIN_BASE, PIN_SIZE, NULL))
			_exit(1);
		mem_put(&pin.m);
	}
}

bool pin_is_shared(void)
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

unsigned int pin_helpers_in(int pid, const char *group)
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

unsigned int pin_helpers(int pid)
{
	return pin_helpers_in(pid, NULL);
}

unsigned int pin_map_watched(int want)
{
	unsigned int most = 0, now;

	call_start(&pin.call, pin_map, NULL);
	while (!call_over(&pin.call)) {
		now = pin_helpers(getpid());
		most = now > most ? now : most;
		usleep(500);
	}
	check_ret(pin.call.ret, want);
	return most;
}

void pin_check_alone(void)
{
	for (int i = 0; i < 500 && pin_helpers(getpid()); i++)
		usleep(10000);
	check_eq(pin_helpers(getpid()), 0);
}

bool pin_reads(struct edu *edu, uint64_t at)
{
	uint64_t byte = at / PAGE * 0x9e3779b97f4a7c15ull;

	memcpy(pin.m.va + at, &byte, sizeof(byte));
	memset(pin.m.va + at + 8, 0, 8);
	return !edu_load(edu, PIN_BASE + at, 0, 8) && !edu_store(edu, PIN_BASE + at + 8, 0, 8) &&
	       !memcmp(pin.m.va + at, pin.m.va + at + 8, 8);
}

void pin_check_places(const uint64_t *at, size_t n)
{
	struct edu edu;

	edu_init(&edu, &pin.dev);
	device_bus_master(&pin.dev);
	for (size_t i = 0; i < n; i++)
		check_msg(pin_reads(&edu, at[i]), "what the device sees at 0x%llx",
			  (unsigned long long)at[i]);
	edu_fini(&edu);
}
