// SPDX-License-Identifier: GPL-2.0-only
/* Allocation and release of areas. */
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "area.h"
#include "memory.h"

struct area *area_share(struct memory *memory, unsigned long start,
			unsigned long length, int prot)
{
	struct area *area = kmalloc(sizeof(*area), GFP_KERNEL_ACCOUNT);

	if (!area)
		return ERR_PTR(-ENOMEM);
	return area_init(area, memory_get(memory), start, length, prot);
}

static void area_free(struct area *area)
{
	struct memory *memory = area->memory;

	if (area != &memory->first)
		kfree(area);
	memory_put(memory);
}

void memory_unpin_left(struct memory *memory)
{
	struct area *area, *next;
	struct llist_node *list;

	memory_get(memory);
	while (!llist_empty(&memory->left) && mutex_trylock(&memory->lock)) {
		list = llist_del_all(&memory->left);
		llist_for_each_entry(area, list, left)
			memory_unpin(memory, &area->holder);
		mutex_unlock(&memory->lock);
		llist_for_each_entry_safe(area, next, list, left)
			area_free(area);
		/* Order unlock and llist_empty() as memory_unlock() does. */
		smp_mb();
	}
	memory_put(memory);
}

/* Queue the area on memory->left; its memory reference goes with it. */
static void area_leave(struct area *area)
{
	struct memory *memory = memory_get(area->memory);

	llist_add(&area->left, &memory->left);
	memory_unpin_left(memory);
	memory_put(memory);
}

void area_list_free(struct area *areas)
{
	struct area *next;

	for (; areas; areas = next) {
		next = areas->next;
		if (areas->lost)
			continue;
		if (areas->pinned)
			area_leave(areas);
		else
			area_free(areas);
	}
}
