// SPDX-License-Identifier: GPL-2.0-only
/*
 * DMA-bufs of a real device's registers when their exporter is reset or asleep.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>

#include "dmabuf_export.h"
#include "hot.h"
#include "race.h"
#include "rig.h"
#include "tap.h"

#define NVME_VERSION	8

/* A disk lends, which can be reset alone. */
static void pair_up_disk(void)
{
	volatile uint8_t *bar;
	size_t size;

	rig_up(&exports.rig);
	device_get(&exports.lender, "nvme", 0, exports.rig.fd);
	require_ok(device_bus_master(&exports.lender));
	bar = device_map_bar(&exports.lender, 0, &size);
	require(bar != NULL);
	exports.size = size;
	exports.at = NVME_VERSION;
	exports.value = *(volatile uint32_t *)(bar + exports.at);
	require(exports.value != 0 && exports.value != ~0u);
}

/* One of two lends that are reset together, and not with the one that reads. */
static void pair_up_set(struct device *sibling)
{
	struct hot_info info;
	char first[16], second[16];

	device_find_pair("edu", first, second);
	rig_up(&exports.rig);
	require_ok(device_open(&exports.lender, first));
	require_ok(device_bind(&exports.lender, exports.rig.fd));
	if (hot_info(exports.lender.fd, &info) == -ENODEV)
		tap_skip("needs two edus on a bus that can be reset");
	require_ok(device_open(sibling, second));
	require_ok(device_bind(sibling, exports.rig.fd));
	require_ok(device_bus_master(&exports.lender));
	require_ok(device_bus_master(sibling));
	exports.size = BAR_SIZE;
	exports.value = EDU_ID;
}

/* After a reset it can be lent again; what was mapped stays revoked. */
static void check_lent_anew(int buf)
{
	check(!dmabuf_scene_sees_exporter(AT));
	check_ret(dmabuf_map_at(buf, 0, PAGE, AT + 2 * MIB), 0);
	check(dmabuf_scene_sees_exporter(AT + 2 * MIB));
	check_ret(ioas_unmap(exports.rig.fd, exports.rig.ioas, AT, exports.size, NULL), 0);
	check_ret(dmabuf_map_at(buf, 0, exports.size, AT), 0);
	check(dmabuf_scene_sees_exporter(AT));
}

static void reset_alone(void)
{
	int buf;

	pair_up_disk();
	buf = dmabuf_export_whole();
	require_ok(dmabuf_map_at(buf, 0, exports.size, AT));
	check(dmabuf_scene_sees_exporter(AT));
	check_ret(device_reset(&exports.lender), 0);
	check_lent_anew(buf);
	/* while memory access is off nothing comes back */
	dmabuf_scene_set_memory(false);
	check_ret(device_reset(&exports.lender), 0);
	check(!dmabuf_scene_sees_exporter(AT));
	check_ret(dmabuf_map_at(buf, 0, PAGE, AT + 4 * MIB), -ENODEV);
	dmabuf_scene_set_memory(true);
	check_ret(dmabuf_map_at(buf, 0, PAGE, AT + 4 * MIB), 0);
}

/* With others, as a virtual machine monitor does it: with memory access off. */
static void reset_together(void)
{
	struct device sibling;
	int buf;

	pair_up_set(&sibling);
	buf = dmabuf_export_whole();
	for (int i = 0; i < 2; i++) {
		require_ok(dmabuf_map_at(buf, 0, exports.size, AT));
		check(dmabuf_scene_sees_exporter(AT));
		dmabuf_scene_set_memory(false);
		check(!dmabuf_scene_sees_exporter(AT));
		check_ret(hot_reset(i ? exports.lender.fd : sibling.fd), 0);
		check(!dmabuf_scene_sees_exporter(AT));
		check_ret(dmabuf_map_at(buf, 0, PAGE, AT + 2 * MIB), -ENODEV);
		dmabuf_scene_set_memory(true);
		check_lent_anew(buf);
		require(ioas_unmap(exports.rig.fd, exports.rig.ioas, AT, exports.size, NULL) == 0);
		require(ioas_unmap(exports.rig.fd, exports.rig.ioas, AT + 2 * MIB, PAGE, NULL) == 0);
	}
}

static bool reset_revokes(void)
{
	return tap_oracle() || !access("/sys/kernel/btf/vfio_pci_core", F_OK);
}

static void require_reset_revokes(void)
{
	if (!reset_revokes())
		tap_skip("the kernel has no type information (BTF) of vfio_pci_core");
}

