// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/bug.h>
#include <linux/slab.h>

#define GARBAGE 0xa5

static unsigned long fail_after;
static bool failed;
static size_t live, live_bytes;

/* Stands before each allocation, and keeps its alignment. */
struct head {
	size_t size;
	size_t pad;
};

void shim_bug(const char *file, int line, const char *what)
{
	printf("# %s:%d: warning: %s\n", file, line, what);
	fflush(stdout);
	abort();
}

void shim_fail_alloc(unsigned long n)
{
	fail_after = n;
	failed = false;
}

bool shim_alloc_failed(void)
{
	return failed;
}

size_t shim_allocs_live(void)
{
	return live;
}

size_t shim_bytes_live(void)
{
	return live_bytes;
}

static bool fails(void)
{
	if (!fail_after || --fail_after)
		return false;
	failed = true;
	return true;
}

void *shim_alloc(size_t size, bool zero)
{
	struct head *head;

	if (fails() || size > SIZE_MAX / 2)
		return NULL;
	head = malloc(sizeof(*head) + size);
	if (!head)
		abort();
	head->size = size;
	memset(head + 1, zero ? 0 : GARBAGE, size);
	live++;
	live_bytes += size;
	return head + 1;
}

void kfree(const void *p)
{
	struct head *head;

	if (!p)
		return;
	head = (struct head *)p - 1;
	live--;
	live_bytes -= head->size;
	free(head);
}

void *shim_realloc(void *p, size_t size)
{
	size_t old = p ? ((struct head *)p - 1)->size : 0;
	void *fresh = shim_alloc(size, false);

	if (!fresh)
		return NULL;
	if (p)
		memcpy(fresh, p, old < size ? old : size);
	kfree(p);
	return fresh;
}
