// SPDX-License-Identifier: GPL-2.0-only
/*
 * Nested page tables of a real SMMUv3: an edu's DMA through a guest's tables on top of an
 * IOAS, where IOVA, guest physical address and memory differ; what may stand on what, and
 * bad values of each kind.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mem.h"
#include "smmuv3.h"
#include "tap.h"
#include "trace.h"

/* Data pages of the guest's */
#define A	40
#define B	41
#define C	42

static struct world {
	struct guest g;
	struct guest_device d;
	struct stage1 s;
	uint32_t hwpt;
} w;

/* A device with a vDEVICE, attached to the parent, and tables that map pages 0 and 1. */
static void up(void)
{
	guest_up(&w.g);
	guest_device_get(&w.d, &w.g, 0);
	guest_make_viommu(&w.g, &w.d);
	require_ok(vdevice_alloc(w.g.fd, w.g.viommu, w.d.dev.id, w.d.vsid, &w.d.vdevice));
	require_ok(device_attach(&w.d.dev, w.g.parent));
	device_charge(&w.d);
	stage1_make(&w.s, &w.g, 0, 1);
	stage1_map(&w.s, 0, A);
	stage1_map(&w.s, 1, B);
	w.hwpt = stage1_hwpt(&w.s, &w.d);
}

static void down(void)
{
	check_ret(iommu_destroy(w.g.fd, w.hwpt), 0);
	check_ret(device_detach(&w.d.dev), 0);
	check_ret(iommu_destroy(w.g.fd, w.d.vdevice), 0);
	guest_device_put(&w.d);
	guest_down(&w.g);
}

/* What came of the shim is there to read. */
static void shown(void)
{
	guest_need_nesting();
	check(strstr(slurp("/sys/module/iommufd/parameters/shims"), "smmuv3: on\n"));
}

static void two_stages(void)
{
	up();
	check_lands(&w.d, guest_ipa(A), A);
	require_ok(device_attach(&w.d.dev, w.hwpt));
	check_lands(&w.d, stage1_iova(0), A);
	check_lands(&w.d, stage1_iova(1), B);
	check_lands(&w.d, stage1_iova(2), -1);
	check_lands(&w.d, guest_ipa(A), -1);
	memset(guest_page(&w.g, A), 0x11, 64);
	require_ok(device_copies(&w.d, stage1_iova(0), stage1_iova(1)));
	check_eq(mem_differs_from(guest_page(&w.g, B), 64, 0x11), -1);
	require_ok(device_attach(&w.d.dev, w.g.parent));
	check_lands(&w.d, stage1_iova(0), -1);
	check_lands(&w.d, guest_ipa(B), B);
	down();
}

/* Tables that change are seen when they are invalidated, and not before. */
static void invalidated(void)
{
	static const uint64_t tlbi[][2] = {
		{ TLBI_NH_VA | 1ull << 48, GUEST_IOVA | 1 }, { TLBI_NH_VAA, GUEST_IOVA | 1 },
		{ TLBI_NH_ASID | 1ull << 48, 0 }, { TLBI_NH_ALL, 0 }, { TLBI_NSNH_ALL, 0 },
		/* The VMID that it says isn't the one that it gets. */
		{ TLBI_NH_ALL | 0xffffull << 32, 0 },
	};
	unsigned int i;
	int now = A, then;

	up();
	require_ok(device_attach(&w.d.dev, w.hwpt));
	for (i = 0; i < ARRAY_SIZE(tlbi); i++) {
		check_lands(&w.d, GUEST_IOVA, now);
		then = now == A ? C : A;
		stage1_map(&w.s, 0, then);
		check_lands(&w.d, GUEST_IOVA, now);
		guest_command(&w.g, tlbi[i][0], tlbi[i][1]);
		check_lands(&w.d, GUEST_IOVA, then);
		now = then;
	}
	require_ok(device_attach(&w.d.dev, w.g.parent));
	down();
}

