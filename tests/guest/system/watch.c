// SPDX-License-Identifier: GPL-2.0-only
/* What an administrator sees: fdinfo, tracepoints, and why something was refused. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "legacy.h"
#include "rig.h"
#include "tap.h"
#include "trace.h"

#define MANY	600
#define FAR	(1ull << 60)		/* beyond what most IOMMUs translate */

static const char *fdinfo(int fd)
{
	char path[64];

	if (tap_oracle())
		tap_skip("Linux's own iommufd has no such lines");
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	return slurp(path);
}

static bool has_line(const char *all, const char *line)
{
	size_t length = strlen(line);

	for (const char *p = all; (p = strstr(p, line)); p++)
		if ((p == all || p[-1] == '\n') && p[length] == '\n')
			return true;
	tap_diag("no line \"%s\" in:\n%s", line, all);
	return false;
}

#define check_line(all, ...) do {					\
		char line_[256];					\
									\
		snprintf(line_, sizeof(line_), __VA_ARGS__);		\
		check(has_line(all, line_));				\
	} while (0)

/* A device that isn't attached, and memory that isn't mapped. */
static void bind(struct rig *r)
{
	rig_bind(r);
	mem_get(&r->m, MEM_ANON, RIG_SIZE);
}

static void shows_mappings(void)
{
	struct rig r;
	const char *info;
	uint32_t hwpt, empty;

	rig_bind(&r);
	info = fdinfo(r.fd);
	check(number_after(info, "iommufd-context:\t") > 0);
	check_line(info, "iommufd-accounting:\tuser");
	check_line(info, "iommufd-object:\t%u ioas mapped=0 pinned=0 page-tables=0 accesses=0",
		   r.ioas);
	check_line(info, "iommufd-object:\t%u device name=%s", r.dev.id, r.dev.bdf);

	rig_map(&r);
	empty = ioas_new(r.fd);
	info = fdinfo(r.fd);
	check_line(info, "iommufd-object:\t%u ioas mapped=%llu pinned=0 page-tables=0 accesses=0",
		   r.ioas, r.m.size + PAGE);
	require_ok(hwpt_alloc(r.fd, r.dev.id, r.ioas, 0, &hwpt));
	require_ok(device_attach(&r.dev, hwpt));
	info = fdinfo(r.fd);
	check_line(info, "iommufd-object:\t%u ioas mapped=%llu pinned=%llu page-tables=1 accesses=0",
		   r.ioas, r.m.size + PAGE, r.m.size + PAGE);
	check_line(info, "iommufd-object:\t%u ioas mapped=0 pinned=0 page-tables=0 accesses=0",
		   empty);
	check_line(info, "iommufd-object:\t%u hwpt ioas=%u", hwpt, r.ioas);
	check_line(info, "iommufd-object:\t%u device name=%s pt=%u", r.dev.id, r.dev.bdf, hwpt);

	require_ok(device_detach(&r.dev));
	require(ioas_unmap_all(r.fd, r.ioas) > 0);
	info = fdinfo(r.fd);
	check_line(info, "iommufd-object:\t%u ioas mapped=0 pinned=0 page-tables=1 accesses=0",
		   r.ioas);
	rig_close_device(&r);
	check(!strstr(fdinfo(r.fd), "device name="));
}

static void shows_device_file(void)
{
	unsigned long long context;
	const char *info;
	struct rig r;
	uint32_t pt;

	rig_bind(&r);
	context = number_after(fdinfo(r.fd), "iommufd-context:\t");
	info = fdinfo(r.dev.fd);
	check(strstr(info, "vfio-device-syspath: /sys/devices/") && strstr(info, r.dev.bdf));
	check_line(info, "iommufd-context:\t%llu", context);
	check_line(info, "iommufd-device:\t%u", r.dev.id);
	pt = r.ioas;
	require_ok(device_attach_out(&r.dev, &pt));
	check_line(fdinfo(r.dev.fd), "iommufd-device:\t%u pt=%u", r.dev.id, pt);
	rig_close_device(&r);
}

