// SPDX-License-Identifier: GPL-2.0-only
/* What calls have made: objects by ID in the context, files in the process. */
#include "fuzz.h"

static struct made *list(struct world *world, enum thing thing)
{
	if (thing == VMOCK)
		return &world->commons->nodes;
	return thing < FIRST_PLACE ? &world->ids[thing] : &world->fds[thing];
}

void world_made(struct world *world, enum thing thing, uint64_t id)
{
	struct made *made = list(world, thing);
	unsigned int n = atomic_fetch_add(&made->n, 1);

	atomic_store(&made->at[n % MADE_MAX], id);
}

static unsigned int kept(const struct made *made)
{
	unsigned int n = atomic_load(&made->n);

	return n < MADE_MAX ? n : MADE_MAX;
}

uint64_t world_thing(struct world *world, enum thing thing, uint64_t which)
{
	struct made *made = list(world, thing);
	unsigned int n = atomic_load(&made->n);

	/* The machine's own are counted from the first. */
	if (thing == EDU)
		return n_edus ? which % n_edus : 0xdeadbeef;
	if (!n)
		return 0xdeadbeef;
	return atomic_load(&made->at[(n - 1 - which % kept(made)) % MADE_MAX]);
}

static bool is_among(struct made *made, int fd)
{
	unsigned int i;

	for (i = 0; i < kept(made); i++) {
		if ((int)atomic_load(&made->at[i]) == fd)
			return true;
	}
	return false;
}

bool is_ours(struct world *world, int fd, unsigned int things)
{
	enum thing thing;

	for (thing = FIRST_FD; thing < THINGS; thing++) {
		if (things & MASK(thing) && is_among(&world->fds[thing], fd))
			return true;
	}
	return false;
}

enum thing thing_of(struct world *world, int fd)
{
	enum thing thing = FIRST_FD;

	while (thing < THINGS && !is_among(&world->fds[thing], fd))
		thing++;
	return thing;
}
