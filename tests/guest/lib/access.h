/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Access objects: the in-kernel API of iommufd, as the test module
 * iommufd_access_test lets a program use it (tests/kmod).
 */
#ifndef TESTS_GUEST_ACCESS_H
#define TESTS_GUEST_ACCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../kmod/iommufd_access_test.h"
#include "frames.h"
#include "iommu.h"
#include "mem.h"

#define WRITE		ACCESS_TEST_WRITE
#define KTHREAD		ACCESS_TEST_KTHREAD
#define BY_PAGES	ACCESS_TEST_BY_PAGES

struct access {
	int fd;
	uint32_t id;
};

/* A driver without an access object.  The test is skipped without the module. */
void access_open(struct access *a);
/* The same with one that can pin, attached to an address space. */
void access_get(struct access *a, int iommufd, uint32_t ioas);

/* 0 or -errno, as the module says. */
int access_create(struct access *a, int iommufd, uint32_t flags);
int access_destroy(struct access *a);
int access_attach(struct access *a, uint32_t ioas);
int access_replace(struct access *a, uint32_t ioas);
int access_detach(struct access *a);

int access_pin(struct access *a, uint64_t iova, uint64_t length,
	       uint32_t flags, uint64_t *pfns);
int access_unpin(struct access *a, uint64_t iova, uint64_t length);
/* From the memory into @buf, or the other way with WRITE. */
int access_copy(struct access *a, uint64_t iova, void *buf, uint64_t length,
		uint32_t flags);

/* Is the memory at @iova, as the access sees it, the same as at @va? */
bool access_sees(struct access *a, uint64_t iova, const void *va,
		 uint64_t length, uint32_t flags);

void access_behave(struct access *a, uint32_t refuse, uint32_t pause_us);
/* Calls of the unmap callback, and existing pins. */
uint64_t access_calls(struct access *a);
uint64_t access_pins(struct access *a);
void access_state(struct access *a, struct access_test_state *state);

/* The usual set-up: two spaces, one of which maps @m, and a driver that may pin. */
#define PIN_BASE	0x1000000ull
#define PIN_PAGES	64ull
#define PIN_SIZE	(PIN_PAGES * PAGE)

struct pinner {
	int fd;
	uint32_t ioas, other;
	struct access a;	/* attached to @ioas */
	struct mem m;		/* mapped at PIN_BASE, and filled with seed 1 */
};

/* Of PIN_SIZE bytes of 4 KiB pages, or of something else. */
void pinner_up(struct pinner *p);
void pinner_up_with(struct pinner *p, enum mem_kind kind, size_t size);
void pinner_down(struct pinner *p);

/* Pages of @m, to be written. */
int pinner_pin(struct pinner *p, uint64_t first, uint64_t n);
int pinner_unpin(struct pinner *p, uint64_t first, uint64_t n);

#endif
