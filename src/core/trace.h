/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints, in tracefs under events/iommufd.  A context is identified by its number, as
 * in fdinfo, objects by their IDs.  @result is 0 or the errno returned to the caller.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM iommufd

#if !defined(IOMMUFD_CORE_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define IOMMUFD_CORE_TRACE_H

#include <linux/device.h>
#include <linux/string.h>
#include <linux/tracepoint.h>

#include "../ioas/account.h"
#include "context.h"

#define TRACE_DEVICE_NAME 32

/* A driver binds a device to a context. */
TRACE_EVENT(iommufd_bind,
	TP_PROTO(const struct iommufd_ctx *ctx, struct device *dev, u32 id, int result),
	TP_ARGS(ctx, dev, id, result),
	TP_STRUCT__entry(
		__field(u64, context)
		__array(char, device, TRACE_DEVICE_NAME)
		__field(u32, id)
		__field(int, result)
	),
	TP_fast_assign(
		__entry->context = ctx->number;
		strscpy(__entry->device, dev_name(dev), TRACE_DEVICE_NAME);
		__entry->id = id;
		__entry->result = result;
	),
	TP_printk("context=%llu device=%s id=%u result=%d", __entry->context,
		  __entry->device, __entry->id, __entry->result)
);

/* A device, or a PASID of it, is attached to a page table or an IOAS, or replaces it. */
TRACE_EVENT(iommufd_attach,
	TP_PROTO(const struct iommufd_ctx *ctx, struct device *dev, u32 pasid, u32 pt,
		 int result),
	TP_ARGS(ctx, dev, pasid, pt, result),
	TP_STRUCT__entry(
		__field(u64, context)
		__array(char, device, TRACE_DEVICE_NAME)
		__field(u32, pasid)
		__field(u32, pt)
		__field(int, result)
	),
	TP_fast_assign(
		__entry->context = ctx->number;
		strscpy(__entry->device, dev_name(dev), TRACE_DEVICE_NAME);
		__entry->pasid = pasid;
		__entry->pt = pt;
		__entry->result = result;
	),
	TP_printk("context=%llu device=%s pasid=%u pt=%u result=%d", __entry->context,
		  __entry->device, __entry->pasid, __entry->pt, __entry->result)
);

TRACE_EVENT(iommufd_detach,
	TP_PROTO(const struct iommufd_ctx *ctx, struct device *dev, u32 pasid),
	TP_ARGS(ctx, dev, pasid),
	TP_STRUCT__entry(
		__field(u64, context)
		__array(char, device, TRACE_DEVICE_NAME)
		__field(u32, pasid)
	),
	TP_fast_assign(
		__entry->context = ctx->number;
		strscpy(__entry->device, dev_name(dev), TRACE_DEVICE_NAME);
		__entry->pasid = pasid;
	),
	TP_printk("context=%llu device=%s pasid=%u", __entry->context,
		  __entry->device, __entry->pasid)
);

/* A range of an IOAS is mapped or unmapped.  @done: bytes that were. */
DECLARE_EVENT_CLASS(iommufd_range,
	TP_PROTO(const struct iommufd_ctx *ctx, u32 ioas, unsigned long iova,
		 unsigned long last, unsigned long done, int result),
	TP_ARGS(ctx, ioas, iova, last, done, result),
	TP_STRUCT__entry(
		__field(u64, context)
		__field(u32, ioas)
		__field(unsigned long, iova)
		__field(unsigned long, last)
		__field(unsigned long, done)
		__field(int, result)
	),
	TP_fast_assign(
		__entry->context = ctx->number;
		__entry->ioas = ioas;
		__entry->iova = iova;
		__entry->last = last;
		__entry->done = done;
		__entry->result = result;
	),
	TP_printk("context=%llu ioas=%u iova=%#lx last=%#lx done=%#lx result=%d",
		  __entry->context, __entry->ioas, __entry->iova, __entry->last,
		  __entry->done, __entry->result)
);

