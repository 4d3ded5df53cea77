/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel's allocator on top of malloc(), where the sanitizers watch it.
 * Memory that isn't asked to be zero is filled with a pattern.
 *
 * A test can make an allocation fail, and sees what wasn't freed.
 */
#ifndef SHIM_LINUX_SLAB_H
#define SHIM_LINUX_SLAB_H

#include <linux/types.h>
#include <linux/gfp.h>
#include <linux/overflow.h>

/* The n-th allocation from now on fails, and only that one; 0 for none. */
void shim_fail_alloc(unsigned long n);

/* Has it come to the failure that was asked for last? */
bool shim_alloc_failed(void);

/* Allocations that haven't been freed, and the bytes in them. */
size_t shim_allocs_live(void);
size_t shim_bytes_live(void);

void *shim_alloc(size_t size, bool zero);
void *shim_realloc(void *p, size_t size);
void kfree(const void *p);

static inline void *kmalloc(size_t size, gfp_t gfp)
{
	return shim_alloc(size, gfp & __GFP_ZERO);
}

static inline void *kzalloc(size_t size, gfp_t gfp)
{
	return kmalloc(size, gfp | __GFP_ZERO);
}

static inline void *kmalloc_array(size_t n, size_t size, gfp_t gfp)
{
	return kmalloc(array_size(n, size), gfp);
}

static inline void *kcalloc(size_t n, size_t size, gfp_t gfp)
{
	return kmalloc_array(n, size, gfp | __GFP_ZERO);
}

static inline void *krealloc(void *p, size_t size, gfp_t gfp)
{
	(void)gfp;
	return shim_realloc(p, size);
}

#define kvmalloc(...)		kmalloc(__VA_ARGS__)
#define kvzalloc(...)		kzalloc(__VA_ARGS__)
#define kvmalloc_array(...)	kmalloc_array(__VA_ARGS__)
#define kvcalloc(...)		kcalloc(__VA_ARGS__)
#define kvfree(p)		kfree(p)

#endif
