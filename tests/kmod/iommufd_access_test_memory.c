// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the test driver does with the memory of its access object: pin and unpin, read and
 * write.
 *
 * The unmap callback has to find every pin there is.  So a pin is made and listed
 * under the lock that the callback takes, as all users of this API must.
 */
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/highmem.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/workqueue.h>

#include <iommufd/iommufd.h>

#include "iommufd_access_test_driver.h"

struct pin {
	struct list_head item;
	unsigned long iova;
	unsigned long length;
	struct page *pages[];
};

/* The number of pages that the API may tell of; 0 if that's too many. */
static size_t room_for(u64 length)
{
	return length <= ACCESS_TEST_MAX ? DIV_ROUND_UP(length, PAGE_SIZE) + 1 : 0;
}

/* Is this refused before a byte of memory is looked at, so that no room is needed? */
static bool overflows(u64 iova, u64 length)
{
	u64 last;

	return !length || check_add_overflow(iova, length - 1, &last);
}

static struct pin *pin_new(u64 iova, u64 length)
{
	size_t room = overflows(iova, length) ? 1 : room_for(length);
	struct pin *pin;

	if (!room)
		return ERR_PTR(-E2BIG);
	pin = kvzalloc(struct_size(pin, pages, room), GFP_KERNEL);
	if (!pin)
		return ERR_PTR(-ENOMEM);
	pin->iova = iova;
	pin->length = length;
	return pin;
}

static void pin_drop(struct tester *tester, struct pin *pin)
{
	lockdep_assert_held(&tester->lock);
	iommufd_access_unpin_pages(tester->access, pin->iova, pin->length);
	list_del(&pin->item);
	tester->state.pins--;
	kvfree(pin);
}

void tester_unmap(void *data, unsigned long iova, unsigned long length)
{
	struct tester *tester = data;
	unsigned int pause = READ_ONCE(tester->pause_us);
	struct pin *pin, *next;

	if (pause)
		usleep_range(pause, 2 * pause);
	mutex_lock(&tester->lock);
	tester->state.calls++;
	tester->state.iova = iova;
	tester->state.length = length;
	if (tester->refuse) {
		tester->refuse--;
		goto out;
	}
	list_for_each_entry_safe(pin, next, &tester->pins, item)
		if (pin->iova <= iova + (length - 1) &&
		    iova <= pin->iova + (pin->length - 1))
			pin_drop(tester, pin);
out:
	mutex_unlock(&tester->lock);
}

static unsigned int rw_flags(u32 flags)
{
	return (flags & ACCESS_TEST_WRITE ? IOMMUFD_ACCESS_RW_WRITE : 0) |
	       (flags & ACCESS_TEST_KTHREAD ? IOMMUFD_ACCESS_RW_KTHREAD : 0);
}

/* A call that a kernel thread makes, if the program wants that. */
struct call {
	struct work_struct work;
	struct tester *tester;
	int (*run)(struct call *call);
	struct pin *pin;
	const struct access_test_copy *copy;
	void *buffer;
	unsigned int flags;
	int rc;
};

static void call_work(struct work_struct *work)
{
	struct call *call = container_of(work, struct call, work);

	call->rc = call->run(call);
}

static int call_run(struct call *call, u32 flags)
{
	call->flags = rw_flags(flags);
	if (!(flags & ACCESS_TEST_KTHREAD))
		return call->run(call);
	INIT_WORK_ONSTACK(&call->work, call_work);
	schedule_work(&call->work);
	flush_work(&call->work);
	destroy_work_on_stack(&call->work);
	return call->rc;
}

static int call_pin(struct call *call)
{
	return iommufd_access_pin_pages(call->tester->access, call->pin->iova,
					call->pin->length, call->pin->pages,
					call->flags);
}

static int call_rw(struct call *call)
{
	return iommufd_access_rw(call->tester->access, call->copy->iova,
				 call->buffer, call->copy->length, call->flags);
}

