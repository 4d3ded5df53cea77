// SPDX-License-Identifier: GPL-2.0-only
/* Programs: made at random, and mutated. */
#include <string.h>

#include "../mock/uapi.h"
#include "fuzz.h"

/* splitmix64 */
uint64_t random_next(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

static struct value number(uint64_t n)
{
	return (struct value){ NUMBER, 0, n };
}

/* Numbers at which code goes wrong. */
static uint64_t odd_number(uint64_t *random)
{
	static const uint64_t odd[] = {
		0, 1, 2, 0x7ff, 0x800, 0xfff, 0x1000, 0x1001, 0x1fffff, 0x200000,
		0x7fffffff, 0x80000000, 0xffffffff, 0x100000000,
		0x7fffffffffffffff, 0x8000000000000000, 0xfffffffffffff000,
		0xfffffffffffff800, 0xffffffffffffffff,
	};

	switch (below(random, 3)) {
	case 0:
		return odd[below(random, sizeof(odd) / sizeof(odd[0]))];
	case 1:
		return 1ull << below(random, 64);
	default:
		return random_next(random) >> below(random, 64);
	}
}

static unsigned int one_of(uint64_t mask, uint64_t *random)
{
	unsigned int n = below(random, __builtin_popcountll(mask));

	while (n--)
		mask &= mask - 1;
	return __builtin_ctzll(mask);
}

/* Few places, so that calls meet: pages, and the mock's half pages. */
static uint64_t iova(uint64_t *random)
{
	uint64_t step = one_in(random, 4) ? MOCK_PAGE_SIZE : 4096;

	if (one_in(random, 8))
		return MOCK_APERTURE_START + (below(random, 4) << 21);
	if (one_in(random, 12))
		return MOCK_APERTURE_LAST + 1ull - step * below(random, 4);
	return MOCK_APERTURE_START + step * below(random, 16);
}

static uint64_t length(uint64_t *random)
{
	switch (below(random, 10)) {
	case 0:
		return 2ul << 20;
	case 1:
		return MOCK_PAGE_SIZE * (1 + below(random, 8));
	case 2:
		return ~0ull;
	default:
		return 4096 * (1 + below(random, 8));
	}
}

static struct value pointer(enum region region, uint64_t *random)
{
	uint64_t at = 4096 * below(random, 16);

	if (one_in(random, 6))
		at += below(random, 4096);
	return (struct value){ POINTER, region, at };
}

static struct value any_pointer(uint64_t *random)
{
	static const enum region usual[] = { HEAP, HEAP, HEAP, HUGE, HUGE, SHARED, READ_ONLY };

	if (one_in(random, 12))
		return pointer(below(random, REGIONS), random);
	return pointer(usual[below(random, sizeof(usual) / sizeof(usual[0]))], random);
}

static struct value fill(const struct field *field, uint64_t *random)
{
	if (field->kind != MAKES && one_in(random, 24))
		return number(odd_number(random));
	switch (field->kind) {
	case TAKES:
		/* the latest ones first */
		return (struct value){ REFERENCE, one_of(field->arg, random),
				       one_in(random, 2) ? 0 : below(random, 3) };
	case FLAGS:
		/* full rights are the usual case */
		return number(one_in(random, 2) ? random_next(random) & field->arg :
			      field->arg == 7 ? 7 : 0);
	case PICK:
		return number(below(random, field->arg + 1));
	case FIXED:
		return number(field->arg);
	case SELDOM:
		return number(one_in(random, 8) ? random_next(random) & field->arg : 0);
	case IOVA:
		return number(iova(random));
	case LENGTH:
		return number(length(random));
	case OFFSET:
		return number(4096 * below(random, 8));
	case COUNT:
		return number(below(random, field->arg + 1));
	case MEMORY:
		return any_pointer(random);
	case BLOB:
		return (struct value){ POINTER, DATA, field->arg + 64 * below(random, 8) };
	default:
		return number(0);
	}
}

static unsigned int weight(unsigned int op, unsigned int parts)
{
	return grammar_part(op) & parts ? ops[op]->weight : 0;
}

static void make_call(struct call *call, unsigned int parts, uint64_t *random)
{
	unsigned int total = 0, pick, i;

	for (i = 0; i < n_ops; i++)
		total += weight(i, parts);
	pick = below(random, total);
	for (i = 0; pick >= weight(i, parts); i++)
		pick -= weight(i, parts);
	call->op = i;
	for (i = 0; i < MAX_FIELDS; i++)
		call->values[i] = fill(&ops[call->op]->fields[i], random);
}

/* Processes are costly, so most programs have one. */
static void make_processes(struct program *program, uint64_t *random)
{
	program->processes = one_in(random, 4) ? 2 + below(random, PROCESSES_MAX - 1) : 1;
	program->sharing = below(random, SHARINGS);
	program->before = below(random, program->n);
	program->victim = below(random, program->processes);
	program->kill_at = 0;
	if (one_in(random, program->processes > 1 ? 2 : 8))
		program->kill_at = 1 + below(random, program->n * program->processes);
}

void program_make(struct program *program, uint64_t *random)
{
	static const unsigned int parts[] = {
		PART_IOMMU, PART_NODE, PART_IOMMU | PART_NODE,
	};
	unsigned int part = parts[below(random, 3)], i;

	memset(program, 0, sizeof(*program));
	program->threads = one_in(random, 3) ? 2 + below(random, 2) : 1;
	program->n = 4 + below(random, MAX_CALLS - 4);
	make_processes(program, random);
	for (i = 0; i < program->n; i++)
		make_call(&program->calls[i], part, random);
}

static void remove_call(struct program *program, unsigned int at)
{
	memmove(&program->calls[at], &program->calls[at + 1],
		(--program->n - at) * sizeof(program->calls[0]));
}

static void insert_call(struct program *program, unsigned int at,
			const struct call *call)
{
	if (program->n == MAX_CALLS)
		return;
	memmove(&program->calls[at + 1], &program->calls[at],
		(program->n++ - at) * sizeof(program->calls[0]));
	program->calls[at] = *call;
}

static void mutate_value(struct program *program, uint64_t *random)
{
	struct call *call = &program->calls[below(random, program->n)];
	const struct field *fields = ops[call->op]->fields;
	unsigned int n = 0, at;

	while (n < MAX_FIELDS && fields[n].kind != NONE)
		n++;
	if (!n)
		return;
	at = below(random, n);
	if (call->values[at].how == NUMBER && one_in(random, 3))
		call->values[at].n ^= 1ull << below(random, 64);
	else
		call->values[at] = fill(&fields[at], random);
}

static void mutate_once(struct program *program, const struct program *other,
			uint64_t *random)
{
	unsigned int at = below(random, program->n);
	struct call call;

	switch (below(random, 8)) {
	case 0:
		if (program->n > 1)
			remove_call(program, at);
		break;
	case 1:
		call = program->calls[below(random, program->n)];
		insert_call(program, at, &call);
		break;
	case 2:
		insert_call(program, at, &other->calls[below(random, other->n)]);
		break;
	case 3:
		/* the other's end behind our beginning */
		while (program->n > at + 1)
			program->n--;
		for (at = below(random, other->n); at < other->n; at++)
			insert_call(program, program->n, &other->calls[at]);
		break;
	case 4:
		make_call(&call, PART_IOMMU | PART_NODE, random);
		insert_call(program, at + 1, &call);
		break;
	default:
		mutate_value(program, random);
	}
}

void program_mutate(struct program *program, const struct program *other,
		    uint64_t *random)
{
	unsigned int times = 1 + below(random, 8);

	while (times--)
		mutate_once(program, other, random);
	if (one_in(random, 3))
		program->threads = 1 + below(random, 3);
	if (one_in(random, 2))
		make_processes(program, random);
}
