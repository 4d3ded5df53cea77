// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hot reset of devices in use: they work afterwards, who reads their registers waits,
 * who is asleep is woken; and what else may be done meanwhile.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/pci_regs.h>
#include <linux/vfio.h>

#include "hot.h"
#include "legacy.h"
#include "nvme.h"
#include "probe.h"
#include "race.h"
#include "tap.h"

static struct hot_pair s;

/* Both devices do DMA before and after, by the same mappings of their registers. */
static void used_after(void)
{
	uint8_t before[64], after[64];

	hot_pair_up(&s);
	for (int i = 0; i < 2; i++)
		check(hot_pair_works(&s, i));
	require_ok(device_config_read(&s.dev[1], 0, before, sizeof(before)));
	for (int i = 0; i < 3; i++) {
		check_ret(hot_reset(s.dev[i & 1].fd), 0);
		require_ok(device_config_read(&s.dev[1], 0, after, sizeof(after)));
		check(!memcmp(before, after, sizeof(before)));
	}
	for (int i = 0; i < 2; i++)
		check(hot_pair_works(&s, i));
	check_ret(device_detach(&s.dev[0]), 0);
	check_ret(hot_reset(s.dev[0].fd), 0);
	check(hot_pair_works(&s, 1));
	check_ret(device_attach(&s.dev[0], s.rig.ioas), 0);
	check(hot_pair_works(&s, 0));
}

/* QEMU's way: memory access and mastering off first, on again by the guest. */
static void quiesced(void)
{
	const uint16_t off = 0;

	hot_pair_up(&s);
	for (int i = 0; i < 2; i++)
		require_ok(device_config_write(&s.dev[i], PCI_COMMAND, &off, 2));
	check_ret(hot_reset(s.dev[0].fd), 0);
	for (int i = 0; i < 2; i++)
		require_ok(device_bus_master(&s.dev[i]));
	for (int i = 0; i < 2; i++)
		check(hot_pair_works(&s, i));
}

struct reader {
	volatile uint32_t *id;
	volatile bool stop;
	unsigned long reads, odd;
};

static void *read_on(void *arg)
{
	struct reader *r = arg;

	while (!r->stop) {
		r->odd += (*r->id & 0xffff) != 0xed;
		r->reads++;
	}
	return NULL;
}

/*
 * Who reads registers meanwhile waits.  A reset that meets a fault gives up instead
 * of waiting for it.
 */
static void mapped(void)
{
	struct reader reader[2];
	pthread_t thread[2];
	int good = 0, busy = 0;

	hot_pair_up(&s);
	for (int i = 0; i < 2; i++) {
		reader[i] = (struct reader){ .id = (void *)s.edu[i].regs };
		require(!pthread_create(&thread[i], NULL, read_on, &reader[i]));
	}
	while (good < 5 && busy < 1000) {
		int ret = hot_reset(s.dev[0].fd);

		require(!ret || ret == -EBUSY);
		good += !ret;
		busy += !!ret;
		usleep(1000);
	}
	for (int i = 0; i < 2; i++) {
		reader[i].stop = true;
		require(!pthread_join(thread[i], NULL));
		check(reader[i].reads > 0);
		check_eq(reader[i].odd, 0);
	}
	check_eq(good, 5);
	tap_diag("%d times busy, %lu and %lu reads", busy, reader[0].reads,
		 reader[1].reads);
}

struct inherited {
	int go, done;
};

static void child_reads(void *arg)
{
	struct inherited *z = arg;
	char c;

	check_eq(probe(s.edu[0].regs), 0);
	check_eq(write(z->done, "1", 1), 1);
	check_eq(read(z->go, &c, 1), 1);
	check_eq(probe(s.edu[0].regs), 0);
	check_eq(probe(s.edu[1].regs), 0);
}

