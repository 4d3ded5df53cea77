/* SPDX-License-Identifier: GPL-2.0-only */
/* What several races have in common: two address spaces, and rounds on them. */
#ifndef TESTS_GUEST_RACE_WORLD_H
#define TESTS_GUEST_RACE_WORLD_H

#include "edu.h"
#include "iommu.h"
#include "mem.h"
#include "race.h"

#define RACE_BASE	EDU_IOVA
#define SLOTS	64
#define SLOT	(4 * PAGE)

struct race_world {
	int fd;
	uint32_t ioas[2];
	uint32_t shared;	/* an object that comes and goes */
	int shared_fd;
	struct device dev;
	struct edu edu;
	struct mem m;
	unsigned long users;	/* calls on shared_fd that have begun */
	uint64_t slots;		/* how many of SLOTS the rounds use */
	bool memory_moves;	/* -EFAULT is an answer of map and copy */
};

/* With a device, which is attached to the first address space. */
void race_world_up(struct race_world *w, bool device);
/* Everything can be taken down, or the test fails. */
void race_world_down(struct race_world *w, bool device);
void race_world_run(struct race_world *w, struct race *race);

/* Rounds; race->data is the struct race_world. */
bool map_slot(struct race *race, struct race_side *side);
bool map_anywhere(struct race *race, struct race_side *side);
bool unmap_slot(struct race *race, struct race_side *side);
bool unmap_everything(struct race *race, struct race_side *side);
bool copy_slot(struct race *race, struct race_side *side);
/* The process unmaps a slot of its memory and maps it anew. */
bool replace_memory(struct race *race, struct race_side *side);

#endif
