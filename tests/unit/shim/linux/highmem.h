/* SPDX-License-Identifier: GPL-2.0-only */
/* A page is its own address. */
#ifndef SHIM_LINUX_HIGHMEM_H
#define SHIM_LINUX_HIGHMEM_H

struct page;

#define kmap_local_page(page)	((void *)(page))
#define kunmap_local(address)	((void)(address))

#endif
