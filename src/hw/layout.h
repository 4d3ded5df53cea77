/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a shim needs of the running kernel's private side, as tables: members of
 * structures and functions.  All of it is found before any of it is used, and what
 * doesn't fit turns the shim off.
 */
#ifndef IOMMUFD_HW_LAYOUT_H
#define IOMMUFD_HW_LAYOUT_H

#include <linux/limits.h>
#include <linux/types.h>

struct btf_data;

/* A reason, for the log and for sysfs. */
struct layout_why {
	char text[160];
};

#define LAYOUT_ANY	U32_MAX

struct layout_member {
	const char *structure;
	const char *with;	/* a member that tells it from others of that name, or NULL */
	const char *path;	/* as of btf_find_member(), or NULL: for all of it */
	u32 size;		/* in bytes; 0 for one bit; or LAYOUT_ANY */
	u32 *offset;		/* to be filled; NULL if it only has to be so */
	u32 *bit;		/* of one bit: which of the byte; or NULL */
};

struct layout_function {
	const char *name;
	const char *prototype;	/* as btf_prototype() writes it */
	unsigned long *address;	/* to be filled */
};

/* 0, or -EOPNOTSUPP and why.  Nothing of what was filled is to be used then. */
int layout_find_members(const struct btf_data *btf, const struct layout_member *members,
			size_t n, struct layout_why *why);
/* The same between ksym_open() and ksym_close(). */
int layout_find_functions(const struct btf_data *btf,
			  const struct layout_function *functions, size_t n,
			  struct layout_why *why);

/* A member at an offset that was found. */
#define layout_at(type, base, offset)	((type *)((char *)(base) + (offset)))

#endif
