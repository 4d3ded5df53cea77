// SPDX-License-Identifier: GPL-2.0-only
/* Programs as text: written, and read again. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

static const char *const thing_names[THINGS] = {
	"ioas", "hwpt", "device", "stdev", "fault", "viommu", "vdevice", "veventq",
	"queue", "pages", "cookie", "window", "edu", "vmock", "access", "fault_fd",
	"event_fd", "memfd", "dmabuf", "context", "node", "control", "group", "eventfd",
	"state",
};
static const char *const sharing_names[SHARINGS] = { "inherit", "send", "own" };
static const char *const region_names[REGIONS] = {
	"heap", "huge", "shared", "data", "read_only", "edge", "nowhere", "kernel",
};

static void write_value(const struct value *value, FILE *to)
{
	if (value->how == REFERENCE)
		fprintf(to, "%s.%llu", thing_names[value->of],
			(unsigned long long)value->n);
	else if (value->how == POINTER)
		fprintf(to, "%s+%#llx", region_names[value->of],
			(unsigned long long)value->n);
	else
		fprintf(to, "%#llx", (unsigned long long)value->n);
}

void program_write(const struct program *program, FILE *to)
{
	unsigned int i, j;

	fprintf(to, "threads %u\n", program->threads);
	if (program->processes > 1)
		fprintf(to, "processes %u %s %u\n", program->processes,
			sharing_names[program->sharing], program->before);
	if (program->kill_at)
		fprintf(to, "kill %u %u\n", program->victim, program->kill_at);
	for (i = 0; i < program->n; i++) {
		const struct call *call = &program->calls[i];
		const struct field *fields = ops[call->op]->fields;

		fputs(ops[call->op]->name, to);
		for (j = 0; j < MAX_FIELDS && fields[j].kind != NONE; j++) {
			if (fields[j].kind == MAKES)
				continue;
			fprintf(to, " %s=", fields[j].name);
			write_value(&call->values[j], to);
		}
		fputc('\n', to);
	}
}

static bool read_name(const char *const *names, unsigned int n, const char *word,
		      size_t length, unsigned int *which)
{
	for (*which = 0; *which < n; ++*which) {
		if (strlen(names[*which]) == length &&
		    !strncmp(names[*which], word, length))
			return true;
	}
	return false;
}

static bool read_value(struct value *value, const char *word)
{
	size_t name = strcspn(word, ".+");
	char *end;

	if (word[0] >= '0' && word[0] <= '9') {
		*value = (struct value){ NUMBER, 0, strtoull(word, &end, 0) };
		return !*end;
	}
	if (!word[name])
		return false;
	value->how = word[name] == '.' ? REFERENCE : POINTER;
	value->n = strtoull(word + name + 1, &end, 0);
	if (*end)
		return false;
	return value->how == REFERENCE ?
		read_name(thing_names, THINGS, word, name, &value->of) :
		read_name(region_names, REGIONS, word, name, &value->of);
}

/* A field by the last part of its name, so that "iova" is check_map.iova too. */
static bool read_field(struct call *call, char *word)
{
	const struct field *fields = ops[call->op]->fields;
	char *equals = strchr(word, '=');
	unsigned int i;

	if (!equals)
		return false;
	*equals = 0;
	for (i = 0; i < MAX_FIELDS && fields[i].kind != NONE; i++) {
		const char *dot = strchr(fields[i].name, '.');

		if (!strcmp(fields[i].name, word) || (dot && !strcmp(dot + 1, word)))
			return read_value(&call->values[i], equals + 1);
	}
	return false;
}

static bool read_call(struct call *call, char *line)
{
	char *rest, *word = strtok_r(line, " \t", &rest);
	unsigned int i;

	for (i = 0; i < n_ops && strcmp(ops[i]->name, word); i++)
		;
	if (i == n_ops)
		return false;
	memset(call, 0, sizeof(*call));
	call->op = i;
	/* What a program doesn't say is what is usual. */
	for (i = 0; i < MAX_FIELDS; i++) {
		if (ops[call->op]->fields[i].kind == FIXED)
			call->values[i].n = ops[call->op]->fields[i].arg;
	}
	while ((word = strtok_r(NULL, " \t", &rest))) {
		if (!read_field(call, word))
			return false;
	}
	return true;
}

/* "threads 2", "processes 2 inherit 5" (calls before the fork), "kill 1 20" (see fuzz.h) */
static bool read_head(struct program *program, const char *line)
{
	char how[16];
	int n;

	if (sscanf(line, "threads %u", &program->threads) == 1 ||
	    sscanf(line, "kill %u %u", &program->victim, &program->kill_at) == 2)
		return true;
	n = sscanf(line, "processes %u %15s %u", &program->processes, how, &program->before);
	return n >= 2 && program->processes >= 1 && program->processes <= PROCESSES_MAX &&
	       read_name(sharing_names, SHARINGS, how, strlen(how), &program->sharing);
}

const char *program_read(struct program *program, char *text)
{
	char *rest, *line;
	static char copy[256];

	memset(program, 0, sizeof(*program));
	program->threads = program->processes = 1;
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		if (line[0] == '#' || !line[strspn(line, " \t")])
			continue;
		if (read_head(program, line))
			continue;
		snprintf(copy, sizeof(copy), "%s", line);
		if (program->n == MAX_CALLS ||
		    !read_call(&program->calls[program->n], line))
			return copy;
		program->n++;
	}
	return program->n ? NULL : "an empty program";
}
