/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A context in a known state, to see that a refused call changes nothing:
 *
 *   ioas    maps @m at W_BASE and, read-only, @ro at W_RO; the device, if
 *           there is one, is attached to it by the table @hwpt
 *   other   is empty
 *   gone    was the ID of an address space that is destroyed
 *   foreign is the ID of one in another context
 */
#ifndef TESTS_GUEST_WORLD_H
#define TESTS_GUEST_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "device.h"
#include "iommu.h"
#include "mem.h"

#define W_BASE	0x1000000ull
#define W_PAGES	8ull
#define W_SIZE	(W_PAGES * PAGE)
#define W_RO	(W_BASE + 64 * PAGE)
#define W_FREE	(W_BASE + 128 * PAGE)	/* nothing is mapped from here on */
#define W_BYTES	(W_SIZE + PAGE)		/* all that is mapped */

#define MAX_RANGES 64

struct world {
	int fd;
	int foreign_fd;
	uint32_t ioas, other, gone, foreign, hwpt;
	bool attached;
	struct device dev;
	struct mem m, ro;
	struct iommu_iova_range ranges[MAX_RANGES];
	uint32_t num_ranges;
	uint64_t align;
	long long pins;
};

/* Without a device. */
void world_bare(struct world *w);
/* With one; the test is skipped if there's none. */
void world_attached(struct world *w);
/* Is all of it still as it was?  @what is printed if not. */
bool world_same(struct world *w, const char *what);
/* The same, then takes it down: nothing more and nothing less is there. */
void world_end(struct world *w);

/*
 * Makes a call that has to be refused with @want, and checks that neither its
 * structure nor the world changed.
 */
void world_refuse(struct world *w, unsigned long cmd, void *arg, int want,
		  const char *what);

/*
 * IDs that name no such object: for each, world_bad_id() returns true and sets
 * @id and @what, counting up from *i = 0.
 */
bool world_bad_id(struct world *w, unsigned int *i, uint32_t *id,
		  const char **what);

/*
 * Makes a page table for w->other, which can't be filled: it is refused with
 * @want.  Linux 6.1 knows the limits of a page table only when a device was
 * attached to it once; for a device that is attached elsewhere it is filled, and
 * refused, when the device is moved there.
 */
void world_refuse_table(struct world *w, int want);

/* For a variable "base" that holds a good call: one field of it made bad. */
#define BAD(w, cmd, field, value, want)					\
	do {								\
		typeof(base) c_ = base;					\
		c_.field = (value);					\
		world_refuse(w, cmd, &c_, want,				\
			     #cmd " with " #field " = " #value);	\
	} while (0)

/* The same with every bad ID. */
#define BAD_IDS(w, cmd, field, want)					\
	do {								\
		const char *what_;					\
		unsigned int i_ = 0;					\
		uint32_t id_;						\
									\
		while (world_bad_id(w, &i_, &id_, &what_)) {		\
			typeof(base) c_ = base;				\
			c_.field = id_;					\
			world_refuse(w, cmd, &c_, want, what_);		\
		}							\
	} while (0)

/* A copy of a structure in memory that can't be written. */
void *read_only_copy(const void *p, size_t size);

/* Is there an IOMMU_IOAS_NOIOMMU_GET_PA?  Linux's own module has it since 7.3. */
bool world_knows_get_pa(const struct world *w);

/* Any two pages of memory. */
void *two_pages(int prot);

#endif