/* With memory access on: what is lent is revoked, also if nobody has mapped it. */
static void reset_lending(void)
{
	volatile uint32_t *bar;
	struct device sibling;
	int buf;

	pair_up_set(&sibling);
	buf = dmabuf_export_whole();
	require_reset_revokes();
	bar = device_map_bar(&exports.lender, 0, NULL);
	require(bar && *bar == EDU_ID);
	for (int i = 0; i < 3; i++) {
		require_ok(dmabuf_map_at(buf, 0, exports.size, AT));
		check(dmabuf_scene_sees_exporter(AT));
		check_ret(hot_reset(i & 1 ? exports.lender.fd : sibling.fd), 0);
		check_eq(*bar, EDU_ID);
		check_lent_anew(buf);
		require_ok(ioas_unmap(exports.rig.fd, exports.rig.ioas, AT, exports.size, NULL));
		require_ok(ioas_unmap(exports.rig.fd, exports.rig.ioas, AT + 2 * MIB, PAGE, NULL));
		check_ret(hot_reset(sibling.fd), 0);
	}
	close(buf);
	check_ret(hot_reset(sibling.fd), 0);
	require_ok(dmabuf_map_at(dmabuf_export_whole(), 0, exports.size, AT));
	check(dmabuf_scene_sees_exporter(AT));
}

static void swap_lender(struct device *sibling)
{
	struct device lender = exports.lender;

	exports.lender = *sibling;
	*sibling = lender;
}

/* Both lend; what was revoked before, as memory access was off, stays so. */
static void reset_both(void)
{
	struct device sibling;
	int buf, other;

	pair_up_set(&sibling);
	buf = dmabuf_export_whole();
	require_reset_revokes();
	require_ok(dmabuf_map_at(buf, 0, exports.size, AT));
	dmabuf_scene_set_memory(false);
	swap_lender(&sibling);
	other = dmabuf_export_whole();
	require_ok(dmabuf_map_at(other, 0, exports.size, AT + 4 * MIB));
	check(dmabuf_scene_sees_exporter(AT + 4 * MIB));
	check_ret(hot_reset(sibling.fd), 0);
	check(!dmabuf_scene_sees_exporter(AT));
	check(!dmabuf_scene_sees_exporter(AT + 4 * MIB));
	check_ret(dmabuf_map_at(buf, 0, PAGE, AT + 2 * MIB), -ENODEV);
	check_ret(dmabuf_map_at(other, 0, PAGE, AT + 6 * MIB), 0);
	check(dmabuf_scene_sees_exporter(AT + 6 * MIB));
	swap_lender(&sibling);
	dmabuf_scene_set_memory(true);
	check_lent_anew(buf);
	check(!dmabuf_scene_sees_exporter(AT + 4 * MIB));
}

/* In VFIO's own low power state, which outlasts the reset, nothing is lent. */
static void reset_low_power(void)
{
	struct device sibling;
	int buf;

	pair_up_set(&sibling);
	buf = dmabuf_export_whole();
	require_reset_revokes();
	require_ok(dmabuf_map_at(buf, 0, exports.size, AT));
	require_ok(device_low_power(&exports.lender, true));
	check(!dmabuf_scene_sees_exporter(AT));
	check_ret(hot_reset(sibling.fd), 0);
	check(!dmabuf_scene_sees_exporter(AT));
	/* Linux lends it again, although the CPU can't access it yet. */
	check_ret(dmabuf_map_at(buf, 0, PAGE, AT + 4 * MIB), tap_oracle() ? 0 : -ENODEV);
	require_ok(device_low_power(&exports.lender, false));
	check_lent_anew(buf);
}

/* The driver's function isn't called unseen: the reset is refused while a file is open. */
static void reset_refused(void)
{
	struct device sibling;
	int buf;

	pair_up_set(&sibling);
	buf = dmabuf_export_whole();
	if (reset_revokes())
		tap_skip("the kernel has type information (BTF) of vfio_pci_core");
	require_ok(dmabuf_map_at(buf, 0, exports.size, AT));
	check_ret(hot_reset(sibling.fd), -EBUSY);
	check_ret(hot_reset(exports.lender.fd), -EBUSY);
	check(dmabuf_scene_sees_exporter(AT));
	check_ret(ioas_unmap(exports.rig.fd, exports.rig.ioas, AT, exports.size, NULL), 0);
	/* the file counts, not the mapping */
	check_ret(hot_reset(sibling.fd), -EBUSY);
	close(buf);
	check_ret(hot_reset(sibling.fd), 0);
	buf = dmabuf_export_whole();
	require_ok(dmabuf_map_at(buf, 0, exports.size, AT));
	check(dmabuf_scene_sees_exporter(AT));
}

static void set_power(uint16_t state)
{
	uint8_t at = device_capability(&exports.lender, PCI_CAP_ID_PM);

	if (!at)
		tap_skip("the nvme can't sleep");
	require_ok(device_config_write(&exports.lender, at + PCI_PM_CTRL, &state, 2));
}

/* A device that is put to sleep lends nothing. */
static void asleep(void)
{
	int buf;

	pair_up_disk();
	buf = dmabuf_export_whole();
	require_ok(dmabuf_map_at(buf, 0, exports.size, AT));
	set_power(3);
	check(!dmabuf_scene_sees_exporter(AT));
	check_ret(dmabuf_map_at(buf, 0, PAGE, AT + 2 * MIB), -ENODEV);
	set_power(0);
	check_lent_anew(buf);
}

