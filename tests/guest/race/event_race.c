// SPDX-License-Identifier: GPL-2.0-only
/*
 * Races of page faults and events with those who read them, and with the end of
 * everything that they pass through.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "events.h"
#include "mem.h"
#include "race.h"
#include "tap.h"

#define PASID	5

static struct {
	int fd;
	uint32_t ioas, plain, parent, viommu, vdevice;
	uint32_t hwpt[2];	/* that faults or events come through */
	struct events q[2];
	struct mock m;
	uint32_t flags;		/* of @m */
	unsigned long faults, answers, late;
} w;

/* With MOCK_FLAGS_DEVICE_ENDS_EARLY faults come at any time, as of VT-d's driver. */
static void base_up(uint32_t flags)
{
	int ret;

	if (flags && tap_oracle())
		tap_skip("no device of Linux's mock ends page faults so");
	memset(&w, 0, sizeof(w));
	w.flags = MOCK_FLAGS_DEVICE_PASID | flags;
	w.fd = mock_open();
	w.ioas = ioas_new(w.fd);
	ret = mock_device(w.fd, w.ioas, w.flags, &w.m);
	if (ret == -EOPNOTSUPP)
		tap_skip("no driver of this kernel ends page faults so");
	require_ok(ret);
}

static void queue_up(int i)
{
	int ret;

	require_ok(faults_alloc(w.fd, &w.q[i]));
	ret = hwpt_with_faults(w.fd, w.m.dev, w.ioas, IOMMU_HWPT_ALLOC_PASID,
			       w.q[i].id, &w.hwpt[i]);
	if (ret == -EOPNOTSUPP && kernel_before(6, 2))
		tap_skip("this kernel has no page faults");
	require_ok(ret);
}

static void faults_up(uint32_t flags)
{
	base_up(flags);
	require_ok(hwpt_alloc(w.fd, w.m.dev, w.ioas, IOMMU_HWPT_ALLOC_PASID, &w.plain));
	for (int i = 0; i < 2; i++)
		queue_up(i);
	require_ok(mock_replace(w.fd, &w.m, w.hwpt[0]));
}

static void faults_down(void)
{
	check_ret(mock_unplug(w.fd, &w.m), 0);
	for (int i = 0; i < 2; i++) {
		check_ret(iommu_destroy(w.fd, w.hwpt[i]), 0);
		close(w.q[i].fd);
		check_ret(iommu_destroy(w.fd, w.q[i].id), 0);
	}
	check_ret(iommu_destroy(w.fd, w.plain), 0);
	check_ret(iommu_destroy(w.fd, w.ioas), 0);
	close(w.fd);
	tap_diag("%lu faults were read, %lu answered, %lu had been refused", w.faults,
		 w.answers, w.late);
}

/* Now and then the others have a turn of their own. */
static void rest(struct race_side *side)
{
	if (race_random(side) % 8 == 0)
		usleep(1);
}

static bool ask(struct race *race, struct race_side *side)
{
	uint32_t pasid = race->data && race_random(side) % 2 ? PASID : 0;

	race_begin(side);
	race_end(side, !mock_fault(w.fd, &w.m, pasid, race_random(side) % 8, PAGE));
	return true;
}

/* Reads some, and answers all but a few of them. */
static bool serve(struct race *race, struct race_side *side)
{
	struct events q = w.q[race_random(side) % 2];
	struct iommu_hwpt_pgfault r[4];
	struct pollfd p = { .fd = q.fd, .events = POLLIN };
	int n;

	(void)race;
	poll(&p, 1, 1);
	race_begin(side);
	n = events_read(&q, r, sizeof(r[0]) * (1 + race_random(side) % 4));
	race_end(side, n > 0);
	if (n < 0)
		return check_ret(n, -EBADF);
	for (int i = 0; i < n / (int)sizeof(r[0]); i++) {
		w.faults++;
		rest(side);
		if (race_random(side) % 16 == 0)
			continue;
		race_begin(side);
		if (!faults_answer(&q, r[i].cookie, race_random(side) % 2))
			w.answers++;
		else
			w.late++;
		race_end(side, true);
	}
	return true;
}

