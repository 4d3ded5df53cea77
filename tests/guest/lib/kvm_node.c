// SPDX-License-Identifier: GPL-2.0-only
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "kvm.h"
#include "kvm_node.h"
#include "node.h"
#include "tap.h"

void kvm_node_prepare(struct node *f)
{
	kvm_prepare();
	node_prepare(f);
	check_eq(vm_count(), 0);
}

void kvm_node_check_over(struct node *f)
{
	vm_check_count(0);
	node_check_free(f);
}
