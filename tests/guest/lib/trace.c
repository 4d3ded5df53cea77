// SPDX-License-Identifier: GPL-2.0-only
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plug.h"
#include "trace.h"

#define TRACING	"/sys/kernel/tracing"

const char *slurp(const char *path)
{
	static char text[1 << 17];
	size_t have = 0;
	ssize_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	require(fd >= 0);
	while ((n = read(fd, text + have, sizeof(text) - 1 - have)) > 0)
		have += n;
	require(n == 0);
	close(fd);
	text[have] = 0;
	return text;
}

unsigned long long number_after(const char *text, const char *word)
{
	const char *p = strstr(text, word);

	require(p != NULL);
	return strtoull(p + strlen(word), NULL, 10);
}

void empty_file(const char *path)
{
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);

	require(fd >= 0);
	close(fd);
}

void trace_begin(void)
{
	if (tap_oracle())
		tap_skip("Linux's own iommufd has no tracepoints");
	if (access(TRACING "/trace", R_OK))
		tap_skip("this kernel has no tracefs");
	empty_file(TRACING "/trace");
	require_ok(write_file(TRACING "/events/iommufd/enable", "1"));
}

void trace_end(void)
{
	require_ok(write_file(TRACING "/events/iommufd/enable", "0"));
}

bool traced(const char *event, const char *words)
{
	for (char *p = (char *)slurp(TRACING "/trace"), *line; (line = strsep(&p, "\n"));)
		if (strstr(line, event) && strstr(line, words))
			return true;
	tap_diag("no event %s with \"%s\"", event, words);
	return false;
}
