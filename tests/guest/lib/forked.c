// SPDX-License-Identifier: GPL-2.0-only
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "forked.h"
#include "frames.h"
#include "meters.h"
#include "tap.h"

#define FORKED_AT	8	/* where in a page is written */
#define FORKED_BATCH	512

enum harm { HARM_NONE, HARM_MAPS, HARM_CHARGE, HARM_MEMORY };

static char expected[64 * 1024], found[sizeof(expected)];

/* The whole of /proc/self/maps. */
static void read_maps(char *to)
{
	int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	size_t n = 0;
	ssize_t got;

	require(fd >= 0);
	while ((got = read(fd, to + n, sizeof(expected) - n)) > 0)
		n += got;
	require(!got && n < sizeof(expected));
	to[n] = 0;
	close(fd);
}

void forked_expect(void)
{
	read_maps(expected);
}

static volatile uint64_t *word(const struct mem *m, size_t at)
{
	return (volatile uint64_t *)(m->va + at + FORKED_AT);
}

static bool can_write(const struct mem *m)
{
	for (size_t at = 0; at < m->size; at += PAGE)
		*word(m, at) = ~0ull;
	for (size_t at = 0; at < m->size; at += PAGE)
		if (*word(m, at) != ~0ull)
			return false;
	return true;
}

int forked_look(const struct mem *m)
{
	read_maps(found);
	if (strcmp(expected, found))
		return HARM_MAPS;
	if (meters_vmpin() || meters_vmlck())
		return HARM_CHARGE;
	return m->fd >= 0 || can_write(m) ? HARM_NONE : HARM_MEMORY;
}

bool forked_keeps(const struct mem *m)
{
	uint64_t before[FORKED_BATCH], after[FORKED_BATCH];
	size_t moved = 0, lost = 0, at, n, i;

	for (at = 0; at < m->size; at += n * PAGE) {
		n = (m->size - at) / PAGE;
		n = n < FORKED_BATCH ? n : FORKED_BATCH;
		mem_pfns(m->va + at, n, before);
		for (i = 0; i < n; i++)
			*word(m, at + i * PAGE) = at + i;
		mem_pfns(m->va + at, n, after);
		for (i = 0; i < n; i++) {
			moved += !before[i] || before[i] != after[i];
			lost += *word(m, at + i * PAGE) != at + i;
		}
	}
	return check_msg(!moved && !lost, "of %zu pages %zu were replaced, %zu are a child's",
			 m->size / (size_t)PAGE, moved, lost);
}
