// SPDX-License-Identifier: GPL-2.0-only
/* doctor: the user's permissions and limits. */
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "files.h"
#include "iommufdctl.h"
#include "opened.h"

#define LITTLE (64ULL << 20)	/* less than any virtual machine needs */

static const char *node_group(const struct stat *st)
{
	struct group *group = getgrgid(st->st_gid);

	return st->st_gid && group && (st->st_mode & 060) == 060 ? group->gr_name : NULL;
}

static void check_node(const struct who *who)
{
	const char *path = path_at("/dev/iommu"), *group;
	struct stat st;

	if (stat(path, &st)) {
		report("iommu-node", FAIL,
		       "modprobe -r iommufd_vfio iommufd\nmodprobe iommufd_vfio",
		       "there is no /dev/iommu");
		return;
	}
	group = node_group(&st);
	if (who_may_open(who, path))
		report("iommu-node", PASS, NULL, "%s may open /dev/iommu", who->name);
	else if (group)
		report("iommu-node", FAIL, text_print("adduser %s %s", who->name, group),
		       "%s may not open /dev/iommu, which is group %s's (from the next login on)",
		       who->name, group);
	else
		report("iommu-node", FAIL,
		       text_print("echo 'KERNEL==\"iommu\", GROUP=\"kvm\", MODE=\"0660\"' > /etc/udev/rules.d/70-iommu.rules\n"
				  "udevadm control --reload\nudevadm trigger /dev/iommu\nadduser %s kvm",
				  who->name),
		       "%s may not open /dev/iommu, which is root's", who->name);
}

struct charged {
	uid_t uid;
	unsigned long long bytes;
};

static void charged_line(const char *name, const char *value, void *data)
{
	struct charged *charged = data;

	if (!strcmp(name, "iommufd-charged"))
		charged->bytes += strtoull(value, NULL, 10);
}

static void charged_file(const struct opened *opened, void *data)
{
	struct charged *charged = data;
	struct stat st;

	if (!stat(path_at("/proc/%d", opened->pid), &st) && st.st_uid == charged->uid)
		opened_info(opened, charged_line, charged);
}

static void check_limit(const struct who *who)
{
	struct charged charged = { .uid = who->uid };
	unsigned long long limit;

	if (who_is_unlimited(who)) {
		report("memlock", PASS, NULL, "RLIMIT_MEMLOCK doesn't count for %s", who->name);
		return;
	}
	opened_each("/dev/iommu", charged_file, &charged);
	if (!who_memlock(who, &limit))
		report("memlock", INFO, NULL, "%s runs nothing, so their limit is unknown", who->name);
	else if (limit == RLIM_INFINITY)
		report("memlock", PASS, NULL, "no limit for %s, who has pinned %s", who->name,
		       size_text(charged.bytes));
	else
		report("memlock", limit < charged.bytes + LITTLE ? WARN : PASS,
		       limit < charged.bytes + LITTLE ?
		       text_print("echo '%s - memlock unlimited' > /etc/security/limits.d/70-iommufd.conf",
				  who->name) : NULL,
		       "%s may pin %s and has pinned %s (in a service: LimitMEMLOCK=)", who->name,
		       size_text(limit), size_text(charged.bytes));
}

void doctor_user(const struct who *who)
{
	if (report_failed("headers") || report_failed("modules-built") ||
	    report_failed("signature") || report_failed("modules-loaded") ||
	    report_failed("iommu"))
		return;
	check_node(who);
	check_limit(who);
}