DEFINE_EVENT(iommufd_range, iommufd_map,
	TP_PROTO(const struct iommufd_ctx *ctx, u32 ioas, unsigned long iova,
		 unsigned long last, unsigned long done, int result),
	TP_ARGS(ctx, ioas, iova, last, done, result));

DEFINE_EVENT(iommufd_range, iommufd_unmap,
	TP_PROTO(const struct iommufd_ctx *ctx, u32 ioas, unsigned long iova,
		 unsigned long last, unsigned long done, int result),
	TP_ARGS(ctx, ioas, iova, last, done, result));

/* Memory from @position on (an address of the process, or a file offset) isn't pinned. */
TRACE_EVENT(iommufd_pin_failed,
	TP_PROTO(bool file, unsigned long position, unsigned long npages, int result),
	TP_ARGS(file, position, npages, result),
	TP_STRUCT__entry(
		__field(bool, file)
		__field(unsigned long, position)
		__field(unsigned long, npages)
		__field(int, result)
	),
	TP_fast_assign(
		__entry->file = file;
		__entry->position = position;
		__entry->npages = npages;
		__entry->result = result;
	),
	TP_printk("of=%s position=%#lx pages=%lu result=%d",
		  __entry->file ? "file" : "process", __entry->position,
		  __entry->npages, __entry->result)
);

TRACE_DEFINE_ENUM(CHARGE_USER);
TRACE_DEFINE_ENUM(CHARGE_MM);

/* A charge exceeds RLIMIT_MEMLOCK.  @mode: enum charge. */
TRACE_EVENT(iommufd_charge_failed,
	TP_PROTO(unsigned int mode, unsigned long npages, int result),
	TP_ARGS(mode, npages, result),
	TP_STRUCT__entry(
		__field(unsigned int, mode)
		__field(unsigned long, npages)
		__field(int, result)
	),
	TP_fast_assign(
		__entry->mode = mode;
		__entry->npages = npages;
		__entry->result = result;
	),
	TP_printk("accounting=%s pages=%lu result=%d",
		  __print_symbolic(__entry->mode, { CHARGE_USER, "user" },
				   { CHARGE_MM, "process" }),
		  __entry->npages, __entry->result)
);

/* A device reports a page fault.  @taken: queued for user space, else refused. */
TRACE_EVENT(iommufd_fault,
	TP_PROTO(struct device *dev, u32 pasid, u64 address, u32 perm, bool taken),
	TP_ARGS(dev, pasid, address, perm, taken),
	TP_STRUCT__entry(
		__array(char, device, TRACE_DEVICE_NAME)
		__field(u32, pasid)
		__field(u64, address)
		__field(u32, perm)
		__field(bool, taken)
	),
	TP_fast_assign(
		strscpy(__entry->device, dev_name(dev), TRACE_DEVICE_NAME);
		__entry->pasid = pasid;
		__entry->address = address;
		__entry->perm = perm;
		__entry->taken = taken;
	),
	TP_printk("device=%s pasid=%u address=%#llx perm=%#x taken=%d", __entry->device,
		  __entry->pasid, __entry->address, __entry->perm, __entry->taken)
);

/* User space invalidates caches of a nested page table or a vIOMMU. */
TRACE_EVENT(iommufd_invalidate,
	TP_PROTO(const struct iommufd_ctx *ctx, u32 object, u32 asked, u32 done, int result),
	TP_ARGS(ctx, object, asked, done, result),
	TP_STRUCT__entry(
		__field(u64, context)
		__field(u32, object)
		__field(u32, asked)
		__field(u32, done)
		__field(int, result)
	),
	TP_fast_assign(
		__entry->context = ctx->number;
		__entry->object = object;
		__entry->asked = asked;
		__entry->done = done;
		__entry->result = result;
	),
	TP_printk("context=%llu object=%u asked=%u done=%u result=%d", __entry->context,
		  __entry->object, __entry->asked, __entry->done, __entry->result)
);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
