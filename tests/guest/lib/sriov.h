/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SRIOV_H
#define SRIOV_H

/* Virtual functions of an igb with their device nodes */

#include "igb.h"
#include "node.h"
#include "plug.h"

#define IOVA	0x1000000ull

#define SIZE	(4 * PAGE)

extern const uint8_t sriov_token[16];

/* One function in full use. */
struct function {
	struct device dev;
	int fd;
	uint32_t ioas;
	struct mem m;
	struct igb igb;
};

/* An igb with that many virtual functions, all of them free; or the test is skipped. */
const char *sriov_with_vfs(unsigned int count);

int sriov_bind_with(struct device *dev, int iommufd, const uint8_t *token);

/* What BIND of a function says, which is given back at once. */
int sriov_try_bind(const char *bdf, const uint8_t *token);

void function_up(struct function *f, const char *bdf, const uint8_t *token);

void function_down(struct function *f);

bool function_sends(struct function *f);

#endif