static void shows_unbound_file(void)
{
	struct device dev;
	const char *bdf = device_find("edu", 0);

	if (!bdf)
		tap_skip("needs an edu on vfio-pci");
	require_ok(device_open(&dev, bdf));
	check(!strstr(fdinfo(dev.fd), "iommufd-"));
	device_close(&dev);
}

static void contexts_differ(void)
{
	int one = iommu_open(), two = iommu_open();

	check(number_after(fdinfo(one), "iommufd-context:\t") !=
	      number_after(fdinfo(two), "iommufd-context:\t"));
}

/* With a limit the charge shows, and goes with the mapping. */
static void shows_charge(void)
{
	struct rlimit limit = { 64 * PAGE, 64 * PAGE };
	struct rig r;

	bind(&r);
	require_ok(device_attach(&r.dev, r.ioas));
	require(!setrlimit(RLIMIT_MEMLOCK, &limit) && !setresuid(4242, 4242, 4242));
	require_ok(ioas_map_at(r.fd, r.ioas, r.m.va, 8 * PAGE, RIG_BASE));
	check_line(fdinfo(r.fd), "iommufd-charged:\t%llu", 8 * PAGE);
	check_ret(ioas_map_at(r.fd, r.ioas, r.m.va, 128 * PAGE, RIG_BASE + 64 * PAGE), -ENOMEM);
	check_line(fdinfo(r.fd), "iommufd-charged:\t%llu", 8 * PAGE);
	check(ioas_unmap_all(r.fd, r.ioas) == 8 * PAGE);
	check_line(fdinfo(r.fd), "iommufd-charged:\t0");
}

static void is_bounded(void)
{
	uint32_t last = 0;
	const char *info;
	unsigned int n = 0;
	int fd = iommu_open();

	for (int i = 0; i < MANY; i++)
		last = ioas_new(fd);
	info = fdinfo(fd);
	for (const char *p = info; (p = strstr(p, "iommufd-object:")); p++)
		n++;
	check(n > 100 && n < MANY);
	check(number_after(info, "iommufd-more:\t") > 0 && number_after(info, "iommufd-more:\t") <= last);
}

static void traces(void)
{
	unsigned long long context;
	struct rig r;

	trace_begin();
	bind(&r);
	context = number_after(fdinfo(r.fd), "iommufd-context:\t");
	check_traced("iommufd_bind:", "context=%llu device=%s id=%u result=0", context,
		     r.dev.bdf, r.dev.id);
	require_ok(device_attach(&r.dev, r.ioas));
	check_traced("iommufd_attach:", "context=%llu device=%s pasid=0 pt=", context, r.dev.bdf);
	check_ret(device_attach(&r.dev, 0x7ffff), -ENOENT);
	check_traced("iommufd_attach:", "pt=%u result=%d", 0x7ffff, -ENOENT);
	require_ok(ioas_map_at(r.fd, r.ioas, r.m.va, 4 * PAGE, RIG_BASE));
	check_traced("iommufd_map:", "ioas=%u iova=%#llx last=%#llx done=%#llx result=0", r.ioas,
		     RIG_BASE, RIG_BASE + 4 * PAGE - 1, 4 * PAGE);
	require_ok(ioas_unmap(r.fd, r.ioas, RIG_BASE, 4 * PAGE, NULL));
	check_traced("iommufd_unmap:", "ioas=%u iova=%#llx last=%#llx done=%#llx result=0", r.ioas,
		     RIG_BASE, RIG_BASE + 4 * PAGE - 1, 4 * PAGE);
	require_ok(device_detach(&r.dev));
	check_traced("iommufd_detach:", "context=%llu device=%s pasid=0", context, r.dev.bdf);
	trace_end();
}

