// SPDX-License-Identifier: GPL-2.0-only
/* Running a program: values become IDs, addresses and structures. */
#include <errno.h>
#include <fcntl.h>
#include <linux/iommufd.h>
#include <linux/vfio.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../mock/uapi.h"
#include "fuzz.h"

static char *regions[REGIONS];
static int memfd;

/* Words that drivers read: the mock's structures, and ranges of IOVA. */
static void fill_data(void)
{
	struct iommu_hwpt_selftest *table = (void *)regions[DATA];
	struct iommu_hwpt_invalidate_selftest *entry = (void *)(regions[DATA] + 128);
	struct iommu_iova_range *range = (void *)(regions[DATA] + 256);
	unsigned int i;

	table[0].iotlb = IOMMU_TEST_IOTLB_DEFAULT;
	/* at 64: the huge kind */
	table[8].iotlb = 7;
	table[8].pagetable_type = MOCK_IOMMUPT_HUGE;
	for (i = 0; i < 8; i++) {
		entry[i].flags = i == 3 ? IOMMU_TEST_INVALIDATE_FLAG_ALL : 0;
		entry[i].iotlb_id = i;
	}
	for (i = 0; i < 3; i++) {
		range[i].start = MOCK_APERTURE_START + (0x800000ull * i);
		range[i].last = range[i].start + 0x3fffff;
	}
}

