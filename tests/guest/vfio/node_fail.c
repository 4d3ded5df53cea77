// SPDX-License-Identifier: GPL-2.0-only
/*
 * Device nodes when memory runs out: each allocation on the way of an open, a
 * BIND and an ATTACH fails once, and nothing stays behind.  Needs a kernel with
 * fault injection.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "node.h"
#include "iommu.h"
#include "legacy.h"
#include "tap.h"

#define MOST 500			/* allocations; one call has far fewer */

static int nth;				/* /proc/thread-self/fail-nth */

static bool setting(const char *what, const char *value)
{
	char path[128];
	int fd;
	bool ok;

	snprintf(path, sizeof(path), "/sys/kernel/debug/%s", what);
	fd = open(path, O_WRONLY);
	if (fd < 0)
		return false;
	ok = write(fd, value, strlen(value)) > 0;
	close(fd);
	return ok;
}

/*
 * Opening a PCI device asks the firmware for its interrupt, and Linux's ACPI
 * interpreter frees what it still uses if an allocation of its own fails.  So
 * those don't.  Its functions lie together.
 */
static bool is_acpi(const char *name)
{
	static const char *const parts[] = {
		"acpi_ds_", "acpi_ex_", "acpi_ns_", "acpi_ps_", "acpi_rs_", "acpi_ut_",
	};

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		if (!strncmp(name, parts[i], 8))
			return true;
	return false;
}

static void spare_acpi(void)
{
	unsigned long long address, first = ~0ull, last = 0;
	char line[256], type, name[128], text[32];
	FILE *f = fopen("/proc/kallsyms", "r");

	require(f != NULL);
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%llx %c %127s", &address, &type, name) != 3 ||
		    (type != 't' && type != 'T') || strchr(name, '.') || !is_acpi(name))
			continue;
		first = address < first ? address : first;
		last = address > last ? address : last;
	}
	fclose(f);
	if (!last)
		return;
	snprintf(text, sizeof(text), "0x%llx", first);
	if (!setting("failslab/reject-start", text))
		tap_skip("needs failslab with a filter for callers");
	snprintf(text, sizeof(text), "0x%llx", last + 4096);
	require(setting("failslab/reject-end", text));
}

static void prepare(struct node *f)
{
	nth = open("/proc/thread-self/fail-nth", O_RDWR);
	if (nth < 0)
		tap_skip("needs a kernel with fault injection");
	mount("debugfs", "/sys/kernel/debug", "debugfs", 0, NULL);
	if (!setting("failslab/ignore-gfp-wait", "N"))
		tap_skip("needs failslab");
	require(setting("failslab/verbose", "0"));
	spare_acpi();
	node_prepare(f);
}

/* From here on, the nth allocation of this thread fails. */
static void fail(unsigned int n)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", n);
	require(write(nth, text, strlen(text)) > 0);
}

/* Ends that.  Returns whether an allocation has failed. */
static bool failed(void)
{
	char text[16] = "";

	require(pread(nth, text, sizeof(text) - 1, 0) > 0);
	fail(0);
	return atoi(text) == 0;
}

/* Calls @call with every allocation failing once, the last time with none. */
static void sweep(const char *name, struct node *f, int (*call)(struct node *f),
		  void (*undo)(struct node *f))
{
	unsigned int n, refused = 0;

	for (n = 1; n < MOST; n++) {
		bool hit;
		int ret;

		fail(n);
		ret = call(f);
		hit = failed();
		check_msg(ret == 0 || (hit && ret == -ENOMEM),
			  "%s with allocation %u failing: %d", name, n, ret);
		refused += !!ret;
		if (!ret)
			undo(f);
		if (!hit)
			break;
	}
	tap_diag("%s: %u allocations, %u of them needed", name, n - 1, refused);
	check(n < MOST && refused > 0);
}

static int call_open(struct node *f)
{
	int fd = open(f->dev.node, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	close(f->dev.fd);
	f->dev.fd = fd;
	return 0;
}

static void undo_nothing(struct node *f)
{
	(void)f;
}

static void opening(void)
{
	struct node f;

	prepare(&f);
	require_ok(device_open(&f.dev, f.bdf));
	sweep("open", &f, call_open, undo_nothing);
	device_close(&f.dev);
	node_check_free(&f);
}

static int call_bind(struct node *f)
{
	return device_bind(&f->dev, f->fd);
}

static void undo_bind(struct node *f)
{
	device_close(&f->dev);
	require_ok(device_open(&f->dev, f->bdf));
}

static void binding(void)
{
	struct node f;

	prepare(&f);
	f.fd = iommu_open();
	require_ok(device_open(&f.dev, f.bdf));
	sweep("BIND", &f, call_bind, undo_bind);
	check(legacy_is_free(f.bdf));
	device_close(&f.dev);
	close(f.fd);
	node_check_free(&f);
}

static int call_attach(struct node *f)
{
	return device_attach(&f->dev, f->ioas);
}

static void undo_attach(struct node *f)
{
	require_ok(device_detach(&f->dev));
}

static void attaching(void)
{
	struct node f;

	prepare(&f);
	f.fd = iommu_open();
	f.ioas = ioas_new(f.fd);
	device_get(&f.dev, "edu", 0, f.fd);
	sweep("ATTACH", &f, call_attach, undo_attach);
	check_ret(iommu_destroy(f.fd, f.ioas), 0);
	device_close(&f.dev);
	close(f.fd);
	node_check_free(&f);
}

static const struct test tests[] = {
	{ "opening", opening },
	{ "binding", binding, 300 },
	{ "attaching", attaching, 300 },
};

TAP_MAIN("node_fail", tests)
