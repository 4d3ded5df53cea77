/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a shim needs of the kernel's private structures and functions, as
 * tables.  All of it is resolved before any of it is used; a mismatch disables
 * the shim.
 */
#ifndef IOMMUFD_HW_LAYOUT_H
#define IOMMUFD_HW_LAYOUT_H

#include <linux/limits.h>
#include <linux/types.h>

struct btf_data;

/* The reason for a mismatch, for the log and sysfs. */
struct layout_why {
	char text[160];
};

#define LAYOUT_ANY	U32_MAX

struct layout_member {
	const char *structure;
	const char *with;	/* member that only the wanted structure has, or NULL */
	const char *path;	/* see btf_find_member(); NULL for the structure itself */
	u32 size;		/* in bytes; 0 for a single bit; or LAYOUT_ANY */
	u32 *offset;		/* set if not NULL */
	u32 *bit;		/* single bit: set to its number within the byte; or NULL */
};

struct layout_function {
	const char *name;
	const char *prototype;	/* as btf_prototype() writes it */
	unsigned long *address;	/* set on success */
};

/*
 * Returns 0, or -EOPNOTSUPP and sets @why.  On failure nothing that was set may
 * be used.
 */
int layout_find_members(const struct btf_data *btf, const struct layout_member *members,
			size_t n, struct layout_why *why);
/* Same for functions; call it between ksym_open() and ksym_close(). */
int layout_find_functions(const struct btf_data *btf,
			  const struct layout_function *functions, size_t n,
			  struct layout_why *why);

/* Access a member by the offset found. */
#define layout_at(type, base, offset)	((type *)((char *)(base) + (offset)))

#endif
