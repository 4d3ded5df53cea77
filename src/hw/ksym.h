/* SPDX-License-Identifier: GPL-2.0-only */
/* Functions of the kernel that it doesn't export. */
#ifndef IOMMUFD_HW_KSYM_H
#define IOMMUFD_HW_KSYM_H

struct btf_data;

/**
 * ksym_open - Prepare look-ups
 * @btf: The running kernel's.
 *
 * Return: 0, -EOPNOTSUPP if the kernel's own look-up isn't as expected, or as
 * register_kprobe().  Look-ups are made by one task at a time.
 */
int ksym_open(const struct btf_data *btf);
void ksym_close(void);

/**
 * ksym_find - Find a function
 * @name: As the symbol is spelt: one that the compiler changed has a suffix
 *	(.isra.0), and isn't the function that BTF describes.
 * @address: To be filled.  On x86 the function may not be fit for indirect calls (IBT):
 *	it is called by a static call.
 *
 * Return: 0, -ENOENT, or -ENOTUNIQ if there is more than one of that name.
 */
int ksym_find(const char *name, unsigned long *address);

#endif
