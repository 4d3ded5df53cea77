// SPDX-License-Identifier: GPL-2.0-only
/*
 * Device node files and their processes: exec, exits in every order, a device
 * that is taken away while its registers and memory are mapped, and one that sleeps.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/pci_regs.h>

#include "edu.h"
#include "node.h"
#include "iommu.h"
#include "legacy.h"
#include "mem.h"
#include "plug.h"
#include "probe.h"
#include "tap.h"

#define EDU_ID 0xedu		/* in the lowest byte of BAR 0 */

static void wait_free(struct node *s)
{
	for (int i = 0; i < 200 && !legacy_is_free(s->bdf); i++)
		usleep(10000);
	node_check_free(s);
}

/* Becomes another program, which knows nothing of the files that it has. */
static void become_sleep(void *arg)
{
	(void)arg;
	execl("/bin/sleep", "sleep", "1000", (char *)NULL);
	check_msg(false, "exec: errno %d", errno);
}

static int wait_for_exec(int pid)
{
	char path[64], name[32] = "";

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	for (int i = 0; i < 500; i++) {
		FILE *f = fopen(path, "r");

		if (f && fgets(name, sizeof(name), f) && !strcmp(name, "sleep\n")) {
			fclose(f);
			return 0;
		}
		if (f)
			fclose(f);
		usleep(10000);
	}
	return -ETIMEDOUT;
}

/* Files that exec keeps are in use until the program ends. */
static void exec_keeps(void)
{
	struct node s;
	int pid;

	node_prepare(&s);
	node_use(&s);
	require(!fcntl(s.dev.fd, F_SETFD, 0) && !fcntl(s.fd, F_SETFD, 0));
	pid = tap_spawn(become_sleep, &s);
	require_ok(wait_for_exec(pid));
	device_close(&s.dev);
	close(s.fd);
	node_check_in_use(&s);
	kill(pid, SIGKILL);
	tap_join(pid);
	wait_free(&s);
}

/* And those that it closes aren't, mappings of the old program included. */
static void exec_closes(void)
{
	struct node s;
	int pid;

	node_prepare(&s);
	node_use(&s);
	require(device_map_bar(&s.dev, 0, NULL) != NULL);
	pid = tap_spawn(become_sleep, &s);
	require_ok(wait_for_exec(pid));
	/* the memory that was mapped is pinned all the same */
	check_ret(node_ask(s.dev.fd), 0);
	kill(pid, SIGKILL);
	tap_join(pid);
	device_close(&s.dev);
	close(s.fd);
	node_check_in_use(&s);		/* by the mapping of the registers */
}

struct holder {
	struct node *s;
	int keep;			/* the device, the context, or the registers */
	volatile uint32_t *bar;
	int ready;
};

static void hold_for_ever(void *arg)
{
	struct holder *h = arg;

	if (h->keep != 0)
		device_close(&h->s->dev);
	if (h->keep != 1)
		close(h->s->fd);
	if (h->keep != 2)
		munmap((void *)h->bar, 0x100000);
	check_eq(write(h->ready, "x", 1), 1);
	for (;;)
		pause();
}

/* Three processes with a part each, killed in this order. */
static void kill_in_order(struct node *s, int order)
{
	int pid[3], ready[2], left = 5;	/* device and registers: bits 0 and 2 */
	struct holder h = { s };

	node_use(s);
	require_ok(device_bus_master(&s->dev));
	h.bar = device_map_bar(&s->dev, 0, NULL);
	require(h.bar && !pipe(ready));
	h.ready = ready[1];
	for (h.keep = 0; h.keep < 3; h.keep++)
		pid[h.keep] = tap_spawn(hold_for_ever, &h);
	for (int i = 0; i < 3; i++)
		require(read(ready[0], &(char){ 0 }, 1) == 1);
	close(ready[0]);
	close(ready[1]);
	device_close(&s->dev);
	close(s->fd);
	munmap((void *)h.bar, 0x100000);
	for (int n = 3; n; n--) {
		int i = order % n, which = 0;

		order /= n;
		for (which = 0; pid[which] < 0 || i--; which++)
			;
		node_check_in_use(s);
		kill(pid[which], SIGKILL);
		tap_join(pid[which]);
		pid[which] = -1;
		left &= ~(1 << which);
		if (!left)
			break;
	}
	/* the context alone keeps nobody out */
	for (int i = 0; i < 200 && !legacy_is_free(s->bdf); i++)
		usleep(10000);
	check(legacy_is_free(s->bdf));
	for (int i = 0; i < 3; i++) {
		if (pid[i] < 0)
			continue;
		kill(pid[i], SIGKILL);
		tap_join(pid[i]);
	}
	wait_free(s);
}

static void exits(void)
{
	struct node s;

	node_prepare(&s);
	for (int order = 0; order < 6; order++)
		kill_in_order(&s, order);
}

static int write_device(const char *bdf, const char *name, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/%s", bdf, name);
	return write_file(path, text);
}

/* Takes away the driver, or the whole device. */
static int start_to_lose(const struct node *s, bool pull)
{
	struct write_alone w = { .path = "/sys/bus/pci/drivers/vfio-pci/unbind" };

	strcpy(w.text, pull ? "1" : s->bdf);
	if (pull)
		snprintf(w.path, sizeof(w.path), "/sys/bus/pci/devices/%s/remove", s->bdf);
	return tap_spawn(write_alone, &w);
}

