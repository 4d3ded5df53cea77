// SPDX-License-Identifier: GPL-2.0-only
/* RLIMIT_MEMLOCK, VmLck and VmPin. */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/sched/user.h>
#include <linux/slab.h>

#include "../core/context.h"
#include "../core/refusal.h"
#include "account.h"

static bool payer_is_current(const struct payer *payer)
{
	return payer && payer->mm == current->mm &&
	       payer->task == current->group_leader &&
	       payer->cred->user == current_user();
}

static struct payer *payer_new(struct iommufd_ctx *ctx)
{
	struct payer *payer;

	payer = kmalloc(sizeof(*payer), GFP_KERNEL_ACCOUNT);
	if (!payer)
		return NULL;
	refcount_set(&payer->refs, 1);
	payer->ctx = ctx;
	mmgrab(current->mm);
	payer->mm = current->mm;
	payer->task = get_task_struct(current->group_leader);
	payer->cred = get_current_cred();
	return payer;
}

struct payer *payer_get(struct payer *payer)
{
	refcount_inc(&payer->refs);
	return payer;
}

struct payer *payer_get_current(struct iommufd_ctx *ctx)
{
	struct payer *payer, *old;

	xa_lock(&ctx->objects);
	payer = ctx->payer;
	if (payer_is_current(payer)) {
		payer_get(payer);
		xa_unlock(&ctx->objects);
		return payer;
	}
	xa_unlock(&ctx->objects);

	payer = payer_new(ctx);
	if (!payer)
		return NULL;
	payer_get(payer);
	xa_lock(&ctx->objects);
	old = ctx->payer;
	ctx->payer = payer;
	xa_unlock(&ctx->objects);
	payer_put(old);
	return payer;
}

void payer_put(struct payer *payer)
{
	if (!payer || !refcount_dec_and_test(&payer->refs))
		return;
	put_cred(payer->cred);
	put_task_struct(payer->task);
	mmdrop(payer->mm);
	kfree(payer);
}

enum charge charge_mode(const struct iommufd_ctx *ctx)
{
	if (capable(CAP_IPC_LOCK))
		return CHARGE_NONE;
	return ctx->account_mm ? CHARGE_MM : CHARGE_USER;
}

static int charge_user(struct payer *payer, unsigned long npages)
{
	unsigned long limit = task_rlimit(payer->task, RLIMIT_MEMLOCK) >> PAGE_SHIFT;
	long now = atomic_long_read(&payer->cred->user->locked_vm);

	do {
		if (now + npages > limit)
			return -ENOMEM;
	} while (!atomic_long_try_cmpxchg(&payer->cred->user->locked_vm, &now,
					  now + npages));
	return 0;
}

static int account_mm(struct payer *payer, unsigned long npages, bool charge,
		      bool over_limit)
{
	int rc;

	/* Page faults may keep it; but what was charged is to be taken back. */
	if (!charge || over_limit)
		mmap_write_lock(payer->mm);
	else if (mmap_write_lock_killable(payer->mm))
		return -EINTR;
	rc = __account_locked_vm(payer->mm, npages, charge, payer->task, over_limit);
	mmap_write_unlock(payer->mm);
	return rc;
}

/* What VmPin and fdinfo show. */
static void count(struct payer *payer, enum charge mode, long npages)
{
	atomic64_add(npages, &payer->mm->pinned_vm);
	if (mode != CHARGE_NONE)
		atomic_long_add(npages, &payer->ctx->charged);
}

/* The program sees only ENOMEM. */
static void explain_refusal(struct payer *payer, enum charge mode, unsigned long npages)
{
	unsigned long limit = task_rlimit(payer->task, RLIMIT_MEMLOCK);
	unsigned long now = mode == CHARGE_MM ? payer->mm->locked_vm :
			    atomic_long_read(&payer->cred->user->locked_vm);

	pr_notice_ratelimited("refused to pin %lu KiB for %s[%d]: RLIMIT_MEMLOCK of %lu KiB, of which %s %u has %lu KiB (raise it by ulimit -l, limits.conf or LimitMEMLOCK=)\n",
			      npages << (PAGE_SHIFT - 10), payer->task->comm,
			      task_tgid_nr(payer->task), limit >> 10,
			      mode == CHARGE_MM ? "the process of user" : "user",
			      from_kuid(&init_user_ns, payer->cred->user->uid),
			      now << (PAGE_SHIFT - 10));
}

int payer_charge(struct payer *payer, enum charge mode, unsigned long npages)
{
	int rc = 0;

	if (mode == CHARGE_USER)
		rc = charge_user(payer, npages);
	else if (mode == CHARGE_MM)
		rc = account_mm(payer, npages, true, false);
	if (rc)
		explain_refusal(payer, mode, npages);
	else
		count(payer, mode, npages);
	return rc;
}

bool payer_explain(const struct payer *payer, enum charge mode, unsigned long npages,
		   struct refusal *refusal)
{
	unsigned long limit = task_rlimit(payer->task, RLIMIT_MEMLOCK), charged;

	if (mode == CHARGE_NONE)
		return false;
	if (mode == CHARGE_USER)
		charged = atomic_long_read(&payer->cred->user->locked_vm);
	else
		charged = READ_ONCE(payer->mm->locked_vm);
	if (charged + npages <= limit >> PAGE_SHIFT)
		return false;
	refusal_set(refusal,
		    "RLIMIT_MEMLOCK of the %s is %lu bytes: %lu are locked, %lu more were asked for",
		    mode == CHARGE_USER ? "user" : "process", limit, charged * PAGE_SIZE,
		    npages * PAGE_SIZE);
	return true;
}

void payer_charge_over(struct payer *payer, enum charge mode, unsigned long npages)
{
	if (mode == CHARGE_USER)
		atomic_long_add(npages, &payer->cred->user->locked_vm);
	else if (mode == CHARGE_MM)
		account_mm(payer, npages, true, true);
	count(payer, mode, npages);
}

void payer_uncharge(struct payer *payer, enum charge mode, unsigned long npages)
{
	if (mode == CHARGE_USER)
		atomic_long_sub(npages, &payer->cred->user->locked_vm);
	else if (mode == CHARGE_MM)
		account_mm(payer, npages, false, false);
	count(payer, mode, -npages);
}

int payer_move(struct payer *from, struct payer *to, enum charge mode,
	       unsigned long npages)
{
	int rc;

	/* Don't count twice, not even for a moment, what the limit sees once. */
	if (mode == CHARGE_USER && from->cred->user == to->cred->user)
		mode = CHARGE_NONE;
	if (mode == CHARGE_MM && from->mm == to->mm)
		return 0;
	rc = payer_charge(to, mode, npages);
	if (!rc)
		payer_uncharge(from, mode, npages);
	return rc;
}
