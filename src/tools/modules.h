/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel modules: what is installed for the running kernel, and what is loaded. */
#ifndef IOMMUFDCTL_MODULES_H
#define IOMMUFDCTL_MODULES_H

#include <stdbool.h>

struct module_file {
	bool found;
	bool builtin;
	bool own;		/* the kernel's own, not one that was added to it */
	char path[256];		/* which one modprobe takes */
	char version[64];
	char srcversion[64];
	char vermagic[128];
	char signer[128];	/* or empty: not signed */
};

/* What modprobe would load by that name. */
void module_look(const char *name, struct module_file *file);
bool module_loaded(const char *name);
/* Is Linux's own iommufd part of the running kernel? */
bool kernel_has_iommufd(void);
/* A parameter of a loaded module; false if there is none. */
bool module_parameter(const char *module, const char *name, char *value, unsigned int size);

#endif
