// SPDX-License-Identifier: GPL-2.0-only
/* Areas by themselves: made and freed. */
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

void area_list_free(struct area *areas)
{
	struct memory *memory;
	struct area *next;

	for (; areas; areas = next) {
		next = areas->next;
		if (areas->lost)
			continue;
		memory = areas->memory;
		if (areas != &memory->first)
			kfree(areas);
		memory_put(memory);
	}
}