/* Pins and lists, and says where the pages are. */
static int tester_pin_listed(struct tester *tester, struct pin *pin, u64 *pfns,
			     u32 flags)
{
	struct call call = { .tester = tester, .run = call_pin, .pin = pin };
	size_t i;
	int rc;

	mutex_lock(&tester->lock);
	rc = call_run(&call, flags);
	if (!rc) {
		list_add_tail(&pin->item, &tester->pins);
		tester->state.pins++;
		for (i = 0; i < DIV_ROUND_UP(pin->length, PAGE_SIZE); i++)
			pfns[i] = page_to_pfn(pin->pages[i]);
	}
	mutex_unlock(&tester->lock);
	return rc;
}

int tester_pin(struct tester *tester, void *data)
{
	const struct access_test_pin *arg = data;
	struct pin *pin;
	u64 *pfns;
	int rc;

	pin = pin_new(arg->iova, arg->length);
	if (IS_ERR(pin))
		return PTR_ERR(pin);
	pfns = kvcalloc(room_for(arg->length) + 1, sizeof(*pfns), GFP_KERNEL);
	rc = pfns ? tester_pin_listed(tester, pin, pfns, arg->flags) : -ENOMEM;
	if (rc)
		kvfree(pin);
	else if (arg->pfns &&
		 copy_to_user(u64_to_user_ptr(arg->pfns), pfns,
			      DIV_ROUND_UP(arg->length, PAGE_SIZE) * sizeof(*pfns)))
		rc = -EFAULT;	/* the pin stays for the program to find */
	kvfree(pfns);
	return rc;
}

int tester_unpin(struct tester *tester, void *data)
{
	const struct access_test_unpin *arg = data;
	struct pin *pin;
	int rc = -ENOENT;

	mutex_lock(&tester->lock);
	list_for_each_entry(pin, &tester->pins, item) {
		if (pin->iova != arg->iova || pin->length != arg->length)
			continue;
		pin_drop(tester, pin);
		rc = 0;
		break;
	}
	mutex_unlock(&tester->lock);
	return rc;
}

/* Through the pages of a pin, which the IOAS doesn't know of. */
static int copy_by_pages(struct tester *tester, const struct access_test_copy *arg,
			 void *buffer)
{
	unsigned long offset, in_page, part, left = arg->length;
	struct pin *pin;
	void *page;

	mutex_lock(&tester->lock);
	list_for_each_entry(pin, &tester->pins, item)
		if (pin->iova <= arg->iova && arg->iova - pin->iova < pin->length &&
		    left <= pin->length - (arg->iova - pin->iova))
			goto found;
	mutex_unlock(&tester->lock);
	return -ENOENT;
found:
	for (offset = arg->iova - pin->iova; left;
	     offset += part, buffer += part, left -= part) {
		in_page = offset % PAGE_SIZE;
		part = min(left, PAGE_SIZE - in_page);
		page = kmap_local_page(pin->pages[offset / PAGE_SIZE]);
		if (arg->flags & ACCESS_TEST_WRITE)
			memcpy(page + in_page, buffer, part);
		else
			memcpy(buffer, page + in_page, part);
		kunmap_local(page);
	}
	mutex_unlock(&tester->lock);
	return 0;
}

int tester_copy(struct tester *tester, void *data)
{
	const struct access_test_copy *arg = data;
	struct call call = { .tester = tester, .run = call_rw, .copy = arg };
	bool write = arg->flags & ACCESS_TEST_WRITE;
	bool nothing = overflows(arg->iova, arg->length);
	int rc = 0;

	if (!nothing && !room_for(arg->length))
		return -E2BIG;
	call.buffer = kvzalloc(nothing ? 1 : arg->length, GFP_KERNEL);
	if (!call.buffer)
		return -ENOMEM;
	if (!nothing && write &&
	    copy_from_user(call.buffer, u64_to_user_ptr(arg->buffer), arg->length))
		rc = -EFAULT;
	else if (arg->flags & ACCESS_TEST_BY_PAGES)
		rc = copy_by_pages(tester, arg, call.buffer);
	else
		rc = call_run(&call, arg->flags);
	if (!rc && !write &&
	    copy_to_user(u64_to_user_ptr(arg->buffer), call.buffer, arg->length))
		rc = -EFAULT;
	kvfree(call.buffer);
	return rc;
}
