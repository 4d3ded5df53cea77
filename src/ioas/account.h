/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Accounting of pinned memory.
 *
 * An account is the process (and the user) that mapped memory and is charged
 * for it.  All mappings that the process makes in a row share one.
 */
#ifndef IOMMUFD_IOAS_ACCOUNT_H
#define IOMMUFD_IOAS_ACCOUNT_H

#include <linux/refcount.h>
#include <linux/types.h>

struct cred;
struct iommufd_ctx;
struct mm_struct;
struct refusal;
struct task_struct;

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

/*
 * Returns the account of the calling process with a reference, NULL if out of
 * memory.
 */
struct pin_account *pin_account_get_current(struct iommufd_ctx *ctx);
struct pin_account *pin_account_get(struct pin_account *account);
void pin_account_put(struct pin_account *account);

/* The mode for what the calling process maps through @ctx. */
enum charge pin_account_mode(const struct iommufd_ctx *ctx);

/* Charge @npages.  Returns 0, -ENOMEM if that exceeds the limit, or -EINTR. */
int pin_account_charge(struct pin_account *account, enum charge mode, unsigned long npages);

/*
 * Set @refusal to the amount by which @npages exceed the limit.  Returns false
 * if they don't.
 */
bool pin_account_explain(const struct pin_account *account, enum charge mode, unsigned long npages,
			 struct refusal *refusal);

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
