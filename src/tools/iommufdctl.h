/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef IOMMUFDCTL_H
#define IOMMUFDCTL_H

#include "device.h"
#include "report.h"
#include "who.h"

/* doctor_modules.c, doctor_machine.c, doctor_user.c, doctor_device.c: the checks, in the
 * order in which things have to be mended
 */
void doctor_modules(void);
void doctor_machine(void);
void doctor_user(const struct who *who);
void doctor_device(const char *name, const struct who *who);
/* The last refusal of this device, or of any, that the kernel's log has */
void doctor_log(const char *device);

/* What the commands return is the exit status. */
int command_list(void);
int command_show(const char *name);
int command_try(const char *name, const struct who *who);

/* Bytes for people: 512 MiB */
const char *size_text(unsigned long long bytes);

#endif
