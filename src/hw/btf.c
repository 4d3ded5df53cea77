// SPDX-License-Identifier: GPL-2.0-only
/*
 * A parser for BTF (Documentation/bpf/btf.rst).
 *
 * btf_open() verifies that every type lies within the data and that strings are
 * terminated, so lookups don't check that again.  References between types may
 * still be out of range or cyclic: each one is checked when followed, to a
 * depth of DEPTH_MAX at most.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "btf.h"

#define DEPTH_MAX	32

#define MAGIC		0xeb9f

struct raw_header {
	u16 magic;
	u8 version;
	u8 flags;
	u32 header_size;
	u32 types_at;		/* from the end of the header */
	u32 types_size;
	u32 strings_at;
	u32 strings_size;
};

struct raw_type {
	u32 name;
	u32 info;
	u32 size_or_type;
};

struct raw_member {
	u32 name;
	u32 type;
	u32 offset;		/* in bits; with RAW_FLAG the upper 8 bits are a size */
};

struct raw_parameter {
	u32 name;
	u32 type;
};

struct raw_array {
	u32 type;
	u32 index;
	u32 n;
};

#define RAW_KIND(type)	(((type)->info >> 24) & 0x7f)
#define RAW_COUNT(type)	((type)->info & 0xffffff)
#define RAW_FLAG(type)	((type)->info >> 31)

enum raw_kind {
	RAW_INT = 1, RAW_PTR, RAW_ARRAY, RAW_STRUCT, RAW_UNION, RAW_ENUM, RAW_FWD,
	RAW_TYPEDEF, RAW_VOLATILE, RAW_CONST, RAW_RESTRICT, RAW_FUNC, RAW_PROTO,
	RAW_VAR, RAW_SECTION, RAW_FLOAT, RAW_DECL_TAG, RAW_TYPE_TAG, RAW_ENUM64,
	RAW_KINDS
};

/*
 * Size of the data that follows a type: a fixed part, and a part for each
 * element.
 */
static const struct {
	u8 fixed;
	u8 each;
} tails[RAW_KINDS] = {
	[RAW_INT] = { 4, 0 },
	[RAW_ARRAY] = { 12, 0 },
	[RAW_STRUCT] = { 0, 12 },
	[RAW_UNION] = { 0, 12 },
	[RAW_ENUM] = { 0, 8 },
	[RAW_PROTO] = { 0, 8 },
	[RAW_VAR] = { 4, 0 },
	[RAW_SECTION] = { 0, 12 },
	[RAW_DECL_TAG] = { 4, 0 },
	[RAW_ENUM64] = { 0, 12 },
};

static const struct raw_type *btf_type_at(const struct btf_data *btf, u32 id)
{
	if (btf->base && id < btf->first)
		btf = btf->base;
	if (id < btf->first || id >= btf->n)
		return NULL;
	return (const struct raw_type *)(btf->types + btf->index[id - btf->first]);
}

/* Offsets of member and parameter names aren't verified by btf_open(). */
static const char *btf_name_at(const struct btf_data *btf, u32 offset)
{
	const struct btf_data *base = btf->base;

	if (base && offset < base->strings_size)
		return base->strings + offset;
	if (base)
		offset -= base->strings_size;
	return offset < btf->strings_size ? btf->strings + offset : "";
}

static bool btf_is_named(const struct btf_data *btf, u32 offset, const char *name, size_t length)
{
	const char *it = btf_name_at(btf, offset);

	return !strncmp(it, name, length) && !it[length];
}

/* Returns the size of the type at @at, or 0 if it is unknown or truncated. */
static size_t btf_type_size(const struct btf_data *btf, size_t at)
{
	const struct raw_type *type = (const void *)(btf->types + at);
	size_t room = btf->types_size - at;
	size_t size = sizeof(*type);

	if (room < size || !RAW_KIND(type) || RAW_KIND(type) >= RAW_KINDS)
		return 0;
	size += tails[RAW_KIND(type)].fixed +
		(size_t)tails[RAW_KIND(type)].each * RAW_COUNT(type);
	return size <= room ? size : 0;
}

