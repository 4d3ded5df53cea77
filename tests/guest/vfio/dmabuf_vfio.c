// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device's BAR as memory for another device: VFIO exports it as a DMA-buf (since
 * Linux 7.2, without an IOMMU in between), and revokes it with the device's own
 * access to memory, and for as long as the device is reset.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/pci_regs.h>
#include <linux/vfio.h>

#include "hot.h"
#include "meters.h"
#include "race.h"
#include "rig.h"
#include "tap.h"

#define BAR_SIZE	(1 * MIB)
#define AT		(EDU_IOVA + 2 * MIB)
#define EDU_ID		0x010000edu
#define EDU_LIVENESS	4	/* a register that gives back the complement */
#define NVME_VERSION	8

/* Under names of our own, as older headers lack these. */
#define FEATURE_DMA_BUF	11

struct export_range {
	__u64 offset;
	__u64 length;
};

struct export_feature {
	__u32 argsz;
	__u32 flags;
	__u32 region_index;
	__u32 open_flags;
	__u32 buf_flags;
	__u32 nr_ranges;
	struct export_range range[2];
};

static struct pair {
	struct rig rig;			/* reads */
	struct device lender;		/* is read */
	struct edu lent;
	uint64_t size;			/* of the lender's BAR */
	uint32_t at, value;		/* a register of it that doesn't change */
} s;

/* A descriptor of the BAR's first @length bytes, or -errno. */
static int export(uint32_t nr, uint64_t length)
{
	struct export_feature f = {
		.argsz = sizeof(f),
		.flags = VFIO_DEVICE_FEATURE_GET | FEATURE_DMA_BUF,
		.open_flags = O_CLOEXEC | O_RDWR,
		.nr_ranges = nr,
		.range = { { 0, length }, { BAR_SIZE / 2, length } },
	};

	return iommu_ioctl(s.lender.fd, VFIO_DEVICE_FEATURE, &f);
}

static int export_whole(void)
{
	int buf = export(1, s.size);

	/* Older VFIO says so, and there is no more to it. */
	if (kernel_before(7, 2)) {
		check_ret(buf, -ENOTTY);
		tap_end();
	}
	require(buf >= 0);
	return buf;
}

static void pair_up(void)
{
	rig_up(&s.rig);
	device_get(&s.lender, "edu", 1, s.rig.fd);
	edu_init(&s.lent, &s.lender);
	s.size = BAR_SIZE;
	s.value = EDU_ID;
}

/* A disk lends, which can be reset alone. */
static void pair_up_disk(void)
{
	volatile uint8_t *bar;
	size_t size;

	rig_up(&s.rig);
	device_get(&s.lender, "nvme", 0, s.rig.fd);
	require_ok(device_bus_master(&s.lender));
	bar = device_map_bar(&s.lender, 0, &size);
	require(bar != NULL);
	s.size = size;
	s.at = NVME_VERSION;
	s.value = *(volatile uint32_t *)(bar + s.at);
	require(s.value != 0 && s.value != ~0u);
}

/* One of two lends that are reset together, and not with the one that reads. */
static void pair_up_set(struct device *sibling)
{
	struct hot_info info;
	char first[16], second[16];

	device_find_pair("edu", first, second);
	rig_up(&s.rig);
	require_ok(device_open(&s.lender, first));
	require_ok(device_bind(&s.lender, s.rig.fd));
	if (hot_info(s.lender.fd, &info) == -ENODEV)
		tap_skip("needs two edus on a bus that can be reset");
	require_ok(device_open(sibling, second));
	require_ok(device_bind(sibling, s.rig.fd));
	require_ok(device_bus_master(&s.lender));
	require_ok(device_bus_master(sibling));
	s.size = BAR_SIZE;
	s.value = EDU_ID;
}

static int map_at(int buf, uint64_t start, uint64_t length, uint64_t iova)
{
	return ioas_map_file(s.rig.fd, s.rig.ioas, MAP_RW | MAP_FIX, buf, start,
			     length, &iova);
}

/* Memory access of the lender, on or off. */
static void set_memory(bool on)
{
	uint16_t command;

	require_ok(device_config_read(&s.lender, 4, &command, 2));
	command = on ? command | 2 : command & ~2;
	require_ok(device_config_write(&s.lender, 4, &command, 2));
}

/* The register that tells what it is, as the other device sees it */
static bool sees_lender(uint64_t iova)
{
	return rig_reads(&s.rig, iova + s.at, &s.value, sizeof(s.value));
}