/* The disk that is reset together with nothing is woken by that, and lends again. */
static void asleep_reset(void)
{
	int buf;

	rig_up(&exports.rig);
	hot_nvme(&exports.lender, exports.rig.fd);
	require_ok(device_bus_master(&exports.lender));
	exports.size = PAGE;
	exports.at = NVME_VERSION;
	exports.value = *(volatile uint32_t *)((uint8_t *)device_map_bar(&exports.lender, 0, NULL) +
					       exports.at);
	buf = dmabuf_export_whole();
	require_ok(dmabuf_map_at(buf, 0, exports.size, AT));
	set_power(3);
	check(!dmabuf_scene_sees_exporter(AT));
	check_ret(hot_reset(exports.lender.fd), 0);
	check_lent_anew(buf);
}

#define MANY	50

/* The device is closed before the buffers: as the last file, whatever is closed first. */
static void lend_and_exit(void *arg)
{
	const int *ready = arg;
	char bdf[16];

	strcpy(bdf, exports.lender.bdf);
	require_ok(device_open(&exports.lender, bdf));
	require_ok(device_bind(&exports.lender, exports.rig.fd));
	require_ok(device_bus_master(&exports.lender));
	for (int i = 0; i < MANY; i++)
		require(dmabuf_export(1, PAGE) >= 0);
	require(dup2(exports.lender.fd, 512) == 512);
	require(!close(exports.lender.fd));
	require(write(*ready, "1", 1) == 1);
}

/* A reset meets a closed device, some of whose buffers are still being released. */
static void exits(void)
{
	struct device sibling;
	int ready[2], pid, ret;
	char c;

	pair_up_set(&sibling);
	close(dmabuf_export_whole());
	device_close(&exports.lender);
	require(!pipe(ready));
	for (int i = 0; i < 5; i++) {
		pid = tap_spawn(lend_and_exit, &ready[1]);
		require(read(ready[0], &c, 1) == 1);
		for (int k = 0; k < 3; k++) {
			ret = hot_reset(sibling.fd);
			check(!ret || ret == -EBUSY || ret == -EAGAIN);
		}
		tap_join(pid);
	}
	check_ret(hot_reset(sibling.fd), 0);
}

static bool memory_round(struct race *race, struct race_side *side)
{
	(void)race;
	race_begin(side);
	dmabuf_scene_set_memory(false);
	dmabuf_scene_set_memory(true);
	race_end(side, true);
	return true;
}

static bool export_round(struct race *race, struct race_side *side)
{
	uint64_t iova = AT;
	int buf, ret;

	(void)race;
	race_begin(side);
	buf = dmabuf_export(1, exports.size);
	check(buf >= 0);
	ret = ioas_map_file(exports.rig.fd, exports.rig.ioas, MAP_RW | MAP_FIX, buf, 0,
			    exports.size, &iova);
	check(!ret || ret == -ENODEV);
	close(buf);
	if (!ret)
		check_ret(ioas_unmap(exports.rig.fd, exports.rig.ioas, AT, exports.size, NULL), 0);
	race_end(side, !ret);
	return true;
}

static bool reset_round(struct race *race, struct race_side *side)
{
	struct device *sibling = race->data;
	struct hot_reset reset = { .argsz = 12 };

	race_ioctl(side, sibling->fd, VFIO_DEVICE_PCI_HOT_RESET, &reset, "reset",
		   MAY(-EBUSY, -EAGAIN));
	return true;
}

static bool attach_round(struct race *race, struct race_side *side)
{
	struct device *sibling = race->data;

	race_begin(side);
	check_ret(device_attach(sibling, exports.rig.ioas), 0);
	check_ret(device_detach(sibling), 0);
	race_end(side, true);
	return true;
}

/* Lent, mapped, revoked and reset all at once. */
static void raced(void)
{
	struct device sibling;
	struct race race = {
		.side = {
			{ "memory", memory_round },
			{ "export", export_round },
			{ "reset", reset_round },
			{ "attach", attach_round },
		},
		.data = &sibling,
	};

	pair_up_set(&sibling);
	close(dmabuf_export_whole());
	race_run(&race);
	check_ret(dmabuf_map_at(dmabuf_export_whole(), 0, exports.size, AT), 0);
	check(dmabuf_scene_sees_exporter(AT));
}

static const struct test tests[] = {
	{ "reset_alone", reset_alone },
	{ "reset_together", reset_together },
	{ "reset_lending", reset_lending },
	{ "reset_both", reset_both },
	{ "reset_low_power", reset_low_power },
	{ "reset_refused", reset_refused },
	{ "asleep", asleep },
	{ "asleep_reset", asleep_reset },
	{ "exits", exits },
	{ "raced", raced },
};

TAP_MAIN("dmabuf_vfio_reset", tests)