/* Count the types, and store their offsets if the index is allocated. */
static int btf_scan_types(struct btf_data *btf)
{
	size_t at, size;

	btf->n = btf->first;
	for (at = 0; at < btf->types_size; at += size) {
		size = btf_type_size(btf, at);
		if (!size)
			return -EINVAL;
		if (btf->index)
			btf->index[btf->n - btf->first] = at;
		btf->n++;
	}
	return 0;
}

/*
 * Returns a section of the data, or NULL if the header's values exceed @size.
 */
static const void *btf_part_at(const void *data, size_t size, u32 at, u32 length)
{
	const struct raw_header *header = data;
	size_t room = size - header->header_size;

	if (at > room || length > room - at)
		return NULL;
	return data + header->header_size + at;
}

static int btf_read_header(struct btf_data *btf, const void *data, size_t size)
{
	const struct raw_header *header = data;

	if (size < sizeof(*header) || header->magic != MAGIC ||
	    header->version != 1 || header->header_size < sizeof(*header) ||
	    header->header_size > size || header->header_size % 4 ||
	    header->types_at % 4 || !header->strings_size)
		return -EINVAL;
	btf->types = btf_part_at(data, size, header->types_at, header->types_size);
	btf->types_size = header->types_size;
	btf->strings = btf_part_at(data, size, header->strings_at, header->strings_size);
	btf->strings_size = header->strings_size;
	if (!btf->types || !btf->strings || btf->types_size % 4 ||
	    btf->strings[btf->strings_size - 1])
		return -EINVAL;
	return 0;
}

int btf_open(struct btf_data *btf, const struct btf_data *base, const void *data, size_t size)
{
	int rc;

	*btf = (struct btf_data){ .base = base, .first = base ? base->n : 1 };
	rc = btf_read_header(btf, data, size);
	if (!rc)
		rc = btf_scan_types(btf);
	if (rc)
		return rc;
	btf->index = kvmalloc_array(btf->n - btf->first, sizeof(*btf->index), GFP_KERNEL);
	if (!btf->index)
		return -ENOMEM;
	return btf_scan_types(btf);
}

void btf_close(struct btf_data *btf)
{
	kvfree(btf->index);
	*btf = (struct btf_data){};
}

/* Returns the type without typedefs and qualifiers, or NULL. */
static const struct raw_type *btf_strip(const struct btf_data *btf, u32 id)
{
	const struct raw_type *type = btf_type_at(btf, id);
	unsigned int depth;

	for (depth = 0; type && depth < DEPTH_MAX; depth++) {
		switch (RAW_KIND(type)) {
		case RAW_TYPEDEF:
		case RAW_VOLATILE:
		case RAW_CONST:
		case RAW_RESTRICT:
		case RAW_TYPE_TAG:
			type = btf_type_at(btf, type->size_or_type);
			break;
		default:
			return type;
		}
	}
	return NULL;
}

static bool btf_is_compound(const struct raw_type *type)
{
	return type && (RAW_KIND(type) == RAW_STRUCT || RAW_KIND(type) == RAW_UNION);
}

/* Returns the size in bytes, 0 if unknown. */
static u32 btf_size_of(const struct btf_data *btf, u32 id)
{
	const struct raw_type *type;
	const struct raw_array *array;
	unsigned int depth;
	u32 n = 1;

	for (depth = 0; depth < DEPTH_MAX; depth++) {
		type = btf_strip(btf, id);
		if (!type)
			return 0;
		if (RAW_KIND(type) != RAW_ARRAY)
			break;
		array = (const void *)(type + 1);
		id = array->type;
		n *= array->n;
	}
	switch (RAW_KIND(type)) {
	case RAW_PTR:
		return n * sizeof(void *);
	case RAW_INT:
	case RAW_STRUCT:
	case RAW_UNION:
	case RAW_ENUM:
	case RAW_FLOAT:
	case RAW_ENUM64:
		return n * type->size_or_type;
	default:
		return 0;
	}
}

