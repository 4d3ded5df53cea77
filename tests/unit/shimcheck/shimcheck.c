// SPDX-License-Identifier: GPL-2.0-only
/* Do the stand-ins work, and do faults in kernel code end a unit test? */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tap.h"

#include <linux/limits.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/rbtree_augmented.h>
#include <linux/slab.h>
#include <linux/sort.h>

#include "random.h"

/* Runs a function that has to end its process with an error. */
static bool dies(void (*fn)(void))
{
	int status, pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		freopen("/dev/null", "w", stdout);
		freopen("/dev/null", "w", stderr);
		fn();
		_exit(0);
	}
	waitpid(pid, &status, 0);
	return !WIFEXITED(status) || WEXITSTATUS(status);
}

static volatile unsigned long sink, zero;

static void use_after_free(void)
{
	volatile char *p = kmalloc(8, GFP_KERNEL);

	kfree((void *)p);
	sink = p[0];
}

static void read_behind_the_end(void)
{
	volatile char *p = kmalloc(8, GFP_KERNEL);

	sink = p[8 + zero];
}

static void shift_too_far(void)
{
	sink = 1UL << (64 + zero);
}

static void index_behind_the_end(void)
{
	volatile int a[4] = { 0 };

	sink = a[4 + zero];
}

static void warn(void)
{
	WARN_ON(!zero);
}

static void leak_one(void)
{
	sink = (unsigned long)kmalloc(8, GFP_KERNEL);
}

static void leak(void)
{
	static const struct test tests[] = { { "leak", leak_one } };
	char *argv[] = { "" };

	_exit(tap_main(1, argv, tests, 1));
}

static void nothing(void)
{
}

static void test_faults(void)
{
	check(dies(use_after_free));
	check(dies(read_behind_the_end));
	check(dies(shift_too_far));
	check(dies(index_behind_the_end));
	check(dies(warn));
	check(dies(leak));
	check(!dies(nothing));
}

static void test_failing_allocation(void)
{
	static const char zeroes[15];
	void *a, *b;

	shim_fail_alloc(2);
	a = kmalloc(24, GFP_KERNEL_ACCOUNT);
	check(a && !shim_alloc_failed());
	check(!kvcalloc(1, 1, GFP_KERNEL));
	check(shim_alloc_failed());
	b = kcalloc(3, 5, GFP_KERNEL);
	check(b && !memcmp(b, zeroes, 15));
	check_eq(shim_allocs_live(), 2);
	check_eq(shim_bytes_live(), 39);
	check(!kcalloc(SIZE_MAX / 2, 3, GFP_KERNEL));
	kfree(a);
	kvfree(b);
	kfree(NULL);
	check_eq(shim_allocs_live(), 0);
	check_eq(shim_bytes_live(), 0);
}

struct item {
	struct rb_node rb;
	unsigned long key;
	unsigned long max;
};

static inline unsigned long item_key(const struct item *item)
{
	return item->key;
}

RB_DECLARE_CALLBACKS_MAX(static, max_callbacks, struct item, rb, unsigned long,
			 max, item_key)

static void item_insert(struct rb_root *root, struct item *item)
{
	struct rb_node **link = &root->rb_node, *parent = NULL;

	while (*link) {
		parent = *link;
		link = item->key < rb_entry(parent, struct item, rb)->key ?
		       &parent->rb_left : &parent->rb_right;
	}
	item->max = item->key;
	rb_link_node(&item->rb, parent, link);
	max_callbacks.propagate(parent, NULL);
	rb_insert_augmented(&item->rb, root, &max_callbacks);
}

static void test_rbtree(void)
{
	struct rb_root root = RB_ROOT;
	struct item items[200];
	struct rb_node *rb;
	unsigned long before = 0, n = 0;
	size_t i;

	random_begin(0);
	for (i = 0; i < ARRAY_SIZE(items); i++) {
		items[i].key = random_in(1, 1000000);
		item_insert(&root, &items[i]);
	}
	for (i = 0; i < ARRAY_SIZE(items); i += 2)
		rb_erase_augmented(&items[i].rb, &root, &max_callbacks);
	for (rb = rb_first(&root); rb; rb = rb_next(rb), n++) {
		check(rb_entry(rb, struct item, rb)->key >= before);
		before = rb_entry(rb, struct item, rb)->key;
	}
	check_eq(n, ARRAY_SIZE(items) / 2);
	check_eq(rb_entry(root.rb_node, struct item, rb)->max, before);
}

static int compare(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

static void test_sort(void)
{
	int v[] = { 3, 1, 2 };

	sort(v, 3, sizeof(*v), compare, NULL);
	sort(v, 0, sizeof(*v), compare, NULL);
	check(v[0] == 1 && v[1] == 2 && v[2] == 3);
}

static void test_random(void)
{
	uint64_t a, b;
	int i;

	random_begin(1);
	a = random_u64();
	random_begin(2);
	b = random_u64();
	check(a != b);
	random_begin(1);
	check_eq(random_u64(), a);
	for (i = 0; i < 1000; i++) {
		b = random_in(3, 5);
		check(b >= 3 && b <= 5);
	}
}

static const struct test tests[] = {
	{ "faults", test_faults },
	{ "failing_allocation", test_failing_allocation },
	{ "rbtree", test_rbtree },
	{ "sort", test_sort },
	{ "random", test_random },
};

TAP_MAIN(tests)
