/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * /proc/<pid>/fdinfo/<fd> of a /dev/iommu.  The lines are
 *
 *   iommufd-context:     NUMBER
 *   iommufd-accounting:  "user" | "process"
 *   iommufd-charged:     BYTES
 *   iommufd-object:      ID TYPE { NAME=VALUE }
 *   iommufd-more:        ID
 *
 * with a tab after the colon.  NUMBER identifies the context, also in the fdinfo of device
 * nodes and in tracepoints.  BYTES is what is charged to RLIMIT_MEMLOCK now.  Objects are
 * ordered by ID; if there are more than 512, the last line has the first ID left out.
 *
 *   ioas     mapped=BYTES pinned=BYTES page-tables=N accesses=N
 *            pinned: for page tables; memory shared by IOAS_COPY counts in each IOAS
 *   hwpt     ioas=ID [nested-on=ID] [viommu=ID] [faults=ID]
 *   device   name=NAME { pt=ID | pasidP=ID } [more]
 *   access, fault-queue, viommu, vdevice, veventq, hw-queue
 *
 * Sleeping locks are only tried: what is being changed shows as "busy".  Fields may be
 * added; readers must skip those they don't know.
 */
#ifndef IOMMUFD_CORE_FDINFO_H
#define IOMMUFD_CORE_FDINFO_H

struct file;
struct seq_file;

/**
 * iommufd_show_fdinfo() - show the context of a file
 * @m: the seq_file of /proc/<pid>/fdinfo
 * @file: a file of /dev/iommu, which the caller keeps open
 */
void iommufd_show_fdinfo(struct seq_file *m, struct file *file);

#endif
