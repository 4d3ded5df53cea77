// SPDX-License-Identifier: GPL-2.0-only
/* The code behind the names, which is otherwise built into iommufd.ko. */
#include "../../../src/compat/attach.c"
#include "../../../src/compat/dmabuf.c"
#include "../../../src/compat/domain.c"
#include "../../../src/compat/group.c"
#include "../../../src/compat/memfd.c"
#include "../../../src/compat/pasid.c"
#include "../../../src/compat/pin.c"
#include "../../../src/compat/unsupported.c"
