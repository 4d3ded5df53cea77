// SPDX-License-Identifier: GPL-2.0-only
#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "files.h"

#define PATHS 8

static const char *path_root(void)
{
#ifdef IOMMUFDCTL_TEST
	return getenv("IOMMUFDCTL_ROOT") ?: "";
#else
	return "";
#endif
}

const char *path_at(const char *format, ...)
{
	static char paths[PATHS][PATH_MAX];
	static unsigned int next;
	char *path = paths[next++ % PATHS];
	size_t length;
	va_list list;

	snprintf(path, PATH_MAX, "%s", path_root());
	length = strlen(path);
	va_start(list, format);
	vsnprintf(path + length, PATH_MAX - length, format, list);
	va_end(list);
	return path;
}

bool file_exists(const char *path)
{
	return !access(path, F_OK);
}

bool file_read(const char *path, char *text, size_t size)
{
	FILE *file = fopen(path, "re");
	size_t length;
	bool good;

	*text = 0;
	if (!file)
		return false;
	length = fread(text, 1, size - 1, file);
	good = !ferror(file);
	fclose(file);
	text[length] = 0;
	if (length && text[length - 1] == '\n')
		text[length - 1] = 0;
	return good;
}

static bool file_search(const char *path, const char *word, bool start)
{
	char *line = NULL;
	size_t size = 0;
	bool found = false;
	FILE *file = fopen(path, "re");

	if (!file)
		return false;
	while (!found && getline(&line, &size, file) > 0)
		found = start ? !strncmp(line, word, strlen(word)) : !!strstr(line, word);
	free(line);
	fclose(file);
	return found;
}

bool file_has(const char *path, const char *start)
{
	return file_search(path, start, true);
}

bool file_mentions(const char *path, const char *word)
{
	return file_search(path, word, false);
}

bool link_name(const char *path, char *name, size_t size)
{
	char target[PATH_MAX];
	ssize_t length = readlink(path, target, sizeof(target) - 1);

	*name = 0;
	if (length < 0)
		return false;
	target[length] = 0;
	snprintf(name, size, "%s", strrchr(target, '/') ? strrchr(target, '/') + 1 : target);
	return true;
}

static int entry_by_name(const struct dirent **a, const struct dirent **b)
{
	return strverscmp((*a)->d_name, (*b)->d_name);
}

static int entry_shown(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

bool directory_each(const char *path, entry_fn *fn, void *data)
{
	struct dirent **entries;
	int i, n = scandir(path, &entries, entry_shown, entry_by_name);

	if (n < 0)
		return false;
	for (i = 0; i < n; i++) {
		if (fn)
			fn(entries[i]->d_name, data);
		free(entries[i]);
	}
	free(entries);
	return true;
}

struct first {
	char *name;
	size_t size;
};

static void first_take(const char *name, void *data)
{
	struct first *first = data;

	if (!*first->name)
		snprintf(first->name, first->size, "%s", name);
}

bool directory_first(const char *path, char *name, size_t size)
{
	struct first first = { .name = name, .size = size };

	*name = 0;
	directory_each(path, first_take, &first);
	return *name;
}

const char *kernel_release(void)
{
	static char release[128];

	if (!*release)
		file_read(path_at("/proc/sys/kernel/osrelease"), release, sizeof(release));
	return release;
}
