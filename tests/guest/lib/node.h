/* SPDX-License-Identifier: GPL-2.0-only */
/* A device in full use through its node, and whether it is free again. */
#ifndef TESTS_GUEST_NODE_H
#define TESTS_GUEST_NODE_H

#include <stdint.h>

#include "device.h"

#define NODE_IOVA	0x1000000ull
#define NODE_SIZE	(64 * 4096ull)

struct node {
	const char *bdf;
	long uses;			/* of kernel modules, before */
	int fd;
	uint32_t ioas;
	struct device dev;
};

/* Finds an edu, or the test is skipped. */
void node_prepare(struct node *f);
/* Binds and attaches it, and maps memory for it. */
void node_use(struct node *f);
/* Does this device file answer?  0 or -errno */
int node_ask(int fd);

/* Checks that nobody else gets the device. */
void node_check_in_use(struct node *f);
/* Checks that both ways to it are free, and nothing is left behind. */
void node_check_free(struct node *f);

void send_fd(int sock, int fd);
int receive_fd(int sock);

#endif