static void descriptor_invalidated(void)
{
	struct stage1 other;

	up();
	stage1_make(&other, &w.g, 8, 1);
	stage1_map(&other, 0, C);
	require_ok(device_attach(&w.d.dev, w.hwpt));
	check_lands(&w.d, GUEST_IOVA, A);
	stage1_use_tables_of(&w.s, &other);
	guest_command(&w.g, TLBI_NH_ALL, 0);
	check_lands(&w.d, GUEST_IOVA, A);
	guest_command(&w.g, CFGI_CD | (uint64_t)w.d.vsid << 32, 1);
	guest_command(&w.g, TLBI_NH_ALL, 0);
	check_lands(&w.d, GUEST_IOVA, C);
	stage1_use_tables_of(&w.s, &w.s);
	guest_command(&w.g, CFGI_CD_ALL | (uint64_t)w.d.vsid << 32, 0);
	guest_command(&w.g, TLBI_NH_ASID | 1ull << 48, 0);
	check_lands(&w.d, GUEST_IOVA, A);
	require_ok(device_attach(&w.d.dev, w.g.parent));
	down();
}

/* ---- the parent changes ---- */

static atomic_bool dma_ends;

static void *dma_runs(void *arg)
{
	while (!dma_ends)
		require_ok(edu_store(&w.d.edu, GUEST_IOVA, 0, 64));
	return arg;
}

/*
 * A page that was unmapped from the parent is the program's alone: what the device writes
 * then, which has it cached, doesn't arrive.
 */
static void parent_unmaps(void)
{
	uint8_t *page;
	pthread_t thread;
	unsigned int i;

	up();
	page = guest_page(&w.g, A);
	require_ok(device_attach(&w.d.dev, w.hwpt));
	check_lands(&w.d, GUEST_IOVA, A);
	check_ret(ioas_unmap(w.g.fd, w.g.ioas, GUEST_IPA, w.g.m.size, NULL), 0);
	require_ok(ioas_map_at(w.g.fd, w.g.ioas, w.g.m.va, A * PAGE, GUEST_IPA));
	for (i = 0; i < 3; i++) {
		dma_ends = false;
		require_ok(ioas_map_at(w.g.fd, w.g.ioas, page, PAGE, guest_ipa(A)));
		memset(page, 0, 64);
		require(!pthread_create(&thread, NULL, dma_runs, NULL));
		while (!*(volatile uint8_t *)page)
			usleep(1000);
		check_ret(ioas_unmap(w.g.fd, w.g.ioas, guest_ipa(A), PAGE, NULL), 0);
		memset(page, 0x33, PAGE);
		usleep(500000);
		dma_ends = true;
		pthread_join(thread, NULL);
		check_eq(mem_differs_from(page, PAGE, 0x33), -1);
	}
	/* Other memory comes to the same place. */
	require_ok(ioas_map_at(w.g.fd, w.g.ioas, guest_page(&w.g, C), PAGE, guest_ipa(A)));
	check_lands(&w.d, GUEST_IOVA, C);
	require_ok(device_attach(&w.d.dev, w.g.parent));
	down();
}

/* ---- moves ---- */

enum place { PARENT, ONE, OTHER, ABORT, BYPASS, INVALID, NONE, PLACES };

static const char *const place_names[PLACES] = {
	"parent", "one", "other", "abort", "bypass", "invalid", "none",
};

struct places {
	uint32_t id[PLACES];
	struct stage1 other;
};

static void places_make(struct places *p)
{
	uint64_t abort[2] = { STE_V | STE_ABORT, 0 }, bypass[2] = { STE_V | STE_BYPASS, 0 };
	uint64_t invalid[2] = { ~STE_V, ~0ull };

	stage1_make(&p->other, &w.g, 8, 1);
	stage1_map(&p->other, 0, C);
	p->id[PARENT] = w.g.parent;
	p->id[ONE] = w.hwpt;
	p->id[OTHER] = stage1_hwpt(&p->other, &w.d);
	require_ok(nested_alloc(w.g.fd, w.d.dev.id, w.g.viommu, abort, &p->id[ABORT]));
	require_ok(nested_alloc(w.g.fd, w.d.dev.id, w.g.viommu, bypass, &p->id[BYPASS]));
	require_ok(nested_alloc(w.g.fd, w.d.dev.id, w.g.viommu, invalid, &p->id[INVALID]));
}

