// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two guests behind one IOMMU, each with a device, a context and a parent of its own, and the
 * same IDs and addresses.  What is done for one neither reaches nor disturbs the other, nor
 * does its end.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "events.h"
#include "nested_guest.h"
#include "plug.h"
#include "tap.h"

static struct nested_guest first, second;
static struct mem memory[2];

static void need_two(void)
{
	if (!device_find("edu", 1))
		tap_skip("needs two edus");
	nested_memory(&memory[0]);
	nested_memory(&memory[1]);
}

static void up(void)
{
	need_two();
	nested_up(&first, &memory[0], 0, NESTED_ATTACHED);
	nested_up(&second, &memory[1], 1, NESTED_ATTACHED);
}

/* The device's writes arrive there, and not in the other guest. */
static void check_alone(struct nested_guest *n, const struct nested_guest *other, int page)
{
	nested_fill(&other->m);
	check_eq(nested_where(n, nested_iova(n)), page);
	check(nested_is_filled(&other->m));
}

/* What is cached for @n stays cached: its table is another, and not invalidated. */
static void check_stale(struct nested_guest *n, const struct nested_guest *other,
			int (*change)(struct nested_guest *other))
{
	check_alone(n, other, 0);
	nested_map(n, 0, 1);
	require_ok(change((struct nested_guest *)other));
	check_alone(n, other, 0);
	require_ok(nested_invalidate(n));
	check_alone(n, other, 1);
	nested_map(n, 0, 0);
	require_ok(nested_invalidate(n));
}

static void invalidations(void)
{
	up();
	for (int i = 0; i < 2; i++) {
		check_stale(&first, &second, nested_invalidate);
		check_stale(&second, &first, nested_invalidate);
	}
	/* Nor do these find the other's table. */
	check_ret(device_attach(first.dev, second.table[0] + 64), -ENOENT);
}

/* Moves, and the parent gets a page and loses it. */
static int move(struct nested_guest *n)
{
	uint64_t gpa = nested_gpa(n, VTD_PAGES), unmapped;
	int rc = nested_try(n, NESTED_REPLACED);

	rc = rc ?: ioas_map_at(n->fd, n->ioas, nested_va(n, 4), PAGE, gpa);
	rc = rc ?: ioas_unmap(n->fd, n->ioas, gpa, PAGE, &unmapped);
	rc = rc ?: nested_try(n, NESTED_BACK);
	rc = rc ?: device_detach(n->dev);
	return rc ?: nested_try(n, NESTED_ATTACHED);
}

static void moves(void)
{
	up();
	for (int i = 0; i < 2; i++) {
		require_ok(move(&first));
		check_alone(&second, &first, 0);
		check_alone(&first, &second, 0);
		require_ok(move(&second));
		check_alone(&first, &second, 0);
		check_alone(&second, &first, 0);
	}
}

static void fault(struct nested_guest *n)
{
	require_ok(edu_store(n->edu, nested_iova(n) + 5 * PAGE, 0, 8));
}

static void check_event(const struct events *queue, const struct nested_guest *n)
{
	struct {
		struct iommufd_vevent_header header;
		struct iommu_vevent_arm_smmuv3 event;
	} r;
	struct pollfd ready = { .fd = queue->fd, .events = POLLIN };

	require(poll(&ready, 1, 10000 * tap_patience()) == 1);
	/* A transfer may fault more than once. */
	while (poll(&ready, 1, 200 * tap_patience()) == 1) {
		check_eq(read(queue->fd, &r, sizeof(r)), sizeof(r));
		check_eq(r.header.flags, 0);
		check_eq(r.event.evt[0] >> 32, n->smmu.d.vsid);
		check_eq(r.event.evt[2] & ~(PAGE - 1), nested_iova(n) + 5 * PAGE);
	}
}

static void events(void)
{
	struct events queue[2];

	up();
	if (!first.viommu)
		tap_skip("this IOMMU's guests have no event queues");
	require_ok(nested_events(&first, &queue[0]));
	require_ok(nested_events(&second, &queue[1]));
	for (int i = 0; i < 2; i++) {
		fault(&first);
		check_event(&queue[0], &first);
		check_eq(events_poll(&queue[1]), 0);
		fault(&second);
		check_event(&queue[1], &second);
		check_eq(events_poll(&queue[0]), 0);
	}
	/* The end of one. */
	close(queue[0].fd);
	nested_close(&first);
	fault(&second);
	check_event(&queue[1], &second);
}

/* Table 1 once more, with its page faults told; the device moves there. */
static void up_with_faults(struct nested_guest *n, struct events *queue)
{
	struct iommu_hwpt_vtd_s1 data = { .pgtbl_addr = n->vtd.root[1], .addr_width = 48 };
	struct iommu_hwpt_alloc c = {
		.size = sizeof(c), .flags = IOMMU_HWPT_FAULT_ID_VALID, .dev_id = n->dev->id,
		.pt_id = n->parent, .data_type = IOMMU_HWPT_DATA_VTD_S1,
		.data_len = sizeof(data), .data_uptr = (uintptr_t)&data,
	};
	int rc;

	if (n->viommu)
		tap_skip("an SMMUv3's guests get their faults as events");
	require_ok(faults_alloc(n->fd, queue));
	c.fault_id = queue->id;
	rc = iommu_ioctl(n->fd, IOMMU_HWPT_ALLOC, &c);
	rc = rc ?: device_attach(n->dev, c.out_hwpt_id);
	if (rc == -EOPNOTSUPP || rc == -ENODEV)
		tap_skip("no page faults of this device");
	require_ok(rc);
	n->table[1] = c.out_hwpt_id;
}

