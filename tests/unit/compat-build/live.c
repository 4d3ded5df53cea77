// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tries in a guest what src/compat/ promises of pinning, with memory of the
 * process that writes the path of a file of 6 MiB, all holes, to the parameter
 * "run".  What came out is read from the parameter "result", as TAP.
 */
#include <linux/fs.h>
#include <linux/highmem.h>
#include <linux/magic.h>
#include <linux/mman.h>
#include <linux/moduleparam.h>
#include <linux/pagemap.h>

#define FILE_PAGES	1536ul
#define FILE_SIZE	(FILE_PAGES * PAGE_SIZE)
#define HUGE		(2ul << 20)

static char result[PAGE_SIZE];
static size_t result_len;
static int count;

static void point(bool good, const char *text)
{
	result_len += scnprintf(result + result_len, sizeof(result) - result_len,
				"%sok %d - %s\n", good ? "" : "not ", ++count, text);
}

static u64 first_word(struct page *page)
{
	u64 *at = kmap_local_page(page);
	u64 word = *at;

	kunmap_local(at);
	return word;
}

/* Checks that the folios are the file's from byte start on, and unpins them. */
static long release(struct folio **folios, long n, loff_t start, loff_t end,
		    pgoff_t offset, bool marked, bool *good)
{
	pgoff_t index = start >> PAGE_SHIFT, last = end >> PAGE_SHIFT;
	unsigned long skip = offset >> PAGE_SHIFT;
	long i;

	*good &= offset_in_page(offset) == offset_in_page(start);
	for (i = 0; i < n; i++, skip = 0) {
		unsigned long pages = min_t(unsigned long, last - index + 1,
					    folio_nr_pages(folios[i]) - skip);
		unsigned long p;

		if (folio_add_pins(folios[i], pages - 1))
			*good = false;
		for (p = 0; p < pages; p++, index++) {
			/* Every third page was never written. */
			u64 word = marked && index % 3 ? index : 0;

			if (first_word(folio_page(folios[i], skip + p)) != word)
				*good = false;
		}
		/* It is pinned until the last of its pages isn't. */
		unpin_user_page_range_dirty_lock(folio_page(folios[i], skip), pages - 1, true);
		*good &= folio_maybe_dma_pinned(folios[i]);
		unpin_user_page(folio_page(folios[i], skip + pages - 1));
		*good &= !folio_maybe_dma_pinned(folios[i]);
	}
	return index;
}

/* Pins a range by as many calls as it takes with room for max folios. */
static bool pins_range(struct file *file, loff_t start, loff_t end,
		       unsigned int max, bool marked)
{
	struct folio *folios[64];
	bool good = true;

	while (good && start <= end) {
		pgoff_t offset;
		long n = memfd_pin_folios(file, start, end, folios, max, &offset);

		if (n <= 0 || n > max)
			return false;
		start = (loff_t)release(folios, n, start, end, offset, marked,
					&good) << PAGE_SHIFT;
	}
	return good;
}

static bool mark_pages(struct file *file)
{
	u64 index;

	for (index = 0; index < FILE_PAGES; index++) {
		loff_t at = index * PAGE_SIZE;

		if (index % 3 && kernel_write(file, &index, sizeof(index), &at) != sizeof(index))
			return false;
	}
	return true;
}

static long pin_error(struct file *file, loff_t start, loff_t end, unsigned int max)
{
	struct folio *folio;
	pgoff_t offset;

	return memfd_pin_folios(file, start, end, &folio, max, &offset);
}

static void try_file(struct file *file, bool marked)
{
	point(pins_range(file, 0, 0, 1, marked), "one byte");
	point(pins_range(file, 3 * PAGE_SIZE + 100, 7 * PAGE_SIZE + 5, 16, marked),
	      "an unaligned range");
	point(pins_range(file, HUGE - PAGE_SIZE - 1, HUGE + 1, 16, marked),
	      "a range over the edge of a huge page");
	point(pins_range(file, 0, FILE_SIZE - 1, 64, marked), "the whole file");
	point(pins_range(file, PAGE_SIZE, FILE_SIZE - 1, 1, marked), "folio by folio");
	point(pin_error(file, 0, FILE_SIZE, 1) == -EINVAL, "past the end is refused");
	point(pin_error(file, 5, 4, 1) == -EINVAL, "an empty range is refused");
	point(pin_error(file, -1, 4, 1) == -EINVAL, "a negative offset is refused");
	point(pin_error(file, 0, 4, 0) == -EINVAL, "no room is refused");
}

