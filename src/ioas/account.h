/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who pays for pinned memory.
 *
 * An account is the process (and the user) that mapped memory.  One is shared by
 * all that the process maps, as long as it goes on mapping.
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
	struct iommufd_ctx *ctx;	/* which outlives it */
	struct mm_struct *mm;		/* only the structure is kept alive */
	struct task_struct *task;	/* its RLIMIT_MEMLOCK counts */
	const struct cred *cred;	/* its user counts; free_uid() isn't exported everywhere */
};

/* Against what RLIMIT_MEMLOCK is held.  VmPin of the process shows all of them. */
enum charge {
	CHARGE_NONE,	/* CAP_IPC_LOCK */
	CHARGE_USER,	/* all processes of the user together, as io_uring does */
	CHARGE_MM,	/* the process, with its VmLck, as VFIO type1 does */
};

/* The calling process as an account, with a reference; NULL without memory. */
struct pin_account *pin_account_get_current(struct iommufd_ctx *ctx);
struct pin_account *pin_account_get(struct pin_account *account);
void pin_account_put(struct pin_account *account);

/* The rule that holds for what the calling process maps through @ctx. */
enum charge pin_account_mode(const struct iommufd_ctx *ctx);

/* Returns 0, -ENOMEM if that is over the limit, or -EINTR. */
int pin_account_charge(struct pin_account *account, enum charge mode, unsigned long npages);

/* Sets by how much that is over the limit, or returns false if it isn't. */
bool pin_account_explain(const struct pin_account *account, enum charge mode, unsigned long npages,
			 struct refusal *refusal);

/* Charges even if that is over the limit, to undo what was given back. */
void pin_account_charge_over(struct pin_account *account, enum charge mode, unsigned long npages);
void pin_account_uncharge(struct pin_account *account, enum charge mode, unsigned long npages);

/* Moves a charge.  Returns 0, -ENOMEM if @to can't take it, or -EINTR. */
int pin_account_move(struct pin_account *from, struct pin_account *to, enum charge mode,
		     unsigned long npages);

#endif
