// SPDX-License-Identifier: GPL-2.0-only
/* The tracepoints' code, of which there is one copy. */
#include <linux/module.h>

#define CREATE_TRACE_POINTS
#include "trace.h"
