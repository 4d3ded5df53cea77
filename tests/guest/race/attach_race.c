// SPDX-License-Identifier: GPL-2.0-only
/*
 * Races of attach, replace and detach, on the mock: devices of one group and of
 * several, and their PASIDs, move between page tables while mappings, the page tables
 * and the devices themselves come and go.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "events.h"
#include "mem.h"
#include "mock.h"
#include "race_world.h"
#include "tap.h"

#define TABLES	6
#define PASIDS	4	/* from 1 on; 0 is what comes without */

/* The second and third device are in one group. */
struct moving {
	struct race_world w;	/* first: its rounds are used too */
	struct mock dev[3];
	uint32_t table[TABLES];
};

static uint32_t get_table(struct moving *m, int i)
{
	return __atomic_load_n(&m->table[i], __ATOMIC_SEQ_CST);
}

/* All but two fit PASIDs, so that those and the automatic ones are refused at times. */
static int new_table(struct moving *m, int i, uint32_t *id)
{
	return hwpt_alloc(m->w.fd, m->dev[0].dev, m->w.ioas[i % 2],
			  i < TABLES - 2 ? IOMMU_HWPT_ALLOC_PASID : 0, id);
}

static void up(struct moving *m)
{
	const uint32_t flags = MOCK_FLAGS_DEVICE_PASID;

	close(mock_open());
	memset(m, 0, sizeof(*m));
	race_world_up(&m->w, false);
	require_ok(mock_device(m->w.fd, m->w.ioas[0], flags, &m->dev[0]));
	for (int i = 0; i < TABLES; i++)
		require_ok(new_table(m, i, &m->table[i]));
	require_ok(mock_device(m->w.fd, m->table[1], flags, &m->dev[1]));
	require_ok(mock_device_beside(m->w.fd, m->table[1], flags, &m->dev[1],
				      &m->dev[2]));
}

/* Nothing is left that holds anything. */
static void down(struct moving *m)
{
	for (int i = 0; i < 3; i++)
		check_ret(mock_unplug(m->w.fd, &m->dev[i]), 0);
	for (int i = 0; i < TABLES; i++)
		check_ret(iommu_destroy(m->w.fd, m->table[i]), 0);
	race_world_down(&m->w, false);
}

/* A page table, or now and then an address space. */
static uint32_t where_to(struct moving *m, struct race_side *side)
{
	if (race_random(side) % 8 == 0)
		return m->w.ioas[race_random(side) % 2];
	return get_table(m, race_random(side) % TABLES);
}

static void move_plain(struct moving *m, struct race_side *side, const struct mock *dev)
{
	struct iommu_test_cmd c = {
		.size = sizeof(c), .op = IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE,
		.id = dev->stdev, .mock_domain_replace.pt_id = where_to(m, side),
	};

	/* -EINVAL: it doesn't fit beside PASIDs */
	race_ioctl(side, m->w.fd, IOMMU_TEST_CMD, &c, "replace", MAY(-EINVAL, -ENOENT));
}

static void move_pasid(struct moving *m, struct race_side *side, const struct mock *dev)
{
	uint32_t pasid = 1 + race_random(side) % PASIDS;
	struct iommu_test_cmd c = {
		.size = sizeof(c), .id = dev->stdev,
		.pasid_attach = { pasid, where_to(m, side) },
	};

	switch (race_random(side) % 3) {
	case 0:
		c.op = IOMMU_TEST_OP_PASID_ATTACH;
		race_ioctl(side, m->w.fd, IOMMU_TEST_CMD, &c, "attach a PASID",
			   MAY(-EINVAL, -ENOENT, -EBUSY, -EOPNOTSUPP));
		break;
	case 1:
		c.op = IOMMU_TEST_OP_PASID_REPLACE;
		race_ioctl(side, m->w.fd, IOMMU_TEST_CMD, &c, "replace a PASID",
			   MAY(-EINVAL, -ENOENT));
		break;
	default:
		c.op = IOMMU_TEST_OP_PASID_DETACH;
		race_ioctl(side, m->w.fd, IOMMU_TEST_CMD, &c, "detach a PASID", MAY(0));
	}
}

static void move(struct moving *m, struct race_side *side, const struct mock *dev)
{
	if (race_random(side) % 2)
		move_plain(m, side, dev);
	else
		move_pasid(m, side, dev);
}

