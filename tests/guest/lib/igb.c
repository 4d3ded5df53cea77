// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "igb.h"
#include "plug.h"
#include "tap.h"

/* Registers; those of queue 0 are a virtual function's own. */
enum {
	TCTL = 0x0400,		/* bit 1: send */
	TDBAL = 0x3800, TDBAH = 0x3804, TDLEN = 0x3808,
	TDH = 0x3810, TDT = 0x3818,
	TXDCTL = 0x3828,	/* bit 25: the queue is on */
};

/* An "advanced" descriptor of data. */
struct descriptor {
	uint64_t addr;
	uint32_t command;
	uint32_t status;	/* bit 0: done */
};

#define RING		8u
#define FRAME		64u
/* data, extended, report when done, whole frame */
#define COMMAND		(0x00300000 | 0x20000000 | 0x08000000 | 0x01000000 | FRAME)

static void put(struct igb *igb, uint32_t at, uint32_t value)
{
	*(volatile uint32_t *)(igb->regs + at) = value;
}

static uint32_t get(struct igb *igb, uint32_t at)
{
	return *(volatile uint32_t *)(igb->regs + at);
}

void igb_init(struct igb *igb, struct device *dev)
{
	igb->dev = dev;
	require_ok(device_bus_master(dev));
	igb->regs = device_map_bar(dev, 0, &igb->size);
	require(igb->regs != NULL);
	/* or children would hold the device */
	require(!madvise((void *)igb->regs, igb->size, MADV_DONTFORK));
}

void igb_fini(struct igb *igb)
{
	munmap((void *)igb->regs, igb->size);
}

void igb_let_send(struct igb *pf)
{
	put(pf, TCTL, get(pf, TCTL) | 2);
}

bool igb_sends(struct igb *igb, struct mem *m, uint64_t iova)
{
	volatile struct descriptor *ring = (void *)m->va;

	memset(m->va, 0, 2 * PAGE);
	ring[0].addr = iova + PAGE;
	ring[0].command = COMMAND;
	ring[0].status = FRAME << 14;
	put(igb, TXDCTL, 0);
	put(igb, TDBAL, iova);
	put(igb, TDBAH, iova >> 32);
	put(igb, TDLEN, RING * sizeof(*ring));
	put(igb, TDH, 0);
	put(igb, TDT, 0);
	put(igb, TXDCTL, 1 << 25);
	put(igb, TDT, 1);
	for (int i = 0; i < 20 && !(ring[0].status & 1); i++)
		usleep(5000);
	return ring[0].status & 1;
}

int igb_set_vfs(const char *pf, unsigned int count)
{
	char path[128], text[16];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/sriov_numvfs", pf);
	snprintf(text, sizeof(text), "%u", count);
	return write_file(path, text);
}

void igb_vf(const char *pf, unsigned int nth, char bdf[16])
{
	char path[128], link[128];
	ssize_t len;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/virtfn%u", pf, nth);
	len = readlink(path, link, sizeof(link) - 1);
	require(len > 0);
	link[len] = 0;
	snprintf(bdf, 16, "%s", strrchr(link, '/') + 1);
}
