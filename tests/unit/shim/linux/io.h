/* SPDX-License-Identifier: GPL-2.0-only */
/* All memory lies at its own address. */
#ifndef SHIM_LINUX_IO_H
#define SHIM_LINUX_IO_H

#define phys_to_virt(address)	((void *)(unsigned long)(address))

#endif
