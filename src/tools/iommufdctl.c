// SPDX-License-Identifier: GPL-2.0-only
/*
 * iommufdctl: show why a device can't be used through /dev/iommu, and who uses
 * which.  It changes nothing, but prints the commands that would.
 */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "files.h"
#include "iommufdctl.h"

static const char usage[] =
	"usage: iommufdctl [--json] doctor [--user NAME] [DEVICE]\n"
	"       iommufdctl [--json] list\n"
	"       iommufdctl [--json] show PID|DEVICE\n"
	"       iommufdctl [--json] try [--user NAME] DEVICE\n"
	"       iommufdctl --help | --version\n"
	"\n"
	"  doctor  check what prevents the use of a device, in the order to fix it\n"
	"  list    list devices bound to VFIO drivers, and the processes that use them\n"
	"  show    show what a process, or users of a device, have mapped and pinned\n"
	"  try     use a device as a program would, and release it\n"
	"\n"
	"DEVICE is an address as 0000:01:00.0.  Exit status: 0, 1 if a check failed,\n"
	"2 for wrong usage, 3 if something can't be checked.\n";

static int usage_error(const char *what)
{
	fprintf(stderr, "iommufdctl: %s\n%s", what, usage);
	return EXIT_USAGE;
}

static int command_doctor(const char *device, const struct who *who)
{
	if (!*kernel_release()) {
		fputs("iommufdctl: /proc isn't there\n", stderr);
		return EXIT_NO_LOOK;
	}
	doctor_modules();
	doctor_machine();
	doctor_user(who);
	if (device)
		doctor_device(device, who);
	doctor_log(device);
	return report_end("doctor", device);
}

static int command_run(int count, char **words, const char *user)
{
	const char *name = words[0], *object = count > 1 ? words[1] : NULL;
	struct who who;

	if (count > 2)
		return usage_error("too many words");
	if (user && strcmp(name, "doctor") && strcmp(name, "try"))
		return usage_error("--user is for doctor and try");
	if (!who_find(user, &who))
		return usage_error("there is no such user");
	if (!strcmp(name, "doctor"))
		return command_doctor(object, &who);
	if (!strcmp(name, "list"))
		return object ? usage_error("list takes no object") : command_list();
	if (!strcmp(name, "show"))
		return object ? command_show(object) : usage_error("show what?");
	if (!strcmp(name, "try"))
		return object ? command_try(object, &who) : usage_error("try which device?");
	return usage_error("no such command");
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "user", required_argument, NULL, 'u' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'v' },
		{}
	};
	const char *user = NULL;
	int option;

	while ((option = getopt_long(argc, argv, "ju:hv", options, NULL)) >= 0) {
		switch (option) {
		case 'j':
			report_json = true;
			break;
		case 'u':
			user = optarg;
			break;
		case 'h':
			fputs(usage, stdout);
			return EXIT_GOOD;
		case 'v':
			puts("iommufdctl " IOMMUFD_VERSION);
			return EXIT_GOOD;
		default:
			fputs(usage, stderr);
			return EXIT_USAGE;
		}
	}
	if (optind == argc)
		return usage_error("no command");
	return command_run(argc - optind, argv + optind, user);
}
