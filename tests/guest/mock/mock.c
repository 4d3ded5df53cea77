// SPDX-License-Identifier: GPL-2.0-only
/*
 * The mock itself: its checks see what is wrong, what can't be is refused, and what
 * was half made is gone.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "events.h"
#include "mem.h"
#include "mock.h"
#include "tap.h"

#define BAD_ID	0x7ffffff0u
#define IOVA	MOCK_APERTURE_START

static struct {
	int fd;
	uint32_t ioas;
	char *buffer;	/* four pages */
} w;

static void up(void)
{
	w.fd = mock_open();
	w.ioas = ioas_new(w.fd);
	w.buffer = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	require(w.buffer != MAP_FAILED);
	madvise(w.buffer, 4 * PAGE, MADV_NOHUGEPAGE);
	memset(w.buffer, 1, 4 * PAGE);
}

static int run(uint32_t op, uint32_t id, struct iommu_test_cmd cmd)
{
	return mock_cmd(w.fd, op, id, &cmd);
}

#define RUN(op, id, ...) \
	run(IOMMU_TEST_OP_##op, id, (struct iommu_test_cmd){ __VA_ARGS__ })

static int check_map(uint32_t hwpt, uint64_t iova, uint64_t length, const void *p)
{
	return RUN(MD_CHECK_MAP, hwpt, .check_map = { .iova = iova, .length = length,
						      .uptr = (uintptr_t)p });
}

static int check_refs(const void *p, uint64_t length, uint32_t refs)
{
	return RUN(MD_CHECK_REFS, 0, .check_refs = { .length = length, .refs = refs,
						     .uptr = (uintptr_t)p });
}

static void no_such_thing(void)
{
	struct iommu_test_cmd cmd = { .size = 64, .op = IOMMU_TEST_OP_MD_CHECK_REFS };

	up();
	check_ret(run(0, w.ioas, (struct iommu_test_cmd){}), -EOPNOTSUPP);
	check_ret(run(IOMMU_TEST_OP_DMABUF_REVOKE + 1, w.ioas,
		      (struct iommu_test_cmd){}), -EOPNOTSUPP);
	check_ret(run(~0u, w.ioas, (struct iommu_test_cmd){}), -EOPNOTSUPP);
	check_ret(iommu_ioctl(w.fd, IOMMU_TEST_CMD, &cmd), -EINVAL);

	check_ret(RUN(MOCK_DOMAIN, BAD_ID), -ENOENT);
	check_ret(RUN(MOCK_DOMAIN_FLAGS, w.ioas, .mock_domain_flags.dev_flags = 1 << 30),
		  -EINVAL);
	check_ret(RUN(MOCK_DOMAIN_REPLACE, w.ioas, .mock_domain_replace.pt_id = w.ioas),
		  -ENOENT);
	check_ret(RUN(PASID_ATTACH, BAD_ID, .pasid_attach = { 1, w.ioas }), -ENOENT);
	check_ret(RUN(PASID_REPLACE, BAD_ID, .pasid_replace = { 1, w.ioas }), -ENOENT);
	check_ret(RUN(PASID_DETACH, BAD_ID, .pasid_detach = { 1 }), -ENOENT);
	check_ret(RUN(PASID_CHECK_HWPT, BAD_ID, .pasid_check = { 1, 0 }), -ENOENT);
	check_ret(RUN(TRIGGER_IOPF, 0, .trigger_iopf.dev_id = BAD_ID), -ENOENT);
	check_ret(RUN(TRIGGER_VEVENT, 0, .trigger_vevent.dev_id = w.ioas), -ENOENT);
	check_ret(RUN(DEV_CHECK_CACHE, w.ioas), -ENOENT);
	check_ret(RUN(MD_CHECK_IOTLB, w.ioas), -ENOENT);
	check_ret(check_map(w.ioas, IOVA, PAGE, w.buffer), -ENOENT);

	check_ret(RUN(CREATE_ACCESS, BAD_ID), -ENOENT);
	check_ret(RUN(CREATE_ACCESS, w.ioas, .create_access.flags = 2), -EOPNOTSUPP);
	check_ret(RUN(ACCESS_RW, w.fd, .access_rw.length = 1), -EBADFD);
	check_ret(RUN(ACCESS_PAGES, 1000, .access_pages.length = 1), -EBADFD);
	check_ret(RUN(DESTROY_ACCESS_PAGES, ~0u), -EBADFD);
	check_ret(RUN(ACCESS_REPLACE_IOAS, w.fd), -EBADFD);
	check_ret(RUN(SET_TEMP_MEMORY_LIMIT, 0, .memory_limit.limit = 1), -EINVAL);
	check_ret(RUN(SET_TEMP_MEMORY_LIMIT, 0, .memory_limit.limit = 65536), 0);
	/* Nothing came of all that. */
	check_ret(iommu_destroy(w.fd, w.ioas), 0);
}

static void reserved_ranges(void)
{
	up();
	check_ret(RUN(ADD_RESERVED, w.ioas, .add_reserved = { PAGE, 0 }), -EINVAL);
	check_ret(RUN(ADD_RESERVED, w.ioas, .add_reserved = { ~0ull, 2 }), -EOVERFLOW);
	check_ret(RUN(ADD_RESERVED, BAD_ID, .add_reserved = { PAGE, PAGE }), -ENOENT);
	require_ok(ioas_map_at(w.fd, w.ioas, w.buffer, PAGE, IOVA));
	check_ret(RUN(ADD_RESERVED, w.ioas, .add_reserved = { IOVA, 1 }), -EADDRINUSE);
	check_ret(RUN(ADD_RESERVED, w.ioas, .add_reserved = { IOVA + PAGE, 1 }), 0);
	check(ioas_map_at(w.fd, w.ioas, w.buffer, PAGE, IOVA + PAGE) < 0);
	check_ret(ioas_map_at(w.fd, w.ioas, w.buffer, PAGE, IOVA + 2 * PAGE), 0);
}

static void maps_are_seen(void)
{
	struct mock mock;

	up();
	require_ok(mock_device(w.fd, w.ioas, 0, &mock));
	require_ok(ioas_map_at(w.fd, w.ioas, w.buffer, 2 * PAGE, IOVA));
	check_ret(check_map(mock.hwpt, IOVA, 2 * PAGE, w.buffer), 0);
	check_ret(check_map(mock.hwpt, IOVA + MOCK_PAGE_SIZE, MOCK_PAGE_SIZE,
			    w.buffer + MOCK_PAGE_SIZE), 0);
	check_ret(check_map(mock.hwpt, IOVA, 0, w.buffer), 0);
	/* another page, half a page off, behind the end */
	check_ret(check_map(mock.hwpt, IOVA, PAGE, w.buffer + PAGE), -EINVAL);
	check_ret(check_map(mock.hwpt, IOVA, PAGE, w.buffer + MOCK_PAGE_SIZE), -EINVAL);
	check_ret(check_map(mock.hwpt, IOVA, 3 * PAGE, w.buffer), -EINVAL);
	check_ret(check_map(mock.hwpt, IOVA + 1, PAGE, w.buffer), -EINVAL);
	check_ret(check_map(mock.hwpt, IOVA, 1, w.buffer), -EINVAL);
	check_ret(check_map(mock.hwpt, IOVA, -PAGE, w.buffer), -EINVAL);
	check_ret(check_map(mock.hwpt, IOVA, PAGE, NULL), -EFAULT);
	require(ioas_unmap_all(w.fd, w.ioas) == 2 * PAGE);
	check_ret(check_map(mock.hwpt, IOVA, PAGE, w.buffer), -EINVAL);
}

static void pins_are_seen(void)
{
	struct mock mock;

	up();
	require_ok(ioas_map_at(w.fd, w.ioas, w.buffer, 2 * PAGE, IOVA));
	check_ret(check_refs(w.buffer, 4 * PAGE, 0), 0);
	check_ret(check_refs(w.buffer, PAGE, 1), -EIO);
	require_ok(mock_device(w.fd, w.ioas, 0, &mock));
	check_ret(check_refs(w.buffer, 2 * PAGE, 1), 0);
	check_ret(check_refs(w.buffer, 3 * PAGE, 1), -EIO);
	check_ret(check_refs(w.buffer + 1, PAGE, 1), -EINVAL);
	check_ret(check_refs(w.buffer, PAGE / 2, 1), -EINVAL);
	check_ret(check_refs(NULL, PAGE, 0), -EFAULT);
	require_ok(mock_unplug(w.fd, &mock));
	check_ret(check_refs(w.buffer, 4 * PAGE, 0), 0);
}

/* A command that the mock can read, and whose answer it can't write. */
static int unanswered(uint32_t op, uint32_t id, struct iommu_test_cmd cmd)
{
	static struct iommu_test_cmd *page;

	if (!page)
		page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	require(page != MAP_FAILED);
	cmd.size = sizeof(cmd);
	cmd.op = op;
	cmd.id = id;
	require_ok(mprotect(page, PAGE, PROT_READ | PROT_WRITE));
	*page = cmd;
	require_ok(mprotect(page, PAGE, PROT_READ));
	return iommu_ioctl(w.fd, IOMMU_TEST_CMD, page);
}

#define UNANSWERED(op, id, ...) \
	unanswered(IOMMU_TEST_OP_##op, id, (struct iommu_test_cmd){ __VA_ARGS__ })

static int access_new(uint32_t flags)
{
	struct iommu_test_cmd cmd = { .create_access.flags = flags };

	require_ok(mock_cmd(w.fd, IOMMU_TEST_OP_CREATE_ACCESS, w.ioas, &cmd));
	return cmd.create_access.out_access_fd;
}

/* The next descriptor, which shows whether one was left behind. */
static int next_fd(void)
{
	int fd = dup(w.fd);

	close(fd);
	return fd;
}

static void answers_that_cannot_be(void)
{
	struct mock mock;
	int access, next;

	up();
	require_ok(ioas_map_at(w.fd, w.ioas, w.buffer, PAGE, IOVA));
	check_ret(UNANSWERED(MOCK_DOMAIN, w.ioas), -EFAULT);
	check_ret(check_refs(w.buffer, PAGE, 0), 0);
	next = next_fd();
	check_ret(UNANSWERED(CREATE_ACCESS, w.ioas), -EFAULT);
	check_eq(next_fd(), next);
	access = access_new(MOCK_FLAGS_ACCESS_CREATE_NEEDS_PIN_PAGES);
	check_ret(UNANSWERED(ACCESS_PAGES, access,
			     .access_pages = { .iova = IOVA, .length = PAGE }), -EFAULT);
	check_ret(check_refs(w.buffer, PAGE, 0), 0);
	close(access);

	require_ok(mock_device(w.fd, w.ioas, MOCK_FLAGS_DEVICE_PASID, &mock));
	require_ok(mock_unplug(w.fd, &mock));
	check_ret(iommu_destroy(w.fd, w.ioas), 0);
}

/* The attach is undone whose answer can't be given, and replacing isn't. */
static void pasid_without_answer(void)
{
	uint32_t first, second;
	struct mock mock;

	if (kernel_before(6, 12))
		tap_skip("this kernel can't attach PASIDs");
	up();
	require_ok(mock_device(w.fd, w.ioas, MOCK_FLAGS_DEVICE_PASID, &mock));
	require_ok(hwpt_alloc(w.fd, mock.dev, w.ioas, IOMMU_HWPT_ALLOC_PASID, &first));
	require_ok(hwpt_alloc(w.fd, mock.dev, w.ioas, IOMMU_HWPT_ALLOC_PASID, &second));
	require_ok(mock_replace(w.fd, &mock, first));
	check_ret(UNANSWERED(PASID_ATTACH, mock.stdev, .pasid_attach = { 7, first }), -EFAULT);
	check_ret(mock_pasid_check(w.fd, &mock, 7, 0), 0);
	require_ok(mock_pasid_attach(w.fd, &mock, 7, first));
	check_ret(mock_pasid_check(w.fd, &mock, 7, 0), -EINVAL);
	check_ret(mock_pasid_check(w.fd, &mock, 7, second), -EINVAL);
	check_ret(mock_pasid_check(w.fd, &mock, 7, BAD_ID), -ENOENT);
	check_ret(UNANSWERED(PASID_REPLACE, mock.stdev, .pasid_replace = { 7, second }),
		  -EFAULT);
	check_ret(mock_pasid_check(w.fd, &mock, 7, second), 0);
	/* Detaching what isn't attached is nothing. */
	check_ret(mock_pasid_detach(w.fd, &mock, 8), 0);
	/* Ours takes care of PASIDs that a program has forgotten. */
	if (tap_oracle())
		require_ok(mock_pasid_detach(w.fd, &mock, 7));
	check_ret(mock_unplug(w.fd, &mock), 0);
	check_ret(iommu_destroy(w.fd, second), 0);
	check_ret(iommu_destroy(w.fd, first), 0);
	check_ret(iommu_destroy(w.fd, w.ioas), 0);
}

static int rw(int access, uint64_t iova, void *p, uint64_t length, uint32_t flags)
{
	return RUN(ACCESS_RW, access, .access_rw = { .iova = iova, .length = length,
			.uptr = (uintptr_t)p, .flags = flags });
}

static int pin(int access, uint64_t iova, const void *p, uint64_t length,
	       uint32_t flags, uint32_t *id)
{
	struct iommu_test_cmd cmd = { .access_pages = { .iova = iova, .length = length,
			.uptr = (uintptr_t)p, .flags = flags } };
	int ret = mock_cmd(w.fd, IOMMU_TEST_OP_ACCESS_PAGES, access, &cmd);

	if (id)
		*id = cmd.access_pages.out_access_pages_id;
	return ret;
}

static void access_pins(void)
{
	const uint64_t nth = 1 | (uint64_t)PAGE << 32;	/* a page into the second mapping */
	uint32_t first, second;
	int access;

	up();
	require_ok(ioas_map_at(w.fd, w.ioas, w.buffer, PAGE, IOVA));
	require_ok(ioas_map_at(w.fd, w.ioas, w.buffer + 2 * PAGE, 2 * PAGE, IOVA + 8 * PAGE));
	access = access_new(MOCK_FLAGS_ACCESS_CREATE_NEEDS_PIN_PAGES);
	check_ret(pin(access, IOVA, w.buffer, PAGE, 0, &first), 0);
	check_ret(pin(access, IOVA, w.buffer, 9, MOCK_FLAGS_ACCESS_WRITE, &second), 0);
	check(first != second);
	/* However many there are, they share one pin. */
	check_ret(check_refs(w.buffer, PAGE, 1), 0);
	check_ret(pin(access, IOVA + 1, w.buffer + 1, 9, 0, NULL), -EINVAL);
	check_ret(pin(access, IOVA, w.buffer + PAGE, PAGE, 0, NULL), -EBADE);
	check_ret(pin(access, IOVA, w.buffer, 0, 0, NULL), -EINVAL);
	check_ret(pin(access, IOVA, w.buffer, 1ull << 40, 0, NULL), -ENOMEM);
	check_ret(pin(access, IOVA + PAGE, w.buffer, PAGE, 0, NULL), -ENOENT);
	check_ret(pin(access, -1, w.buffer, 16, 0, NULL), -EOVERFLOW);
	check_ret(pin(access, IOVA, w.buffer, PAGE, 2, NULL), -EOPNOTSUPP);
	check_ret(check_refs(w.buffer, PAGE, 1), 0);
	check_ret(RUN(DESTROY_ACCESS_PAGES, access, .destroy_access_pages = { second }), 0);
	check_ret(RUN(DESTROY_ACCESS_PAGES, access, .destroy_access_pages = { second }),
		  -ENOENT);
	check_ret(check_refs(w.buffer, PAGE, 1), 0);
	check_ret(pin(access, nth, w.buffer + 3 * PAGE, 1, MOCK_FLAGS_ACCESS_SYZ, NULL), 0);
	check_ret(check_refs(w.buffer + 2 * PAGE, PAGE, 0), 0);
	check_ret(check_refs(w.buffer + 3 * PAGE, PAGE, 1), 0);
	check_ret(pin(access, 9, NULL, 1, MOCK_FLAGS_ACCESS_SYZ, NULL), -ENOENT);
	/* An unmap asks for them. */
	check_eq(ioas_unmap_all(w.fd, w.ioas), 3 * PAGE);
	check_ret(check_refs(w.buffer, 4 * PAGE, 0), 0);
	check_ret(RUN(DESTROY_ACCESS_PAGES, access, .destroy_access_pages = { first }),
		  -ENOENT);
}

static void access_copies(void)
{
	char to[16] = "", from[16] = "fifteen letters";
	int access;

	up();
	require_ok(ioas_map_at(w.fd, w.ioas, w.buffer, PAGE, IOVA));
	access = access_new(0);
	check_ret(rw(access, IOVA + 3, from, 16, MOCK_ACCESS_RW_WRITE), 0);
	check(!memcmp(w.buffer + 3, from, 16));
	check_ret(rw(access, 3ull << 32, to, 16, MOCK_FLAGS_ACCESS_SYZ |
		     MOCK_ACCESS_RW_SLOW_PATH), 0);
	check(!memcmp(to, from, 16));
	check_ret(rw(access, IOVA, NULL, 16, 0), -EFAULT);
	check_ret(rw(access, IOVA, NULL, 16, MOCK_ACCESS_RW_WRITE), -EFAULT);
	check_ret(rw(access, IOVA, to, 0, 0), -EINVAL);
	check_ret(rw(access, IOVA, to, 1ull << 40, 0), -ENOMEM);
	check_ret(rw(access, IOVA, to, 1, 1 << 8), -EOPNOTSUPP);
	check_ret(rw(access, IOVA + PAGE, to, 1, 0), -ENOENT);
	check_ret(pin(access, IOVA, NULL, 1, 0, NULL), -EOPNOTSUPP);
	check_ret(RUN(ACCESS_REPLACE_IOAS, access, .access_replace_ioas = { BAD_ID }),
		  -ENOENT);
	check_ret(RUN(ACCESS_REPLACE_IOAS, access, .access_replace_ioas = { w.ioas }), 0);
	/* It keeps the context, and ends it. */
	check_ret(iommu_destroy(w.fd, w.ioas), -EBUSY);
	close(w.fd);
	w.fd = iommu_open();
	check_ret(rw(access, IOVA + 3, to, 16, 0), 0);
	close(access);
}

static void dma_bufs(void)
{
	int fd;

	up();
	check_ret(RUN(DMABUF_GET, 0, .dmabuf_get = { 0, O_CLOEXEC }), -EINVAL);
	check_ret(RUN(DMABUF_GET, 0, .dmabuf_get = { 512 * PAGE + 1, O_CLOEXEC }), -EINVAL);
	check_ret(RUN(DMABUF_GET, 0, .dmabuf_get = { -1, O_CLOEXEC }), -EINVAL);
	if (!tap_oracle())
		check_ret(RUN(DMABUF_GET, 0, .dmabuf_get = { 1, O_PATH }), -EINVAL);
	fd = RUN(DMABUF_GET, 0, .dmabuf_get = { 1, O_CLOEXEC });
	require(fd >= 0);
	check_eq(lseek(fd, 0, SEEK_END), PAGE);
	check_ret(RUN(DMABUF_REVOKE, 0, .dmabuf_revoke = { fd, 1 }), 0);
	check_ret(RUN(DMABUF_REVOKE, 0, .dmabuf_revoke = { fd, 1 }), 0);
	check_ret(RUN(DMABUF_REVOKE, 0, .dmabuf_revoke = { fd, 0 }), 0);
	check_ret(RUN(DMABUF_REVOKE, 0, .dmabuf_revoke = { w.fd, 1 }), -EINVAL);
	check_ret(RUN(DMABUF_REVOKE, 0, .dmabuf_revoke = { -1, 1 }), -EBADF);
}

static int references(void)
{
	FILE *file = fopen("/sys/module/iommufd_mock/refcnt", "r");
	int count = -1;

	if (!file)
		tap_skip("the mock is no module of its own");
	check(fscanf(file, "%d", &count) == 1);
	fclose(file);
	return count;
}

static int unload(void)
{
	return syscall(SYS_delete_module, "iommufd_mock", O_NONBLOCK) ? -errno : 0;
}

/* Everything that is of the mock keeps it. */
static void module_stays(void)
{
	struct mock mock;
	int access, dmabuf, idle;

	up();
	idle = references();
	require_ok(mock_device(w.fd, w.ioas, 0, &mock));
	check(references() > idle);
	check_ret(unload(), -EWOULDBLOCK);
	require_ok(mock_unplug(w.fd, &mock));
	check_eq(references(), idle);
	access = access_new(0);
	check(references() > idle);
	check_ret(unload(), -EWOULDBLOCK);
	close(access);
	dmabuf = RUN(DMABUF_GET, 0, .dmabuf_get = { 1, O_CLOEXEC });
	check(references() > idle);
	close(dmabuf);
	/* A program that ends does the same. */
	require_ok(mock_device(w.fd, w.ioas, 0, &mock));
	close(w.fd);
	check_eq(references(), idle);
}

static const struct test tests[] = {
	{ "no_such_thing", no_such_thing },
	{ "reserved_ranges", reserved_ranges },
	{ "maps_are_seen", maps_are_seen },
	{ "pins_are_seen", pins_are_seen },
	{ "answers_that_cannot_be", answers_that_cannot_be },
	{ "pasid_without_answer", pasid_without_answer },
	{ "access_pins", access_pins },
	{ "access_copies", access_copies },
	{ "dma_bufs", dma_bufs },
	{ "module_stays", module_stays },
};

TAP_MAIN("mock", tests)
