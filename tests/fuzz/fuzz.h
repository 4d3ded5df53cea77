/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A fuzzer for /dev/iommu that knows the grammar: which call takes which kind of
 * object, and which call makes one.
 *
 * A program is a list of calls, run in a child with a /dev/iommu of its own, by
 * one or more threads.  Values refer to what earlier calls made by kind and number
 * ("ioas.0"), not by ID, so that a program keeps its meaning when it is cut, spliced
 * or mutated, and can be written down as text.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* What calls make, and others take. */
enum thing {
	/* named by an ID */
	IOAS, HWPT, DEVICE, STDEV, FAULT, VIOMMU, VDEVICE, VEVENTQ, QUEUE, PAGES,
	/* by a descriptor */
	ACCESS, FAULT_FD, EVENT_FD, MEMFD, DMABUF,
	/* by something else */
	COOKIE, WINDOW,
	THINGS
};
#define MASK(thing)	(1u << (thing))
#define ANY_ID		(MASK(PAGES + 1) - 1)

/* User memory that pointers point into. */
enum region {
	HEAP,		/* small pages */
	HUGE,		/* aligned for huge ones */
	SHARED,		/* the memfd, mapped */
	DATA,		/* driver data, see execute.c */
	READ_ONLY,
	EDGE,		/* the last page before a hole */
	NOWHERE,	/* not mapped */
	KERNEL,		/* not even user space */
	REGIONS
};
#define REGION_SIZE	(4ul << 20)

struct value {
	enum { NUMBER, REFERENCE, POINTER } how;
	unsigned int of;	/* enum thing or region */
	uint64_t n;		/* the number; which one; the offset */
};

enum kind {
	NONE,
	TAKES,		/* one of the things in @arg */
	MAKES,		/* out: the thing @arg */
	FLAGS,		/* some bits of @arg */
	PICK,		/* 0 to @arg, most of the time */
	FIXED,		/* @arg, most of the time */
	IOVA,
	LENGTH,
	OFFSET,		/* in a file */
	MEMORY,		/* a pointer to memory to map or to be filled */
	BLOB,		/* a pointer to driver data */
	COUNT,
};

struct field {
	const char *name;
	unsigned int offset;
	unsigned int size;
	enum kind kind;
	uint64_t arg;
};
#define MAX_FIELDS	12
#define MAX_CALLS	48

struct call;
struct world;

struct op {
	const char *name;
	unsigned int weight;
	unsigned long request;		/* of an ioctl, */
	unsigned int size;		/* with a structure of this size, */
	unsigned int test_op;		/* and perhaps this operation of the mock */
	int (*run)(struct world *world, const uint64_t *values);	/* or not an ioctl */
	struct field fields[MAX_FIELDS];
};

extern const struct op ops[];
extern const unsigned int n_ops;

struct call {
	unsigned int op;
	struct value values[MAX_FIELDS];
};

struct program {
	unsigned int threads;
	unsigned int n;
	struct call calls[MAX_CALLS];
};

/* A generator of random numbers that is the same everywhere. */
uint64_t random_next(uint64_t *state);
static inline uint64_t below(uint64_t *state, uint64_t n)
{
	return random_next(state) % n;
}
static inline bool one_in(uint64_t *state, unsigned int n)
{
	return !below(state, n);
}

/* program.c */
void program_make(struct program *program, uint64_t *random);
void program_mutate(struct program *program, const struct program *other,
		    uint64_t *random);
void program_write(const struct program *program, FILE *to);
/* Reads one program; returns NULL, or the line that it doesn't understand. */
const char *program_read(struct program *program, char *text);

/* execute.c: shared with the parent of the child that runs a program. */
#define MADE_MAX 8
struct world {
	int fd;
	atomic_ullong made[THINGS][MADE_MAX];
	atomic_uint n_made[THINGS];
};

/* How often each call was made, and how often it did something. */
struct tally {
	atomic_ulong calls[64];
	atomic_ulong done[64];
};

void execute_prepare(void);
void execute(const struct program *program, struct tally *tally);
void world_made(struct world *world, enum thing thing, uint64_t id);

/* The calls that aren't ioctls. */
int run_read(struct world *world, const uint64_t *values);
int run_respond(struct world *world, const uint64_t *values);
int run_poll(struct world *world, const uint64_t *values);
int run_close(struct world *world, const uint64_t *values);
int run_mmap(struct world *world, const uint64_t *values);
int run_munmap(struct world *world, const uint64_t *values);
int run_discard(struct world *world, const uint64_t *values);
int run_memfd(struct world *world, const uint64_t *values);
int run_truncate(struct world *world, const uint64_t *values);
int run_type1_set(struct world *world, const uint64_t *values);

#endif