static void places_drop(struct places *p)
{
	check_ret(iommu_destroy(w.g.fd, p->id[OTHER]), 0);
	check_ret(iommu_destroy(w.g.fd, p->id[ABORT]), 0);
	check_ret(iommu_destroy(w.g.fd, p->id[BYPASS]), 0);
	check_ret(iommu_destroy(w.g.fd, p->id[INVALID]), 0);
}

static void go(struct places *p, enum place place)
{
	if (place == NONE)
		check_ret(device_detach(&w.d.dev), 0);
	else
		check_ret(device_attach(&w.d.dev, p->id[place]), 0);
}

static void check_place(enum place place)
{
	bool alone = place == PARENT || place == BYPASS;
	unsigned int failures = tap_failures();

	check_lands(&w.d, GUEST_IOVA, place == ONE ? A : place == OTHER ? C : -1);
	check_lands(&w.d, guest_ipa(B), alone ? B : -1);
	if (tap_failures() != failures)
		tap_diag("in the place %s", place_names[place]);
}

/* From each place to each. */
static void moves(void)
{
	struct places p;
	enum place from, to;

	up();
	places_make(&p);
	go(&p, NONE);
	for (from = 0; from < PLACES; from++) {
		for (to = 0; to < PLACES; to++) {
			if (from == to)
				continue;
			if (from != NONE)
				go(&p, from);
			go(&p, to);
			tap_diag("%s -> %s", place_names[from], place_names[to]);
			check_place(to);
			if (to != NONE)
				go(&p, NONE);
		}
	}
	require_ok(device_attach(&w.d.dev, w.g.parent));
	places_drop(&p);
	down();
}

/* A parent of the same IOAS, and another IOAS: the core moves, too. */
static void moves_parents(void)
{
	uint32_t viommu = w.g.viommu, parent = 0, second, hwpt = w.hwpt, ioas;

	up();
	viommu = w.g.viommu;
	hwpt = w.hwpt;
	ioas = ioas_new(w.g.fd);
	require_ok(hwpt_alloc(w.g.fd, w.d.dev.id, w.g.ioas, IOMMU_HWPT_ALLOC_NEST_PARENT,
			      &parent));
	require_ok(viommu_alloc(w.g.fd, w.d.dev.id, parent, IOMMU_VIOMMU_TYPE_ARM_SMMUV3,
				&w.g.viommu));
	/* A device has one vDEVICE. */
	check_ret(iommu_destroy(w.g.fd, w.d.vdevice), 0);
	require_ok(vdevice_alloc(w.g.fd, w.g.viommu, w.d.dev.id, 7, &w.d.vdevice));
	second = stage1_hwpt(&w.s, &w.d);
	check_ret(device_attach(&w.d.dev, hwpt), -ENOENT);
	check_lands(&w.d, guest_ipa(A), A);
	require_ok(device_attach(&w.d.dev, second));
	check_lands(&w.d, GUEST_IOVA, A);
	require_ok(device_attach(&w.d.dev, ioas));
	check_lands(&w.d, GUEST_IOVA, -1);
	check_lands(&w.d, guest_ipa(A), -1);
	require_ok(device_attach(&w.d.dev, second));
	check_lands(&w.d, GUEST_IOVA, A);
	require_ok(device_attach(&w.d.dev, viommu ? w.g.ioas : 0));
	check_lands(&w.d, guest_ipa(A), A);
	require_ok(device_attach(&w.d.dev, second));
	check_lands(&w.d, GUEST_IOVA, A);
	require_ok(device_detach(&w.d.dev));
	check_lands(&w.d, GUEST_IOVA, -1);
	check_ret(iommu_destroy(w.g.fd, w.d.vdevice), 0);
	check_ret(iommu_destroy(w.g.fd, second), 0);
	check_ret(iommu_destroy(w.g.fd, w.g.viommu), 0);
	check_ret(iommu_destroy(w.g.fd, parent), 0);
	check_ret(iommu_destroy(w.g.fd, ioas), 0);
	check_ret(iommu_destroy(w.g.fd, hwpt), 0);
	w.g.viommu = viommu;
	guest_device_put(&w.d);
	guest_down(&w.g);
}

/* ---- rules ---- */

