// SPDX-License-Identifier: GPL-2.0-only
/* How KVM comes to take device node files: the ways of doing it, and without any. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "iommu.h"
#include "node.h"
#include "klog.h"
#include "kvm.h"
#include "plug.h"
#include "stuck.h"
#include "tap.h"

#define STATE "/sys/module/iommufd_vfio/parameters/kvm"

static void need_hook(void)
{
	kvm_prepare();
	if (tap_oracle())
		tap_skip("Linux needs no hook");
}

static void read_state(char *text, size_t size)
{
	FILE *f = fopen(STATE, "r");

	require(f && fgets(text, size, f));
	text[strcspn(text, "\n")] = 0;
	fclose(f);
}

static void state(void)
{
	char text[80];

	need_hook();
	read_state(text, sizeof(text));
	tap_diag("%s", text);
	check(!strcmp(text, "ftrace") || !strcmp(text, "kprobe"));
}

static bool run(const char *command)
{
	int ret = system(command);

	if (ret)
		tap_diag("%s: status %d", command, ret);
	return !ret;
}

/* Loads the module anew, with these parameters. */
#define KPROBES	"/sys/kernel/debug/kprobes/enabled"

static void reload(const char *parameters)
{
	char command[128];

	/* a test that ended early may have left them off */
	write_file(KPROBES, "1");
	snprintf(command, sizeof(command), "modprobe iommufd_vfio %s", parameters);
	require(run("rmmod iommufd_vfio"));
	require(run(command));
}

/* One ADD, after loading the module so: its errno. The device works anyway. */
static int add_with(const char *parameters, char *got, size_t size)
{
	struct node s;
	struct vm vm;
	int ret;

	node_prepare(&s);
	reload(parameters);
	read_state(got, size);
	vm_open(&vm);
	node_use(&s);
	ret = vm_add(&vm, s.dev.fd);
	check_ret(node_ask(s.dev.fd), 0);
	device_close(&s.dev);
	close(s.fd);
	vm_close(&vm);
	vm_check_count(0);
	return ret;
}

static void ways(void)
{
	char got[80];
	int klog;

	need_hook();
	klog = klog_open();
	check_ret(add_with("kvm=off", got, sizeof(got)), -EINVAL);
	check(!strcmp(got, "off (disabled by parameter)"));
	check(klog_says(klog, "KVM won't take device files", 100));
	check_ret(add_with("kvm=kprobe", got, sizeof(got)), 0);
	check(!strcmp(got, "kprobe"));
	check_ret(add_with("kvm=ftrace", got, sizeof(got)), 0);
	check(!strcmp(got, "ftrace"));
	check(system("rmmod iommufd_vfio; modprobe iommufd_vfio kvm=magic 2>/dev/null"));
	check(run("modprobe iommufd_vfio"));
	close(klog);
}

static bool set_ftrace(const char *value)
{
	return !write_file("/proc/sys/kernel/ftrace_enabled", value);
}

/* ftrace can't be switched off under us; where it is off before, it is told. */
static void no_ftrace(void)
{
	bool off, loaded;
	char got[80];
	int klog, ret;

	need_hook();
	check(!set_ftrace("0"));
	require(run("rmmod iommufd_vfio"));
	off = set_ftrace("0");
	loaded = run("modprobe iommufd_vfio");
	if (!off || !loaded) {
		set_ftrace("1");
		require(loaded || run("modprobe iommufd_vfio"));
		/* Linux 7.3 refuses with -EOPNOTSUPP. */
		tap_skip("ftrace can't be switched off on this kernel");
	}
	klog = klog_open();
	ret = add_with("", got, sizeof(got));
	tap_diag("%s", got);
	if (!strcmp(got, "kprobe")) {
		check_ret(ret, 0);
	} else {
		check(!strncmp(got, "off: error ", 11));
		check_ret(ret, -EINVAL);
		check(klog_says(klog, "KVM won't take device files", 100));
	}
	require(set_ftrace("1"));
	check_ret(add_with("", got, sizeof(got)), 0);
	check(!strcmp(got, "ftrace"));
	close(klog);
}

/* A device file that was added to a VM by way of kprobes, and isn't bound. */
static void kprobe_add(struct node *s, struct vm *vm)
{
	need_hook();
	reload("kvm=kprobe");
	node_prepare(s);
	s->fd = iommu_open();
	require_ok(device_open(&s->dev, s->bdf));
	vm_open(vm);
	check_ret(vm_add(vm, s->dev.fd), 0);
}

#define OTHERS 64

static int others_up[2], others_end[2];

/* VMs of another process, one of which may lie where one was before. */
static void have_vms(void *arg)
{
	struct vm vm[OTHERS];
	char c;

	(void)arg;
	for (int i = 0; i < OTHERS; i++)
		vm_open(&vm[i]);
	require(write(others_up[1], "x", 1) == 1);
	require(read(others_end[0], &c, 1) == 1);
}

/*
 * KVM can't tell of a VM's end: the file has the address of what is no VM any more, or
 * somebody else's.
 */
static void kprobe_missed(void)
{
	struct node s;
	struct vm vm;
	char c;
	int pid;

	kprobe_add(&s, &vm);
	require_ok(write_file(KPROBES, "0"));
	vm_close(&vm);
	vm_check_count(0);
	require_ok(write_file(KPROBES, "1"));
	require(!pipe(others_up) && !pipe(others_end));
	pid = tap_spawn(have_vms, NULL);
	require(read(others_up[0], &c, 1) == 1);
	check_ret(device_bind(&s.dev, s.fd), 0);
	check_ret(node_ask(s.dev.fd), 0);
	require(write(others_end[1], "x", 1) == 1);
	check(child_ends(pid));
	vm_check_count(0);
	device_close(&s.dev);
	close(s.fd);
	reload("");
}

/* A VM that the process has open is held, whatever happened to the hooks. */
static void kprobe_held(void)
{
	struct node s;
	struct vm vm;

	kprobe_add(&s, &vm);
	check_ret(device_bind(&s.dev, s.fd), 0);
	vm_close(&vm);
	vm_check_count(1);
	device_close(&s.dev);
	vm_check_count(0);
	close(s.fd);
	reload("");
}

static const struct test tests[] = {
	{ "state", state },
	{ "ways", ways },
	{ "no_ftrace", no_ftrace },
	{ "kprobe_missed", kprobe_missed },
	{ "kprobe_held", kprobe_held },
};

TAP_MAIN("kvm_hook", tests)
