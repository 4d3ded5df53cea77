// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <string.h>

#include <libkmod.h>

#include "files.h"
#include "modules.h"

static void module_take(const char *key, const char *value, struct module_file *file)
{
	struct {
		const char *key;
		char *to;
		size_t size;
	} keys[] = {
		{ "version", file->version, sizeof(file->version) },
		{ "srcversion", file->srcversion, sizeof(file->srcversion) },
		{ "vermagic", file->vermagic, sizeof(file->vermagic) },
		{ "signer", file->signer, sizeof(file->signer) },
	};
	unsigned int i;

	for (i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (!strcmp(key, keys[i].key))
			snprintf(keys[i].to, keys[i].size, "%s", value);
}

static void module_look_at(struct kmod_module *module, struct module_file *file)
{
	struct kmod_list *list = NULL, *l;
	const char *path;

	file->found = true;
	file->builtin = kmod_module_get_initstate(module) == KMOD_MODULE_BUILTIN;
	path = kmod_module_get_path(module);
	if (!path) {
		file->own = file->builtin;
		return;
	}
	file->found = file_exists(path);
	snprintf(file->path, sizeof(file->path), "%s", path);
	file->own = strstr(path, "/kernel/");
	if (kmod_module_get_info(module, &list) < 0)
		return;
	kmod_list_foreach(l, list)
		module_take(kmod_module_info_get_key(l), kmod_module_info_get_value(l), file);
	kmod_module_info_free_list(list);
}

static void module_no_log(void *data, int priority, const char *file, int line, const char *fn,
		   const char *format, va_list args)
{
}

void module_look(const char *name, struct module_file *file)
{
	struct kmod_ctx *ctx = kmod_new(path_at("/lib/modules/%s", kernel_release()), NULL);
	struct kmod_list *list = NULL, *l;
	struct kmod_module *module;

	*file = (struct module_file) {};
	if (!ctx)
		return;
	kmod_set_log_fn(ctx, module_no_log, NULL);
	if (kmod_module_new_from_lookup(ctx, name, &list) >= 0) {
		kmod_list_foreach(l, list) {
			module = kmod_module_get_module(l);
			if (!file->found)
				module_look_at(module, file);
			kmod_module_unref(module);
		}
		kmod_module_unref_list(list);
	}
	kmod_unref(ctx);
}

/* A built-in module has a directory only if it has parameters. */
bool module_loaded(const char *name)
{
	struct module_file file;

	if (file_exists(path_at("/sys/module/%s", name)))
		return true;
	module_look(name, &file);
	return file.builtin;
}

bool kernel_has_iommufd(void)
{
	struct module_file file;
	const char *release = kernel_release();

	if (file_has(path_at("/boot/config-%s", release), "CONFIG_IOMMUFD=") ||
	    file_has(path_at("/lib/modules/%s/build/.config", release), "CONFIG_IOMMUFD="))
		return true;
	module_look("iommufd", &file);
	return file.found && file.own;
}

bool module_parameter(const char *module, const char *name, char *value, unsigned int size)
{
	return file_read(path_at("/sys/module/%s/parameters/%s", module, name), value, size);
}