static bool move(struct race *race, struct race_side *side)
{
	const uint32_t to[] = { w.hwpt[0], w.hwpt[1], w.plain };

	(void)race;
	rest(side);
	race_begin(side);
	race_end(side, check_ret(mock_replace(w.fd, &w.m, to[race_random(side) % 3]), 0));
	return true;
}

static bool move_pasid(struct race *race, struct race_side *side)
{
	(void)race;
	rest(side);
	race_begin(side);
	check_ret(mock_pasid_attach(w.fd, &w.m, PASID, w.hwpt[race_random(side) % 2]), 0);
	race_end(side, true);
	race_begin(side);
	race_end(side, check_ret(mock_pasid_detach(w.fd, &w.m, PASID), 0));
	return true;
}

static void replace_with(uint32_t flags)
{
	struct race race = {
		.side = { { "fault", ask }, { "serve", serve }, { "serve too", serve },
			  { "move", move } },
	};

	faults_up(flags);
	race_run(&race);
	faults_down();
}

static void replace(void)
{
	replace_with(0);
}

static void replace_early(void)
{
	replace_with(MOCK_FLAGS_DEVICE_ENDS_EARLY);
}

static void pasids_with(uint32_t flags)
{
	struct race race = {
		.side = { { "fault", ask }, { "serve", serve },
			  { "PASID", move_pasid }, { "move", move } },
		.data = &w,
	};

	faults_up(flags);
	race_run(&race);
	faults_down();
}

static void pasids(void)
{
	pasids_with(0);
}

static void pasids_early(void)
{
	pasids_with(MOCK_FLAGS_DEVICE_ENDS_EARLY);
}

/* Closes a queue that is in use, destroys it, and makes a new one. */
static bool renew(struct race *race, struct race_side *side)
{
	(void)race;
	rest(side);
	race_begin(side);
	close(w.q[0].fd);
	check_ret(mock_replace(w.fd, &w.m, w.plain), 0);
	check_ret(iommu_destroy(w.fd, w.hwpt[0]), 0);
	/* a reader may keep the file a little longer */
	for (int i = 0; i < 10000 && iommu_destroy(w.fd, w.q[0].id) == -EBUSY; i++)
		usleep(100);
	check_ret(iommu_destroy(w.fd, w.q[0].id), -ENOENT);
	queue_up(0);
	check_ret(mock_replace(w.fd, &w.m, w.hwpt[0]), 0);
	race_end(side, true);
	return !tap_failures();
}

static void close_queue(void)
{
	struct race race = {
		.side = { { "fault", ask }, { "serve", serve }, { "serve too", serve },
			  { "renew", renew } },
	};

	faults_up(0);
	race_run(&race);
	faults_down();
}

/* The file is closed while the device stays and goes on asking. */
static bool close_only(struct race *race, struct race_side *side)
{
	(void)race;
	rest(side);
	race_begin(side);
	close(w.q[0].fd);
	race_end(side, true);
	check_ret(mock_replace(w.fd, &w.m, w.hwpt[1]), 0);
	check_ret(iommu_destroy(w.fd, w.hwpt[0]), 0);
	for (int i = 0; i < 10000 && iommu_destroy(w.fd, w.q[0].id) == -EBUSY; i++)
		usleep(100);
	queue_up(0);
	check_ret(mock_replace(w.fd, &w.m, w.hwpt[0]), 0);
	return !tap_failures();
}

static void close_file(void)
{
	struct race race = {
		.side = { { "fault", ask }, { "fault too", ask }, { "serve", serve },
			  { "close", close_only } },
	};

	faults_up(0);
	race_run(&race);
	faults_down();
}

/* The device goes and comes again. */
static bool replug(struct race *race, struct race_side *side)
{
	struct mock m;

	(void)race;
	rest(side);
	race_begin(side);
	race_end(side, check_ret(mock_unplug(w.fd, &w.m), 0));
	require_ok(mock_device(w.fd, w.hwpt[race_random(side) % 2], w.flags, &m));
	w.m = m;
	return !tap_failures();
}

