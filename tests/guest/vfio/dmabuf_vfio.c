// SPDX-License-Identifier: GPL-2.0-only
/*
 * DMA-bufs of a real device's registers: where they are reached, and what is left when
 * they are revoked.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <linux/pci_regs.h>

#include "dmabuf_export.h"
#include "hot.h"
#include "meters.h"
#include "rig.h"
#include "tap.h"

#define EDU_LIVENESS	4	/* a register that gives back the complement */

static void pair_up(void)
{
	rig_up(&exports.rig);
	device_get(&exports.lender, "edu", 1, exports.rig.fd);
	edu_init(&exports.lent, &exports.lender);
	exports.size = BAR_SIZE;
	exports.value = EDU_ID;
}

static void reached(void)
{
	long long pins;
	int buf;

	pair_up();
	buf = dmabuf_export_whole();
	pins = meters_pins();
	check_ret(dmabuf_map_at(buf, 0, BAR_SIZE + PAGE, AT), -EINVAL);
	require_ok(dmabuf_map_at(buf, 0, BAR_SIZE, AT));
	require_ok(dmabuf_map_at(buf, 0, PAGE, AT + 2 * MIB));
	check_eq(meters_pins(), pins);
	check(dmabuf_scene_sees_exporter(AT));
	check(dmabuf_scene_sees_exporter(AT + 2 * MIB));
	close(buf);
	check(dmabuf_scene_sees_exporter(AT));
	require_ok(ioas_unmap(exports.rig.fd, exports.rig.ioas, AT, BAR_SIZE, NULL));
	check(!dmabuf_scene_sees_exporter(AT));
	check(dmabuf_scene_sees_exporter(AT + 2 * MIB));
}

static void revoked(void)
{
	int buf;

	pair_up();
	buf = dmabuf_export_whole();
	require_ok(dmabuf_map_at(buf, 0, BAR_SIZE, AT));
	check(dmabuf_scene_sees_exporter(AT));
	dmabuf_scene_set_memory(false);
	check(!dmabuf_scene_sees_exporter(AT));
	check_ret(dmabuf_map_at(buf, 0, PAGE, AT + 2 * MIB), -ENODEV);
	dmabuf_scene_set_memory(true);
	check(!dmabuf_scene_sees_exporter(AT));
	check_ret(dmabuf_map_at(buf, 0, PAGE, AT + 2 * MIB), 0);
	check(dmabuf_scene_sees_exporter(AT + 2 * MIB));
	check_eq(ioas_unmap_all(exports.rig.fd, exports.rig.ioas),
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
	buf = dmabuf_export_whole();
	require_ok(dmabuf_map_at(buf, 0, BAR_SIZE, AT));
	require_ok(ioas_map_file(exports.rig.fd, exports.rig.ioas, MAP_R | MAP_FIX, buf, 0, PAGE,
				 &iova));
	liveness = (volatile uint32_t *)(exports.lent.regs + EDU_LIVENESS);
	*liveness = 0;
	for (int i = 0; i < 2; i++, value += 0x01010101) {
		memcpy(exports.rig.copy, &value, sizeof(value));
		require_ok(edu_load(&exports.rig.edu, RIG_SCRATCH, 0, sizeof(value)));
		require_ok(edu_store(&exports.rig.edu, AT + EDU_LIVENESS, 0, sizeof(value)));
		check_eq(*liveness, ~value);
	}
	/* not by the mapping that is for reading only */
	memcpy(exports.rig.copy, &value, sizeof(value));
	require_ok(edu_load(&exports.rig.edu, RIG_SCRATCH, 0, sizeof(value)));
	require_ok(edu_store(&exports.rig.edu, iova + EDU_LIVENESS, 0, sizeof(value)));
	check_eq(*liveness, ~(value - 0x01010101));
	check(dmabuf_scene_sees_exporter(iova));
}

/* Two ranges at once can't be mapped. */
static void ranges(void)
{
	int buf;

	pair_up();
	close(dmabuf_export_whole());
	buf = dmabuf_export(2, PAGE);
	require(buf >= 0);
	check_ret(dmabuf_map_at(buf, 0, PAGE, AT), -EOPNOTSUPP);
	check_ret(dmabuf_map_at(buf, 0, 2 * PAGE, AT), -EOPNOTSUPP);
}

/* The lender goes away while it is mapped. */
static void gone(void)
{
	int buf;

	pair_up();
	buf = dmabuf_export_whole();
	require_ok(dmabuf_map_at(buf, 0, BAR_SIZE, AT));
	check(dmabuf_scene_sees_exporter(AT));
	edu_fini(&exports.lent);
	device_close(&exports.lender);
	check(!dmabuf_scene_sees_exporter(AT));
	check_ret(dmabuf_map_at(buf, 0, PAGE, AT + 2 * MIB), -ENODEV);
	check_eq(ioas_unmap_all(exports.rig.fd, exports.rig.ioas), BAR_SIZE + RIG_SIZE + PAGE);
	device_get(&exports.lender, "edu", 1, exports.rig.fd);
	close(buf);
}

static const struct test tests[] = {
	{ "reached", reached },
	{ "revoked", revoked },
	{ "ranges", ranges },
	{ "gone", gone },
	{ "written", written },
};

TAP_MAIN("dmabuf_vfio", tests)
