// SPDX-License-Identifier: GPL-2.0-only
/* Access objects, each behind a file, which pin and copy as a driver would. */
#include <linux/anon_inodes.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <iommufd/iommufd.h>

#include "../../src/core/context.h"
#include "command.h"
#include "uapi.h"

/* Of what one operation may pin or copy. */
#define LENGTH_MAX SZ_16M

struct test_access {
	struct file *file;
	struct iommufd_access *access;
	struct iommufd_ctx *ctx;	/* which @access keeps */
	u32 ioas_id;			/* a hint for MOCK_FLAGS_ACCESS_SYZ */
	bool pins;
	struct mutex lock;		/* guards the rest; taken by unmap_pins() */
	struct list_head items;
	u32 next_id;
};

struct pinned_item {
	struct list_head item;
	unsigned long iova;
	unsigned long length;
	u32 id;
};

static void unpin_item(struct test_access *test, struct pinned_item *item)
{
	lockdep_assert_held(&test->lock);
	list_del(&item->item);
	iommufd_access_unpin_pages(test->access, item->iova, item->length);
	kfree(item);
}

static void unmap_pins(void *data, unsigned long iova, unsigned long length)
{
	unsigned long last = iova + length - 1;
	struct test_access *test = data;
	struct pinned_item *item, *next;

	mutex_lock(&test->lock);
	list_for_each_entry_safe(item, next, &test->items, item) {
		if (item->iova <= last && item->iova + item->length - 1 >= iova)
			unpin_item(test, item);
	}
	mutex_unlock(&test->lock);
}

static int unpin_by_id(struct test_access *test, u32 id)
{
	struct pinned_item *item;
	int rc = -ENOENT;

	mutex_lock(&test->lock);
	list_for_each_entry(item, &test->items, item) {
		if (item->id == id) {
			unpin_item(test, item);
			rc = 0;
			break;
		}
	}
	mutex_unlock(&test->lock);
	return rc;
}

static const struct iommufd_access_ops pinning_ops = {
	.needs_pin_pages = 1,
	.unmap = unmap_pins,
};

static const struct iommufd_access_ops copying_ops = {
	.unmap = unmap_pins,
};

static int access_release(struct inode *inode, struct file *file)
{
	struct test_access *test = file->private_data;

	if (test->access)
		iommufd_access_destroy(test->access);
	mutex_destroy(&test->lock);
	kfree(test);
	return 0;
}

static const struct file_operations access_fops = {
	.owner = THIS_MODULE,
	.release = access_release,
};

/* Its file and all that belongs to it end with the caller's fput(). */
static struct test_access *access_new(void)
{
	struct test_access *test;

	test = kzalloc(sizeof(*test), GFP_KERNEL_ACCOUNT);
	if (!test)
		return ERR_PTR(-ENOMEM);
	mutex_init(&test->lock);
	INIT_LIST_HEAD(&test->items);
	test->file = anon_inode_getfile("[iommufd_mock_access]", &access_fops, test,
					O_RDWR);
	if (IS_ERR(test->file)) {
		struct file *file = test->file;

		kfree(test);
		return ERR_CAST(file);
	}
	return test;
}

static struct test_access *access_get(u32 fd)
{
	struct file *file = fget(fd);

	if (!file)
		return ERR_PTR(-EBADFD);
	if (file->f_op != &access_fops) {
		fput(file);
		return ERR_PTR(-EBADFD);
	}
	return file->private_data;
}

static void access_put(struct test_access *test)
{
	fput(test->file);
}

static int access_begin(struct test_access *test, struct iommufd_ctx *ctx,
			u32 ioas_id, u32 flags)
{
	struct iommufd_access *access;
	u32 id;

	test->ctx = ctx;
	test->ioas_id = ioas_id;
	test->pins = flags & MOCK_FLAGS_ACCESS_CREATE_NEEDS_PIN_PAGES;
	access = iommufd_access_create(ctx, test->pins ? &pinning_ops : &copying_ops,
				       test, &id);
	if (IS_ERR(access))
		return PTR_ERR(access);
	test->access = access;
	return iommufd_access_attach(access, ioas_id);
}

int test_create_access(struct command *cmd, struct iommu_test_cmd *arg)
{
	struct test_access *test;
	int fd, rc;

	if (arg->create_access.flags & ~MOCK_FLAGS_ACCESS_CREATE_NEEDS_PIN_PAGES)
		return -EOPNOTSUPP;
	test = access_new();
	if (IS_ERR(test))
		return PTR_ERR(test);
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0) {
		rc = fd;
		goto out_put;
	}
	rc = access_begin(test, cmd->ctx, arg->id, arg->create_access.flags);
	if (rc)
		goto out_fd;
	arg->create_access.out_access_fd = fd;
	rc = command_respond(cmd, sizeof(*arg));
	if (rc)
		goto out_fd;
	fd_install(fd, test->file);
	return 0;

out_fd:
	put_unused_fd(fd);
out_put:
	access_put(test);
	return rc;
}

int test_access_replace_ioas(struct command *cmd, struct iommu_test_cmd *arg)
{
	struct test_access *test;
	int rc;

	test = access_get(arg->id);
	if (IS_ERR(test))
		return PTR_ERR(test);
	rc = iommufd_access_replace(test->access, arg->access_replace_ioas.ioas_id);
	if (!rc)
		test->ioas_id = arg->access_replace_ioas.ioas_id;
	access_put(test);
	return rc;
}

/*
 * Pins under the lock, so that an unmap that comes meanwhile finds the item.  From
 * then on that may free it at any time.
 */