/* A lookup of a member, also in anonymous structures and unions. */
struct search {
	const struct btf_data *btf;
	const char *name;
	size_t length;		/* of @name, which may continue beyond it */
	unsigned int steps;	/* members left to look at; bounds cyclic types */
	u32 bits;		/* offset of the member found */
	u32 field;		/* its size if it is a bit-field */
};

#define STEPS_MAX 10000

static const struct raw_member *btf_search_member(struct search *search,
						  const struct raw_type *type,
						  unsigned int depth)
{
	const struct raw_member *it = (const void *)(type + 1), *found;
	const struct raw_type *inner;
	u32 i, offset;

	for (i = 0; i < RAW_COUNT(type) && search->steps; i++, it++, search->steps--) {
		offset = RAW_FLAG(type) ? it->offset & 0xffffff : it->offset;
		found = NULL;
		if (search->length &&
		    btf_is_named(search->btf, it->name, search->name, search->length)) {
			found = it;
			search->field = RAW_FLAG(type) ? it->offset >> 24 : 0;
		} else if (depth && !*btf_name_at(search->btf, it->name)) {
			inner = btf_strip(search->btf, it->type);
			if (btf_is_compound(inner))
				found = btf_search_member(search, inner, depth - 1);
		}
		if (found) {
			search->bits += offset;
			return found;
		}
	}
	return NULL;
}

static int btf_fill_place(const struct btf_data *btf, u32 bits, u32 field, u32 type,
			  struct btf_place *place)
{
	if (!field && bits % 8)
		return -ENOENT;
	*place = (struct btf_place){
		.offset = bits / 8,
		.size = field ? 0 : btf_size_of(btf, type),
		.bit = bits % 8,
		.bits = field,
	};
	return 0;
}

int btf_find_member(const struct btf_data *btf, u32 id, const char *path,
		    struct btf_place *place)
{
	struct search search = { .btf = btf, .steps = STEPS_MAX };
	const struct raw_member *member;
	const struct raw_type *type;

	for (;;) {
		type = btf_strip(btf, id);
		if (!btf_is_compound(type))
			return -ENOENT;
		search.name = path;
		search.length = strcspn(path, ".");
		member = btf_search_member(&search, type, DEPTH_MAX / 4);
		if (!member)
			return -ENOENT;
		id = member->type;
		path += search.length;
		if (!*path++)
			break;
	}
	return btf_fill_place(btf, search.bits, search.field, id, place);
}

u32 btf_find_struct(const struct btf_data *btf, const char *name, const char *with)
{
	const struct raw_type *type;
	struct btf_place place;
	u32 id, found = 0;

	for (id = 1; id < btf->n; id++) {
		type = btf_type_at(btf, id);
		if (RAW_KIND(type) != RAW_STRUCT ||
		    !btf_is_named(btf, type->name, name, strlen(name)))
			continue;
		if (with && btf_find_member(btf, id, with, &place))
			continue;
		if (found)
			return 0;
		found = id;
	}
	return found;
}

u32 btf_struct_size(const struct btf_data *btf, u32 id)
{
	const struct raw_type *type = btf_type_at(btf, id);

	return btf_is_compound(type) ? type->size_or_type : 0;
}

/* Output buffer. */
struct text {
	char *at;
	size_t room;
	bool full;
};

static void text_add(struct text *text, const char *more)
{
	size_t length = strlen(more);

	if (length >= text->room) {
		text->full = true;
		return;
	}
	memcpy(text->at, more, length + 1);
	text->at += length;
	text->room -= length;
}

static void btf_write_type(const struct btf_data *btf, struct text *text, u32 id,
			   unsigned int depth);

