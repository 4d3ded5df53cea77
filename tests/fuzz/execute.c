// SPDX-License-Identifier: GPL-2.0-only
/* Making a call: values become IDs, addresses and structures. */
#include <errno.h>
#include <linux/iommufd.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>

#include "../mock/uapi.h"
#include "device.h"
#include "fuzz.h"

static uint64_t resolve(struct world *world, const struct value *value)
{
	if (value->how == REFERENCE)
		return world_thing(world, value->of, value->n);
	if (value->how == POINTER)
		return (uintptr_t)regions[value->of] + value->n;
	return value->n;
}

/* What the structure of a call looks like for the fields that it shares with all. */
static void begin_structure(char *structure, const struct op *op)
{
	memcpy(structure, &op->size, sizeof(uint32_t));
	if (op->test_op)
		((struct iommu_test_cmd *)structure)->op = op->test_op;
}

static void note_made(struct world *world, const struct op *op, const char *structure)
{
	unsigned int i;

	for (i = 0; i < MAX_FIELDS && op->fields[i].kind != NONE; i++) {
		const struct field *field = &op->fields[i];
		uint64_t made = 0;

		memcpy(&made, structure + field->offset, field->size);
		if (field->kind == MAKES)
			world_made(world, field->arg, made);
	}
}

/* What is told elsewhere than in a field that is for that only. */
static void note_more(struct world *world, const struct op *op, const char *structure,
		      const uint64_t *values, int rc)
{
	const struct cdev_attach *attach = (const void *)structure;
	struct iommu_viommu_selftest *data;

	if (op->test_op == IOMMU_TEST_OP_DMABUF_GET)
		world_made(world, DMABUF, rc);
	if (op->request == CDEV_ATTACH && attach->pt_id != values[3])
		world_made(world, HWPT, attach->pt_id);
	/* The mock says there where its registers can be mapped. */
	if (op->request == IOMMU_VIOMMU_ALLOC &&
	    in_region(HEAP, values[7], sizeof(*data))) {
		data = (void *)(uintptr_t)values[7];
		world_made(world, WINDOW, data->out_mmap_offset);
	}
}

static int run_ioctl(struct world *world, const struct op *op, const uint64_t *values)
{
	/* Kernels write behind the structure if its size says that there is room. */
	char structure[4096] = "";
	int fd = op->by_file ? (int)values[0] : world->fd;
	unsigned int i;
	int rc;

	if (op->by_file && !is_ours(world, fd, ANY_FD))
		return -1;
	begin_structure(structure, op);
	for (i = 0; i < MAX_FIELDS && op->fields[i].kind != NONE; i++)
		memcpy(structure + op->fields[i].offset, &values[i], op->fields[i].size);
	rc = ioctl(fd, op->request, structure);
	if (rc < 0)
		return rc;
	note_made(world, op, structure);
	note_more(world, op, structure, values, rc);
	return 0;
}

/* Which call is the victim's last depends on the scheduler, but not when that is. */
static void perhaps_kill(struct world *world, const struct program *program,
			 struct tally *tally)
{
	struct commons *commons = world->commons;
	int pid;

	if (atomic_fetch_add(&commons->calls, 1) + 1 != program->kill_at)
		return;
	pid = atomic_load(&commons->pids[program->victim % PROCESSES_MAX]);
	if (pid <= 0)
		return;
	/* before, as it may be this one */
	atomic_fetch_add(&tally->kills, 1);
	kill(pid, SIGKILL);
}

static void count_end(struct tally *tally, unsigned int op, int rc, int error)
{
	if (rc >= 0)
		error = 0;
	else if (error <= 0 || error >= ERRNOS)
		error = NOT_MADE;
	atomic_fetch_add(&tally->ends[op][error], 1);
}

void execute_call(struct world *world, const struct program *program,
		  const struct call *call, struct tally *tally)
{
	const struct op *op = ops[call->op];
	uint64_t values[MAX_FIELDS];
	unsigned int i;
	int rc;

	perhaps_kill(world, program, tally);
	for (i = 0; i < MAX_FIELDS; i++)
		values[i] = resolve(world, &call->values[i]);
	errno = 0;
	rc = op->run ? op->run(world, values) : run_ioctl(world, op, values);
	count_end(tally, call->op, rc, errno);
}
