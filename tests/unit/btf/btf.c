// SPDX-License-Identifier: GPL-2.0-only
/*
 * The reader of BTF, on data that is written here type by type, and on the same data
 * cut short at every place and with its bytes changed: what isn't well-formed is
 * refused or answered, and nothing outside is read.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"

#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/slab.h>
#include <linux/types.h>

#include "../../../src/hw/btf.h"
#include "random.h"
#include "sample.h"

static void check_member(struct btf_data *btf, u32 id, const char *path, u32 offset,
			 u32 size, u32 bit, u32 bits)
{
	struct btf_place place = {};

	tap_context("%s", path);
	check_eq(btf_find_member(btf, id, path, &place), 0);
	check_eq(place.offset, offset);
	check_eq(place.size, size);
	check_eq(place.bit, bit);
	check_eq(place.bits, bits);
}

static void members(void)
{
	struct btf_place place;
	struct btf_data btf;
	size_t size;
	void *data = sample(&size);
	u32 id;

	check_eq(btf_open(&btf, NULL, data, size), 0);
	check_eq(btf_find_struct(&btf, "smmu", NULL), 0);
	check_eq(btf_find_struct(&btf, "smmu", "dev"), 0);
	check_eq(btf_find_struct(&btf, "smm", NULL), 0);
	check_eq(btf_find_struct(&btf, "", "prod") != 0, 1);
	check_eq(btf_find_struct(&btf, "queue", NULL), queue_id);
	id = btf_find_struct(&btf, "smmu", "cmdq");
	check(id && id == btf_find_struct(&btf, "smmu", "cmdq.shift"));
	check(id != btf_find_struct(&btf, "smmu", "old"));
	check_member(&btf, id, "dev", 0, 8, 0, 0);
	check_member(&btf, id, "cmdq", 8, 16, 0, 0);
	check_member(&btf, id, "cmdq.cons", 12, 4, 0, 0);
	check_member(&btf, id, "cmdq.atomic.cons", 12, 4, 0, 0);
	check_member(&btf, id, "cmdq.shift", 16, 4, 0, 0);
	check_member(&btf, id, "ats", 24, 0, 0, 1);
	check_member(&btf, id, "nest", 24, 0, 1, 1);
	check_member(&btf, id, "wide", 28, 4, 0, 0);
	check_member(&btf, id, "last", 32, 24, 0, 0);
	check_eq(btf_find_member(&btf, id, "old", &place), -ENOENT);
	check_eq(btf_find_member(&btf, id, "cmd", &place), -ENOENT);
	check_eq(btf_find_member(&btf, id, "cmdq.", &place), -ENOENT);
	check_eq(btf_find_member(&btf, id, "dev.x", &place), -ENOENT);
	check_eq(btf_find_member(&btf, id, "cmdq.shift.x", &place), -ENOENT);
	check_eq(btf_find_member(&btf, u32_id, "x", &place), -ENOENT);
	check_eq(btf_find_member(&btf, btf.n, "x", &place), -ENOENT);
	check_eq(btf_find_member(&btf, 0, "x", &place), -ENOENT);
	id = btf_find_struct(&btf, "loop", NULL);
	check(id);
	check_eq(btf_find_member(&btf, id, "x", &place), -ENOENT);
	btf_close(&btf);
	free(data);
}

static void prototypes(void)
{
	static const char walk[] =
		"void(u32 (*)(struct smmu **, long unsigned int), const _Bool *, ...)";
	struct btf_data btf;
	char text[128];
	size_t size;
	void *data = sample(&size);

	check_eq(btf_open(&btf, NULL, data, size), 0);
	check_eq(btf_prototype(&btf, "walk", text, sizeof(text)), 0);
	check(!strcmp(text, walk));
	check_eq(btf_prototype(&btf, "walk", text, sizeof(walk)), 0);
	check_eq(btf_prototype(&btf, "walk", text, sizeof(walk) - 1), -EINVAL);
	check_eq(btf_prototype(&btf, "walk", text, 1), -EINVAL);
	check_eq(btf_prototype(&btf, "nothing", text, sizeof(text)), 0);
	check(!strcmp(text, "u32(void)"));
	check_eq(btf_prototype(&btf, "walks", text, sizeof(text)), -ENOENT);
	check_eq(btf_prototype(&btf, "smmu", text, sizeof(text)), -ENOENT);
	check_eq(btf_prototype(&btf, "both", text, sizeof(text)), -EINVAL);
	check_eq(btf_prototype(&btf, "broken", text, sizeof(text)), -EINVAL);
	check_eq(btf_prototype(&btf, "turn", text, sizeof(text)), -EINVAL);
	btf_close(&btf);
	free(data);
}

/* A module's data refers to the kernel's, not the other way round. */
static void modules(void)
{
	struct btf_data kernel, btf;
	size_t size, more;
	void *data = sample(&size), *module = module_sample(&more);
	char text[128];
	u32 id;

	check_eq(btf_open(&kernel, NULL, data, size), 0);
	check_eq(btf_open(&btf, &kernel, module, more), 0);
	id = btf_find_struct(&btf, "own", NULL);
	check_eq(id, kernel.n);
	check_eq(btf_struct_size(&btf, id), 24);
	check_member(&btf, id, "more", 16, 8, 0, 0);
	check_member(&btf, id, "kernels.cons", 4, 4, 0, 0);
	check_eq(btf_find_struct(&btf, "queue", NULL), queue_id);
	check_eq(btf_find_struct(&kernel, "own", NULL), 0);
	check_eq(btf_struct_size(&kernel, id), 0);
	check_eq(btf_prototype(&btf, "move", text, sizeof(text)), 0);
	check(!strcmp(text, "void(struct queue *, struct own *, u32)"));
	check_eq(btf_prototype(&btf, "nothing", text, sizeof(text)), 0);
	check_eq(btf_prototype(&btf, "past", text, sizeof(text)), -EINVAL);
	check_eq(btf_prototype(&kernel, "move", text, sizeof(text)), -ENOENT);
	btf_close(&btf);

	/* without the kernel's, its own types are others */
	check_eq(btf_open(&btf, NULL, module, more), 0);
	check_eq(btf_find_struct(&btf, "own", NULL), 0);
	btf_close(&btf);
	btf_close(&kernel);
	free(module);
	free(data);
}