static struct iommu_hwpt_pgfault fault_told(struct nested_guest *n, const struct events *queue)
{
	struct pollfd ready = { .fd = queue->fd, .events = POLLIN };
	struct iommu_hwpt_pgfault told = {};

	edu_start(n->edu, true, nested_iova(n) + 5 * PAGE, 0, 64);
	require(poll(&ready, 1, 20000 * tap_patience()) == 1);
	check_ret(events_read(queue, &told, sizeof(told)), sizeof(told));
	check_eq(told.addr, nested_iova(n) + 5 * PAGE);
	check_eq(told.dev_id, n->dev->id);
	return told;
}

/* The guest maps a page there. */
static void fault_mended(struct nested_guest *n, const struct events *queue,
			 const struct iommu_hwpt_pgfault *told)
{
	vtd_map(&n->vtd, 1, nested_iova(n) + 5 * PAGE, VTD_PAGES - 1);
	check_ret(faults_answer(queue, told->cookie, IOMMUFD_PAGE_RESP_SUCCESS), 0);
	require_ok(edu_wait(n->edu));
	check_eq(edu_result(n->edu), 0);
	*vtd_entry(&n->vtd, 1, nested_iova(n) + 5 * PAGE) = 0;
	require_ok(nested_invalidate(n));
}

/* Both may have one at a time, with the same cookie; one ends with one that nobody answers. */
static void faults(void)
{
	struct iommu_hwpt_pgfault told[2];
	struct events queue[2];

	up();
	up_with_faults(&first, &queue[0]);
	up_with_faults(&second, &queue[1]);
	for (int i = 0; i < 3; i++) {
		told[0] = fault_told(&first, &queue[0]);
		check_eq(events_poll(&queue[1]) & POLLIN, 0);
		told[1] = fault_told(&second, &queue[1]);
		check_eq(events_poll(&queue[0]) & POLLIN, 0);
		if (i == 2)
			break;
		fault_mended(&second, &queue[1], &told[1]);
		fault_mended(&first, &queue[0], &told[0]);
	}
	nested_close_device(&first);
	close(first.fd);
	fault_mended(&second, &queue[1], &told[1]);
	check_eq(nested_where(&second, nested_iova(&second)), 1);
}

/* The first one's work, in a process of its own, until it is killed. */
static volatile unsigned int *rounds;

static void first_works(void *arg)
{
	struct events queue;

	(void)arg;
	nested_up(&first, &memory[0], 0, NESTED_ATTACHED);
	if (first.viommu)
		require_ok(nested_events(&first, &queue));
	for (;; ++*rounds) {
		require_ok(move(&first));
		require_ok(nested_invalidate(&first));
		fault(&first);
		nested_dma(&first);
		require_ok(nested_invalidate(&first));
		nested_dma_ends(&first);
	}
}

static void one_killed(void)
{
	double end = tap_now() + 60 * tap_patience();
	struct events queue = { .fd = -1 };
	unsigned int at;
	int pid;

	need_two();
	rounds = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	require(rounds != MAP_FAILED);
	nested_up(&second, &memory[1], 1, NESTED_ATTACHED);
	if (second.viommu)
		require_ok(nested_events(&second, &queue));
	for (int i = 0; i < 2; i++) {
		*rounds = 0;
		pid = tap_spawn(first_works, NULL);
		while (*rounds < 3 && !ended(pid, 10) && tap_now() < end && !tap_failures())
			check_eq(nested_where(&second, nested_iova(&second)), 0);
		check(*rounds >= 3);
		/* What is cached for the second one stays so, until it is invalidated for that. */
		nested_map(&second, 0, 1);
		at = *rounds;
		while (*rounds < at + 2 && !ended(pid, 10) && tap_now() < end && !tap_failures())
			check_eq(nested_where(&second, nested_iova(&second)), 0);
		check(*rounds >= at + 2);
		kill(pid, SIGKILL);
		tap_join(pid);
		check_eq(nested_where(&second, nested_iova(&second)), 0);
		nested_fill(&memory[0]);
		require_ok(nested_invalidate(&second));
		check_eq(nested_where(&second, nested_iova(&second)), 1);
		check(nested_is_filled(&memory[0]));
		if (second.viommu) {
			check_eq(events_poll(&queue), 0);
			fault(&second);
			check_event(&queue, &second);
		}
		nested_map(&second, 0, 0);
		require_ok(nested_invalidate(&second));
	}
}

static const struct test tests[] = {
	{ "invalidations", invalidations, 120 },
	{ "moves", moves, 120 },
	{ "events", events, 120 },
	{ "faults", faults, 120 },
	{ "one_killed", one_killed, 180 },
};

TAP_MAIN("nested_contexts", tests)