/* Mappings of another process are found too, and fault again. */
static void mapped_elsewhere(void)
{
	int go[2], done[2], pid;
	struct inherited z;
	char c;

	probe_prepare();
	hot_pair_up(&s);
	require(!pipe(go) && !pipe(done));
	z = (struct inherited){ go[0], done[1] };
	pid = tap_spawn(child_reads, &z);
	check_eq(read(done[0], &c, 1), 1);
	check_ret(hot_reset(s.dev[1].fd), 0);
	check_eq(write(go[1], "1", 1), 1);
	tap_join(pid);
	check_eq(probe(s.edu[0].regs), 0);
	check_eq(probe(s.edu[1].regs), 0);
	/* nor does one that is gone hurt */
	edu_fini(&s.edu[0]);
	check_ret(hot_reset(s.dev[1].fd), 0);
	edu_init(&s.edu[0], &s.dev[0]);
	check(hot_pair_works(&s, 0));
}

#define DATA	(NVME_IOVA + 4 * MIB)

static void check_disk(struct device *dev, uint8_t *memory, uint8_t *data, uint32_t seed)
{
	struct nvme n;

	require_ok(device_bus_master(dev));
	require_ok(nvme_open(&n, dev, memory));
	require_ok(nvme_ready(&n));
	mem_fill(data, PAGE, seed);
	check_ret(nvme_write(&n, 8, DATA, PAGE), 0);
	memset(data, 0, PAGE);
	check_ret(nvme_read(&n, 8, DATA, PAGE), 0);
	check_eq(mem_differs(data, PAGE, seed), -1);
	nvme_close(&n);
}

/* A disk forgets its queues in a reset, and works again after being started. */
static void disk(void)
{
	int fd = iommu_open();
	uint32_t ioas = ioas_new(fd);
	struct device dev;
	struct mem m, data;
	struct nvme n;

	hot_nvme(&dev, fd);
	mem_get(&m, MEM_ANON, NVME_MEMORY);
	mem_get(&data, MEM_ANON, PAGE);
	require_ok(device_attach(&dev, ioas));
	require_ok(ioas_map_at(fd, ioas, m.va, m.size, NVME_IOVA));
	require_ok(ioas_map_at(fd, ioas, data.va, data.size, DATA));
	check_disk(&dev, m.va, data.va, 1);
	require_ok(device_bus_master(&dev));
	require_ok(nvme_open(&n, &dev, m.va));
	require_ok(nvme_ready(&n));
	check(*(volatile uint32_t *)(n.regs + 0x1c) & 1);
	check_ret(hot_reset(dev.fd), 0);
	/* it isn't ready any more, so the reset was one */
	check(!(*(volatile uint32_t *)(n.regs + 0x1c) & 1));
	nvme_close(&n);
	check_disk(&dev, m.va, data.va, 2);
}

static void set_power(struct device *dev, uint8_t at, uint16_t state)
{
	require_ok(device_config_write(dev, at + PCI_PM_CTRL, &state, 2));
}

/* A device that its user put to sleep is woken, and has its settings. */
static void asleep(void)
{
	uint8_t before[64], after[64], at;
	int fd = iommu_open();
	struct device dev;
	uint16_t state;

	probe_prepare();
	hot_nvme(&dev, fd);
	at = device_capability(&dev, PCI_CAP_ID_PM);
	if (!at)
		tap_skip("the nvme can't sleep");
	require_ok(device_bus_master(&dev));
	require_ok(device_config_read(&dev, 0, before, sizeof(before)));
	for (int i = 0; i < 3; i++) {
		set_power(&dev, at, 3);
		require_ok(device_config_read(&dev, at + PCI_PM_CTRL, &state, 2));
		check_eq(state & PCI_PM_CTRL_STATE_MASK, 3);
		check_ret(hot_reset(dev.fd), 0);
		require_ok(device_config_read(&dev, at + PCI_PM_CTRL, &state, 2));
		check_eq(state & PCI_PM_CTRL_STATE_MASK, 0);
		require_ok(device_config_read(&dev, 0, after, sizeof(after)));
		check(!memcmp(before, after, sizeof(before)));
		check(device_map_bar(&dev, 0, NULL) != NULL);
		check_eq(probe(device_map_bar(&dev, 0, NULL)), 0);
	}
}

/* The same by VFIO's own low power state, which lasts until its user ends it. */
static void low_power(void)
{
	probe_prepare();
	hot_pair_up(&s);
	require_ok(device_low_power(&s.dev[1], true));
	check_eq(probe(s.edu[1].regs), SIGBUS);
	check_ret(hot_reset(s.dev[0].fd), 0);
	check_eq(probe(s.edu[0].regs), 0);
	check_eq(probe(s.edu[1].regs), SIGBUS);
	require_ok(device_low_power(&s.dev[1], false));
	check_eq(probe(s.edu[1].regs), 0);
	check_ret(hot_reset(s.dev[1].fd), 0);
	for (int i = 0; i < 2; i++)
		check(hot_pair_works(&s, i));
}