static void reached(void)
{
	long long pins;
	int buf;

	pair_up();
	buf = export_whole();
	pins = meters_pins();
	check_ret(map_at(buf, 0, BAR_SIZE + PAGE, AT), -EINVAL);
	require_ok(map_at(buf, 0, BAR_SIZE, AT));
	require_ok(map_at(buf, 0, PAGE, AT + 2 * MIB));
	check_eq(meters_pins(), pins);
	check(sees_lender(AT));
	check(sees_lender(AT + 2 * MIB));
	close(buf);
	check(sees_lender(AT));
	require_ok(ioas_unmap(s.rig.fd, s.rig.ioas, AT, BAR_SIZE, NULL));
	check(!sees_lender(AT));
	check(sees_lender(AT + 2 * MIB));
}

static void revoked(void)
{
	int buf;

	pair_up();
	buf = export_whole();
	require_ok(map_at(buf, 0, BAR_SIZE, AT));
	check(sees_lender(AT));
	set_memory(false);
	check(!sees_lender(AT));
	check_ret(map_at(buf, 0, PAGE, AT + 2 * MIB), -ENODEV);
	set_memory(true);
	check(!sees_lender(AT));
	check_ret(map_at(buf, 0, PAGE, AT + 2 * MIB), 0);
	check(sees_lender(AT + 2 * MIB));
	check_eq(ioas_unmap_all(s.rig.fd, s.rig.ioas),
		 BAR_SIZE + PAGE + RIG_SIZE + PAGE);
}

/* The device writes too, if it may: into the other one's registers. */
static void written(void)
{
	volatile uint32_t *liveness;
	uint64_t iova = AT + 2 * MIB;
	uint32_t value = 0x12345678;
	int buf;

	pair_up();
	buf = export_whole();
	require_ok(map_at(buf, 0, BAR_SIZE, AT));
	require_ok(ioas_map_file(s.rig.fd, s.rig.ioas, MAP_R | MAP_FIX, buf, 0, PAGE,
				 &iova));
	liveness = (volatile uint32_t *)(s.lent.regs + EDU_LIVENESS);
	*liveness = 0;
	for (int i = 0; i < 2; i++, value += 0x01010101) {
		memcpy(s.rig.copy, &value, sizeof(value));
		require_ok(edu_load(&s.rig.edu, RIG_SCRATCH, 0, sizeof(value)));
		require_ok(edu_store(&s.rig.edu, AT + EDU_LIVENESS, 0, sizeof(value)));
		check_eq(*liveness, ~value);
	}
	/* not by the mapping that is for reading only */
	memcpy(s.rig.copy, &value, sizeof(value));
	require_ok(edu_load(&s.rig.edu, RIG_SCRATCH, 0, sizeof(value)));
	require_ok(edu_store(&s.rig.edu, iova + EDU_LIVENESS, 0, sizeof(value)));
	check_eq(*liveness, ~(value - 0x01010101));
	check(sees_lender(iova));
}

/* After a reset it can be lent again; what was mapped stays revoked. */
static void check_lent_anew(int buf)
{
	check(!sees_lender(AT));
	check_ret(map_at(buf, 0, PAGE, AT + 2 * MIB), 0);
	check(sees_lender(AT + 2 * MIB));
	check_ret(ioas_unmap(s.rig.fd, s.rig.ioas, AT, s.size, NULL), 0);
	check_ret(map_at(buf, 0, s.size, AT), 0);
	check(sees_lender(AT));
}

static void reset_alone(void)
{
	int buf;

	pair_up_disk();
	buf = export_whole();
	require_ok(map_at(buf, 0, s.size, AT));
	check(sees_lender(AT));
	check_ret(device_reset(&s.lender), 0);
	check_lent_anew(buf);
	/* while memory access is off nothing comes back */
	set_memory(false);
	check_ret(device_reset(&s.lender), 0);
	check(!sees_lender(AT));
	check_ret(map_at(buf, 0, PAGE, AT + 4 * MIB), -ENODEV);
	set_memory(true);
	check_ret(map_at(buf, 0, PAGE, AT + 4 * MIB), 0);
}

/* With others, as a virtual machine monitor does it: with memory access off. */
static void reset_together(void)
{
	struct device sibling;
	int buf;

	pair_up_set(&sibling);
	buf = export_whole();
	for (int i = 0; i < 2; i++) {
		require_ok(map_at(buf, 0, s.size, AT));
		check(sees_lender(AT));
		set_memory(false);
		check(!sees_lender(AT));
		check_ret(hot_reset(i ? s.lender.fd : sibling.fd), 0);
		check(!sees_lender(AT));
		check_ret(map_at(buf, 0, PAGE, AT + 2 * MIB), -ENODEV);
		set_memory(true);
		check_lent_anew(buf);
		require(ioas_unmap(s.rig.fd, s.rig.ioas, AT, s.size, NULL) == 0);
		require(ioas_unmap(s.rig.fd, s.rig.ioas, AT + 2 * MIB, PAGE, NULL) == 0);
	}
}

/*
 * With memory access on.  Linux revokes what is lent; from outside of its driver
 * that can't be done, and the reset is refused as long as there is anything.
 */
