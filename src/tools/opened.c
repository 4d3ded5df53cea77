// SPDX-License-Identifier: GPL-2.0-only
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "files.h"
#include "opened.h"

struct search {
	const char *start;
	opened_fn *fn;
	void *data;
	struct opened now;
	bool hidden;
};

static void search_fd(const char *name, void *data)
{
	struct search *search = data;
	struct opened *now = &search->now;
	const char *link = path_at("/proc/%d/fd/%s", now->pid, name);
	ssize_t length = readlink(link, now->path, sizeof(now->path) - 1);

	if (length < 0)
		return;
	now->path[length] = 0;
	if (strncmp(now->path, search->start, strlen(search->start)))
		return;
	now->fd = atoi(name);
	file_read(path_at("/proc/%d/comm", now->pid), now->program, sizeof(now->program));
	search->fn(now, search->data);
}

static void search_process(const char *name, void *data)
{
	struct search *search = data;

	if (!isdigit((unsigned char)*name))
		return;
	search->now = (struct opened) { .pid = atoi(name) };
	errno = 0;
	if (!directory_each(path_at("/proc/%s/fd", name), search_fd, search))
		search->hidden |= errno == EACCES;
}

bool opened_each(const char *start, opened_fn *fn, void *data)
{
	struct search search = { .start = start, .fn = fn, .data = data };

	directory_each(path_at("/proc"), search_process, &search);
	return !search.hidden;
}

bool opened_by(pid_t pid, const char *start, opened_fn *fn, void *data)
{
	struct search search = { .start = start, .fn = fn, .data = data };

	search.now.pid = pid;
	return directory_each(path_at("/proc/%d/fd", pid), search_fd, &search);
}

struct names {
	const char *path;
	pid_t last;
	struct text text;
};

static void names_add(const struct opened *opened, void *data)
{
	struct names *names = data;

	if (strcmp(opened->path, names->path) || opened->pid == names->last)
		return;
	names->last = opened->pid;
	text_add(&names->text, "%s%s (process %d)", names->text.length ? ", " : "",
		 opened->program, opened->pid);
}

const char *opened_names(const char *path)
{
	struct names names = { .path = path };

	opened_each(path, names_add, &names);
	return text_end(&names.text);
}

static bool info_is_common(const char *name)
{
	return !strcmp(name, "pos") || !strcmp(name, "flags") || !strcmp(name, "mnt_id") ||
	       !strcmp(name, "ino");
}

void opened_info(const struct opened *opened, info_fn *fn, void *data)
{
	FILE *file = fopen(path_at("/proc/%d/fdinfo/%d", opened->pid, opened->fd), "re");
	char *line = NULL, *value;
	size_t size = 0;

	while (file && getline(&line, &size, file) > 0) {
		line[strcspn(line, "\n")] = 0;
		value = strchr(line, ':');
		if (!value)
			continue;
		*value++ = 0;
		value += strspn(value, " \t");
		if (!info_is_common(line))
			fn(line, value, data);
	}
	free(line);
	if (file)
		fclose(file);
}
