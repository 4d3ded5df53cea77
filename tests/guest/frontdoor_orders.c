// SPDX-License-Identifier: GPL-2.0-only
/*
 * The front door's files and their processes: exec, exits in every order, a device
 * that is taken away while its registers and memory are mapped, and one that sleeps.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/pci_regs.h>
#include <linux/vfio.h>

#include "edu.h"
#include "front.h"
#include "iommu.h"
#include "legacy.h"
#include "mem.h"
#include "tap.h"

#define EDU_ID 0xedu		/* in the lowest byte of BAR 0 */

static sigjmp_buf fault;

static void on_fault(int sig)
{
	siglongjmp(fault, sig);
}

/* The signal that reading this address raises, or 0. */
static int probe(const volatile uint32_t *p)
{
	int sig = sigsetjmp(fault, 1);

	if (!sig)
		(void)*p;
	return sig;
}

static void wait_free(struct front *s)
{
	for (int i = 0; i < 200 && !legacy_is_free(s->bdf); i++)
		usleep(10000);
	front_check_free(s);
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
	struct front s;
	int pid;

	front_prepare(&s);
	front_use(&s);
	require(!fcntl(s.dev.fd, F_SETFD, 0) && !fcntl(s.fd, F_SETFD, 0));
	pid = tap_spawn(become_sleep, &s);
	require_ok(wait_for_exec(pid));
	device_close(&s.dev);
	close(s.fd);
	front_check_in_use(&s);
	kill(pid, SIGKILL);
	tap_join(pid);
	wait_free(&s);
}

/* And those that it closes aren't, mappings of the old program included. */
static void exec_closes(void)
{
	struct front s;
	int pid;

	front_prepare(&s);
	front_use(&s);
	require(device_map_bar(&s.dev, 0, NULL) != NULL);
	pid = tap_spawn(become_sleep, &s);
	require_ok(wait_for_exec(pid));
	/* the memory that was mapped is pinned all the same */
	check_ret(front_ask(s.dev.fd), 0);
	kill(pid, SIGKILL);
	tap_join(pid);
	device_close(&s.dev);
	close(s.fd);
	front_check_in_use(&s);		/* by the mapping of the registers */
}

struct holder {
	struct front *s;
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
static void kill_in_order(struct front *s, int order)
{
	int pid[3], ready[2], left = 5;	/* device and registers: bits 0 and 2 */
	struct holder h = { s };

	front_use(s);
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
		front_check_in_use(s);
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
	struct front s;

	front_prepare(&s);
	for (int order = 0; order < 6; order++)
		kill_in_order(&s, order);
}

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY), ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

static int write_device(const char *bdf, const char *name, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/%s", bdf, name);
	return write_file(path, text);
}

struct loss {
	struct front *s;
	void *bar;
	bool pull;			/* the whole device, not only its driver */
};

static void lose(void *arg)
{
	struct loss *l = arg;

	require(!close_range(3, ~0u, 0));
	munmap(l->bar, 0x100000);
	if (l->pull)
		check_ret(write_device(l->s->bdf, "remove", "1"), 0);
	else
		check_ret(write_file("/sys/bus/pci/drivers/vfio-pci/unbind",
				     l->s->bdf), 0);
}

static bool ended(int pid, int ms)
{
	for (int i = 0; i < ms / 10; i++) {
		siginfo_t info = {};

		waitid(P_PID, pid, &info, WEXITED | WNOHANG | WNOWAIT);
		if (info.si_pid == pid)
			return true;
		usleep(10000);
	}
	return false;
}

static void bring_back(struct front *s)
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

static int request_eventfd(struct device *dev)
{
	union {
		struct vfio_irq_set set;
		char bytes[sizeof(struct vfio_irq_set) + sizeof(int)];
	} u = {
		.set = {
			.argsz = sizeof(u), .index = VFIO_PCI_REQ_IRQ_INDEX, .count = 1,
			.flags = VFIO_IRQ_SET_DATA_EVENTFD |
				 VFIO_IRQ_SET_ACTION_TRIGGER,
		},
	};
	int fd = eventfd(0, EFD_CLOEXEC);

	require(fd >= 0);
	memcpy(u.set.data, &fd, sizeof(fd));
	require_ok(iommu_ioctl(dev->fd, VFIO_DEVICE_SET_IRQS, &u.set));
	return fd;
}

/*
 * The device is asked back while its registers and memory are mapped and it is
 * at work.  Who has it goes on, and may let go of the pieces in any order.
 */