/* Asks everything; that it comes to an end and reads nothing else is all that counts. */
static void look_around(struct btf_data *btf)
{
	static const char *const names[] = { "smmu", "queue", "loop", "walk", "turn", "own",
					     "move", "" };
	struct btf_place place;
	char text[64];
	size_t i;
	u32 id;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		id = btf_find_struct(btf, names[i], "cmdq.cons");
		btf_find_member(btf, id, "last", &place);
		btf_prototype(btf, names[i], text, sizeof(text));
	}
	for (id = 0; id <= btf->n; id++) {
		btf_find_member(btf, id, "cmdq.atomic.cons", &place);
		btf_find_member(btf, id, "last", &place);
	}
}

static void try_data(const struct btf_data *base, const void *data, size_t size)
{
	struct btf_data btf;
	void *copy = malloc(size ?: 1);
	int rc;

	memcpy(copy, data, size);
	rc = btf_open(&btf, base, copy, size);
	check(!rc || rc == -EINVAL);
	if (!rc) {
		look_around(&btf);
		btf_close(&btf);
	}
	free(copy);
}

static void cut_short(void)
{
	struct btf_data btf;
	size_t size, i;
	void *data = sample(&size);

	for (i = 0; i < size; i++) {
		void *copy = malloc(i ?: 1);

		memcpy(copy, data, i);
		tap_context("%zu of %zu bytes", i, size);
		check_eq(btf_open(&btf, NULL, copy, i), -EINVAL);
		free(copy);
	}
	free(data);
}

static void bad_headers(void)
{
	static const struct {
		unsigned int word;
		u32 value;
	} bad[] = {
		{ 0, 0x00019feb }, { 0, 0x0002eb9f }, { 1, 0 }, { 1, 20 }, { 1, 26 },
		{ 1, 0xfffffffc }, { 2, 2 }, { 2, 0xfffffffc }, { 3, 0xfffffffc }, { 3, 6 },
		{ 4, 0xffffffff }, { 5, 0 }, { 5, 0xffffffff },
	};
	struct btf_data btf;
	size_t size, i;
	u32 *data;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		data = sample(&size);
		data[bad[i].word] = bad[i].value;
		tap_context("word %u is %#x", bad[i].word, bad[i].value);
		check_eq(btf_open(&btf, NULL, data, size), -EINVAL);
		free(data);
	}
	data = sample(&size);
	((char *)data)[size - 1] = 'x';
	check_eq(btf_open(&btf, NULL, data, size), -EINVAL);
	free(data);
}

static void change_bytes(const struct btf_data *base, const u8 *data, size_t size)
{
	size_t i, rounds = from_environment("ROUNDS", 1000);
	u8 *bad = malloc(size);

	random_begin(1);

	for (i = 0; i < size; i++) {
		memcpy(bad, data, size);
		bad[i] ^= 1u << random_below(8);
		try_data(base, bad, size);
	}
	while (rounds--) {
		memcpy(bad, data, size);
		for (i = 0; i <= random_below(8); i++)
			bad[random_below(size)] = random_below(256);
		try_data(base, bad, size);
	}
	free(bad);
}

static void bytes_changed(void)
{
	struct btf_data kernel;
	size_t size, more;
	u8 *data = sample(&size), *module = module_sample(&more);

	change_bytes(NULL, data, size);
	check_eq(btf_open(&kernel, NULL, data, size), 0);
	change_bytes(&kernel, module, more);
	btf_close(&kernel);
	free(module);
	free(data);
}

/* Memory runs out. */
static void no_memory(void)
{
	struct btf_data btf;
	size_t size;
	void *data = sample(&size);

	shim_fail_alloc(1);
	check_eq(btf_open(&btf, NULL, data, size), -ENOMEM);
	free(data);
}

static const struct test tests[] = {
	{ "members", members },
	{ "prototypes", prototypes },
	{ "modules", modules },
	{ "cut_short", cut_short },
	{ "bad_headers", bad_headers },
	{ "bytes_changed", bytes_changed },
	{ "no_memory", no_memory },
};

TAP_MAIN(tests)
