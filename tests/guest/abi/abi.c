// SPDX-License-Identifier: GPL-2.0-only
/* The dispatcher: numbers, sizes and pointers of every ioctl. */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tap.h"
#include "world.h"

/* Every ioctl of the table; those without a good call are only probed. */
union call {
	uint32_t size;
	struct iommu_destroy destroy;
	struct iommu_ioas_alloc alloc;
	struct iommu_ioas_allow_iovas allow;
	struct iommu_ioas_copy copy;
	struct iommu_ioas_iova_ranges ranges;
	struct iommu_ioas_map map;
	struct iommu_ioas_map_file map_file;
	struct iommu_ioas_noiommu_get_pa get_pa;
	struct iommu_ioas_unmap unmap;
	struct iommu_ioas_change_process change;
	struct iommu_option option;
	struct iommu_hwpt_alloc hwpt;
	struct iommu_hw_info info;
};

struct ioctl {
	const char *name;
	unsigned long cmd;
	uint32_t min, size;
};

#define IOCTL(name, type, last)						\
	{ #name, name, offsetof(struct type, last) +			\
	  sizeof(((struct type *)0)->last), sizeof(struct type) }

static const struct ioctl ioctls[] = {
	IOCTL(IOMMU_DESTROY, iommu_destroy, id),
	IOCTL(IOMMU_IOAS_ALLOC, iommu_ioas_alloc, out_ioas_id),
	IOCTL(IOMMU_IOAS_ALLOW_IOVAS, iommu_ioas_allow_iovas, allowed_iovas),
	IOCTL(IOMMU_IOAS_COPY, iommu_ioas_copy, src_iova),
	IOCTL(IOMMU_IOAS_IOVA_RANGES, iommu_ioas_iova_ranges,
	      out_iova_alignment),
	IOCTL(IOMMU_IOAS_MAP, iommu_ioas_map, iova),
	IOCTL(IOMMU_IOAS_MAP_FILE, iommu_ioas_map_file, iova),
	IOCTL(IOMMU_IOAS_UNMAP, iommu_ioas_unmap, length),
	IOCTL(IOMMU_IOAS_CHANGE_PROCESS, iommu_ioas_change_process,
	      __reserved),
	IOCTL(IOMMU_OPTION, iommu_option, val64),
	IOCTL(IOMMU_HWPT_ALLOC, iommu_hwpt_alloc, __reserved),
	IOCTL(IOMMU_GET_HW_INFO, iommu_hw_info, __reserved),
	/* The last one, see count_ioctls(). */
	IOCTL(IOMMU_IOAS_NOIOMMU_GET_PA, iommu_ioas_noiommu_get_pa, out_phys),
};

static size_t count_ioctls(const struct world *w)
{
	return ARRAY_SIZE(ioctls) - !world_knows_get_pa(w);
}

/*
 * A call that would succeed on a bare world, or, where that takes a device or
 * a free ID, one that fails with -ENOENT after the structure was accepted.
 */
static int good_call(struct world *w, const struct ioctl *op, union call *c)
{
	static struct iommu_iova_range out[MAX_RANGES];

	memset(c, 0, sizeof(*c));
	c->size = op->size;
	switch (op->cmd) {
	case IOMMU_IOAS_ALLOC:
		return 0;
	case IOMMU_IOAS_ALLOW_IOVAS:
		c->allow.ioas_id = w->other;
		return 0;
	case IOMMU_IOAS_COPY:
		c->copy.src_ioas_id = c->copy.dst_ioas_id = w->ioas;
		c->copy.flags = MAP_R | MAP_FIX;
		c->copy.src_iova = W_BASE;
		c->copy.length = PAGE;
		c->copy.dst_iova = W_FREE;
		return 0;
	case IOMMU_IOAS_IOVA_RANGES:
		c->ranges.ioas_id = w->ioas;
		c->ranges.num_iovas = MAX_RANGES;
		c->ranges.allowed_iovas = (uintptr_t)out;
		return 0;
	case IOMMU_IOAS_MAP:
		c->map.ioas_id = w->ioas;
		c->map.flags = MAP_R | MAP_FIX;
		c->map.user_va = (uintptr_t)w->m.va;
		c->map.length = PAGE;
		c->map.iova = W_FREE;
		return 0;
	case IOMMU_OPTION:
		c->option.option_id = IOMMU_OPTION_HUGE_PAGES;
		c->option.object_id = w->ioas;
		c->option.op = IOMMU_OPTION_OP_GET;
		return 0;
	case IOMMU_IOAS_MAP_FILE:
		c->map_file.flags = MAP_R | MAP_FIX;
		c->map_file.length = PAGE;
		return -ENOENT;		/* object 0 */
	case IOMMU_IOAS_NOIOMMU_GET_PA:
		return -EOPNOTSUPP;
	case IOMMU_IOAS_CHANGE_PROCESS:
		return -EINVAL;		/* as anonymous memory is mapped */
	default:
		return -ENOENT;		/* object 0 */
	}
}