/* The two sides have a device each in the group. */
static bool move_one(struct race *race, struct race_side *side)
{
	struct moving *m = race->data;

	move(m, side, &m->dev[race_random(side) % 2]);
	return true;
}

static bool move_other(struct race *race, struct race_side *side)
{
	struct moving *m = race->data;

	move(m, side, &m->dev[2]);
	return true;
}

static void run(struct race *race)
{
	struct moving m;

	up(&m);
	race->data = &m;
	race_run(race);
	down(&m);
}

static void attach_map(void)
{
	struct race race = { {
		{ "move one", move_one }, { "move other", move_other },
		{ "map", map_slot }, { "unmap", unmap_slot },
	} };

	run(&race);
}

static void attach_copy(void)
{
	struct race race = { {
		{ "move one", move_one }, { "map", map_slot },
		{ "unmap all", unmap_everything }, { "copy", copy_slot },
	} };

	run(&race);
}

/* One call of destroying a page table and making another. */
static bool remake(struct race *race, struct race_side *side)
{
	struct moving *m = race->data;
	int i = race_random(side) % TABLES;
	uint32_t id;
	int ret;

	race_begin(side);
	ret = iommu_destroy(m->w.fd, m->table[i]);
	if (!ret) {
		require_ok(new_table(m, i, &id));
		__atomic_store_n(&m->table[i], id, __ATOMIC_SEQ_CST);
	}
	race_end(side, !ret);
	return check_msg(!ret || ret == -EBUSY, "destroy: %d", ret);
}

static void attach_destroy(void)
{
	struct race race = { {
		{ "move one", move_one }, { "move other", move_other },
		{ "remake", remake }, { "map", map_slot },
	} };

	run(&race);
}

/* A device comes, uses its PASIDs, and goes with them; another has the same tables. */
static bool replug(struct race *race, struct race_side *side)
{
	struct moving *m = race->data;
	struct mock dev;
	int ret;

	race_begin(side);
	ret = mock_device(m->w.fd, get_table(m, race_random(side) % 4),
			  MOCK_FLAGS_DEVICE_PASID, &dev);
	if (!ret) {
		for (uint32_t pasid = 1; pasid < 4; pasid++)
			mock_pasid_attach(m->w.fd, &dev, pasid,
					  get_table(m, race_random(side) % 4));
		ret = mock_unplug(m->w.fd, &dev);
	}
	race_end(side, !ret);
	return check_ret(ret, 0);
}

static void attach_unplug(void)
{
	struct race race = { {
		{ "replug", replug }, { "move one", move_one },
		{ "map", map_slot }, { "unmap", unmap_slot },
	} };

	run(&race);
}

/* It joins the first one's group, if that is where it wants to be at the moment. */
static bool replug_beside(struct race *race, struct race_side *side)
{
	struct moving *m = race->data;
	struct mock dev;
	int ret;

	race_begin(side);
	ret = mock_device_beside(m->w.fd, m->table[race_random(side) % 2], 0,
				 &m->dev[0], &dev);
	if (!ret)
		require_ok(mock_unplug(m->w.fd, &dev));
	race_end(side, !ret);
	return check_msg(!ret || ret == -EINVAL, "plug beside: %d", ret);
}

static bool move_first(struct race *race, struct race_side *side)
{
	struct moving *m = race->data;
	struct iommu_test_cmd c = {
		.size = sizeof(c), .op = IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE,
		.id = m->dev[0].stdev,
		.mock_domain_replace.pt_id = m->table[race_random(side) % 2],
	};

	race_ioctl(side, m->w.fd, IOMMU_TEST_CMD, &c, "replace", MAY(0));
	return true;
}

static void group_unplug(void)
{
	struct race race = { {
		{ "replug", replug_beside }, { "move", move_first },
		{ "map", map_slot }, { "unmap", unmap_slot },
	} };

	run(&race);
}

static const struct test tests[] = {
	{ "attach_map", attach_map, 120 },
	{ "attach_copy", attach_copy, 120 },
	{ "attach_destroy", attach_destroy, 120 },
	{ "attach_unplug", attach_unplug, 120 },
	{ "group_unplug", group_unplug, 120 },
};

TAP_MAIN("attach_race", tests)
