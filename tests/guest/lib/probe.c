// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>

#include "probe.h"

static sigjmp_buf fault;

static void on_fault(int sig)
{
	siglongjmp(fault, sig);
}

void probe_prepare(void)
{
	signal(SIGBUS, on_fault);
}

int probe(const volatile void *p)
{
	int sig = sigsetjmp(fault, 1);

	if (!sig)
		(void)*(const volatile uint32_t *)p;
	return sig;
}