static void traces_failures(void)
{
	struct rlimit limit = { 4 * PAGE, 4 * PAGE };
	struct rig r;
	void *hole;
	int pid;

	trace_begin();
	bind(&r);
	require_ok(device_attach(&r.dev, r.ioas));
	hole = before_hole(PAGE);
	check_ret(ioas_map_at(r.fd, r.ioas, hole, 2 * PAGE, RIG_BASE), -EFAULT);
	check_traced("iommufd_pin_failed:", "of=process position=%#lx pages=2 result=%d",
		     (unsigned long)hole, -EFAULT);
	check_traced("iommufd_map:", "done=0x0 result=%d", -EFAULT);
	pid = fork();
	if (!pid) {
		if (setrlimit(RLIMIT_MEMLOCK, &limit) || setresuid(4242, 4242, 4242))
			_exit(1);
		_exit(ioas_map_at(r.fd, r.ioas, r.m.va, 8 * PAGE, RIG_BASE) != -ENOMEM);
	}
	tap_join(pid);
	check_traced("iommufd_charge_failed:", "accounting=user pages=8 result=%d", -ENOMEM);
	trace_end();
}

/* Lines come ten in five seconds at the most, so it may need another try. */
#define TRIES 60

static void says_reserved(void)
{
	struct iommu_iova_range ranges[64];
	uint32_t n = ARRAY_SIZE(ranges);
	uint64_t align, hole;
	bool said = false;
	struct rig r;
	uint32_t other;

	if (tap_oracle())
		tap_skip("Linux's own iommufd doesn't say");
	bind(&r);
	require_ok(device_attach(&r.dev, r.ioas));
	require_ok(ioas_ranges(r.fd, r.ioas, ranges, &n, &align));
	if (n < 2)
		tap_skip("nothing is reserved for this device");
	hole = ranges[0].last + 1;
	require_ok(device_detach(&r.dev));
	other = ioas_new(r.fd);
	require_ok(ioas_map_at(r.fd, other, r.m.va, PAGE, hole));
	for (int i = 0; i < TRIES && !said; i++) {
		check_ret(device_attach(&r.dev, other), -EADDRINUSE);
		said = klog_says(r.klog, "the device can't use all that is mapped or allowed: [", 100);
	}
	check(said && strstr(klog_line(), r.dev.bdf));
}

static void says_out_of_range(void)
{
	struct iommu_iova_range ranges[64];
	uint32_t far, n = ARRAY_SIZE(ranges);
	uint64_t align;
	bool said = false;
	struct rig r;

	if (tap_oracle())
		tap_skip("Linux's own iommufd doesn't say");
	bind(&r);
	require_ok(device_attach(&r.dev, r.ioas));
	require_ok(ioas_ranges(r.fd, r.ioas, ranges, &n, &align));
	if (ranges[n - 1].last >= FAR)
		tap_skip("this IOMMU translates all addresses");
	require_ok(device_detach(&r.dev));
	far = ioas_new(r.fd);
	require_ok(ioas_map_at(r.fd, far, r.m.va, PAGE, FAR));
	for (int i = 0; i < TRIES && !said; i++) {
		check_ret(device_attach(&r.dev, far), -EADDRINUSE);
		said = klog_says(r.klog, "its IOMMU can't map all that is mapped or allowed", 100);
	}
	check(said && strstr(klog_line(), r.dev.bdf));
}

static void says_whose_group(void)
{
	int fd = iommu_open(), other = iommu_open(), klog = klog_open();
	struct device one, two;
	char a[16], b[16];
	bool said = false;

	if (tap_oracle())
		tap_skip("Linux's own iommufd doesn't say");
	device_find_pair("edu", a, b);
	require_ok(device_open(&one, a));
	require_ok(device_bind(&one, fd));
	require_ok(device_open(&two, b));
	for (int i = 0; i < TRIES && !said; i++) {
		check_ret(device_bind(&two, other), -EPERM);
		said = klog_says(klog, "is another context's or a kernel driver's; vfio-pci must have each of:", 100);
	}
	check(said && strstr(klog_line(), a) && strstr(klog_line(), b) &&
	      strstr(klog_line(), "(vfio-pci)"));
	device_close(&two);
	device_close(&one);
}

