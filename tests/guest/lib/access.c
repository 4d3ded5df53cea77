// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "access.h"
#include "tap.h"

void access_open(struct access *a)
{
	a->id = 0;
	a->fd = open("/dev/" ACCESS_TEST_NAME, O_RDWR | O_CLOEXEC);
	if (a->fd < 0 && errno == ENOENT)
		tap_skip("the module %s is not loaded", ACCESS_TEST_NAME);
	require(a->fd >= 0);
}

void access_get(struct access *a, int iommufd, uint32_t ioas)
{
	access_open(a);
	require_ok(access_create(a, iommufd, ACCESS_TEST_PINS));
	require_ok(access_attach(a, ioas));
}

int access_create(struct access *a, int iommufd, uint32_t flags)
{
	struct access_test_create c = { .iommufd = iommufd, .flags = flags };
	int ret = iommu_ioctl(a->fd, ACCESS_TEST_CREATE, &c);

	if (!ret)
		a->id = c.out_id;
	return ret;
}

int access_destroy(struct access *a)
{
	return iommu_ioctl(a->fd, ACCESS_TEST_DESTROY, NULL);
}

int access_attach(struct access *a, uint32_t ioas)
{
	struct access_test_target c = { .ioas_id = ioas };

	return iommu_ioctl(a->fd, ACCESS_TEST_ATTACH, &c);
}

int access_replace(struct access *a, uint32_t ioas)
{
	struct access_test_target c = { .ioas_id = ioas };

	return iommu_ioctl(a->fd, ACCESS_TEST_REPLACE, &c);
}

int access_detach(struct access *a)
{
	return iommu_ioctl(a->fd, ACCESS_TEST_DETACH, NULL);
}

int access_pin(struct access *a, uint64_t iova, uint64_t length,
	       uint32_t flags, uint64_t *pfns)
{
	struct access_test_pin c = {
		.iova = iova,
		.length = length,
		.pfns = (uintptr_t)pfns,
		.flags = flags,
	};

	return iommu_ioctl(a->fd, ACCESS_TEST_PIN, &c);
}

int access_unpin(struct access *a, uint64_t iova, uint64_t length)
{
	struct access_test_unpin c = { .iova = iova, .length = length };

	return iommu_ioctl(a->fd, ACCESS_TEST_UNPIN, &c);
}

int access_copy(struct access *a, uint64_t iova, void *buf, uint64_t length,
		uint32_t flags)
{
	struct access_test_copy c = {
		.iova = iova,
		.length = length,
		.buffer = (uintptr_t)buf,
		.flags = flags,
	};

	return iommu_ioctl(a->fd, ACCESS_TEST_COPY, &c);
}

bool access_sees(struct access *a, uint64_t iova, const void *va,
		 uint64_t length, uint32_t flags)
{
	void *seen = calloc(1, length);
	bool same;

	require(seen != NULL);
	same = check_ret(access_copy(a, iova, seen, length, flags), 0) &&
	       !memcmp(seen, va, length);
	free(seen);
	return same;
}

void access_behave(struct access *a, uint32_t refuse, uint32_t pause_us)
{
	struct access_test_behave c = {
		.refuse = refuse,
		.pause_us = pause_us,
	};

	require_ok(iommu_ioctl(a->fd, ACCESS_TEST_BEHAVE, &c));
}

void access_state(struct access *a, struct access_test_state *state)
{
	require_ok(iommu_ioctl(a->fd, ACCESS_TEST_STATE, state));
}

uint64_t access_calls(struct access *a)
{
	struct access_test_state state;

	access_state(a, &state);
	return state.calls;
}

uint64_t access_pins(struct access *a)
{
	struct access_test_state state;

	access_state(a, &state);
	return state.pins;
}

void pinner_up_with(struct pinner *p, enum mem_kind kind, size_t size)
{
	access_open(&p->a);
	p->fd = iommu_open();
	p->ioas = ioas_new(p->fd);
	p->other = ioas_new(p->fd);
	mem_get(&p->m, kind, size);
	mem_fill(p->m.va, size, 1);
	require_ok(ioas_map_at(p->fd, p->ioas, p->m.va, size, PIN_BASE));
	require_ok(access_create(&p->a, p->fd, ACCESS_TEST_PINS));
	require_ok(access_attach(&p->a, p->ioas));
}

void pinner_up(struct pinner *p)
{
	pinner_up_with(p, MEM_ANON, PIN_SIZE);
}

void pinner_down(struct pinner *p)
{
	close(p->a.fd);
	close(p->fd);
	mem_put(&p->m);
}

int pinner_pin(struct pinner *p, uint64_t first, uint64_t n)
{
	return access_pin(&p->a, PIN_BASE + first * PAGE, n * PAGE, WRITE, NULL);
}

int pinner_unpin(struct pinner *p, uint64_t first, uint64_t n)
{
	return access_unpin(&p->a, PIN_BASE + first * PAGE, n * PAGE);
}
