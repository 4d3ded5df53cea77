/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An IOVA space compared with the model: the tree's order and gaps, and what it says is
 * taken or reserved.
 */
#ifndef TESTS_SPACE_COMPARE_H
#define TESTS_SPACE_COMPARE_H

/* Mostly a short stretch. */
static void random_cells(unsigned long *first, unsigned long *last)
{
	unsigned long most = one_in(50) ? CELLS : one_in(3) ? 300 : 20;

	*first = random_below(CELLS);
	*last = *first + random_below(min(most, CELLS - *first));
}

static void check_subtree(const struct rb_node *rb, unsigned long *end, bool *begun)
{
	const struct iova_node *node, *left, *right;
	unsigned long most;

	if (!rb)
		return;
	node = rb_entry(rb, struct iova_node, rb);
	left = rb_entry_safe(rb->rb_left, struct iova_node, rb);
	right = rb_entry_safe(rb->rb_right, struct iova_node, rb);
	check_subtree(rb->rb_left, end, begun);
	check(!*begun || node->first > *end);
	check_eq(node->gap, *begun ? node->first - *end - 1 : node->first);
	*end = node->last;
	*begun = true;
	check_subtree(rb->rb_right, end, begun);
	most = node->gap;
	if (left && left->max_gap > most)
		most = left->max_gap;
	if (right && right->max_gap > most)
		most = right->max_gap;
	check_eq(node->max_gap, most);
}

static void check_tree(const struct iova_space *space)
{
	unsigned long end = 0;
	bool begun = false;

	check_subtree(space->taken.rb_node, &end, &begun);
}

/* Walks the taken ranges of a random stretch. */
static void compare_taken(const struct iova_space *space)
{
	unsigned long first, last, cell, seen = 0;
	struct iova_node *node, *next;

	random_cells(&first, &last);
	cell = first;
	for (node = space_find(space, address(first), last_of(last)); node;
	     node = space_next(node, last_of(last)), seen++) {
		if (!check(node->last >= address(first) && node->first <= last_of(last)))
			return;
		for (; cell < CELLS && address(cell) < node->first; cell++)
			check(!model.taken[cell]);
		for (; cell <= last && last_of(cell) <= node->last; cell++)
			check(model.taken[cell]);
		next = space_next(node, ULONG_MAX);
		if (next) {
			check(space_next(node, next->first) == next);
			check(!space_next(node, next->first - 1));
		}
	}
	for (; cell <= last; cell++)
		check(!model.taken[cell]);
	check_eq(seen != 0, model_is_taken(first, last));
	check_eq(!!space_find(space, address(first), address(first)), model.taken[first]);
	check_eq(!!space_find(space, last_of(last), last_of(last)), model.taken[last]);
}

/* Walks the holes between reserved ranges, all of them. */
static void compare_holes(const struct iova_space *space)
{
	unsigned long cell = 0;
	struct iova_range hole;
	unsigned long from = base;

	while (space_next_hole(space, from, &hole)) {
		check(hole.first >= from && hole.first <= hole.last);
		if (!check(hole.last <= last_of(CELLS - 1)))
			return;
		for (; address(cell) != hole.first; cell++)
			if (!check(model.reserved[cell]))
				return;
		for (; cell < CELLS && last_of(cell) <= hole.last; cell++)
			check(!model.reserved[cell]);
		if (hole.last == ULONG_MAX)
			break;
		from = hole.last + 1;
	}
	for (; cell < CELLS; cell++)
		check(model.reserved[cell]);
}

static void compare_reserved(const struct iova_space *space)
{
	unsigned long first, last;

	random_cells(&first, &last);
	check_eq(space_is_reserved(space, address(first), last_of(last)),
		 model_is_reserved(first, last));
	check_eq(space_is_reserved(space, address(first), address(first)),
		 model.reserved[first] != 0);
	check_eq(space_is_reserved(space, last_of(last), last_of(last)),
		 model.reserved[last] != 0);
}

static void compare(const struct iova_space *space)
{
	check_tree(space);
	compare_taken(space);
	compare_holes(space);
	compare_reserved(space);
}

#endif