/* Lines that tell of a refusal to a device, since the log was opened. */
static unsigned int refusals(int klog, const char *bdf)
{
	unsigned int n = 0;

	while (klog_says(klog, "refused", 200))
		n += strstr(klog_line(), bdf) ? 1 : 0;
	return n;
}

/* A refusal is one line, whichever of the two modules finds the reason. */
static void refused_bind_is_one_line(void)
{
	int fd = iommu_open(), other = iommu_open(), klog;
	struct device one, two;
	unsigned int n = 0;
	char a[16], b[16];

	if (tap_oracle())
		tap_skip("Linux's own iommufd doesn't say");
	device_find_pair("edu", a, b);
	require_ok(device_open(&one, a));
	require_ok(device_bind(&one, fd));
	require_ok(device_open(&two, b));
	for (int i = 0; i < TRIES && !n; i++) {
		klog = klog_open();
		check_ret(device_bind(&two, other), -EPERM);
		n = refusals(klog, b);
		close(klog);
	}
	check_eq(n, 1);
	device_close(&two);
	device_close(&one);
}

/* Attaches again until the log has these words, and the errno is always that one. */
static void check_says(struct rig *r, uint32_t pt, int error, const char *words)
{
	bool said = false;

	for (int i = 0; i < TRIES && !said; i++) {
		check_ret(device_attach(&r->dev, pt), error);
		said = klog_says(r->klog, words, 100);
	}
	tap_diag("%s", said ? klog_line() : words);
	check(said && strstr(klog_line(), r->dev.bdf));
}

static void says_what_is_wrong_with_an_id(void)
{
	char words[80];
	struct rig r;

	if (tap_oracle())
		tap_skip("Linux's own iommufd doesn't say");
	bind(&r);
	check_says(&r, 0x7ffff, -ENOENT, "there is no page table and no IOAS 524287");
	snprintf(words, sizeof(words), "object %u is a device, not a page table", r.dev.id);
	check_says(&r, r.dev.id, -EINVAL, words);
	require_ok(device_attach(&r.dev, r.ioas));
	require_ok(device_detach(&r.dev));
}

/* The limit, what it counts already, and what was asked for: all in the device's line. */
static void says_limit(void)
{
	struct rlimit limit = { 4 * PAGE, 4 * PAGE };
	int klog = klog_open();
	struct rig r;

	if (tap_oracle())
		tap_skip("Linux's own iommufd doesn't say");
	bind(&r);
	require(!setrlimit(RLIMIT_MEMLOCK, &limit) && !setresuid(4242, 4242, 4242));
	require_ok(ioas_map_at(r.fd, r.ioas, r.m.va, 8 * PAGE, RIG_BASE));
	check_says(&r, r.ioas, -ENOMEM,
		   "is 16 KiB, of which user 4242 has 0 KiB, and 32 KiB more were asked for");
	check(strstr(klog_line(), "RLIMIT_MEMLOCK of "));
	check(!klog_says(klog, "refused to pin", 200));
	close(klog);
	require(ioas_unmap_all(r.fd, r.ioas) > 0);
	require_ok(ioas_map_at(r.fd, r.ioas, r.m.va, 4 * PAGE, RIG_BASE));
	require_ok(device_attach(&r.dev, r.ioas));
}

static const struct test tests[] = {
	{ "fdinfo_shows_mappings", shows_mappings },
	{ "fdinfo_shows_device_file", shows_device_file },
	{ "fdinfo_of_unbound_file", shows_unbound_file },
	{ "fdinfo_contexts_differ", contexts_differ },
	{ "fdinfo_shows_charge", shows_charge },
	{ "fdinfo_is_bounded", is_bounded },
	{ "traces", traces },
	{ "traces_failures", traces_failures },
	{ "says_reserved", says_reserved },
	{ "says_out_of_range", says_out_of_range },
	{ "says_whose_group", says_whose_group },
	{ "refused_bind_is_one_line", refused_bind_is_one_line },
	{ "says_what_is_wrong_with_an_id", says_what_is_wrong_with_an_id },
	{ "says_limit", says_limit },
};

TAP_MAIN("watch", tests)
