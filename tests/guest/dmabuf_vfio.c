// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device's BAR as memory for another device: VFIO exports it as a DMA-buf (since
 * Linux 7.2, without an IOMMU in between), and revokes it with the device's own
 * access to memory.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/vfio.h>

#include "meters.h"
#include "rig.h"
#include "tap.h"

#define BAR_SIZE	(1 * MIB)
#define AT		(EDU_IOVA + 2 * MIB)
#define EDU_ID		0x010000edu

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
	int buf = export(1, BAR_SIZE);

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
	static const uint32_t id = EDU_ID;

	return rig_reads(&s.rig, iova, &id, sizeof(id));
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

static const struct test tests[] = {
	{ "reached", reached },
	{ "revoked", revoked },
	{ "ranges", ranges },
	{ "gone", gone },
};

TAP_MAIN("dmabuf_vfio", tests)
