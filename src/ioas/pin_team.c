// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pinning by several threads.  Memory that isn't there yet has to be allocated and
 * cleared, which takes a hundred times as long as pinning it.
 *
 * The range is pinned in chunks that are taken in ascending order.  The caller records
 * them, in the same order, so that the result is that of a lone pinner: the error of the
 * lowest address counts, and what was pinned above it is unpinned.  Chunks that are taken
 * and not recorded yet have places in a ring.
 *
 * The caller pins a chunk itself only while no other is taken.  So it finishes alone if
 * need be, and it never waits for a page fault above an address that is in error.
 *
 * Kernel threads do the rest (pin_thread.c).  One that has entered the team is waited for
 * before the call returns, because the memory and the cgroups that it uses are the
 * caller's; its page faults are ended by a signal if there is no more use for them.
 */
#include <linux/mm.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/refcount.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

#include "pin.h"
#include "pin_thread.h"

/* How many may pin for one caller. */
#define WORKERS_MAX	16U
static unsigned int pin_workers = 8;
module_param(pin_workers, uint, 0644);
MODULE_PARM_DESC(pin_workers, "CPUs that pin a large range together, if its memory isn't there yet (0 or 1: one, at most 16)");

/* Fewer pages aren't worth a thread. */
#define PAGES_PER_THREAD	(SZ_32M / PAGE_SIZE)

/* Places in the ring for each worker, so that none waits for a slow one at once. */
#define CHUNKS_PER_WORKER	4

/* A chunk ends where a page of the process's page tables does. */
#define CHUNK_PAGES		min(PIN_BATCH, PMD_SIZE / PAGE_SIZE)

enum chunk_state {
	CHUNK_FREE,
	CHUNK_TAKEN,
	CHUNK_DONE,
};

struct chunk {
	enum chunk_state state;		/* guarded by team->lock */
	unsigned long index;		/* of its first page */
	unsigned long npages;
	struct pinned got;		/* fewer pages if something went wrong */
};

struct team {
	refcount_t refs;		/* the caller and its threads */
	struct memory *memory;		/* not to be touched without a chunk */
	unsigned long last;
	struct pin_caller caller;	/* its task may only be accessed by members */

	spinlock_t lock;		/* guards all below; only signals are sent within it */
	unsigned long next;		/* index of the first page that nobody took */
	unsigned int taken;		/* counts chunks; wraps */
	unsigned int recorded;
	bool closed;			/* no more chunks */
	struct list_head members;	/* threads that have entered and not left */
	struct task_struct *entered[WORKERS_MAX];	/* all that ever were members */
	unsigned int nr_entered;

	struct wait_queue_head done;	/* the caller, for a chunk or the last member */
	struct wait_queue_head room;	/* threads, for a place in the ring */
	unsigned int nr;		/* places in the ring */
	struct chunk ring[];
};

/* On the stack of a thread. */
struct member {
	struct list_head item;
	struct task_struct *task;
};

static void team_free(struct team *team)
{
	unsigned int i;

	for (i = 0; i < team->nr; i++)
		kfree(team->ring[i].got.pages);
	pin_caller_fini(&team->caller);
	kfree(team);
}

static void team_put(struct team *team)
{
	if (refcount_dec_and_test(&team->refs))
		team_free(team);
}

static struct team *team_new(struct memory *memory, unsigned long first,
			     unsigned long last, unsigned int nr)
{
	struct page **pages;
	struct team *team;

	team = kzalloc(struct_size(team, ring, nr), GFP_KERNEL_ACCOUNT);
	if (!team)
		return NULL;
	if (pin_caller_init(&team->caller)) {
		kfree(team);
		return NULL;
	}
	refcount_set(&team->refs, 1);
	team->memory = memory;
	team->last = last;
	spin_lock_init(&team->lock);
	team->next = first;
	INIT_LIST_HEAD(&team->members);
	init_waitqueue_head(&team->done);
	init_waitqueue_head(&team->room);
	for (; team->nr < nr; team->nr++) {
		pages = kmalloc(PIN_BATCH * sizeof(*pages), GFP_KERNEL_ACCOUNT);
		if (!pages) {
			team_free(team);
			return NULL;
		}
		team->ring[team->nr].got.pages = pages;
	}
	return team;
}

