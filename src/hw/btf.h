/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * BTF describes the types of the running kernel and of its modules.  Private
 * structures are accessed only by members found there.
 *
 * Malformed data is rejected as a whole; cyclic types end a lookup.  Also built
 * for the host (tests/unit/btf).
 */
#ifndef IOMMUFD_HW_BTF_H
#define IOMMUFD_HW_BTF_H

#include <linux/types.h>

struct btf_data {
	const struct btf_data *base;	/* what a module's BTF continues, or NULL */
	const u8 *types;
	size_t types_size;
	const char *strings;
	size_t strings_size;
	u32 *index;		/* type ID - @first -> offset in @types */
	u32 first;		/* first type ID in @types; lower ones are of @base; 0 is void */
	u32 n;			/* type IDs are less than this */
};

/* Location of a member. */
struct btf_place {
	u32 offset;		/* in bytes */
	u32 size;		/* in bytes, 0 for a bit-field */
	u8 bit;			/* bit-field: first bit, from @offset on */
	u8 bits;		/* bit-field: number of bits */
};

/**
 * btf_open - Check BTF data and prepare lookups
 * @btf: Initialised on success; release with btf_close()
 * @base: For a module, the BTF of vmlinux, whose types and strings the module's BTF
 *	continues; must outlive @btf.  Else NULL
 * @data: Contents of a file in /sys/kernel/btf, aligned to 4 bytes; must outlive @btf
 * @size: Size of @data in bytes
 *
 * Return: 0, -EINVAL if the data is malformed or has unknown kinds of types, or
 * -ENOMEM.
 */
int btf_open(struct btf_data *btf, const struct btf_data *base, const void *data,
	     size_t size);
void btf_close(struct btf_data *btf);

/**
 * btf_find_struct - Find a structure by its name
 * @btf: BTF data
 * @name: Tag of the structure
 * @with: Name of a member that only the wanted structure has, in case several
 *	share a name, or NULL
 *
 * Return: The type ID, or 0 if there is no or more than one match.
 */
u32 btf_find_struct(const struct btf_data *btf, const char *name, const char *with);

/* Returns the size of a structure in bytes. */
u32 btf_struct_size(const struct btf_data *btf, u32 id);

/**
 * btf_find_member - Find a member of a structure
 * @btf: BTF data
 * @id: Type ID of the structure
 * @path: Name of the member, or names separated by dots, outermost first.  Members
 *	of anonymous structures and unions count as the structure's own.
 * @place: Filled in on success
 *
 * Return: 0 or -ENOENT.
 */
int btf_find_member(const struct btf_data *btf, u32 id, const char *path,
		    struct btf_place *place);

/**
 * btf_prototype - Write the prototype of a function as text
 * @btf: BTF data
 * @name: Name of the function
 * @text: Output: "int(struct device *, unsigned int)", without parameter names
 * @room: Size of @text in bytes
 *
 * Return: 0, -ENOENT if there is no such function, or -EINVAL if several have
 * different prototypes or @room is too small.
 */
int btf_prototype(const struct btf_data *btf, const char *name, char *text, size_t room);

#endif
