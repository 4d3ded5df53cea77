/* SPDX-License-Identifier: GPL-2.0-only */
/* BTF written type by type: of a kernel, and of a module that continues it. */
#ifndef TESTS_BTF_SAMPLE_H
#define TESTS_BTF_SAMPLE_H

enum { INT = 1, PTR, ARRAY, STRUCT, UNION, ENUM, FWD, TYPEDEF, VOLATILE, CONST, RESTRICT,
       FUNC, PROTO, VAR, SECTION, FLOAT, DECL_TAG, TYPE_TAG, ENUM64 };

#define FLAG 0x80000000u

static u32 words[4096];
static size_t n_words;
static char strings[4096];
static size_t n_strings;
static u32 next_id;
static u32 strings_before;	/* size of those that a module's follow */

static u32 string(const char *text)
{
	u32 at = strings_before + n_strings;

	if (!*text)
		return 0;
	strcpy(strings + n_strings, text);
	n_strings += strlen(text) + 1;
	return at;
}

static void word(u32 value)
{
	words[n_words++] = value;
}

static u32 type(const char *name, u32 kind, u32 n, u32 size_or_type)
{
	word(string(name));
	word((kind & 0x1f) << 24 | n | (kind & FLAG));
	word(size_or_type);
	return next_id++;
}

static void member(const char *name, u32 of, u32 bits)
{
	word(string(name));
	word(of);
	word(bits);
}

static void parameter(const char *name, u32 of)
{
	word(string(name));
	word(of);
}

static void begin(void)
{
	n_words = 0;
	memset(strings, 0, sizeof(strings));
	n_strings = 1;
	next_id = 1;
	strings_before = 0;
}

/* Go on with a module's data: IDs and strings continue those of the kernel. */
static void begin_module(void)
{
	u32 id = next_id, before = n_strings;

	begin();
	n_strings = 0;
	next_id = id;
	strings_before = before;
}

/* An allocation of just that size, so that a sanitizer sees what goes beyond. */
static void *finish(size_t *size)
{
	u32 header[6] = { 0x0001eb9f, 24, 0, n_words * 4, n_words * 4, n_strings };
	char *data;

	*size = sizeof(header) + n_words * 4 + n_strings;
	data = malloc(*size);
	memcpy(data, header, sizeof(header));
	memcpy(data + sizeof(header), words, n_words * 4);
	memcpy(data + sizeof(header) + n_words * 4, strings, n_strings);
	return data;
}

static u32 device_ptr, u32_id, ulong_id, bool_id, queue_id;

static void basics(void)
{
	u32 inner, outer;

	u32_id = type("unsigned int", INT, 0, 4);
	word(32);
	u32_id = type("u32", TYPEDEF, 0, u32_id);
	ulong_id = type("long unsigned int", INT, 0, 8);
	word(64);
	bool_id = type("_Bool", INT, 0, 1);
	word(8);
	device_ptr = type("", PTR, 0, type("device", FWD, 0, 0));
	inner = type("", STRUCT, 2, 8);
	member("prod", u32_id, 0);
	member("cons", u32_id, 32);
	outer = type("", UNION, 3, 8);
	member("val", ulong_id, 0);
	member("", inner, 0);
	member("atomic", inner, 0);
	queue_id = type("queue", STRUCT, 2, 16);
	member("", outer, 0);
	member("shift", u32_id, 64);
}

/* Two structures of one name, one of which has bit-fields. */
static u32 structures(void)
{
	u32 array;

	array = type("", ARRAY, 0, 0);
	word(ulong_id);
	word(u32_id);
	word(3);
	type("smmu", STRUCT, 2, 16);
	member("dev", device_ptr, 0);
	member("old", u32_id, 64);
	type("smmu", STRUCT | FLAG, 6, 56);
	member("dev", device_ptr, 0);
	member("cmdq", queue_id, 64);
	member("ats", bool_id, 192 | 1u << 24);
	member("nest", bool_id, 193 | 1u << 24);
	member("wide", u32_id, 224);
	member("last", array, 256);
	return next_id - 1;
}

static void functions(u32 structure)
{
	u32 twice, text, call, walk;

	twice = type("", PTR, 0, type("", PTR, 0, structure));
	text = type("", PTR, 0, type("", CONST, 0, bool_id));
	call = type("", PROTO, 2, u32_id);
	parameter("", twice);
	parameter("", ulong_id);
	call = type("", PTR, 0, call);
	walk = type("", PROTO, 3, 0);
	parameter("fn", call);
	parameter("name", text);
	parameter("", 0);
	type("walk", FUNC, 1, walk);
	type("walk", FUNC, 0, walk);
	type("nothing", FUNC, 0, type("", PROTO, 0, u32_id));
	type("both", FUNC, 0, walk);
	type("both", FUNC, 0, next_id - 3);
	type("broken", FUNC, 0, u32_id);
}

/* What refers to itself, and kinds that nothing above has. */
static void oddities(void)
{
	u32 id = next_id;

	type("loop", STRUCT, 3, 8);
	member("", id, 0);
	member("", id, 0);
	member("", id, 0);
	type("round", TYPEDEF, 0, next_id);
	type("beyond", PTR, 0, 0x00ffffff);
	type("turn", FUNC, 0, next_id + 1);
	type("", PROTO, 0, next_id + 1);
	type("", PTR, 0, next_id - 1);
	type("e", ENUM, 1, 4);
	parameter("one", 1);
	type("e", ENUM64, 1, 8);
	member("one", 1, 0);
	type("v", VAR, 0, u32_id);
	word(1);
	type(".data", SECTION, 1, 8);
	member("", next_id - 2, 8);
	type("f", FLOAT, 0, 8);
	type("d", DECL_TAG, 0, u32_id);
	word(0);
	type("t", TYPE_TAG, 0, u32_id);
}

static void *sample(size_t *size)
{
	begin();
	basics();
	functions(structures());
	oddities();
	return finish(size);
}

/* A function that takes a structure of the kernel, one of its own, and a kernel's typedef. */
static void *module_sample(size_t *size)
{
	u32 own, proto;

	begin_module();
	own = type("own", STRUCT, 2, 24);
	member("kernels", queue_id, 0);
	member("more", ulong_id, 128);
	type("", PTR, 0, queue_id);
	type("", PTR, 0, own);
	proto = type("", PROTO, 3, 0);
	parameter("", proto - 2);
	parameter("", proto - 1);
	parameter("revoked", u32_id);
	type("move", FUNC, 1, proto);
	type("past", FUNC, 1, 0x00ffffff);
	return finish(size);
}

#endif