static void unplug_with(uint32_t flags)
{
	struct race race = {
		.side = { { "fault", ask }, { "fault too", ask }, { "serve", serve },
			  { "replug", replug } },
	};

	faults_up(flags);
	race_run(&race);
	faults_down();
}

static void unplug(void)
{
	unplug_with(0);
}

static void unplug_early(void)
{
	unplug_with(MOCK_FLAGS_DEVICE_ENDS_EARLY);
}

static void events_up(void)
{
	struct iommu_viommu_selftest data = { .in_data = 1 };

	base_up(0);
	require_ok(hwpt_alloc(w.fd, w.m.dev, w.ioas, IOMMU_HWPT_ALLOC_NEST_PARENT,
			      &w.parent));
	require_ok(mock_viommu(w.fd, w.m.dev, w.parent, &data, &w.viommu));
	require_ok(mock_hwpt_nested(w.fd, w.m.dev, w.viommu, 0, &w.hwpt[0]));
	require_ok(mock_vdevice(w.fd, w.viommu, w.m.dev, 1, &w.vdevice));
	require_ok(mock_replace(w.fd, &w.m, w.hwpt[0]));
	require_ok(veventq_alloc(w.fd, w.viommu, 16, &w.q[0]));
}

static void events_down(void)
{
	check_ret(mock_replace(w.fd, &w.m, w.ioas), 0);
	check_ret(iommu_destroy(w.fd, w.vdevice), 0);
	check_ret(iommu_destroy(w.fd, w.hwpt[0]), 0);
	close(w.q[0].fd);
	check_ret(iommu_destroy(w.fd, w.q[0].id), 0);
	check_ret(iommu_destroy(w.fd, w.viommu), 0);
	check_ret(iommu_destroy(w.fd, w.parent), 0);
	check_ret(mock_unplug(w.fd, &w.m), 0);
	check_ret(iommu_destroy(w.fd, w.ioas), 0);
	close(w.fd);
	tap_diag("%lu events were read", w.faults);
}

static bool report(struct race *race, struct race_side *side)
{
	(void)race;
	race_begin(side);
	race_end(side, !mock_event(w.fd, &w.m));
	return true;
}

static bool listen_(struct race *race, struct race_side *side)
{
	char buf[8 * 12];
	int n;

	(void)race;
	race_begin(side);
	n = events_read(&w.q[0], buf, 8 + race_random(side) % (sizeof(buf) - 7));
	race_end(side, n > 0);
	if (n > 0)
		w.faults++;
	if (n < 0 && n != -EINVAL)
		return check_ret(n, -EBADF);
	return true;
}

static bool renew_events(struct race *race, struct race_side *side)
{
	(void)race;
	rest(side);
	race_begin(side);
	close(w.q[0].fd);
	for (int i = 0; i < 10000 && iommu_destroy(w.fd, w.q[0].id) == -EBUSY; i++)
		usleep(100);
	check_ret(veventq_alloc(w.fd, w.viommu, 1 + race_random(side) % 16, &w.q[0]), 0);
	race_end(side, true);
	return !tap_failures();
}

static bool move_events(struct race *race, struct race_side *side)
{
	(void)race;
	rest(side);
	race_begin(side);
	check_ret(mock_replace(w.fd, &w.m, w.ioas), 0);
	check_ret(iommu_destroy(w.fd, w.vdevice), 0);
	check_ret(mock_vdevice(w.fd, w.viommu, w.m.dev, 1 + race_random(side) % 9,
			       &w.vdevice), 0);
	check_ret(mock_replace(w.fd, &w.m, w.hwpt[0]), 0);
	race_end(side, true);
	return !tap_failures();
}

static void events(void)
{
	struct race race = {
		.side = { { "report", report }, { "listen", listen_ },
			  { "renew", renew_events }, { "move", move_events } },
	};

	events_up();
	race_run(&race);
	events_down();
}

static const struct test tests[] = {
	{ "replace", replace },
	{ "replace_early", replace_early },
	{ "pasids", pasids },
	{ "pasids_early", pasids_early },
	{ "close_queue", close_queue },
	{ "close_file", close_file },
	{ "unplug", unplug },
	{ "unplug_early", unplug_early },
	{ "events", events },
};

TAP_MAIN("event_race", tests)