/* The race: resets, register accesses, and a sibling that comes and goes. */
static bool reset_round(struct race *race, struct race_side *side)
{
	struct hot_reset reset = { .argsz = 12 };

	(void)race;
	/* pci_reset_bus() gives up if somebody has locked a device: -EAGAIN */
	race_ioctl(side, s.dev[0].fd, VFIO_DEVICE_PCI_HOT_RESET, &reset, "reset",
		   MAY(-EBUSY, -EAGAIN));
	return true;
}

static bool info_round(struct race *race, struct race_side *side)
{
	struct hot_info info = { .argsz = sizeof(info) };

	(void)race;
	race_ioctl(side, s.dev[0].fd, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, &info, "info",
		   MAY(-EAGAIN));
	check_eq(info.flags, HOT_BY_ID | HOT_ALL_OWNED);
	return true;
}

static bool access_round(struct race *race, struct race_side *side)
{
	static void *map;
	size_t size;

	(void)race;
	if (map && race_random(side) % 8 == 0) {
		munmap(map, MIB);
		map = NULL;
	}
	if (!map)
		map = device_map_bar(&s.dev[0], 0, &size);
	race_begin(side);
	check(map && (*(volatile uint32_t *)map & 0xffff) == 0xed);
	race_end(side, true);
	return true;
}

static bool sibling_round(struct race *race, struct race_side *side)
{
	uint32_t *bar;
	int ret;

	(void)race;
	race_begin(side);
	ret = device_open(&s.dev[1], s.bdf[1]);
	if (!ret)
		ret = device_bind(&s.dev[1], s.rig.fd);
	check_ret(ret, 0);
	device_bus_master(&s.dev[1]);
	bar = device_map_bar(&s.dev[1], 0, NULL);
	check(bar && (*(volatile uint32_t *)bar & 0xffff) == 0xed);
	munmap(bar, MIB);
	device_close(&s.dev[1]);
	race_end(side, !ret);
	return true;
}

static void race(void)
{
	struct race race = {
		.side = {
			{ "reset", reset_round },
			{ "info", info_round },
			{ "access", access_round },
			{ "sibling", sibling_round },
		},
	};

	hot_pair_bind(&s);
	require_ok(device_bus_master(&s.dev[0]));
	race_run(&race);
	check_ret(hot_reset(s.dev[0].fd), 0);
	hot_check_info(&s.dev[0], HOT_BY_ID | HOT_ALL_OWNED, s.bdf[1], HOT_OWNED);
}

/* The first device is closed while others reset it. */
static void *reset_until_closed(void *arg)
{
	int fd = *(int *)arg, ret;

	do {
		ret = hot_reset(fd);
		check(!ret || ret == -EBUSY || ret == -EAGAIN || ret == -EBADF ||
		      ret == -EINVAL || ret == -ENOTTY);
	} while (ret != -EBADF);
	return NULL;
}

static void closed_meanwhile(void)
{
	char first[16], second[16];

	device_find_pair("edu", first, second);
	/* on debug kernels each takes seconds */
	for (int i = 0; i < (tap_time_factor() > 1 ? 3 : 10); i++) {
		pthread_t thread;

		hot_pair_bind(&s);
		require(!pthread_create(&thread, NULL, reset_until_closed, &s.dev[0].fd));
		usleep(1000 * i);
		close(s.rig.fd);
		close(s.dev[0].fd);
		require(!pthread_join(thread, NULL));
	}
	check(legacy_is_free(first));
}

static const struct test tests[] = {
	{ "used_after", used_after },
	{ "quiesced", quiesced },
	{ "mapped", mapped },
	{ "mapped_elsewhere", mapped_elsewhere },
	{ "disk", disk },
	{ "asleep", asleep },
	{ "low_power", low_power },
	{ "race", race },
	{ "closed_meanwhile", closed_meanwhile },
};

TAP_MAIN("hot_reset_use", tests)
