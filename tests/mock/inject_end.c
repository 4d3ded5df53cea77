// SPDX-License-Identifier: GPL-2.0-only
/* The last object of iommufd.ko: behind its sites. */
extern struct inject_site *inject_last;
struct inject_site *inject_last __section(INJECT_SECTION);
