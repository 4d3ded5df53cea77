/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Accounting of pinned memory.
 *
 * An account is the process (and the user) that mapped memory and is charged
 * for it.  All mappings that the process makes in a row share one.
 */
#ifndef IOMMUFD_IOAS_ACCOUNT_H
#define IOMMUFD_IOAS_ACCOUNT_H

#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/mm_types.h>
#include <linux/refcount.h>
#include <linux/sched.h>
#include <linux/types.h>
#include <linux/xarray.h>

#include "../core/context.h"

struct refusal;

struct pin_account {
	refcount_t refs;
	struct iommufd_ctx *ctx;	/* outlives the account */
	struct mm_struct *mm;		/* mmgrab() only: not its address space */
	struct task_struct *task;	/* its RLIMIT_MEMLOCK applies */
	const struct cred *cred;	/* its user is charged; free_uid() isn't always exported */
};

/*
 * What is charged against RLIMIT_MEMLOCK.  VmPin of the process counts all
 * modes.
 */
enum charge {
	CHARGE_NONE,	/* CAP_IPC_LOCK: no limit */
	CHARGE_USER,	/* user->locked_vm, all processes together, as io_uring does */
	CHARGE_MM,	/* mm->locked_vm (VmLck) of the process, as VFIO type1 does */
};

/* Take another reference.  Returns @account. */
static inline struct pin_account *pin_account_get(struct pin_account *account)
{
	refcount_inc(&account->refs);
	return account;
}

/* Put a reference; @account may be NULL.  The last one frees it. */
void pin_account_put(struct pin_account *account);

/* Returns true if the calling process is charged by @account, which may be NULL. */
static inline bool pin_account_is_current(const struct pin_account *account)
{
	return account && account->mm == current->mm &&
	       account->task == current->group_leader &&
	       account->cred->user == current_user();
}

/*
 * Make a new account of the calling process the context's latest one.  Returns it with a
 * reference of its own, NULL if out of memory.
 */
struct pin_account *pin_account_renew(struct iommufd_ctx *ctx);

/*
 * Returns the account of the calling process with a reference, NULL if out of
 * memory.
 */
static inline struct pin_account *pin_account_get_current(struct iommufd_ctx *ctx)
{
	struct pin_account *account;

	xa_lock(&ctx->objects);
	account = ctx->account;
	if (pin_account_is_current(account)) {
		pin_account_get(account);
		xa_unlock(&ctx->objects);
		return account;
	}
	xa_unlock(&ctx->objects);
	return pin_account_renew(ctx);
}

/* The mode for what the calling process maps through @ctx. */
static inline enum charge pin_account_mode(const struct iommufd_ctx *ctx)
{
	if (capable(CAP_IPC_LOCK))
		return CHARGE_NONE;
	return ctx->account_mm ? CHARGE_MM : CHARGE_USER;
}

/* Update mm->pinned_vm (VmPin) and the context's counter (fdinfo). */
static inline void pin_account_count(struct pin_account *account, enum charge mode,
				     long npages)
{
	atomic64_add(npages, &account->mm->pinned_vm);
	if (mode != CHARGE_NONE)
		atomic_long_add(npages, &account->ctx->charged);
}

/*
 * Charge RLIMIT_MEMLOCK.  Returns 0, -ENOMEM if that exceeds the limit, or
 * -EINTR.  @refusal gets the reason of -ENOMEM; if it is NULL, log it.
 */
int pin_account_charge_limited(struct pin_account *account, enum charge mode,
			       unsigned long npages, struct refusal *refusal);

/* Charge @npages, as above. */
static inline int pin_account_charge(struct pin_account *account, enum charge mode,
				     unsigned long npages, struct refusal *refusal)
{
	int rc = 0;

	if (mode != CHARGE_NONE && npages)
		rc = pin_account_charge_limited(account, mode, npages, refusal);
	if (!rc)
		pin_account_count(account, mode, npages);
	return rc;
}

/* Charge without checking the limit, to restore a charge on an error path. */
void pin_account_charge_over(struct pin_account *account, enum charge mode, unsigned long npages);
void pin_account_uncharge(struct pin_account *account, enum charge mode, unsigned long npages);

/*
 * Move the charge of @npages.  Returns 0, -ENOMEM if @to would exceed its
 * limit, or -EINTR.
 */
int pin_account_move(struct pin_account *from, struct pin_account *to, enum charge mode,
		     unsigned long npages);

#endif