static void holds(void)
{
	uint64_t bypass[2] = { STE_V | STE_BYPASS, 0 };
	uint32_t id;

	up();
	check_ret(iommu_destroy(w.g.fd, w.g.viommu), -EBUSY);
	check_ret(iommu_destroy(w.g.fd, w.g.parent), -EBUSY);
	check_ret(nested_alloc(w.g.fd, w.d.dev.id, w.g.parent, bypass, &id), -EOPNOTSUPP);
	check_ret(viommu_alloc(w.g.fd, w.d.dev.id, w.hwpt, IOMMU_VIOMMU_TYPE_ARM_SMMUV3, &id),
		  -ENOENT);
	check_ret(viommu_alloc(w.g.fd, w.d.dev.id, w.g.parent, 2, &id), -EOPNOTSUPP);
	check_ret(vdevice_alloc(w.g.fd, w.g.viommu, w.d.dev.id, 9, &id), -EEXIST);
	require_ok(device_attach(&w.d.dev, w.hwpt));
	check_ret(iommu_destroy(w.g.fd, w.hwpt), -EBUSY);
	require_ok(device_attach(&w.d.dev, w.g.parent));
	/* What has stage 1 wants a vDEVICE, and what hasn't doesn't. */
	check_ret(iommu_destroy(w.g.fd, w.d.vdevice), 0);
	check_ret(device_attach(&w.d.dev, w.hwpt), -ENOENT);
	check_lands(&w.d, guest_ipa(A), A);
	require_ok(nested_alloc(w.g.fd, w.d.dev.id, w.g.viommu, bypass, &id));
	check_ret(device_attach(&w.d.dev, id), 0);
	check_lands(&w.d, guest_ipa(A), A);
	require_ok(device_attach(&w.d.dev, w.g.parent));
	check_ret(iommu_destroy(w.g.fd, id), 0);
	require_ok(vdevice_alloc(w.g.fd, w.g.viommu, w.d.dev.id, w.d.vsid, &w.d.vdevice));
	down();
}

/* A machine that isn't coherent whatever a guest does has no vIOMMUs. */
static void coherency(void)
{
	const char *path = "/sys/module/iommufd/parameters/smmuv3_assume_coherent";
	uint32_t id;
	FILE *f;

	up();
	f = fopen(path, "w");
	require(f && fputs("0", f) >= 0 && !fclose(f));
	check_ret(viommu_alloc(w.g.fd, w.d.dev.id, w.g.parent, IOMMU_VIOMMU_TYPE_ARM_SMMUV3, &id),
		  -EOPNOTSUPP);
	guest_need_nesting();
	down();
}

static void two_devices(void)
{
	struct guest_device second;
	struct stage1 other;
	uint32_t hwpt;

	up();
	guest_device_get(&second, &w.g, 1);
	require_ok(vdevice_alloc(w.g.fd, w.g.viommu, second.dev.id, second.vsid,
				 &second.vdevice));
	require_ok(device_attach(&second.dev, w.g.parent));
	device_charge(&second);
	stage1_make(&other, &w.g, 8, 2);
	stage1_map(&other, 0, C);
	hwpt = stage1_hwpt(&other, &second);
	require_ok(device_attach(&w.d.dev, w.hwpt));
	require_ok(device_attach(&second.dev, hwpt));
	check_lands(&w.d, GUEST_IOVA, A);
	check_lands(&second, GUEST_IOVA, C);
	/* What is invalidated for one is cached for the other. */
	stage1_map(&w.s, 0, B);
	stage1_map(&other, 0, B);
	guest_command(&w.g, TLBI_NH_ASID | 1ull << 48, 0);
	check_lands(&w.d, GUEST_IOVA, B);
	check_lands(&second, GUEST_IOVA, C);
	guest_command(&w.g, TLBI_NH_ASID | 2ull << 48, 0);
	check_lands(&second, GUEST_IOVA, B);
	require_ok(device_attach(&second.dev, w.hwpt));
	check_lands(&second, GUEST_IOVA, B);
	check_ret(device_detach(&second.dev), 0);
	check_lands(&w.d, GUEST_IOVA, B);
	check_ret(iommu_destroy(w.g.fd, second.vdevice), 0);
	check_ret(iommu_destroy(w.g.fd, hwpt), 0);
	guest_device_put(&second);
	require_ok(device_attach(&w.d.dev, w.g.parent));
	down();
}