static void btf_write_parameters(const struct btf_data *btf, struct text *text,
				 const struct raw_type *proto, unsigned int depth)
{
	const struct raw_parameter *it = (const void *)(proto + 1);
	u32 i;

	text_add(text, "(");
	for (i = 0; i < RAW_COUNT(proto) && !text->full; i++, it++) {
		if (i)
			text_add(text, ", ");
		/* A parameter without name and type is an ellipsis. */
		if (!it->name && !it->type)
			text_add(text, "...");
		else
			btf_write_type(btf, text, it->type, depth);
	}
	text_add(text, RAW_COUNT(proto) ? ")" : "void)");
}

static void btf_write_pointer(const struct btf_data *btf, struct text *text, u32 to,
			      unsigned int depth)
{
	const struct raw_type *type = btf_type_at(btf, to);

	if (type && RAW_KIND(type) == RAW_PROTO) {
		btf_write_type(btf, text, type->size_or_type, depth);
		text_add(text, " (*)");
		btf_write_parameters(btf, text, type, depth);
		return;
	}
	btf_write_type(btf, text, to, depth);
	if (!text->full)
		text_add(text, text->at[-1] == '*' ? "*" : " *");
}

static void btf_write_named(const struct btf_data *btf, struct text *text,
			    const struct raw_type *type, const char *word)
{
	text_add(text, word);
	text_add(text, btf_name_at(btf, type->name));
}

static void btf_write_type(const struct btf_data *btf, struct text *text, u32 id,
			   unsigned int depth)
{
	const struct raw_type *type = btf_type_at(btf, id);

	/* A type that can't be written matches no expected prototype. */
	if (!depth || (id && !type) || text->full) {
		text->full = true;
		return;
	}
	switch (id ? RAW_KIND(type) : 0) {
	case 0:
		text_add(text, "void");
		break;
	case RAW_PTR:
		btf_write_pointer(btf, text, type->size_or_type, depth - 1);
		break;
	case RAW_CONST:
		text_add(text, "const ");
		btf_write_type(btf, text, type->size_or_type, depth - 1);
		break;
	case RAW_VOLATILE:
	case RAW_RESTRICT:
	case RAW_TYPE_TAG:
		btf_write_type(btf, text, type->size_or_type, depth - 1);
		break;
	case RAW_STRUCT:
	case RAW_FWD:
		btf_write_named(btf, text, type, "struct ");
		break;
	case RAW_UNION:
		btf_write_named(btf, text, type, "union ");
		break;
	case RAW_ENUM:
	case RAW_ENUM64:
		btf_write_named(btf, text, type, "enum ");
		break;
	case RAW_INT:
	case RAW_TYPEDEF:
	case RAW_FLOAT:
		btf_write_named(btf, text, type, "");
		break;
	default:
		text->full = true;
	}
}

static int btf_write_function(const struct btf_data *btf, const struct raw_type *func,
			      char *at, size_t room)
{
	const struct raw_type *proto = btf_type_at(btf, func->size_or_type);
	struct text text = { .at = at, .room = room };

	if (!proto || RAW_KIND(proto) != RAW_PROTO)
		return -EINVAL;
	btf_write_type(btf, &text, proto->size_or_type, DEPTH_MAX);
	btf_write_parameters(btf, &text, proto, DEPTH_MAX);
	return text.full ? -EINVAL : 0;
}

#define PROTOTYPE_MAX 256

int btf_prototype(const struct btf_data *btf, const char *name, char *text, size_t room)
{
	const struct raw_type *type;
	char other[PROTOTYPE_MAX];
	bool found = false;
	int rc = -ENOENT;
	u32 id;

	for (id = 1; id < btf->n; id++) {
		type = btf_type_at(btf, id);
		if (RAW_KIND(type) != RAW_FUNC ||
		    !btf_is_named(btf, type->name, name, strlen(name)))
			continue;
		rc = btf_write_function(btf, type, found ? other : text,
					found ? sizeof(other) : room);
		if (rc || (found && strcmp(text, other)))
			return -EINVAL;
		found = true;
	}
	return rc;
}