static void bring_back(struct node *s)
{
	struct device dev;

	write_file("/sys/bus/pci/rescan", "1");
	write_device(s->bdf, "driver_override", "vfio-pci");
	write_file("/sys/bus/pci/drivers_probe", s->bdf);
	for (int i = 0; i < 200; i++) {
		if (!device_open(&dev, s->bdf)) {
			device_close(&dev);
			return;
		}
		usleep(10000);
	}
	check_msg(false, "no node after the device came back");
}

/*
 * The device is asked back while its registers and memory are mapped and it is
 * at work.  Who has it goes on, and may let go of the pieces in any order.
 */
static void lost_while_mapped(bool pull)
{
	struct pollfd p = { .events = POLLIN };
	struct node s;
	struct edu edu;
	int pid;

	node_prepare(&s);
	node_use(&s);
	edu_init(&edu, &s.dev);
	/* nor does the process that takes the device away have it by its registers */
	require(!madvise((void *)edu.regs, MIB, MADV_DONTFORK));
	p.fd = request_eventfd(&s.dev);
	pid = start_to_lose(&s, pull);
	check_eq(poll(&p, 1, 10000), 1);
	check_ret(edu_store(&edu, NODE_IOVA, 0, 512), 0);
	check_ret(edu_load(&edu, NODE_IOVA, 0, 512), 0);
	check_ret(ioas_unmap(s.fd, s.ioas, NODE_IOVA, NODE_SIZE, NULL), 0);
	check(!ended(pid, 200));
	close(p.fd);
	close(s.fd);
	device_close(&s.dev);
	/* the registers are the last that is in use */
	check_eq(probe(edu.regs), 0);
	check(!ended(pid, 200));
	edu_fini(&edu);
	check(ended(pid, 15000));
	tap_join(pid);
	check(access(s.dev.node, F_OK) < 0);
	bring_back(&s);
	wait_free(&s);
}

static void unbound_while_mapped(void)
{
	probe_prepare();
	lost_while_mapped(false);
}

static void pulled_while_mapped(void)
{
	probe_prepare();
	lost_while_mapped(true);
}

/* A kernel without power management can't know. */
static void check_sleeps(const char *bdf)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s", bdf);
	if (!access("/sys/power", F_OK))
		check(device_sleeps(path));
}

static void set_memory(struct device *dev, bool on)
{
	uint16_t command;

	require_ok(device_config_read(dev, PCI_COMMAND, &command, 2));
	command = on ? command | PCI_COMMAND_MEMORY : command & ~PCI_COMMAND_MEMORY;
	require_ok(device_config_write(dev, PCI_COMMAND, &command, 2));
}

/*
 * A device in low power can't be reached by its mappings, is woken by calls, and
 * comes back with the page table that it had.
 */
static void low_powers(void)
{
	volatile uint32_t *bar;
	uint32_t id;
	struct node s;

	probe_prepare();
	node_prepare(&s);
	node_use(&s);
	require_ok(device_bus_master(&s.dev));
	bar = device_map_bar(&s.dev, 0, NULL);
	require(bar != NULL);
	check_eq(*bar & 0xff, EDU_ID);
	check_ret(device_low_power(&s.dev, false), 0);
	require_ok(device_low_power(&s.dev, true));
	check_ret(device_low_power(&s.dev, true), -EINVAL);
	check_sleeps(s.bdf);
	check_eq(probe(bar), SIGBUS);
	/* calls and reads wake it for their time */
	check_ret(node_ask(s.dev.fd), 0);
	check_ret(device_config_read(&s.dev, 0, &id, 4), 0);
	check_eq(id, 0x11e81234);
	check_ret(device_attach(&s.dev, s.ioas), 0);
	check_sleeps(s.bdf);
	check_ret(device_low_power(&s.dev, false), 0);
	set_memory(&s.dev, true);
	check_eq(probe(bar), 0);
	check_eq(*bar & 0xff, EDU_ID);
	/* closed asleep */
	require_ok(device_low_power(&s.dev, true));
	check_sleeps(s.bdf);
	munmap((void *)bar, 0x100000);
	device_close(&s.dev);
	close(s.fd);
	wait_free(&s);
}

/* Registers that vanish and come back, while the device's DMA goes on. */
static void zapped_at_work(void)
{
	struct node s;
	struct edu edu;

	probe_prepare();
	node_prepare(&s);
	node_use(&s);
	edu_init(&edu, &s.dev);
	for (int i = 0; i < 3; i++) {
		check_ret(edu_store(&edu, NODE_IOVA, 0, 512), 0);
		set_memory(&s.dev, false);
		check_eq(probe(edu.regs), SIGBUS);
		check_eq(probe(edu.regs), SIGBUS);
		set_memory(&s.dev, true);
		check_eq(probe(edu.regs), 0);
		check_ret(edu_load(&edu, NODE_IOVA, 0, 512), 0);
	}
	edu_fini(&edu);
	device_close(&s.dev);
	close(s.fd);
	wait_free(&s);
}

static const struct test tests[] = {
	{ "exec_keeps", exec_keeps },
	{ "exec_closes", exec_closes },
	{ "exits", exits, 120 },
	{ "unbound_while_mapped", unbound_while_mapped },
	{ "pulled_while_mapped", pulled_while_mapped },
	{ "low_powers", low_powers },
	{ "zapped_at_work", zapped_at_work },
};

TAP_MAIN("node_orders", tests)