/* ---- bad values ---- */

static void bad_entries(void)
{
	const uint64_t good[2] = { STE_V | STE_S1, STE_ATTRIBUTES };
	const uint64_t may[2] = { 0xf80ffffffffffffful, 0x380000fful };
	uint64_t ste[2];
	unsigned int i;
	uint32_t id;

	up();
	for (i = 0; i < 128; i++) {
		memcpy(ste, good, sizeof(ste));
		if (may[i / 64] >> i % 64 & 1)
			continue;
		ste[i / 64] |= 1ull << i % 64;
		if (!check_ret(nested_alloc(w.g.fd, w.d.dev.id, w.g.viommu, ste, &id), -EIO))
			tap_diag("bit %u", i);
	}
	for (i = 0; i < 8; i++) {
		ste[0] = STE_V | i << 1;
		ste[1] = STE_ATTRIBUTES;
		if (i == 0 || i == 4 || i == 5)
			continue;
		check_ret(nested_alloc(w.g.fd, w.d.dev.id, w.g.viommu, ste, &id), -EIO);
	}
	for (i = 2; i < 4; i++) {
		ste[0] = good[0];
		ste[1] = (uint64_t)i << 28;
		check_ret(nested_alloc(w.g.fd, w.d.dev.id, w.g.viommu, ste, &id), -EIO);
	}
	down();
}

static void bad_allocs(void)
{
	struct iommu_hwpt_arm_smmuv3 data = { { STE_V | STE_BYPASS, 0 } };
	const struct iommu_hwpt_alloc good = {
		.size = sizeof(good), .data_type = IOMMU_HWPT_DATA_ARM_SMMUV3,
		.data_len = sizeof(data), .data_uptr = (uintptr_t)&data,
	};
	struct iommu_hwpt_alloc c;

	up();
#define BAD_ALLOC(field, value, want) do {				\
		c = good;						\
		c.dev_id = w.d.dev.id;					\
		c.pt_id = w.g.viommu;					\
		c.field = value;					\
		check_ret(iommu_ioctl(w.g.fd, IOMMU_HWPT_ALLOC, &c), want); \
	} while (0)
	BAD_ALLOC(flags, IOMMU_HWPT_ALLOC_PASID, -EOPNOTSUPP);
	BAD_ALLOC(flags, IOMMU_HWPT_ALLOC_NEST_PARENT, -EOPNOTSUPP);
	BAD_ALLOC(data_type, IOMMU_HWPT_DATA_VTD_S1, -EINVAL);
	BAD_ALLOC(data_len, 15, -EINVAL);
	BAD_ALLOC(data_len, 0, -EINVAL);
	BAD_ALLOC(data_uptr, 0, -EFAULT);
	BAD_ALLOC(data_uptr, (uintptr_t)before_hole(PAGE) + PAGE - 8, -EFAULT);
	down();
}

/* One command, after a good one: how many were done tells that it was the bad one. */
static void check_command(uint64_t word0, uint64_t word1, int want)
{
	uint64_t commands[3][2] = { { TLBI_NH_ALL, 0 }, { word0, word1 }, { TLBI_NH_ALL, 0 } };
	uint32_t n = 3;
	int rc = guest_invalidate(&w.g, commands, &n);

	if (!check_ret(rc, want) || !check_eq(n, want ? 1 : 3))
		tap_diag("command %llx %llx", (unsigned long long)word0,
			 (unsigned long long)word1);
}

