// SPDX-License-Identifier: GPL-2.0-only
/*
 * Charge pinned pages against RLIMIT_MEMLOCK.
 */
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

static struct pin_account *pin_account_new(struct iommufd_ctx *ctx)
{
	struct pin_account *account;

	account = kmalloc(sizeof(*account), GFP_KERNEL_ACCOUNT);
	if (!account)
		return NULL;
	refcount_set(&account->refs, 1);
	account->ctx = ctx;
	mmgrab(current->mm);
	account->mm = current->mm;
	account->task = get_task_struct(current->group_leader);
	account->cred = get_current_cred();
	return account;
}

struct pin_account *pin_account_renew(struct iommufd_ctx *ctx)
{
	struct pin_account *account, *old;

	account = pin_account_new(ctx);
	if (!account)
		return NULL;
	pin_account_get(account);
	xa_lock(&ctx->objects);
	old = ctx->account;
	ctx->account = account;
	xa_unlock(&ctx->objects);
	pin_account_put(old);
	return account;
}

void pin_account_put(struct pin_account *account)
{
	if (!account || !refcount_dec_and_test(&account->refs))
		return;
	put_cred(account->cred);
	put_task_struct(account->task);
	mmdrop(account->mm);
	kfree(account);
}

static int pin_account_charge_user(struct pin_account *account, unsigned long npages)
{
	unsigned long limit = task_rlimit(account->task, RLIMIT_MEMLOCK) >> PAGE_SHIFT;
	long now = atomic_long_read(&account->cred->user->locked_vm);

	do {
		if (now + npages > limit)
			return -ENOMEM;
	} while (!atomic_long_try_cmpxchg(&account->cred->user->locked_vm, &now,
					  now + npages));
	return 0;
}

static int pin_account_charge_mm(struct pin_account *account, unsigned long npages, bool charge,
				 bool over_limit)
{
	int rc;

	/*
	 * A page fault may hold mmap_lock for long.  Charging may fail with
	 * -EINTR; uncharging must not.
	 */
	if (!charge || over_limit)
		mmap_write_lock(account->mm);
	else if (mmap_write_lock_killable(account->mm))
		return -EINTR;
	rc = __account_locked_vm(account->mm, npages, charge, account->task, over_limit);
	mmap_write_unlock(account->mm);
	return rc;
}

/* Out of line, for the stack. */
static noinline void pin_account_refuse(struct pin_account *account, enum charge mode,
					unsigned long npages, struct refusal *refusal)
{
	unsigned long limit = task_rlimit(account->task, RLIMIT_MEMLOCK);
	unsigned long now = mode == CHARGE_MM ? READ_ONCE(account->mm->locked_vm) :
			    atomic_long_read(&account->cred->user->locked_vm);
	struct refusal logged;

	refusal_set(refusal ?: &logged,
		    "RLIMIT_MEMLOCK of %s[%d] is %lu KiB, of which %s %u has %lu KiB, and %lu KiB more were asked for (raise it by ulimit -l, limits.conf or LimitMEMLOCK=)",
		    account->task->comm, task_tgid_nr(account->task), limit >> 10,
		    mode == CHARGE_MM ? "the process of user" : "user",
		    from_kuid(&init_user_ns, account->cred->user->uid),
		    now << (PAGE_SHIFT - 10), npages << (PAGE_SHIFT - 10));
	/* User space gets a bare -ENOMEM. */
	if (!refusal)
		pr_notice_ratelimited("refused to pin: %s\n", logged.why);
}

int pin_account_charge_limited(struct pin_account *account, enum charge mode,
			       unsigned long npages, struct refusal *refusal)
{
	int rc;

	if (mode == CHARGE_USER)
		rc = pin_account_charge_user(account, npages);
	else
		rc = pin_account_charge_mm(account, npages, true, false);
	if (rc == -ENOMEM)
		pin_account_refuse(account, mode, npages, refusal);
	return rc;
}

void pin_account_charge_over(struct pin_account *account, enum charge mode, unsigned long npages)
{
	if (mode == CHARGE_USER)
		atomic_long_add(npages, &account->cred->user->locked_vm);
	else if (mode == CHARGE_MM && npages)
		pin_account_charge_mm(account, npages, true, true);
	pin_account_count(account, mode, npages);
}

void pin_account_uncharge(struct pin_account *account, enum charge mode, unsigned long npages)
{
	if (mode == CHARGE_USER)
		atomic_long_sub(npages, &account->cred->user->locked_vm);
	else if (mode == CHARGE_MM && npages)
		pin_account_charge_mm(account, npages, false, false);
	pin_account_count(account, mode, -npages);
}

int pin_account_move(struct pin_account *from, struct pin_account *to, enum charge mode,
		     unsigned long npages)
{
	int rc;

	/*
	 * Don't charge twice, even for a moment, what counts against one limit.
	 */
	if (mode == CHARGE_USER && from->cred->user == to->cred->user)
		mode = CHARGE_NONE;
	if (mode == CHARGE_MM && from->mm == to->mm)
		return 0;
	rc = pin_account_charge(to, mode, npages, NULL);
	if (!rc)
		pin_account_uncharge(from, mode, npages);
	return rc;
}
