/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * BTF: what the running kernel tells of its own types.  Private structures are used
 * only after their members were found there.
 *
 * Data that isn't well-formed is refused as a whole; a loop of types ends a look-up.
 * Built for the host, too (tests/unit/btf).
 */
#ifndef IOMMUFD_HW_BTF_H
#define IOMMUFD_HW_BTF_H

#include <linux/types.h>

struct btf_data {
	const u8 *types;
	size_t types_size;
	const char *strings;
	size_t strings_size;
	u32 *index;		/* type ID -> where it begins in @types */
	u32 n;			/* type IDs are below this; 0 is void */
};

/* Where a member lies. */
struct btf_place {
	u32 offset;		/* in bytes */
	u32 size;		/* in bytes, 0 for a bit-field */
	u8 bit;			/* of a bit-field: the first bit, counted from @offset */
	u8 bits;		/* and how many */
};

/**
 * btf_open - Check BTF data and prepare look-ups
 * @btf: To be filled, and closed with btf_close().
 * @data: As read from /sys/kernel/btf/vmlinux, aligned to 4 bytes; stays the caller's.
 * @size: Of @data.
 *
 * Return: 0, -EINVAL if it isn't well-formed or has kinds of types that aren't known,
 * -ENOMEM.
 */
int btf_open(struct btf_data *btf, const void *data, size_t size);
void btf_close(struct btf_data *btf);

/**
 * btf_find_struct - Find a structure by its name
 * @btf: Where to look.
 * @name: Its tag.
 * @with: Kernels have different structures of one name: a member that only the wanted
 *	one has, or NULL.
 *
 * Return: its type ID, 0 if there is none or more than one.
 */
u32 btf_find_struct(const struct btf_data *btf, const char *name, const char *with);

/* The size of a structure in bytes. */
u32 btf_struct_size(const struct btf_data *btf, u32 id);

/**
 * btf_find_member - Find a member of a structure
 * @btf: Where to look.
 * @id: Type ID of the structure.
 * @path: Name of the member, or names with dots between, from the outside in.  Members
 *	of anonymous structures and unions are found like the structure's own.
 * @place: To be filled.
 *
 * Return: 0, or -ENOENT.
 */
int btf_find_member(const struct btf_data *btf, u32 id, const char *path,
		    struct btf_place *place);

/**
 * btf_prototype - Write the prototype of a function as text
 * @btf: Where to look.
 * @name: The function.
 * @text: Room for the text: "int(struct device *, unsigned int)", without names of
 *	parameters.
 * @room: Size of @text.
 *
 * Return: 0, -ENOENT if there is no such function, -EINVAL if there are several with
 * different prototypes or @room is too small.
 */
int btf_prototype(const struct btf_data *btf, const char *name, char *text, size_t room);

#endif
