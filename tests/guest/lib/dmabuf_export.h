/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef DMABUF_EXPORT_H
#define DMABUF_EXPORT_H

/* A device that exports its registers as a DMA-buf, and one that reaches them */

#include <linux/pci_regs.h>

#include "hot.h"
#include "rig.h"

#define BAR_SIZE	(1 * MIB)

#define AT		(EDU_IOVA + 2 * MIB)

#define EDU_ID		0x010000edu

/* Under names of our own, as older headers lack these. */
#define FEATURE_DMA_BUF	11

struct export_range {
	__u64 offset;
	__u64 length;
};

struct export_feature {
	__u32 argsz;
	__u32 flags;
	__u32 region_index;
	__u32 open_flags;
	__u32 buf_flags;
	__u32 nr_ranges;
	struct export_range range[2];
};

struct dmabuf_export_scene {
	struct rig rig;			/* reads */
	struct device lender;		/* is read */
	struct edu lent;
	uint64_t size;			/* of the lender'exports BAR */
	uint32_t at, value;		/* a register of it that doesn't change */
};
extern struct dmabuf_export_scene exports;

/* A descriptor of the BAR's first @length bytes, or -errno. */
int dmabuf_export(uint32_t nr, uint64_t length);

int dmabuf_export_whole(void);

int dmabuf_map_at(int buf, uint64_t start, uint64_t length, uint64_t iova);

/* Memory access of the lender, on or off. */
void dmabuf_scene_set_memory(bool on);

/* The register that tells what it is, as the other device sees it */
bool dmabuf_scene_sees_exporter(uint64_t iova);

#endif
