/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Large mappings of memory that isn't there yet, for an edu: kernel threads may pin it
 * together with the process that maps it.
 */
#ifndef TESTS_GUEST_PIN_SCENE_H
#define TESTS_GUEST_PIN_SCENE_H

#include <stdbool.h>
#include <stdint.h>

#include "device.h"
#include "edu.h"
#include "mem.h"
#include "stuck.h"

#define PIN_BASE	EDU_IOVA
#define PIN_SIZE	(72 * MIB)
#define PIN_BASE2	(PIN_BASE + 2 * PIN_SIZE)

struct pin_scene {
	int fd;
	uint32_t ioas;
	struct device dev;
	struct mem m;
	struct call call;
};

extern struct pin_scene pin;

/* Opens a context, and attaches an edu to its IOAS. */
void pin_attach(void);

/* Maps pin.m at PIN_BASE; or unmaps it, and checks that nothing stays pinned. */
int pin_map(void *arg);
void pin_unmap(void);

/* Maps and unmaps for ever, each time memory that isn't there; @mapped, if any, counts. */
_Noreturn void pin_map_forever(unsigned int *mapped);

/* Is there more than one CPU for it? */
bool pin_is_shared(void);

/* How many kernel threads help now that are younger than a process, of those in @group. */
unsigned int pin_helpers_in(int pid, const char *group);
unsigned int pin_helpers(int pid);

/* Maps, and returns how many threads were seen to help at most. */
unsigned int pin_map_watched(int want);

/* Threads that were started go by themselves. */
void pin_check_alone(void);

/* Does the device see what is written at byte @at of pin.m? */
bool pin_reads(struct edu *edu, uint64_t at);
void pin_check_places(const uint64_t *at, size_t n);

#endif