static unsigned long map(struct file *file, unsigned long pages, int prot, int flags,
			 unsigned long at)
{
	return vm_mmap(file, at, pages * PAGE_SIZE, prot, flags | (file ? 0 : MAP_ANONYMOUS), 0);
}

static int pin_remote(unsigned long addr, int n, struct page **pages)
{
	int locked = 1;
	long rc;

	mmap_read_lock(current->mm);
	rc = pin_user_pages_remote(current->mm, addr, n, FOLL_LONGTERM, pages, &locked);
	if (locked)
		mmap_read_unlock(current->mm);
	return rc;
}

/* What the process writes after a pin for reading must be what a device reads. */
static bool pin_stays(unsigned long addr, unsigned long n, bool remote)
{
	struct page *pages[16];
	bool good = true;
	u64 i;
	int rc;

	rc = remote ? pin_remote(addr, n, pages) :
		      pin_user_pages_fast(addr, n, FOLL_LONGTERM, pages);
	for (i = 0; i < n; i++)
		if (put_user(i + 1, (u64 __user *)(addr + i * PAGE_SIZE)))
			good = false;
	for (i = 0; rc == n && i < n; i++)
		good &= first_word(pages[i]) == i + 1;
	if (rc > 0)
		unpin_user_pages(pages, rc);
	return good && rc == n;
}

static int pin_count(unsigned long addr, int n)
{
	struct page *pages[16];
	int rc = pin_user_pages_fast(addr, n, FOLL_LONGTERM, pages);

	if (rc > 0)
		unpin_user_pages(pages, rc);
	return rc;
}

static void try_memory(struct file *file)
{
	unsigned long addr = map(NULL, 16, PROT_READ | PROT_WRITE, MAP_PRIVATE, 0);
	unsigned long fixed = MAP_PRIVATE | MAP_FIXED;

	if (IS_ERR_VALUE(addr))
		return point(false, "memory to try");
	point(pin_stays(addr, 8, false), "untouched memory stays the process's");
	point(pin_stays(addr + 8 * PAGE_SIZE, 8, true), "also by pin_user_pages_remote()");
	map(file, 8, PROT_READ | PROT_WRITE, fixed, addr);
	point(pin_stays(addr, 8, false), "a private mapping of a file stays the process's");
	map(file, 8, PROT_READ, fixed, addr);
	point(pin_count(addr, 16) == 16, "mappings of several kinds at once");
	map(file, 8, PROT_READ, MAP_SHARED | MAP_FIXED, addr);
	point(pin_count(addr, 8) == 8, "a shared mapping that can't be written");
	map(NULL, 8, PROT_NONE, fixed, addr + 8 * PAGE_SIZE);
	point(pin_count(addr, 16) == 8, "what can't be read ends the pin");
	point(pin_count(addr + 8 * PAGE_SIZE, 1) == -EFAULT, "and is refused");
	vm_munmap(addr, 8 * PAGE_SIZE);
	point(pin_count(addr, 1) == -EFAULT, "nothing there is refused");
	vm_munmap(addr + 8 * PAGE_SIZE, 8 * PAGE_SIZE);
}

static int run(const char *path, const struct kernel_param *param)
{
	char name[64] = {};
	struct file *file;

	count = 0;
	result_len = 0;
	strscpy(name, path, sizeof(name));
	file = filp_open(strim(name), O_RDWR | O_LARGEFILE, 0);
	if (IS_ERR(file))
		return PTR_ERR(file);
	switch (file_inode(file)->i_sb->s_magic) {
	case TMPFS_MAGIC:
		point(mark_pages(file), "a file on tmpfs");
		try_file(file, true);
		try_memory(file);
		break;
	case HUGETLBFS_MAGIC:
		try_file(file, false);
		break;
	default:
		point(pin_error(file, 0, 0, 1) == -EINVAL, "another file is refused");
	}
	fput(file);
	return 0;
}

static int show(char *buffer, const struct kernel_param *param)
{
	return scnprintf(buffer, PAGE_SIZE, "%s1..%d\n", result, count);
}

static const struct kernel_param_ops run_ops = { .set = run };
static const struct kernel_param_ops result_ops = { .get = show };
module_param_cb(run, &run_ops, NULL, 0200);
module_param_cb(result, &result_ops, NULL, 0400);