static void undo(struct world *w, const struct ioctl *op, union call *c)
{
	if (op->cmd == IOMMU_IOAS_ALLOC)
		require_ok(iommu_destroy(w->fd, c->alloc.out_ioas_id));
	else if (op->cmd == IOMMU_IOAS_MAP || op->cmd == IOMMU_IOAS_COPY)
		require_ok(ioas_unmap(w->fd, w->ioas, W_FREE, PAGE, NULL));
}

/* Makes the good call in the form that lies at @p, then takes it back. */
static void try_good(struct world *w, const struct ioctl *op, void *p,
		     int want, const char *what)
{
	int ret = iommu_ioctl(w->fd, op->cmd, p);

	check_msg(ret == want, "%s with %s: %d, not %d", op->name, what, ret,
		  want);
	if (!ret)
		undo(w, op, p);
}

static void numbers(void)
{
	static const unsigned int dirs[] = { _IOC_NONE, _IOC_READ, _IOC_WRITE,
					     _IOC_READ | _IOC_WRITE };
	uint32_t arg[64] = { sizeof(arg) };
	unsigned int last;
	struct world w;

	world_bare(&w);
	last = world_knows_get_pa(&w) ? IOMMUFD_CMD_IOAS_NOIOMMU_GET_PA :
					IOMMUFD_CMD_HW_QUEUE_ALLOC;
	for (unsigned int nr = 0; nr < 256; nr++) {
		bool known = nr >= IOMMUFD_CMD_BASE && nr <= last;

		/* VFIO's type1 ioctls, and the one of Linux's own tests */
		if ((nr >= 100 && nr < 120) || nr == IOMMUFD_CMD_BASE + 32)
			continue;
		for (size_t d = 0; d < ARRAY_SIZE(dirs); d++) {
			if (known && !d)
				continue;
			check_ret(iommu_ioctl(w.fd, _IOC(dirs[d], ';', nr,
							 d ? 8 : 0), arg),
				  -ENOTTY);
		}
		if (known)
			check_ret(iommu_ioctl(w.fd, _IOC(0, ':', nr, 0), arg),
				  -ENOTTY);
	}
	check_ret(iommu_ioctl(w.fd, 0, arg), -ENOTTY);
	check_ret(iommu_ioctl(w.fd, 0xffffffff, arg), -ENOTTY);
	world_end(&w);
}

static void pointers(void)
{
	uint8_t *gone = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS,
			     -1, 0);
	void *bad[] = { NULL, (void *)8, (void *)-1ul, (void *)-8ul, gone,
			(void *)(uintptr_t)(1ull << 63),
			(void *)(uintptr_t)0x80000000000000 };
	struct world w;

	munmap(gone, PAGE);
	world_bare(&w);
	for (size_t i = 0; i < count_ioctls(&w); i++)
		for (size_t j = 0; j < ARRAY_SIZE(bad); j++)
			check_msg(iommu_ioctl(w.fd, ioctls[i].cmd, bad[j]) ==
				  -EFAULT, "%s at %p", ioctls[i].name, bad[j]);
	world_end(&w);
}