static void bad_commands(void)
{
	const uint64_t sid = (uint64_t)w.d.vsid << 32;
	unsigned int i;

	(void)sid;
	up();
	for (i = 0; i < 256; i++) {
		switch (i) {
		case CFGI_CD: case CFGI_CD_ALL: case TLBI_NH_ALL: case TLBI_NH_ASID:
		case TLBI_NH_VA: case TLBI_NH_VAA: case TLBI_NSNH_ALL: case ATC_INV:
			break;
		default:
			check_command(i | (uint64_t)w.d.vsid << 32, 0, -EIO);
		}
	}
	check_command(CFGI_CD | (uint64_t)w.d.vsid << 32, 1, 0);
	check_command(CFGI_CD | (uint64_t)(w.d.vsid + 1) << 32, 1, -EIO);
	check_command(CFGI_CD, 1, -EIO);
	check_command(CFGI_CD_ALL | 0xffffffffull << 32, 0, -EIO);
	/* Bits that are reserved, and those of the secure world */
	check_command(CFGI_CD | (uint64_t)w.d.vsid << 32 | 1ull << 10, 1, -EIO);
	check_command(CFGI_CD_ALL | (uint64_t)w.d.vsid << 32, 1, -EIO);
	check_command(TLBI_NSNH_ALL | 1ull << 32, 0, -EIO);
	check_command(TLBI_NH_ALL | 1ull << 48, 0, -EIO);
	check_command(TLBI_NH_ALL, 1ull << 12, -EIO);
	check_command(TLBI_NH_ASID | 1ull << 10, 0, -EIO);
	check_command(TLBI_NH_VAA | 1ull << 48, 0x1001, -EIO);
	/* A range wants a granule, and a granule a range or a level. */
	check_command(TLBI_NH_VA | 1ull << 12, 0x1001, -EIO);
	check_command(TLBI_NH_VA, 0x1001 | 1ull << 8, -EIO);
	check_command(TLBI_NH_VA, 0x1001 | 1ull << 10, -EIO);
	check_command(TLBI_NH_VA | 1ull << 12, 0x1001 | 1ull << 10, 0);
	check_command(TLBI_NH_VA, 0x1001 | 1ull << 10 | 3ull << 8, 0);
	check_command(TLBI_NH_VA, 0x1001 | 1ull << 4, -EIO);
	down();
}

/* More than a batch, with a bad one in each place around its end. */
static void arrays(void)
{
	static uint64_t commands[100][2];
	static const unsigned int bad[] = { 0, 1, 31, 32, 33, 63, 64, 99 };
	unsigned int i;
	uint32_t n;
	uint64_t *end;

	up();
	for (i = 0; i < 100; i++)
		commands[i][0] = TLBI_NH_ALL;
	n = 100;
	check_ret(guest_invalidate(&w.g, commands, &n), 0);
	check_eq(n, 100);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		commands[bad[i]][0] = 0x03;
		n = 100;
		check_ret(guest_invalidate(&w.g, commands, &n), -EIO);
		check_eq(n, bad[i]);
		commands[bad[i]][0] = TLBI_NH_ALL;
	}
	n = (1u << 19) + 1;
	check_ret(guest_invalidate(&w.g, commands, &n), -EINVAL);
	check_eq(n, 0);
	n = 1;
	check_ret(guest_invalidate(&w.g, NULL, &n), -EINVAL);
	check_eq(n, 0);
	n = 2;
	check_ret(guest_invalidate(&w.g, (void *)-16ul, &n), -EFAULT);
	check_eq(n, 0);
	end = (uint64_t *)((char *)before_hole(PAGE) + PAGE);
	end[-2] = TLBI_NH_ALL;
	end[-1] = 0;
	n = 2;
	check_ret(guest_invalidate(&w.g, (void *)(end - 2), &n), -EFAULT);
	check_eq(n, 1);
	down();
}

/* ---- events ---- */

static uint32_t veventq_id;

static int event_file(void)
{
	struct iommu_veventq_alloc c = {
		.size = sizeof(c), .viommu_id = w.g.viommu,
		.type = IOMMU_VEVENTQ_TYPE_ARM_SMMUV3, .veventq_depth = 64,
	};

	require_ok(iommu_ioctl(w.g.fd, IOMMU_VEVENTQ_ALLOC, &c));
	veventq_id = c.out_veventq_id;
	return c.out_veventq_fd;
}

