// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtual functions of an igb: tokens, and DMA of each.
 */
#include <errno.h>
#include <string.h>

#include "igb.h"
#include "iommu.h"
#include "klog.h"
#include "legacy.h"
#include "node.h"
#include "plug.h"
#include "sriov.h"
#include "tap.h"

static const uint8_t other[16] = { 0x11, 0x22, 0x33, 0x44, 0xa6 };

/* The PF's user makes the token; a VF's has to know it, whether the PF is in use or not. */
static void token_of_vf(void)
{
	const char *pf = sriov_with_vfs(1);
	struct function a;
	long uses;
	char vf[16];

	igb_vf(pf, 0, vf);
	function_up(&a, pf, sriov_token);
	uses = module_uses();
	check_ret(sriov_try_bind(vf, NULL), -EACCES);
	check_ret(sriov_try_bind(vf, other), -EACCES);
	check_ret(sriov_try_bind(vf, (void *)8), -EFAULT);
	check_eq(module_uses(), uses);
	check_ret(sriov_try_bind(vf, sriov_token), 0);
	function_down(&a);
	check_ret(sriov_try_bind(vf, NULL), -EACCES);
	check_ret(sriov_try_bind(vf, other), -EACCES);
	check_ret(sriov_try_bind(vf, sriov_token), 0);
}

/* While a VF is in use, who wants the PF has to know the token; before, who comes makes it. */
static void token_of_pf(void)
{
	const char *pf = sriov_with_vfs(1);
	struct function a, b;
	char vf[16];

	igb_vf(pf, 0, vf);
	function_up(&a, pf, sriov_token);
	function_up(&b, vf, sriov_token);
	function_down(&a);
	check_ret(sriov_try_bind(pf, NULL), -EACCES);
	check_ret(sriov_try_bind(pf, other), -EACCES);
	check_ret(sriov_try_bind(pf, sriov_token), 0);
	function_down(&b);
	check_ret(sriov_try_bind(pf, NULL), 0);
	check_ret(sriov_try_bind(vf, sriov_token), 0);
	check_ret(sriov_try_bind(pf, other), 0);
	check_ret(sriov_try_bind(vf, sriov_token), -EACCES);
	check_ret(sriov_try_bind(vf, other), 0);
}

/* A refused BIND leaves the file as it was: the next one may know better. */
static void token_again(void)
{
	const char *pf = sriov_with_vfs(1);
	struct device dev;
	struct function a;
	int fd = iommu_open();
	char vf[16];

	igb_vf(pf, 0, vf);
	function_up(&a, pf, sriov_token);
	require_ok(device_open(&dev, vf));
	check_ret(sriov_bind_with(&dev, fd, other), -EACCES);
	check_ret(node_ask(dev.fd), -EINVAL);
	check_ret(sriov_bind_with(&dev, fd, sriov_token), 0);
	check_ret(node_ask(dev.fd), 0);
}

/* Each function reaches its own memory, and no other. */
static void dma(void)
{
	const char *pf = sriov_with_vfs(2);
	struct function a, vf[2];
	int klog = klog_open();
	char bdf[16];

	function_up(&a, pf, sriov_token);
	igb_let_send(&a.igb);
	for (int i = 0; i < 2; i++) {
		igb_vf(pf, i, bdf);
		function_up(&vf[i], bdf, sriov_token);
	}
	for (int i = 0; i < 2; i++) {
		memset(vf[!i].m.va, 0x5a, SIZE);
		check(function_sends(&vf[i]));
		check_eq(mem_differs_from(vf[!i].m.va, SIZE, 0x5a), -1);
	}
	require_ok(ioas_unmap(vf[0].fd, vf[0].ioas, IOVA, SIZE, NULL));
	check(!function_sends(&vf[0]));
	if (klog_reports(true))
		check(klog_fault(klog, IOVA, 5000));
	check(function_sends(&vf[1]));
	require_ok(ioas_map_at(vf[0].fd, vf[0].ioas, vf[0].m.va, SIZE, IOVA));
	check(function_sends(&vf[0]));
	require_ok(device_detach(&vf[1].dev));
	check(!function_sends(&vf[1]));
	check(function_sends(&vf[0]));
}

/* Two functions in one address space, of one context. */
static void shared(void)
{
	const char *pf = sriov_with_vfs(2);
	struct function a, b;
	struct device dev;
	struct igb igb;
	char bdf[16];

	function_up(&a, pf, sriov_token);
	igb_let_send(&a.igb);
	igb_vf(pf, 0, bdf);
	function_up(&b, bdf, sriov_token);
	igb_vf(pf, 1, bdf);
	require_ok(device_open(&dev, bdf));
	require_ok(sriov_bind_with(&dev, b.fd, sriov_token));
	check(dev.id != b.dev.id);
	require_ok(device_attach(&dev, b.ioas));
	igb_init(&igb, &dev);
	check(igb_sends(&igb, &b.m, IOVA));
	function_down(&b);
	/* the second device keeps the context, and its memory */
	check(igb_sends(&igb, &b.m, IOVA));
	igb_fini(&igb);
	device_close(&dev);
}

static const struct test tests[] = {
	{ "token_of_vf", token_of_vf },
	{ "token_of_pf", token_of_pf },
	{ "token_again", token_again },
	{ "dma", dma },
	{ "shared", shared },
};

TAP_MAIN("sriov", tests)
