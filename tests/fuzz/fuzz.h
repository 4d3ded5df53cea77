/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A fuzzer for /dev/iommu and the nodes of VFIO devices that knows the grammar: which call
 * takes which kind of object, and which call makes one.
 *
 * A program is a list of calls, run in a child with a /dev/iommu of its own, by one or
 * more threads of one or more processes.  Values refer to what earlier calls made by kind
 * and number ("ioas.0"), not by ID, so that a program keeps its meaning when it is cut,
 * spliced or mutated, and can be written down as text.
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
	/* named by an ID of the context */
	IOAS, HWPT, DEVICE, STDEV, FAULT, VIOMMU, VDEVICE, VEVENTQ, QUEUE, PAGES,
	/* by something else in the context */
	COOKIE, WINDOW,
	/* VFIO devices of the machine, and of the test driver: places (nodes.c) */
	EDU, VMOCK,
	/* by a descriptor: the context's file, device files, of the test driver, groups... */
	ACCESS, FAULT_FD, EVENT_FD, MEMFD, DMABUF,
	CONTEXT, NODE, CONTROL, GROUP, EVENTFD, STATE,
	THINGS
};
#define FIRST_ID	IOAS
#define FIRST_PLACE	EDU
#define FIRST_FD	ACCESS
#define MASK(thing)	(1u << (thing))
#define ANY_ID		(MASK(PAGES + 1) - 1)
#define ANY_FD		(MASK(THINGS) - MASK(FIRST_FD))

/* User memory that pointers point into. */
enum region {
	HEAP,		/* small pages */
	HUGE,		/* aligned for huge ones */
	SHARED,		/* the memfd, mapped */
	DATA,		/* driver data, see memory.c */
	READ_ONLY,
	EDGE,		/* the last page before a hole */
	NOWHERE,	/* not mapped */
	KERNEL,		/* not even user space */
	REGIONS
};
#define REGION_SIZE	(4ul << 20)

/* Where in DATA there is what a vendor's drivers read; 512 bytes each */
#define DATA_VTD_TABLES		0x400
#define DATA_VTD_RANGES		0x600
#define DATA_SMMU_STES		0x800
#define DATA_SMMU_COMMANDS	0xa00

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
	SELDOM,		/* 0, and now and then some bits of @arg */
	IOVA,
	LENGTH,
	OFFSET,		/* in a file */
	MEMORY,		/* a pointer to memory to map or to be filled */
	BLOB,		/* a pointer to driver data, at @arg or a little behind */
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

/* What a call can't do without, see coverage.c. */
enum need {
	NEED_NOTHING, NEED_MOCK, NEED_PASIDS, NEED_NODE_PASIDS, NEED_FAULTS, NEED_EDU,
	NEED_RESET, NEED_EXPORT, NEED_MAPPING, NEED_VIOMMU, NEED_VTD, NEED_SMMU,
	NEEDS
};

struct op {
	const char *name;
	unsigned int weight;
	enum need needs;
	unsigned long request;		/* of an ioctl, */
	unsigned int size;		/* with a structure of this size, */
	unsigned int test_op;		/* perhaps this operation of the mock, */
	bool by_file;			/* of the file that is the first value */
	int (*run)(struct world *world, const uint64_t *values);	/* or not an ioctl */
	struct field fields[MAX_FIELDS];
};

/* Subjects, so that there are programs that stay with one. */
enum { PART_IOMMU = 1, PART_NODE = 2 };

#define MAX_OPS		128
extern const struct op *ops[MAX_OPS];
extern unsigned int n_ops;
void grammar_begin(void);
/* The subject of a call. */
unsigned int grammar_part(unsigned int op);

struct call {
	unsigned int op;
	struct value values[MAX_FIELDS];
};

/* What several processes of a program have in common. */
enum sharing {
	INHERIT,	/* the context and all that is open after the first calls, by fork() */
	SEND,		/* the context, sent over a socket */
	OWN,		/* devices only */
	SHARINGS
};
#define PROCESSES_MAX	3

struct program {
	unsigned int threads;		/* of each process */
	unsigned int processes;
	enum sharing sharing;
	unsigned int before;		/* calls before the fork() */
	unsigned int victim;		/* this process is killed */
	unsigned int kill_at;		/* when all have begun that many calls; 0: never */
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

/* text.c */
void program_write(const struct program *program, FILE *to);
/* Reads one program; returns NULL, or the line that it doesn't understand. */
const char *program_read(struct program *program, char *text);

/* things.c */
#define MADE_MAX 8
struct made {
	atomic_ullong at[MADE_MAX];
	atomic_uint n;
};

/* Where user space finds a VFIO device. */
struct place {
	unsigned int node;		/* N of /dev/vfio/devices/vfioN */
	int group;			/* N of /dev/vfio/N */
	char bdf[16];			/* of a PCI device */
};
#define PLACES_MAX	64

/* Shared by all processes of a program. */
struct commons {
	struct made ids[PROCESSES_MAX][FIRST_PLACE];	/* of each context */
	struct made nodes;				/* of the test driver */
	atomic_uint n_places;
	atomic_uint calls;
	atomic_int pids[PROCESSES_MAX];
	struct place places[PLACES_MAX];
};

/* What a process has. */
struct world {
	int fd;				/* its context */
	int mail[2];			/* a socket that all processes send to and receive from */
	struct made *ids;
	struct made fds[THINGS];
	struct commons *commons;
};

void world_made(struct world *world, enum thing thing, uint64_t id);
/* The @which-th from the last one made. */
uint64_t world_thing(struct world *world, enum thing thing, uint64_t which);
/* Is that a descriptor of one of these things? */
bool is_ours(struct world *world, int fd, unsigned int things);
/* The kind of thing it is, or THINGS. */
enum thing thing_of(struct world *world, int fd);

/* How often each call succeeded [0], failed with an errno, or wasn't made. */
#define ERRNOS		256
#define NOT_MADE	(ERRNOS - 1)
struct tally {
	atomic_ulong ends[MAX_OPS][ERRNOS];
	atomic_ulong kills;
};

/* memory.c */
extern char *regions[REGIONS];
/* A descriptor of the memory file, or -1. */
int memory_prepare(void);
bool in_region(enum region region, uint64_t at, uint64_t length);

/* execute.c */
void execute_call(struct world *world, const struct program *program,
		  const struct call *call, struct tally *tally);

/* process.c: in a child. */
void execute(const struct program *program, struct commons *commons,
	     struct tally *tally);

/* nodes.c */
extern struct place edus[];
extern unsigned int n_edus;
void nodes_find(void);
/* Waits, for a bounded time, until both ways to each edu are free. */
bool nodes_settle(void);
/* Is an edu on a bus that can be reset? */
bool nodes_can_reset(void);
/* The place of a value, or NULL. */
const struct place *place_of(struct world *world, uint64_t value);
/* Notes a new one, as a thing. */
void place_made(struct world *world, const struct place *place);

/* coverage.c: prints the table; false if a call that could succeed never did. */
bool coverage_report(const struct tally *tally, bool whole);

#endif
