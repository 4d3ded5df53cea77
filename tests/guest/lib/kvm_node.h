/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KVM_NODE_H
#define KVM_NODE_H

/* A device node that a VM gets */

#include <sys/eventfd.h>
#include <sys/socket.h>

#include "node.h"

void kvm_node_prepare(struct node *f);

void kvm_node_check_over(struct node *f);

#endif