static int pin_item(struct test_access *test, struct pinned_item *item,
		    struct page **pages, unsigned int flags, u32 *id)
{
	int rc;

	mutex_lock(&test->lock);
	rc = iommufd_access_pin_pages(test->access, item->iova, item->length, pages,
				      flags);
	if (!rc) {
		item->id = *id = test->next_id++;
		list_add_tail(&item->item, &test->items);
	}
	mutex_unlock(&test->lock);
	return rc;
}

/* Are these the pages that the caller has at an address?  0, -EBADE, -EFAULT */
static int compare_pages(u64 address, struct page **pages, size_t npages)
{
	struct page *page;
	size_t i;
	int rc;

	for (i = 0; i < npages; i++) {
		rc = test_page_at(address + i * PAGE_SIZE, &page);
		if (rc)
			return rc;
		if (page != pages[i])
			return -EBADE;
	}
	return 0;
}

/* @pages is room for all pages that the range touches. */
static int pin_range(struct command *cmd, struct test_access *test,
		     unsigned long iova, struct page **pages, size_t npages)
{
	struct iommu_test_cmd *arg = cmd->arg;
	u64 address = arg->access_pages.uptr;
	struct pinned_item *item;
	int rc;

	item = kzalloc(sizeof(*item), GFP_KERNEL_ACCOUNT);
	if (!item)
		return -ENOMEM;
	item->iova = iova;
	item->length = arg->access_pages.length;
	rc = pin_item(test, item, pages,
		      arg->access_pages.flags & MOCK_FLAGS_ACCESS_WRITE,
		      &arg->access_pages.out_access_pages_id);
	if (rc) {
		kfree(item);
		return rc;
	}
	if (address)
		rc = compare_pages(address - offset_in_page(iova), pages, npages);
	if (!rc)
		rc = command_respond(cmd, sizeof(*arg));
	if (rc)
		unpin_by_id(test, arg->access_pages.out_access_pages_id);
	return rc;
}

static unsigned long iova_of(struct test_access *test, u64 iova, u32 flags)
{
	if (flags & MOCK_FLAGS_ACCESS_SYZ)
		return test_nth_iova(test->ctx, READ_ONCE(test->ioas_id), iova);
	return iova;
}

int test_access_pages(struct command *cmd, struct iommu_test_cmd *arg)
{
	u32 flags = arg->access_pages.flags;
	struct test_access *test;
	struct page **pages;
	unsigned long iova;
	size_t npages;
	int rc;

	if (arg->access_pages.length > LENGTH_MAX)
		return -ENOMEM;
	if (flags & ~(MOCK_FLAGS_ACCESS_WRITE | MOCK_FLAGS_ACCESS_SYZ))
		return -EOPNOTSUPP;
	test = access_get(arg->id);
	if (IS_ERR(test))
		return PTR_ERR(test);
	rc = -EOPNOTSUPP;
	if (!test->pins)
		goto out;
	iova = iova_of(test, arg->access_pages.iova, flags);
	npages = DIV_ROUND_UP(offset_in_page(iova) + arg->access_pages.length,
			      PAGE_SIZE);
	pages = kvcalloc(npages, sizeof(*pages), GFP_KERNEL_ACCOUNT);
	rc = -ENOMEM;
	if (!pages)
		goto out;
	rc = pin_range(cmd, test, iova, pages, npages);
	kvfree(pages);
out:
	access_put(test);
	return rc;
}

int test_destroy_access_pages(struct command *cmd, struct iommu_test_cmd *arg)
{
	struct test_access *test;
	int rc;

	test = access_get(arg->id);
	if (IS_ERR(test))
		return PTR_ERR(test);
	rc = unpin_by_id(test, arg->destroy_access_pages.access_pages_id);
	access_put(test);
	return rc;
}

/* @buffer is the kernel's, of the length that is asked for. */
static int copy_range(struct test_access *test, struct iommu_test_cmd *arg,
		      void *buffer)
{
	void __user *user = u64_to_user_ptr(arg->access_rw.uptr);
	size_t length = arg->access_rw.length;
	u32 flags = arg->access_rw.flags;
	bool write = flags & MOCK_ACCESS_RW_WRITE;
	unsigned long iova = iova_of(test, arg->access_rw.iova, flags);
	int rc;

	if (write && copy_from_user(buffer, user, length))
		return -EFAULT;
	rc = iommufd_access_rw(test->access, iova, buffer, length,
			       write ? IOMMUFD_ACCESS_RW_WRITE : 0);
	if (rc)
		return rc;
	if (!write && copy_to_user(user, buffer, length))
		return -EFAULT;
	return 0;
}

/* There is no other path here for MOCK_ACCESS_RW_SLOW_PATH. */
int test_access_rw(struct command *cmd, struct iommu_test_cmd *arg)
{
	struct test_access *test;
	void *buffer;
	int rc;

	if (arg->access_rw.length > LENGTH_MAX)
		return -ENOMEM;
	if (arg->access_rw.flags & ~(MOCK_ACCESS_RW_WRITE |
				     MOCK_ACCESS_RW_SLOW_PATH |
				     MOCK_FLAGS_ACCESS_SYZ))
		return -EOPNOTSUPP;
	test = access_get(arg->id);
	if (IS_ERR(test))
		return PTR_ERR(test);
	rc = -ENOMEM;
	buffer = kvzalloc(arg->access_rw.length, GFP_KERNEL_ACCOUNT);
	if (buffer) {
		rc = copy_range(test, arg, buffer);
		kvfree(buffer);
	}
	access_put(test);
	return rc;
}