/* A structure's last bytes before memory that can't be touched. */
static uint8_t *before_edge(uint32_t room)
{
	static uint8_t *p;

	if (!p) {
		p = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		require(p != MAP_FAILED);
		require(!mprotect(p + 4 * PAGE, 4 * PAGE, PROT_NONE));
	}
	memset(p, 0, 4 * PAGE);
	return p + 4 * PAGE - room;
}

static void sizes_small(void)
{
	struct world w;
	union call c;
	uint8_t *p;

	world_bare(&w);
	for (size_t i = 0; i < count_ioctls(&w); i++) {
		const struct ioctl *op = &ioctls[i];
		int want = good_call(&w, op, &c);

		for (uint32_t size = 0; size < op->min; size++) {
			c.size = size;
			check_msg(iommu_ioctl(w.fd, op->cmd, &c) == -EINVAL,
				  "%s of %u bytes", op->name, size);
		}
		/* only the size itself can be read */
		p = before_edge(4);
		memcpy(p, &op->size, 4);
		check_msg(iommu_ioctl(w.fd, op->cmd, p) == -EFAULT,
			  "%s cut after 4 bytes", op->name);
		p = before_edge(op->size - 1);
		c.size = op->size;
		memcpy(p, &c, op->size - 1);
		check_msg(iommu_ioctl(w.fd, op->cmd, p) == -EFAULT,
			  "%s cut before its last byte", op->name);
		/* exactly enough, nothing behind it is looked at */
		good_call(&w, op, &c);
		p = before_edge(op->size);
		memcpy(p, &c, op->size);
		try_good(&w, op, p, want, "its own size");
		/* the oldest form, at any alignment */
		c.size = op->min;
		p = before_edge(op->min + 1);
		memcpy(p, &c, op->min);
		try_good(&w, op, p, want, "the minimum size, unaligned");
	}
	world_end(&w);
}

static void sizes_large(void)
{
	static const uint32_t more[] = { 1, 3, 8, 64, 512, 3 * PAGE };
	struct world w;
	union call c;
	uint8_t *p;

	world_bare(&w);
	for (size_t i = 0; i < count_ioctls(&w); i++) {
		const struct ioctl *op = &ioctls[i];

		for (size_t j = 0; j < ARRAY_SIZE(more); j++) {
			uint32_t size = op->size + more[j];
			int want = good_call(&w, op, &c);

			p = before_edge(size);
			memcpy(p, &c, op->size);
			memcpy(p, &size, 4);
			try_good(&w, op, p, want, "a zero tail");
			/* the last byte, then the first, isn't zero */
			good_call(&w, op, &c);
			memcpy(p, &c, op->size);
			memcpy(p, &size, 4);
			p[size - 1] = 0x80;
			try_good(&w, op, p, -E2BIG, "a tail that ends in 80");
			p[size - 1] = 0;
			p[op->size] = 1;
			try_good(&w, op, p, -E2BIG, "a tail that begins 01");
			p[op->size] = 0;
			/* one byte of the tail can't be read */
			size++;
			memcpy(p, &size, 4);
			try_good(&w, op, p, -EFAULT, "a tail out of reach");
		}
		good_call(&w, op, &c);
		p = before_edge(op->size);
		memcpy(p, &c, op->size);
		memset(p, 0xff, 4);
		try_good(&w, op, p, -EFAULT, "a size of 0xffffffff");
	}
	world_end(&w);
}

/* Operations that a /dev/iommu file doesn't have. */
static void file_operations(void)
{
	int fd = iommu_open();
	char c;

	check(read(fd, &c, 1) < 0 && errno == EINVAL);
	check(write(fd, "x", 1) < 0 && errno == EINVAL);
	check(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED);
	check(ftruncate(fd, 0) < 0);
	close(fd);
}

static const struct test tests[] = {
	{ "numbers", numbers },
	{ "pointers", pointers },
	{ "sizes_small", sizes_small },
	{ "sizes_large", sizes_large },
	{ "file_operations", file_operations },
};

TAP_MAIN("abi", tests)
