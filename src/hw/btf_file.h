/* SPDX-License-Identifier: GPL-2.0-only */
/* BTF of the running kernel and of its modules, as sysfs has it. */
#ifndef IOMMUFD_HW_BTF_FILE_H
#define IOMMUFD_HW_BTF_FILE_H

#include "btf.h"

#define BTF_FILE_VMLINUX	"/sys/kernel/btf/vmlinux"

struct btf_file {
	struct btf_data btf;
	void *data;
};

/**
 * btf_file_open - Read and check BTF
 * @file: Initialised on success; release with btf_file_close()
 * @path: Path of the file, opened with the kernel's credentials and the first process's
 *	root directory: the caller may be an unprivileged user of a device
 * @base: For a module, the open BTF_FILE_VMLINUX, to be closed later; else NULL
 *
 * Return: 0, -ENOENT if there is no such file or it can't be read, or as btf_open().
 */
int btf_file_open(struct btf_file *file, const char *path, const struct btf_file *base);
void btf_file_close(struct btf_file *file);

#endif
