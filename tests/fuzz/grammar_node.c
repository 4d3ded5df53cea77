// SPDX-License-Identifier: GPL-2.0-only
/*
 * The grammar of VFIO device nodes, of the legacy path beside them, and of what processes
 * do with each other's files.
 */
#include <linux/vfio.h>

#include "device.h"
#include "grammar.h"
#include "hot.h"

#define EDU_OR_MOCK	(MASK(EDU) | MASK(VMOCK))
#define ON_NODE		W("node", TAKES, MASK(NODE))
/* regions of a PCI device, and one that isn't there */
#define REGION		W("region", PICK, 9)

const struct op node_ops[] = {
	/* values: see run_vfio_make() */
	CALL_IF("vfio_make", 6, NEED_MOCK, run_vfio_make, W("kind", SELDOM, 1),
		W("ops", SELDOM, 1), W("flags", FLAGS, 5), W("set", PICK, 2),
		W("beside", TAKES, MASK(CONTROL)), W("join", SELDOM, 1),
		W("fails", PICK, 15), W("migrates", PICK, 7), W("logs", PICK, 1),
		W("token", SELDOM, 1)),
	CALL("open", 10, run_open, W("place", TAKES, EDU_OR_MOCK)),
	CALL("context", 1, run_context, W("flags", FIXED, 0)),
	CALL("close_file", 5, run_close, W("fd", TAKES, ANY_FD & ~MASK(MEMFD))),
	CALL("fdinfo", 1, run_fdinfo, W("fd", TAKES, MASK(NODE) | MASK(CONTEXT))),

	NODE_IOCTL("bind", 12, NEED_NOTHING, CDEV_BIND, cdev_bind,
		   F(cdev_bind, flags, SELDOM, 1),
		   F(cdev_bind, iommufd, TAKES, MASK(CONTEXT)),
		   F(cdev_bind, out_devid, MAKES, DEVICE),
		   F(cdev_bind, token_uuid_ptr, BLOB, 0)),
	/* The page table that was chosen is told where the request was. */
	NODE_IOCTL("attach", 12, NEED_NOTHING, CDEV_ATTACH, cdev_attach,
		   F(cdev_attach, flags, FIXED, 0),
		   F(cdev_attach, pt_id, TAKES, PAGE_TABLES),
		   F(cdev_attach, pasid, FIXED, 0)),
	NODE_IOCTL("attach_pasid", 6, NEED_NODE_PASIDS, CDEV_ATTACH, cdev_attach,
		   F(cdev_attach, flags, FIXED, 1),
		   F(cdev_attach, pt_id, TAKES, PAGE_TABLES),
		   F(cdev_attach, pasid, PICK, 3)),
	NODE_IOCTL("detach", 4, NEED_NOTHING, CDEV_DETACH, cdev_detach,
		   F(cdev_detach, flags, FIXED, 0),
		   F(cdev_detach, pasid, FIXED, 0)),
	NODE_IOCTL("detach_pasid", 3, NEED_NODE_PASIDS, CDEV_DETACH, cdev_detach,
		   F(cdev_detach, flags, FIXED, 1),
		   F(cdev_detach, pasid, PICK, 3)),
	NODE_IOCTL("get_info", 2, NEED_NOTHING, VFIO_DEVICE_GET_INFO, vfio_device_info,
		   F(vfio_device_info, flags, FIXED, 0)),
	NODE_IOCTL("region_info", 2, NEED_NOTHING, VFIO_DEVICE_GET_REGION_INFO,
		   vfio_region_info, F(vfio_region_info, index, PICK, 9)),
	NODE_IOCTL("irq_info", 2, NEED_EDU, VFIO_DEVICE_GET_IRQ_INFO, vfio_irq_info,
		   F(vfio_irq_info, index, PICK, 5)),
	CALL_IF("set_irqs", 6, NEED_EDU, run_set_irqs, ON_NODE, W("data", PICK, 2),
		W("action", PICK, 2), W("index", PICK, 4), W("start", SELDOM, 3),
		W("count", PICK, 2), W("first", TAKES, MASK(EVENTFD)),
		W("second", TAKES, MASK(EVENTFD)), W("extra", SELDOM, 0x1f)),
	CALL("reset", 2, run_reset, ON_NODE),
	NODE_IOCTL("reset_info", 2, NEED_RESET, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, hot_info,
		   F(hot_info, flags, FIXED, 0)),
	NODE_IOCTL("hot_reset", 3, NEED_RESET, VFIO_DEVICE_PCI_HOT_RESET, hot_reset,
		   F(hot_reset, flags, SELDOM, 1),
		   F(hot_reset, count, SELDOM, 7),
		   F(hot_reset, fd[0], TAKES, MASK(NODE) | MASK(GROUP)),
		   F(hot_reset, fd[1], TAKES, MASK(NODE) | MASK(GROUP)),
		   F(hot_reset, fd[2], TAKES, MASK(GROUP))),
	/* values: see run_feature() */
	CALL("feature", 6, run_feature, ON_NODE, W("number", PICK, 14), W("how", PICK, 5),
	     W("extra", SELDOM, 0x1f), W("first", PICK, 7), W("second", COUNT, 4096)),
	CALL_IF("migrate", 5, NEED_MOCK, run_migrate, ON_NODE, W("state", PICK, 8)),
	CALL_IF("lend", 3, NEED_EXPORT, run_lend, ON_NODE, W("region", SELDOM, 9),
		W("ranges", PICK, 2), W("offset", OFFSET, 0), W("length", LENGTH, 0)),
	CALL_IF("low_power", 3, NEED_EDU, run_low_power, ON_NODE, W("how", PICK, 2),
		W("wakeup", TAKES, MASK(EVENTFD))),
	CALL_IF("ioeventfd", 3, NEED_EDU, run_ioeventfd, ON_NODE, W("region", SELDOM, 9),
		W("offset", PICK, 2), W("size", FIXED, 4), W("data", COUNT, 255),
		W("fd", TAKES, MASK(EVENTFD))),
	CALL("node_read", 3, run_node_read, ON_NODE, REGION, W("at", COUNT, 0x140),
	     W("length", PICK, 8), W("to", MEMORY, 0)),
	CALL("node_write", 3, run_node_write, ON_NODE, REGION, W("at", COUNT, 0x140),
	     W("length", PICK, 8), W("from", MEMORY, 0)),
	CALL_IF("node_mmap", 3, NEED_MAPPING, run_node_mmap, ON_NODE, W("region", SELDOM, 9),
	     W("offset", SELDOM, 0x3000), W("length", LENGTH, 0), W("how", PICK, 2)),
	CALL_IF("touch", 3, NEED_MAPPING, run_touch, W("which", PICK, 3), W("at", OFFSET, 0),
	     W("how", PICK, 1)),
	CALL_IF("node_munmap", 1, NEED_MAPPING, run_munmap, W("which", PICK, 3)),

	CALL("eventfd", 4, run_eventfd, W("value", PICK, 1)),
	CALL("signal", 2, run_signal, W("fd", TAKES, MASK(EVENTFD)), W("how", PICK, 2)),
	CALL_IF("state_io", 3, NEED_MOCK, run_state_io, W("fd", TAKES, MASK(STATE)),
		W("at", MEMORY, 0), W("length", COUNT, 256), W("how", PICK, 1)),

	CALL("group_open", 3, run_group_open, W("place", TAKES, EDU_OR_MOCK)),
	CALL_IF("group_device", 2, NEED_EDU, run_group_device,
		W("group", TAKES, MASK(GROUP)), W("place", TAKES, MASK(EDU))),

	CALL("send", 4, run_send, W("fd", TAKES, ANY_FD)),
	CALL("receive", 5, run_receive, W("flags", FIXED, 0)),
};

const unsigned int n_node_ops = sizeof(node_ops) / sizeof(node_ops[0]);
