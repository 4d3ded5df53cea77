/* SPDX-License-Identifier: GPL-2.0-only */
/* The encryption bit of the test's choice. */
#ifndef SHIM_LINUX_MEM_ENCRYPT_H
#define SHIM_LINUX_MEM_ENCRYPT_H

extern unsigned long long shim_sme_mask;

#define __sme_clr(entry)	((entry) & ~shim_sme_mask)

#endif
