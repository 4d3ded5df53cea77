/* SPDX-License-Identifier: GPL-2.0-only */
/* Lookup of functions that the kernel doesn't export. */
#ifndef IOMMUFD_HW_KSYM_H
#define IOMMUFD_HW_KSYM_H

struct btf_data;

/**
 * ksym_open - Prepare lookups
 * @btf: BTF of the running kernel
 *
 * One task at a time may use lookups, until ksym_close().
 *
 * Return: 0, -EOPNOTSUPP if the kernel's own lookup function isn't as expected, or
 * can't be found.
 */
int ksym_open(const struct btf_data *btf);
void ksym_close(void);

/**
 * ksym_find - Find a function
 * @name: Name of the symbol.  A function that the compiler changed has a suffix
 *	(.isra.0) and isn't the one that BTF describes.
 * @address: Set on success.  On x86 the function may lack a landing pad for
 *	indirect calls (IBT): use a static call.
 *
 * Return: 0, -ENOENT, or -ENOTUNIQ if several symbols have that name.
 */
int ksym_find(const char *name, unsigned long *address);

/**
 * ksym_find_in_module - Find a global function of a module
 * @name: "module:function".  The module is loaded, and stays so for as long as the
 *	address is used
 * @address: As for ksym_find()
 *
 * Doesn't need ksym_open().
 *
 * Return: 0 or -ENOENT.
 */
int ksym_find_in_module(const char *name, unsigned long *address);

#endif