static void events(void)
{
	struct {
		struct iommufd_vevent_header header;
		struct iommu_vevent_arm_smmuv3 event;
	} r = {};
	struct pollfd ready;

	up();
	ready = (struct pollfd){ .fd = event_file(), .events = POLLIN };
	/* A fault of stage 2 is the host's. */
	require_ok(edu_store(&w.d.edu, 0x70000000, 0, 8));
	check_eq(poll(&ready, 1, 1000), 0);
	require_ok(device_attach(&w.d.dev, w.hwpt));
	require_ok(edu_store(&w.d.edu, stage1_iova(5), 0, 8));
	require(poll(&ready, 1, 20000) == 1);
	check_eq(read(ready.fd, &r, sizeof(r)), sizeof(r));
	check_eq(r.header.flags, 0);
	check_eq(r.header.sequence, 0);
	check_eq(r.event.evt[0] & 0xff, 0x10);
	check_eq(r.event.evt[0] >> 32, w.d.vsid);
	check_eq(r.event.evt[2], stage1_iova(5));
	/* A transfer may fault more than once. */
	while (poll(&ready, 1, 200) == 1)
		check_eq(read(ready.fd, &r, sizeof(r)), sizeof(r));
	/* The device stays where it is, and gets another StreamID. */
	check_ret(iommu_destroy(w.g.fd, w.d.vdevice), 0);
	w.d.vsid++;
	require_ok(vdevice_alloc(w.g.fd, w.g.viommu, w.d.dev.id, w.d.vsid, &w.d.vdevice));
	require_ok(edu_store(&w.d.edu, stage1_iova(6), 0, 8));
	require(poll(&ready, 1, 20000) == 1);
	check_eq(read(ready.fd, &r, sizeof(r)), sizeof(r));
	check_eq(r.event.evt[0] >> 32, w.d.vsid);
	check_eq(r.event.evt[2], stage1_iova(6));
	require_ok(device_attach(&w.d.dev, w.g.parent));
	close(ready.fd);
	check_ret(iommu_destroy(w.g.fd, veventq_id), 0);
	down();
}

/* ---- ends ---- */

static void killed_child(void *arg)
{
	int step = *(int *)arg;

	guest_up(&w.g);
	guest_device_get(&w.d, &w.g, 0);
	guest_make_viommu(&w.g, &w.d);
	if (step-- == 0)
		kill(getpid(), SIGKILL);
	require_ok(vdevice_alloc(w.g.fd, w.g.viommu, w.d.dev.id, w.d.vsid, &w.d.vdevice));
	stage1_make(&w.s, &w.g, 0, 1);
	stage1_map(&w.s, 0, A);
	w.hwpt = stage1_hwpt(&w.s, &w.d);
	if (step-- == 0)
		kill(getpid(), SIGKILL);
	require_ok(device_attach(&w.d.dev, w.hwpt));
	edu_start(&w.d.edu, true, GUEST_IOVA, 0, 64);
	if (step-- == 0)
		kill(getpid(), SIGKILL);
	require_ok(device_attach(&w.d.dev, w.g.parent));
	require_ok(device_attach(&w.d.dev, w.hwpt));
	if (step-- == 0)
		kill(getpid(), SIGKILL);
	/* The context goes before the device. */
	close(w.g.fd);
	if (step-- == 0)
		kill(getpid(), SIGKILL);
	close(w.d.dev.fd);
	kill(getpid(), SIGKILL);
}

static void killed(void)
{
	int step, pid;

	for (step = 0; step < 6; step++) {
		pid = fork();
		if (!pid)
			killed_child(&step);
		require(waitpid(pid, NULL, 0) == pid);
		/* It works for the next one. */
		up();
		require_ok(device_attach(&w.d.dev, w.hwpt));
		check_lands(&w.d, GUEST_IOVA, A);
		require_ok(device_attach(&w.d.dev, w.g.parent));
		down();
	}
}

static const struct test tests[] = {
	{ "shown", shown },
	{ "two_stages", two_stages, 120 },
	{ "invalidated", invalidated, 180 },
	{ "descriptor_invalidated", descriptor_invalidated, 120 },
	{ "parent_unmaps", parent_unmaps, 180 },
	{ "moves", moves, 600 },
	{ "moves_parents", moves_parents, 180 },
	{ "holds", holds, 120 },
	{ "coherency", coherency, 120 },
	{ "two_devices", two_devices, 180 },
	{ "bad_entries", bad_entries, 120 },
	{ "bad_allocs", bad_allocs, 120 },
	{ "bad_commands", bad_commands, 120 },
	{ "arrays", arrays, 120 },
	{ "events", events, 120 },
	{ "killed", killed, 300 },
};

TAP_MAIN("smmuv3_nested", tests)
