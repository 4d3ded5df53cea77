// SPDX-License-Identifier: GPL-2.0-only
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "klog.h"
#include "tap.h"

/* How each IOMMU's driver begins a report, and what precedes the address. */
static const struct {
	enum iommu_kind kind;
	const char *sysfs;		/* prefix in /sys/class/iommu */
	const char *mark[2];		/* either may appear in the line */
	const char *address[2];
} kinds[] = {
	{ IOMMU_VTD, "dmar", { "DMAR: [DMA" }, { "fault addr 0x" } },
	{ IOMMU_AMD, "ivhd", { "IO_PAGE_FAULT" }, { "address=0x" } },
	/*
	 * 7.x prints the fields of an event; older kernels four raw words of
	 * 64 bits in lines of their own, the address being the third.
	 */
	{ IOMMU_SMMUV3, "smmu3", { "arm-smmu-v3" }, { "iova: 0x", "0x" } },
	/* bears the name of its PCI device */
	{ IOMMU_VIRTIO, "0000:", { "from EP" }, { " at 0x" } },
};

static int kind_index(void)
{
	DIR *d = opendir("/sys/class/iommu");
	struct dirent *e;
	int found = -1;

	while (d && (e = readdir(d)))
		for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
			if (!strncmp(e->d_name, kinds[i].sysfs,
				     strlen(kinds[i].sysfs)))
				found = i;
	if (d)
		closedir(d);
	return found;
}

enum iommu_kind klog_iommu(void)
{
	int i = kind_index();

	return i < 0 ? IOMMU_UNKNOWN : kinds[i].kind;
}

/*
 * QEMU's AMD IOMMU drops what it can't translate without a word.  SMMUv3 is
 * silent about a device that has no page table at all.
 */
bool klog_reports(bool attached)
{
	switch (klog_iommu()) {
	case IOMMU_UNKNOWN:
	case IOMMU_AMD:
		return false;
	case IOMMU_SMMUV3:
		return attached;
	default:
		return true;
	}
}

int klog_open(void)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0)
		lseek(fd, 0, SEEK_END);
	return fd;
}

/* Does this line report a fault in the page at @iova? */
static bool reports(int kind, const char *text, uint64_t iova)
{
	bool marked = false;

	for (int i = 0; i < 2; i++)
		if (kinds[kind].mark[i] && strstr(text, kinds[kind].mark[i]))
			marked = true;
	if (!marked)
		return false;
	for (int i = 0; i < 2; i++) {
		const char *what = kinds[kind].address[i];
		const char *p = text;

		while (what && (p = strstr(p, what))) {
			p += strlen(what);
			if (strtoull(p, NULL, 16) >> 12 == iova >> 12)
				return true;
		}
	}
	return false;
}

static char found[512];

const char *klog_line(void)
{
	return found;
}

/* A record is "priority,number,time,flags;text\n" and perhaps more lines. */
static void keep(const char *record)
{
	const char *text = strchr(record, ';');

	snprintf(found, sizeof(found), "%.500s",
		 text ? text + 1 : record);
	found[strcspn(found, "\n")] = 0;
}

/* Waits for a record that @fits, which is given @arg. */
static bool wait_for(int klog, bool (*fits)(const char *text, const void *arg),
		     const void *arg, unsigned int ms)
{
	double end = tap_now() + ms / 1e3;
	char text[4096];
	ssize_t n;

	for (;;) {
		n = read(klog, text, sizeof(text) - 1);
		if (n > 0) {
			text[n] = 0;
			if (!fits(text, arg))
				continue;
			keep(text);
			return true;
		}
		if (n < 0 && errno == EPIPE)
			continue;	/* overwritten before it was read */
		if (tap_now() >= end)
			return false;
		poll(&(struct pollfd){ .fd = klog, .events = POLLIN }, 1, 20);
	}
}

static bool is_fault(const char *text, const void *iova)
{
	return reports(kind_index(), text, *(const uint64_t *)iova);
}

bool klog_fault(int klog, uint64_t iova, unsigned int ms)
{
	return kind_index() >= 0 && wait_for(klog, is_fault, &iova, ms);
}

static bool says(const char *text, const void *words)
{
	return strstr(text, words);
}

bool klog_says(int klog, const char *words, unsigned int ms)
{
	return wait_for(klog, says, words, ms);
}