/* With the lock: is all taken, or nothing to be taken any more? */
static bool team_over(const struct team *team)
{
	return team->closed || team->next > team->last;
}

static bool team_has_room(const struct team *team)
{
	return team->taken - team->recorded < team->nr;
}

static bool team_is_over(struct team *team)
{
	bool over;

	spin_lock(&team->lock);
	over = team_over(team);
	spin_unlock(&team->lock);
	return over;
}

static bool team_is_empty(struct team *team)
{
	bool empty;

	spin_lock(&team->lock);
	empty = list_empty(&team->members);
	spin_unlock(&team->lock);
	return empty;
}

/* Takes the next chunk; NULL if there's none, no room for it, or more than @most taken. */
static struct chunk *chunk_take(struct team *team, unsigned int most)
{
	struct chunk *chunk = NULL;
	unsigned long in_table;

	spin_lock(&team->lock);
	if (!team_over(team) && team->taken - team->recorded < most) {
		chunk = &team->ring[team->taken++ % team->nr];
		in_table = team->memory->va / PAGE_SIZE + team->next;
		chunk->state = CHUNK_TAKEN;
		chunk->index = team->next;
		chunk->npages = min(CHUNK_PAGES - in_table % CHUNK_PAGES,
				    team->last - team->next + 1);
		team->next += chunk->npages;
	}
	spin_unlock(&team->lock);
	return chunk;
}

/* Sets the pointers that a huge page in a part of a chunk needn't have. */
static void chunk_spread_part(struct pinned *part)
{
	unsigned long pfn = page_to_pfn(part->pages[0]), i;

	for (i = 1; i < part->n; i++)
		part->pages[i] = pfn_to_page(pfn + i);
}

/* Pins a chunk, or as much of it as there is. */
static void chunk_pin(struct team *team, struct chunk *chunk)
{
	struct pinned *got = &chunk->got, part = { .own = true };

	got->n = 0;
	got->run = false;
	while (got->n < chunk->npages && !fatal_signal_pending(current)) {
		part.pages = got->pages + got->n;
		part.room = PIN_BATCH - got->n;
		if (pin_some(team->memory, chunk->index + got->n,
			     chunk->npages - got->n, 0, &part))
			break;
		got->run = part.run && part.n == chunk->npages;
		if (part.run && !got->run)
			chunk_spread_part(&part);
		got->n += part.n;
		cond_resched();
	}
	spin_lock(&team->lock);
	chunk->state = CHUNK_DONE;
	spin_unlock(&team->lock);
	wake_up(&team->done);
}

/* The chunk that is to be recorded next, if it's pinned. */
static struct chunk *chunk_oldest(struct team *team)
{
	struct chunk *chunk = &team->ring[team->recorded % team->nr];

	spin_lock(&team->lock);
	if (team->recorded == team->taken || chunk->state != CHUNK_DONE)
		chunk = NULL;
	spin_unlock(&team->lock);
	return chunk;
}

/* Records the oldest chunk.  0, -EAGAIN if it isn't whole, or -ENOMEM. */
static int chunk_record(struct team *team, struct chunk *chunk,
			struct run_appender *to)
{
	bool whole = chunk->got.n == chunk->npages;
	int rc;

	rc = pin_record(to, &chunk->got);
	spin_lock(&team->lock);
	chunk->state = CHUNK_FREE;
	team->recorded++;
	spin_unlock(&team->lock);
	wake_up(&team->room);
	return rc ? rc : whole ? 0 : -EAGAIN;
}

static bool member_may_go_on(struct team *team)
{
	bool may;

	spin_lock(&team->lock);
	may = team_over(team) || team_has_room(team);
	spin_unlock(&team->lock);
	return may;
}

/* Returns false if the thread is no longer needed. */
static bool member_wait_turn(struct team *team)
{
	while (!team_is_over(team)) {
		if (pin_thread_turn(&team->caller))
			return true;
		wait_event_idle_timeout(team->room, team_is_over(team), PIN_THREAD_TURN);
	}
	return false;
}

/* Returns false if it's too late. */
static bool member_enter(struct team *team, struct member *member)
{
	bool over;

	member->task = current;
	spin_lock(&team->lock);
	over = team_over(team);
	if (!over) {
		list_add_tail(&member->item, &team->members);
		team->entered[team->nr_entered++] = get_task_struct(current);
	}
	spin_unlock(&team->lock);
	return !over;
}