static void lost_while_mapped(bool pull)
{
	struct pollfd p = { .events = POLLIN };
	struct front s;
	struct loss l = { &s, NULL, pull };
	struct edu edu;
	int pid;

	front_prepare(&s);
	front_use(&s);
	edu_init(&edu, &s.dev);
	l.bar = (void *)edu.regs;
	p.fd = request_eventfd(&s.dev);
	pid = tap_spawn(lose, &l);
	check_eq(poll(&p, 1, 10000), 1);
	check_ret(edu_store(&edu, FRONT_IOVA, 0, 512), 0);
	check_ret(edu_load(&edu, FRONT_IOVA, 0, 512), 0);
	check_ret(ioas_unmap(s.fd, s.ioas, FRONT_IOVA, FRONT_SIZE, NULL), 0);
	check(!ended(pid, 200));
	close(p.fd);
	close(s.fd);
	device_close(&s.dev);
	/* the registers are the last that is in use */
	check_eq(probe((void *)edu.regs), 0);
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
	signal(SIGBUS, on_fault);
	lost_while_mapped(false);
}

static void pulled_while_mapped(void)
{
	signal(SIGBUS, on_fault);
	lost_while_mapped(true);
}

static int low_power(struct device *dev, uint32_t feature)
{
	struct vfio_device_feature f = {
		.argsz = sizeof(f), .flags = VFIO_DEVICE_FEATURE_SET | feature,
	};

	return iommu_ioctl(dev->fd, VFIO_DEVICE_FEATURE, &f);
}

#define LOW_POWER_ENTRY	3
#define LOW_POWER_EXIT	5

/* Does it, after a moment?  A kernel without power management can't know. */
static bool sleeps(const char *bdf)
{
	char path[128], text[16] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/power/runtime_status",
		 bdf);
	for (int i = 0; i < 100; i++) {
		f = fopen(path, "r");
		if (!f)
			return true;
		if (!fgets(text, sizeof(text), f))
			text[0] = 0;
		fclose(f);
		if (!strncmp(text, "suspended", 9))
			return true;
		usleep(10000);
	}
	return false;
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
	struct front s;

	signal(SIGBUS, on_fault);
	front_prepare(&s);
	front_use(&s);
	require_ok(device_bus_master(&s.dev));
	bar = device_map_bar(&s.dev, 0, NULL);
	require(bar != NULL);
	check_eq(*bar & 0xff, EDU_ID);
	check_ret(low_power(&s.dev, LOW_POWER_EXIT), 0);
	require_ok(low_power(&s.dev, LOW_POWER_ENTRY));
	check_ret(low_power(&s.dev, LOW_POWER_ENTRY), -EINVAL);
	check(sleeps(s.bdf));
	check_eq(probe(bar), SIGBUS);
	/* calls and reads wake it for their time */
	check_ret(front_ask(s.dev.fd), 0);
	check_ret(device_config_read(&s.dev, 0, &id, 4), 0);
	check_eq(id, 0x11e81234);
	check_ret(device_attach(&s.dev, s.ioas), 0);
	check(sleeps(s.bdf));
	check_ret(low_power(&s.dev, LOW_POWER_EXIT), 0);
	set_memory(&s.dev, true);
	check_eq(probe(bar), 0);
	check_eq(*bar & 0xff, EDU_ID);
	/* closed asleep */
	require_ok(low_power(&s.dev, LOW_POWER_ENTRY));
	check(sleeps(s.bdf));
	munmap((void *)bar, 0x100000);
	device_close(&s.dev);
	close(s.fd);
	wait_free(&s);
}

/* Registers that vanish and come back, while the device's DMA goes on. */
static void zapped_at_work(void)
{
	struct front s;
	struct edu edu;

	signal(SIGBUS, on_fault);
	front_prepare(&s);
	front_use(&s);
	edu_init(&edu, &s.dev);
	for (int i = 0; i < 3; i++) {
		check_ret(edu_store(&edu, FRONT_IOVA, 0, 512), 0);
		set_memory(&s.dev, false);
		check_eq(probe((void *)edu.regs), SIGBUS);
		check_eq(probe((void *)edu.regs), SIGBUS);
		set_memory(&s.dev, true);
		check_eq(probe((void *)edu.regs), 0);
		check_ret(edu_load(&edu, FRONT_IOVA, 0, 512), 0);
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

TAP_MAIN("frontdoor_orders", tests)
