/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What /proc/<pid>/fdinfo/<fd> tells of a /dev/iommu.  Lines are
 *
 *   iommufd-context:     NUMBER
 *   iommufd-accounting:  "user" | "process"
 *   iommufd-charged:     BYTES
 *   iommufd-object:      ID TYPE { NAME=VALUE }
 *   iommufd-more:        ID
 *
 * with a tab behind the colon.  NUMBER is the context's own, which device files and
 * tracepoints name as well.  BYTES are what RLIMIT_MEMLOCK was charged for now.  Objects
 * come by ID; if there are more than a few hundred, the last line says where those that are
 * left out begin.
 *
 *   ioas     mapped=BYTES pinned=BYTES page-tables=N accesses=N
 *            pinned: for page tables; what IOAS_COPY shares counts in each IOAS
 *   hwpt     ioas=ID [nested-on=ID] [viommu=ID] [faults=ID]
 *   device   name=NAME { pt=ID | pasidP=ID } [more]
 *   access, fault-queue, viommu, vdevice, veventq, hw-queue
 *
 * Nothing here waits for anybody: what is being changed right now shows as "busy".
 * Fields may be added; who reads this skips what it doesn't know.
 */
#ifndef IOMMUFD_CORE_FDINFO_H
#define IOMMUFD_CORE_FDINFO_H

struct file;
struct seq_file;

void iommufd_show_fdinfo(struct seq_file *m, struct file *file);

#endif
