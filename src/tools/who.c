// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "files.h"
#include "who.h"

#define GROUPS 256
#define CAP_IPC_LOCK_BIT 14

bool who_find(const char *name, struct who *who)
{
	struct passwd *entry = name ? getpwnam(name) : getpwuid(geteuid());

	*who = (struct who) { .uid = geteuid(), .gid = getegid() };
	if (entry) {
		snprintf(who->name, sizeof(who->name), "%s", entry->pw_name);
		who->uid = entry->pw_uid;
		who->gid = entry->pw_gid;
	} else if (name) {
		return false;
	} else {
		snprintf(who->name, sizeof(who->name), "%u", who->uid);
	}
	who->other = name && who->uid != geteuid();
	return true;
}

int who_become(const struct who *who)
{
	if (!who->other)
		return 0;
	if (initgroups(who->name, who->gid) || setgid(who->gid) || setuid(who->uid))
		return errno;
	return 0;
}

/*
 * By the file's mode only; ACLs are respected if root checks for another user.
 */
static bool who_mode_allows(const struct who *who, const char *path)
{
	gid_t groups[GROUPS];
	int i, n = GROUPS;
	struct stat st;

	if (stat(path, &st))
		return false;
	if (!who->uid)
		return true;
	if (st.st_uid == who->uid)
		return (st.st_mode & 0600) == 0600;
	if (getgrouplist(who->name, who->gid, groups, &n) < 0)
		return false;
	for (i = 0; i < n; i++)
		if (groups[i] == st.st_gid)
			return (st.st_mode & 060) == 060;
	return (st.st_mode & 06) == 06;
}

bool who_may_open(const struct who *who, const char *path)
{
	int status;
	pid_t child;

	if (!who->other)
		return !faccessat(AT_FDCWD, path, R_OK | W_OK, AT_EACCESS);
	if (geteuid())
		return who_mode_allows(who, path);
	child = fork();
	if (!child)
		_exit(who_become(who) || access(path, R_OK | W_OK));
	return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) &&
	       !WEXITSTATUS(status);
}

bool who_is_unlimited(const struct who *who)
{
	char text[4096], *line;

	if (who->other)
		return !who->uid;
	if (!file_read("/proc/self/status", text, sizeof(text)))
		return !who->uid;
	line = strstr(text, "CapEff:");
	return line && strtoull(line + strlen("CapEff:"), NULL, 16) >> CAP_IPC_LOCK_BIT & 1;
}

struct limit {
	uid_t uid;
	bool found;
	unsigned long long bytes;
};

static void limit_take(const char *name, void *data)
{
	static const char title[] = "Max locked memory";
	struct limit *limit = data;
	char text[4096], *line;
	struct stat st;

	if (limit->found || *name < '0' || *name > '9' ||
	    stat(path_at("/proc/%s", name), &st) || st.st_uid != limit->uid ||
	    !file_read(path_at("/proc/%s/limits", name), text, sizeof(text)))
		return;
	line = strstr(text, title);
	if (!line)
		return;
	line += strlen(title);
	line += strspn(line, " ");
	limit->found = true;
	limit->bytes = *line == 'u' ? RLIM_INFINITY : strtoull(line, NULL, 10);
}

bool who_memlock(const struct who *who, unsigned long long *bytes)
{
	struct limit limit = { .uid = who->uid };
	struct rlimit own;

	if (!who->other) {
		getrlimit(RLIMIT_MEMLOCK, &own);
		*bytes = own.rlim_cur;
		return true;
	}
	directory_each(path_at("/proc"), limit_take, &limit);
	*bytes = limit.bytes;
	return limit.found;
}
