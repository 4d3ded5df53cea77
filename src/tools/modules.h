/* SPDX-License-Identifier: GPL-2.0-only */
/* Kernel modules: installed for the running kernel, and loaded. */
#ifndef IOMMUFDCTL_MODULES_H
#define IOMMUFDCTL_MODULES_H

#include <stdbool.h>

struct module_file {
	bool found;
	bool builtin;
	bool own;		/* part of the kernel, not added to it */
	char path[256];		/* what modprobe loads */
	char version[64];
	char srcversion[64];
	char vermagic[128];
	char signer[128];	/* empty if not signed */
};

/* Find what modprobe would load by that name. */
void module_look(const char *name, struct module_file *file);
bool module_loaded(const char *name);
/* Returns true if the running kernel has its own iommufd. */
bool kernel_has_iommufd(void);
/* Get a parameter of a loaded module.  Returns false if there is none. */
bool module_parameter(const char *module, const char *name, char *value, unsigned int size);

#endif
