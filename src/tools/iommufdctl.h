/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef IOMMUFDCTL_H
#define IOMMUFDCTL_H

#include "device.h"
#include "report.h"
#include "who.h"

/* The checks, in the order in which problems have to be fixed. */
void doctor_modules(void);
void doctor_machine(void);
void doctor_user(const struct who *who);
void doctor_device(const char *name, const struct who *who);
/*
 * Report the last refusal in the kernel's log, of this device or of any (NULL).
 */
void doctor_log(const char *device);

/* Commands return the exit status. */
int command_list(void);
int command_show(const char *name);
int command_try(const char *name, const struct who *who);

/* Format a number of bytes: 512 MiB. */
const char *size_text(unsigned long long bytes);

#endif
