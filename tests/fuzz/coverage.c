// SPDX-License-Identifier: GPL-2.0-only
/* What a run reached: for each call, how often it succeeded, and each errno. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "fuzz.h"
#include "mock.h"
#include "tap.h"

static bool no_mock(void)
{
	struct iommu_test_cmd cmd = { .size = sizeof(cmd) };
	int fd = open("/dev/iommu", O_RDWR | O_CLOEXEC);
	int rc = ioctl(fd, IOMMU_TEST_CMD, &cmd);
	bool none = rc < 0 && errno == ENOTTY;

	close(fd);
	return none;
}

static bool no_pasids(void)
{
	return no_mock() || kernel_before(6, 12);
}

static bool no_faults(void)
{
	return no_mock() || kernel_before(6, 2);
}

static bool no_edu(void)
{
	return !n_edus;
}

static bool no_reset(void)
{
	return !nodes_can_reset();
}

static bool no_export(void)
{
	return no_edu() || kernel_before(7, 2);
}

/* The runner's name for what the machine's IOMMU can, and the kernel uses */
static bool iommu_is(const char *name)
{
	const char *iommu = getenv("IOMMU");

	return iommu && !strcmp(iommu, name);
}

static bool no_vtd(void)
{
	return no_edu() || !(iommu_is("vtd-nest") || iommu_is("vtd-pri"));
}

/* It's for test builds only on emulated machines. */
static bool no_smmu(void)
{
	return no_edu() || no_mock() || !iommu_is("smmuv3-nested");
}

static bool no_mapping(void)
{
#ifdef __aarch64__
	return true;
#else
	return no_edu();
#endif
}

static bool no_viommu(void)
{
	return no_mock() && no_smmu();
}

/* Why a call may fail always: what it needs, and whether that is missing. */
static const struct {
	const char *reason;
	bool (*missing)(void);
} needs[NEEDS] = {
	[NEED_MOCK] = { "there is no mock IOMMU", no_mock },
	[NEED_PASIDS] = { "this kernel has no PASIDs", no_pasids },
	[NEED_NODE_PASIDS] = { "no device has PASIDs", no_pasids },
	[NEED_FAULTS] = { "this kernel reports no page faults", no_faults },
	[NEED_EDU] = { "no edu is bound to vfio-pci", no_edu },
	[NEED_RESET] = { "no edu is on a bus that can be reset", no_reset },
	[NEED_EXPORT] = { "vfio-pci lends no memory of devices", no_export },
	[NEED_MAPPING] = { "registers of an edu aren't mapped, see calls_node.c", no_mapping },
	[NEED_VIOMMU] = { "there is nothing that has vIOMMUs", no_viommu },
	[NEED_VTD] = { "no edu is behind a VT-d that nests", no_vtd },
	[NEED_SMMU] = { "no edu is behind an SMMUv3 that nests", no_smmu },
};

static unsigned long sum(const struct tally *tally, unsigned int op)
{
	unsigned long n = 0;
	unsigned int i;

	for (i = 0; i < ERRNOS; i++)
		n += tally->ends[op][i];
	return n;
}

static void print_line(const struct tally *tally, unsigned int op)
{
	unsigned int i;

	printf("# %s: %lu ok", ops[op]->name, tally->ends[op][0]);
	for (i = 1; i < NOT_MADE; i++) {
		const char *name = strerrorname_np(i);

		if (tally->ends[op][i])
			printf(", %s %lu", name ? name : "?", tally->ends[op][i]);
	}
	if (tally->ends[op][NOT_MADE])
		printf(", not made %lu", tally->ends[op][NOT_MADE]);
	printf("\n");
}

/* May it never have succeeded? */
static bool is_excused(unsigned int op)
{
	enum need need = ops[op]->needs;

	if (!need || !needs[need].missing())
		return false;
	printf("# %s never succeeded: %s\n", ops[op]->name, needs[need].reason);
	return true;
}

bool coverage_report(const struct tally *tally, bool whole)
{
	unsigned long calls = 0, done = 0, pairs = 0;
	bool all = true;
	unsigned int i, j;

	for (i = 0; i < n_ops; i++) {
		calls += sum(tally, i);
		done += tally->ends[i][0];
		for (j = 0; j < NOT_MADE; j++)
			pairs += tally->ends[i][j] != 0;
		if (sum(tally, i))
			print_line(tally, i);
		if (whole && !tally->ends[i][0] && !is_excused(i)) {
			printf("# %s never succeeded\n", ops[i]->name);
			all = false;
		}
	}
	printf("# %lu calls, %lu succeeded, %lu different ends; %lu processes killed\n", calls,
	       done, pairs, tally->kills);
	return all;
}
