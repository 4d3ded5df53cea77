// SPDX-License-Identifier: GPL-2.0-only
/* /proc/<pid>/fdinfo of a /dev/iommu. */
#include <linux/atomic.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/xarray.h>

#include "fdinfo.h"
#include "object.h"

/* Bounds the time that a reader of /proc spends here. */
#define OBJECTS_SHOWN 512

/* Begin a use of the first object with an ID of @id or above, or return NULL. */
static struct object *fdinfo_next_object(struct iommufd_ctx *ctx, unsigned long id)
{
	struct object *obj;

	xa_lock(&ctx->objects);
	obj = xa_find(&ctx->objects, &id, ULONG_MAX, XA_PRESENT);
	if (obj)
		obj->uses++;
	xa_unlock(&ctx->objects);
	return obj;
}

static void fdinfo_show_object(struct seq_file *m, struct object *obj)
{
	seq_printf(m, "iommufd-object:\t%u %s", obj->id, obj->type->name);
	if (obj->type->show)
		obj->type->show(m, obj);
	seq_putc(m, '\n');
}

void iommufd_show_fdinfo(struct seq_file *m, struct file *file)
{
	struct iommufd_ctx *ctx = file->private_data;
	unsigned long id = 0;
	struct object *obj;
	unsigned int n;

	seq_printf(m, "iommufd-context:\t%llu\n", ctx->number);
	seq_printf(m, "iommufd-accounting:\t%s\n",
		   READ_ONCE(ctx->account_mm) ? "process" : "user");
	seq_printf(m, "iommufd-charged:\t%lu\n",
		   atomic_long_read(&ctx->charged) * PAGE_SIZE);
	for (n = 0; (obj = fdinfo_next_object(ctx, id)); n++) {
		if (n < OBJECTS_SHOWN)
			fdinfo_show_object(m, obj);
		else
			seq_printf(m, "iommufd-more:\t%u\n", obj->id);
		id = obj->id + 1;
		object_put(ctx, obj);
		if (n == OBJECTS_SHOWN)
			return;
		cond_resched();
	}
}
