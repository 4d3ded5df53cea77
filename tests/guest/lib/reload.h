/* SPDX-License-Identifier: GPL-2.0-only */
/* Unloading our modules, which the runner has loaded, and loading them again. */
#ifndef TESTS_GUEST_RELOAD_H
#define TESTS_GUEST_RELOAD_H

#include <stdbool.h>

/* Those of a test build, too; false, with a diagnosis, if one is in use. */
bool modules_unload(void);

/* Those that were loaded, iommufd with these parameters. */
bool modules_load(const char *parameters);

#endif