static void reset_lending(void)
{
	struct device sibling;
	int buf;

	pair_up_set(&sibling);
	buf = export_whole();
	require_ok(map_at(buf, 0, s.size, AT));
	if (tap_oracle()) {
		check_ret(hot_reset(sibling.fd), 0);
		check_lent_anew(buf);
		return;
	}
	check_ret(hot_reset(sibling.fd), -EBUSY);
	check_ret(hot_reset(s.lender.fd), -EBUSY);
	check(sees_lender(AT));
	check_ret(ioas_unmap(s.rig.fd, s.rig.ioas, AT, s.size, NULL), 0);
	/* the file counts, not the mapping */
	check_ret(hot_reset(sibling.fd), -EBUSY);
	close(buf);
	check_ret(hot_reset(sibling.fd), 0);
	buf = export_whole();
	require_ok(map_at(buf, 0, s.size, AT));
	check(sees_lender(AT));
}

static void set_power(uint16_t state)
{
	uint8_t at = device_capability(&s.lender, PCI_CAP_ID_PM);

	if (!at)
		tap_skip("the nvme can't sleep");
	require_ok(device_config_write(&s.lender, at + PCI_PM_CTRL, &state, 2));
}

/* A device that is put to sleep lends nothing. */
static void asleep(void)
{
	int buf;

	pair_up_disk();
	buf = export_whole();
	require_ok(map_at(buf, 0, s.size, AT));
	set_power(3);
	check(!sees_lender(AT));
	check_ret(map_at(buf, 0, PAGE, AT + 2 * MIB), -ENODEV);
	set_power(0);
	check_lent_anew(buf);
}

/* The disk that is reset together with nothing is woken by that, and lends again. */
static void asleep_reset(void)
{
	int buf;

	rig_up(&s.rig);
	hot_nvme(&s.lender, s.rig.fd);
	require_ok(device_bus_master(&s.lender));
	s.size = PAGE;
	s.at = NVME_VERSION;
	s.value = *(volatile uint32_t *)((uint8_t *)device_map_bar(&s.lender, 0, NULL) +
					 s.at);
	buf = export_whole();
	require_ok(map_at(buf, 0, s.size, AT));
	set_power(3);
	check(!sees_lender(AT));
	check_ret(hot_reset(s.lender.fd), 0);
	check_lent_anew(buf);
}

/* Two ranges at once can't be mapped. */
static void ranges(void)
{
	int buf;

	pair_up();
	close(export_whole());
	buf = export(2, PAGE);
	require(buf >= 0);
	check_ret(map_at(buf, 0, PAGE, AT), -EOPNOTSUPP);
	check_ret(map_at(buf, 0, 2 * PAGE, AT), -EOPNOTSUPP);
}

/* The lender goes away while it is mapped. */
static void gone(void)
{
	int buf;

	pair_up();
	buf = export_whole();
	require_ok(map_at(buf, 0, BAR_SIZE, AT));
	check(sees_lender(AT));
	edu_fini(&s.lent);
	device_close(&s.lender);
	check(!sees_lender(AT));
	check_ret(map_at(buf, 0, PAGE, AT + 2 * MIB), -ENODEV);
	check_eq(ioas_unmap_all(s.rig.fd, s.rig.ioas), BAR_SIZE + RIG_SIZE + PAGE);
	device_get(&s.lender, "edu", 1, s.rig.fd);
	close(buf);
}

static bool memory_round(struct race *race, struct race_side *side)
{
	(void)race;
	race_begin(side);
	set_memory(false);
	set_memory(true);
	race_end(side, true);
	return true;
}

static bool export_round(struct race *race, struct race_side *side)
{
	uint64_t iova = AT;
	int buf, ret;

	(void)race;
	race_begin(side);
	buf = export(1, s.size);
	check(buf >= 0);
	ret = ioas_map_file(s.rig.fd, s.rig.ioas, MAP_RW | MAP_FIX, buf, 0, s.size, &iova);
	check(!ret || ret == -ENODEV);
	close(buf);
	if (!ret)
		check_ret(ioas_unmap(s.rig.fd, s.rig.ioas, AT, s.size, NULL), 0);
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
	check_ret(device_attach(sibling, s.rig.ioas), 0);
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
	close(export_whole());
	race_run(&race);
	check_ret(map_at(export_whole(), 0, s.size, AT), 0);
	check(sees_lender(AT));
}

static const struct test tests[] = {
	{ "reached", reached },
	{ "revoked", revoked },
	{ "ranges", ranges },
	{ "gone", gone },
	{ "written", written },
	{ "reset_alone", reset_alone },
	{ "reset_together", reset_together },
	{ "reset_lending", reset_lending },
	{ "asleep", asleep },
	{ "asleep_reset", asleep_reset },
	{ "raced", raced },
};

TAP_MAIN("dmabuf_vfio", tests)