static void member_leave(struct team *team, struct member *member)
{
	spin_lock(&team->lock);
	list_del(&member->item);
	spin_unlock(&team->lock);
	wake_up(&team->done);
}

/*
 * The ring is full while the oldest chunk waits for a page fault, which may take any time.
 * Don't keep one of the threads that all callers share from others for that long.
 */
#define ROOM_PATIENCE HZ

static void member_work(struct team *team)
{
	struct chunk *chunk;

	while (!fatal_signal_pending(current)) {
		chunk = chunk_take(team, team->nr);
		if (chunk)
			chunk_pin(team, chunk);
		else if (team_is_over(team) ||
			 wait_event_killable_timeout(team->room, member_may_go_on(team),
						     ROOM_PATIENCE) <= 0)
			break;
	}
}

/* What a thread does. */
static int member_run(void *data)
{
	struct team *team = data;
	struct member self;

	pin_thread_begin();
	if (member_wait_turn(team) && member_enter(team, &self)) {
		if (!pin_thread_join(&team->caller)) {
			member_work(team);
			pin_thread_leave(&team->caller);
		}
		member_leave(team, &self);
	}
	team_put(team);
	pin_thread_exit();
}

/* Is there anything for the caller to do? */
static bool team_needs_lead(struct team *team)
{
	bool needs;

	spin_lock(&team->lock);
	needs = team->recorded == team->taken ||
		team->ring[team->recorded % team->nr].state == CHUNK_DONE;
	spin_unlock(&team->lock);
	return needs;
}

/* What the caller does. */
static int team_lead(struct team *team, struct run_appender *to)
{
	struct chunk *chunk;
	int rc = 0;

	while (!rc && to->index <= team->last) {
		chunk = chunk_oldest(team);
		if (chunk) {
			rc = chunk_record(team, chunk, to);
			cond_resched();
			continue;
		}
		chunk = chunk_take(team, 1);
		if (chunk)
			chunk_pin(team, chunk);
		else if (wait_event_killable(team->done, team_needs_lead(team)))
			rc = -EINTR;
	}
	return rc;
}

/* No more chunks, and an end to those that are being pinned. */
static void team_stop(struct team *team)
{
	struct member *member;

	spin_lock(&team->lock);
	team->closed = true;
	if (team->recorded != team->taken)
		list_for_each_entry(member, &team->members, item)
			pin_thread_kill(member->task);
	spin_unlock(&team->lock);
	wake_up_all(&team->room);
}

/* Ends it: no thread is left, and what wasn't recorded isn't pinned. */
static void team_close(struct team *team)
{
	struct task_struct *thread;

	team_stop(team);
	wait_event(team->done, team_is_empty(team));
	while (team->nr_entered) {
		thread = team->entered[--team->nr_entered];
		pin_thread_wait_gone(thread);
		put_task_struct(thread);
	}
	for (; team->recorded != team->taken; team->recorded++)
		pin_undo(&team->ring[team->recorded % team->nr].got);
}

/* How many threads are worth it. */
static unsigned int team_threads_for(unsigned long npages)
{
	unsigned int workers = min(READ_ONCE(pin_workers), WORKERS_MAX);

	workers = min_t(unsigned long, workers, npages / PAGES_PER_THREAD);
	if (workers > 1)
		workers = pin_threads_fit(workers);
	return workers > 1 ? workers : 0;
}

bool pin_team_pays(const struct memory *memory, unsigned long npages)
{
	return !memory->file && npages >= 2 * PAGES_PER_THREAD && pin_is_own(memory) &&
	       team_threads_for(npages);
}

int pin_by_team(struct memory *memory, struct run_appender *to, unsigned long last)
{
	unsigned int threads = team_threads_for(last - to->index + 1), started = 0;
	struct team *team;
	int rc = 0;

	if (!threads)
		return 0;
	team = team_new(memory, to->index, last, threads * CHUNKS_PER_WORKER);
	if (!team)
		return 0;
	for (; started < threads; started++) {
		refcount_inc(&team->refs);
		if (pin_thread_start(member_run, team)) {
			team_put(team);
			break;
		}
	}
	if (started)
		rc = team_lead(team, to);
	team_close(team);
	team_put(team);
	return rc == -EAGAIN ? 0 : rc;
}
