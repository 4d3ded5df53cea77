// SPDX-License-Identifier: GPL-2.0-only
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "report.h"

#define RESULTS 64

struct result {
	const char *name;
	const char *fix;
	const char *text;
	enum status status;
};

bool report_json;

static struct result results[RESULTS];
static unsigned int count;

static const char *const words[] = {
	[PASS] = "PASS", [INFO] = "INFO", [WARN] = "WARN", [FAIL] = "FAIL",
};

static void *report_must(void *memory)
{
	if (memory)
		return memory;
	fputs("iommufdctl: out of memory\n", stderr);
	exit(EXIT_NO_LOOK);
}

static char *text_print_list(const char *format, va_list list)
{
	char *chars;

	return vasprintf(&chars, format, list) < 0 ? report_must(NULL) : chars;
}

const char *text_print(const char *format, ...)
{
	va_list list;
	char *chars;

	va_start(list, format);
	chars = text_print_list(format, list);
	va_end(list);
	return chars;
}

void text_add(struct text *text, const char *format, ...)
{
	va_list list;
	size_t length;
	char *chars;

	va_start(list, format);
	chars = text_print_list(format, list);
	va_end(list);
	length = strlen(chars);
	text->chars = report_must(realloc(text->chars, text->length + length + 1));
	memcpy(text->chars + text->length, chars, length + 1);
	text->length += length;
	free(chars);
}

const char *text_end(const struct text *text)
{
	return text->chars ?: "";
}

void report(const char *name, enum status status, const char *fix, const char *format, ...)
{
	va_list list;

	if (count == RESULTS)
		return;
	va_start(list, format);
	results[count++] = (struct result) {
		.name = name, .status = status, .fix = fix, .text = text_print_list(format, list),
	};
	va_end(list);
}

bool report_failed(const char *name)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		if (!strcmp(results[i].name, name) && results[i].status == FAIL)
			return true;
	return false;
}

void json_string(FILE *out, const char *text)
{
	putc('"', out);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			fprintf(out, "\\%c", *text);
		else if ((unsigned char)*text < ' ')
			fprintf(out, "\\u%04x", *text);
		else
			putc(*text, out);
	}
	putc('"', out);
}

static void result_json(const struct result *r, bool last)
{
	printf("    {\"check\": \"%s\", \"status\": \"%s\", \"text\": ", r->name, words[r->status]);
	json_string(stdout, r->text);
	if (r->fix) {
		printf(", \"fix\": ");
		json_string(stdout, r->fix);
	}
	puts(last ? "}" : "},");
}

/* One command per line, ready to be copied. */
static void result_fix(const char *fix)
{
	size_t length;

	for (; *fix; fix += length + (fix[length] == '\n')) {
		length = strcspn(fix, "\n");
		printf("      %.*s\n", (int)length, fix);
	}
}

static void result_text(const struct result *r, bool colour)
{
	static const char *const colours[] = {
		[PASS] = "\033[32m", [INFO] = "", [WARN] = "\033[33m", [FAIL] = "\033[31m",
	};

	printf("%s%s%s  %s: %s\n", colour ? colours[r->status] : "", words[r->status],
	       colour && *colours[r->status] ? "\033[0m" : "", r->name, r->text);
	if (r->fix)
		result_fix(r->fix);
}

int report_end(const char *command, const char *device)
{
	bool failed = false, colour = isatty(STDOUT_FILENO);
	unsigned int i;

	if (report_json) {
		printf("{\n  \"version\": 1,\n  \"command\": \"%s\",\n", command);
		if (device)
			printf("  \"device\": \"%s\",\n", device);
		printf("  \"checks\": [\n");
	}
	for (i = 0; i < count; i++) {
		failed |= results[i].status == FAIL;
		if (report_json)
			result_json(&results[i], i + 1 == count);
		else
			result_text(&results[i], colour);
	}
	if (report_json)
		printf("  ],\n  \"failed\": %s\n}\n", failed ? "true" : "false");
	return failed ? EXIT_CHECK_FAILED : EXIT_GOOD;
}