static char *take(size_t align, int flags, int fd)
{
	char *at = mmap(NULL, REGION_SIZE + align, PROT_NONE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	at = (char *)(((uintptr_t)at + align - 1) & -align);
	return mmap(at, REGION_SIZE, PROT_READ | PROT_WRITE, MAP_FIXED | flags, fd, 0);
}

void execute_prepare(void)
{
	const size_t huge = 2ul << 20;

	memfd = memfd_create("fuzz", MFD_CLOEXEC);
	if (ftruncate(memfd, REGION_SIZE))
		return;
	regions[HEAP] = take(huge, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	madvise(regions[HEAP], REGION_SIZE, MADV_NOHUGEPAGE);
	regions[HUGE] = take(huge, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	madvise(regions[HUGE], REGION_SIZE, MADV_HUGEPAGE);
	regions[SHARED] = take(huge, MAP_SHARED, memfd);
	regions[DATA] = take(4096, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	regions[READ_ONLY] = take(4096, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	regions[EDGE] = take(huge, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	regions[NOWHERE] = take(4096, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	regions[KERNEL] = (char *)0xffff800000000000;
	fill_data();
	mprotect(regions[READ_ONLY], REGION_SIZE, PROT_READ);
	munmap(regions[EDGE] + 4096, REGION_SIZE - 4096);
	munmap(regions[NOWHERE], REGION_SIZE);
}

void world_made(struct world *world, enum thing thing, uint64_t id)
{
	unsigned int n = atomic_fetch_add(&world->n_made[thing], 1);

	atomic_store(&world->made[thing][n % MADE_MAX], id);
}

/* The @which-th from the last one made. */
static uint64_t thing_made(struct world *world, enum thing thing, uint64_t which)
{
	unsigned int n = atomic_load(&world->n_made[thing]);
	unsigned int kept = n < MADE_MAX ? n : MADE_MAX;

	if (!kept)
		return 0xdeadbeef;
	return atomic_load(&world->made[thing][(n - 1 - which % kept) % MADE_MAX]);
}

static uint64_t resolve(struct world *world, const struct value *value)
{
	if (value->how == REFERENCE)
		return thing_made(world, value->of, value->n);
	if (value->how == POINTER)
		return (uintptr_t)regions[value->of] + value->n;
	return value->n;
}

/* What the structure of a call looks like for the fields that it shares with all. */
static void begin_structure(char *structure, const struct op *op)
{
	memset(structure, 0, op->size);
	memcpy(structure, &op->size, sizeof(uint32_t));
	if (op->test_op)
		((struct iommu_test_cmd *)structure)->op = op->test_op;
}

static int run_ioctl(struct world *world, const struct op *op, const uint64_t *values)
{
	const struct field *field;
	char structure[256];
	unsigned int i;
	int rc;

	begin_structure(structure, op);
	for (i = 0; i < MAX_FIELDS && op->fields[i].kind != NONE; i++)
		memcpy(structure + op->fields[i].offset, &values[i], op->fields[i].size);
	rc = ioctl(world->fd, op->request, structure);
	if (rc < 0)
		return rc;
	if (op->test_op == IOMMU_TEST_OP_DMABUF_GET)
		world_made(world, DMABUF, rc);
	for (i = 0; i < MAX_FIELDS && op->fields[i].kind != NONE; i++) {
		uint64_t made = 0;

		field = &op->fields[i];
		memcpy(&made, structure + field->offset, field->size);
		if (field->kind == MAKES)
			world_made(world, field->arg, made);
	}
	return 0;
}

static void note_window(struct world *world, const struct op *op, const uint64_t *values)
{
	struct iommu_viommu_selftest *data;

	/* The mock says there where its registers can be mapped. */
	if (op->request != IOMMU_VIOMMU_ALLOC ||
	    values[7] < (uintptr_t)regions[HEAP] ||
	    values[7] + sizeof(*data) > (uintptr_t)regions[HEAP] + REGION_SIZE)
		return;
	data = (void *)(uintptr_t)values[7];
	world_made(world, WINDOW, data->out_mmap_offset);
}

static void run_call(struct world *world, const struct call *call, struct tally *tally)
{
	const struct op *op = &ops[call->op];
	uint64_t values[MAX_FIELDS];
	unsigned int i;
	int rc;

	for (i = 0; i < MAX_FIELDS; i++)
		values[i] = resolve(world, &call->values[i]);
	rc = op->run ? op->run(world, values) : run_ioctl(world, op, values);
	atomic_fetch_add(&tally->calls[call->op], 1);
	if (rc >= 0) {
		atomic_fetch_add(&tally->done[call->op], 1);
		note_window(world, op, values);
	}
}

struct runner {
	pthread_t thread;
	const struct program *program;
	struct world *world;
	struct tally *tally;
	unsigned int first;
};

/* Each thread runs the whole program, from another place on. */
static void *run_program(void *arg)
{
	struct runner *runner = arg;
	const struct program *program = runner->program;
	unsigned int i;

	for (i = 0; i < program->n; i++)
		run_call(runner->world,
			 &program->calls[(runner->first + i) % program->n],
			 runner->tally);
	return NULL;
}

void execute(const struct program *program, struct tally *tally)
{
	struct world world = { .fd = open("/dev/iommu", O_RDWR | O_CLOEXEC) };
	struct runner runners[3];
	unsigned int n = program->threads, i;

	if (world.fd < 0)
		return;
	if (n < 1 || n > 3)
		n = 1;
	world_made(&world, MEMFD, memfd);
	for (i = 0; i < n; i++) {
		runners[i] = (struct runner){ 0, program, &world, tally,
					      program->n * i / n };
		if (i)
			pthread_create(&runners[i].thread, NULL, run_program, &runners[i]);
	}
	run_program(&runners[0]);
	for (i = 1; i < n; i++)
		pthread_join(runners[i].thread, NULL);
}

static bool is_ours(struct world *world, int fd, enum thing thing)
{
	unsigned int i;

	for (i = 0; i < MADE_MAX && i < atomic_load(&world->n_made[thing]); i++) {
		if ((int)atomic_load(&world->made[thing][i]) == fd)
			return true;
	}
	return false;
}

int run_read(struct world *world, const uint64_t *values)
{
	struct iommu_hwpt_pgfault faults[8];
	struct pollfd ready = { values[0], POLLIN, 0 };
	ssize_t length;
	int i;

	if (is_ours(world, values[0], EVENT_FD))
		return read(values[0], (void *)(uintptr_t)values[1], values[2] % 512);
	if (!is_ours(world, values[0], FAULT_FD))
		return -1;
	/* The kernel hands faults over from a worker. */
	poll(&ready, 1, 20);
	/* One time out of four to where the program says. */
	if (values[2] % 4 == 0)
		return read(values[0], (void *)(uintptr_t)values[1], values[2] % 512);
	length = read(values[0], faults, sizeof(faults));
	for (i = 0; i < length / (ssize_t)sizeof(faults[0]); i++)
		world_made(world, COOKIE, faults[i].cookie);
	return length;
}

int run_respond(struct world *world, const uint64_t *values)
{
	struct iommu_hwpt_page_response responses[2] = {
		{ values[1], values[2] }, { values[1] + 1, values[2] },
	};

	if (!is_ours(world, values[0], FAULT_FD))
		return -1;
	return write(values[0], responses, sizeof(responses[0]) * (values[3] % 3));
}

int run_poll(struct world *world, const uint64_t *values)
{
	struct pollfd ready = { values[0], POLLIN | POLLOUT, 0 };

	return poll(&ready, 1, 0);
}

int run_close(struct world *world, const uint64_t *values)
{
	enum thing thing;

	for (thing = ACCESS; thing <= DMABUF; thing++) {
		if (thing != MEMFD && is_ours(world, values[0], thing))
			return close(values[0]);
	}
	return -1;
}

#define WINDOWS	4
static _Atomic(char *) windows[WINDOWS];

int run_mmap(struct world *world, const uint64_t *values)
{
	static atomic_uint n;
	char *at = mmap(NULL, values[1] % (1 << 20), PROT_READ | PROT_WRITE, MAP_SHARED,
			world->fd, values[0]);

	if (at == MAP_FAILED)
		return -1;
	atomic_store(&windows[atomic_fetch_add(&n, 1) % WINDOWS], at);
	return 0;
}

int run_munmap(struct world *world, const uint64_t *values)
{
	char *at = atomic_exchange(&windows[values[0] % WINDOWS], NULL);

	return at ? munmap(at, 8192) : -1;
}

int run_discard(struct world *world, const uint64_t *values)
{
	uint64_t length = values[1] % REGION_SIZE;

	if (values[0] < (uintptr_t)regions[HEAP] ||
	    values[0] + length > (uintptr_t)regions[HEAP] + REGION_SIZE)
		return -1;
	return madvise((void *)(uintptr_t)(values[0] & -4096ul), length, MADV_DONTNEED);
}

int run_memfd(struct world *world, const uint64_t *values)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0 || ftruncate(fd, values[0] % (16 << 20)))
		return -1;
	world_made(world, MEMFD, fd);
	return 0;
}

int run_truncate(struct world *world, const uint64_t *values)
{
	if (!is_ours(world, values[0], MEMFD))
		return -1;
	return ftruncate(values[0], values[1] % REGION_SIZE);
}

int run_type1_set(struct world *world, const uint64_t *values)
{
	return ioctl(world->fd, VFIO_SET_IOMMU, values[0]);
}
