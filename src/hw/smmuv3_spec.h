/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Stream table entries, commands and events according to the SMMUv3
 * architecture (IHI 0070), and what a guest may use.  Independent of the
 * kernel's driver, so that it can be tested on the host (tests/unit/smmuv3).
 */
#ifndef IOMMUFD_HW_SMMUV3_SPEC_H
#define IOMMUFD_HW_SMMUV3_SPEC_H

#include <linux/bits.h>
#include <linux/types.h>

/* Stream table entry, 5.2 */
#define STE_SIZE		64
#define STE_0_V			BIT_ULL(0)
#define STE_0_CONFIG		GENMASK_ULL(3, 1)
#define STE_CONFIG_ABORT	(0ULL << 1)
#define STE_CONFIG_BYPASS	(4ULL << 1)
#define STE_CONFIG_S1		(5ULL << 1)
#define STE_CONFIG_S2		(6ULL << 1)
#define STE_CONFIG_NESTED	(7ULL << 1)
/* S1Fmt, S1ContextPtr, S1CDMax */
#define STE_0_GUEST		(GENMASK_ULL(5, 4) | GENMASK_ULL(51, 6) | GENMASK_ULL(63, 59))
/* S1DSS, S1CIR, S1COR, S1CSH, S1STALLD */
#define STE_1_S1STALLD		BIT_ULL(27)
#define STE_1_GUEST		(GENMASK_ULL(7, 0) | STE_1_S1STALLD)
#define STE_1_MEV		BIT_ULL(19)
#define STE_1_S2FWB		BIT_ULL(25)
#define STE_1_EATS		GENMASK_ULL(29, 28)
#define STE_1_EATS_ABORT	(0ULL << 28)
#define STE_1_EATS_ATS		(1ULL << 28)
#define STE_1_SHCFG		GENMASK_ULL(45, 44)
/* Fields of doubleword 1 that the driver sets for stage 2. */
#define STE_1_HOST		(STE_1_S2FWB | STE_1_EATS | STE_1_SHCFG)
#define STE_2_VMID		GENMASK_ULL(15, 0)

/* Commands, 4.1 */
#define COMMAND_OP		GENMASK_ULL(7, 0)
#define COMMAND_CFGI_STE	0x03
#define COMMAND_CFGI_CD		0x05
#define COMMAND_CFGI_CD_ALL	0x06
#define COMMAND_TLBI_NH_ALL	0x10
#define COMMAND_TLBI_NH_ASID	0x11
#define COMMAND_TLBI_NH_VA	0x12
#define COMMAND_TLBI_NH_VAA	0x13
#define COMMAND_TLBI_NSNH_ALL	0x30
#define COMMAND_ATC_INV		0x40
#define COMMAND_LEAF		BIT_ULL(0)
#define COMMAND_SID_SHIFT	32
#define COMMAND_VMID_SHIFT	32
#define ATC_INV_ALL		52	/* log2 of the number of pages */

/* Event records, 7.3 */
#define EVENT_0_ID		GENMASK_ULL(7, 0)
#define EVENT_0_SID_SHIFT	32
#define EVENT_1_STALL		BIT_ULL(31)
#define EVENT_1_S2		BIT_ULL(39)
#define EVENT_WORDS		4

/* A guest's STE after validation. */
struct smmuv3_vste {
	u64 config;		/* STE_CONFIG_ABORT, _BYPASS or _S1 */
	u64 ste[2];		/* the guest's fields */
	bool ats;		/* of an entry with stage 1 */
};

/* What the SMMU's commands support. */
struct smmuv3_limits {
	u8 asid_bits;
	bool substreams;
	bool ats;
	bool ranges;
	bool ds;
};

/* Validate a guest's STE.  Returns 0 or -EIO. */
int smmuv3_vste_check(const u64 ste[2], struct smmuv3_vste *vste);

/*
 * Compose doublewords 0 and 1 of the physical STE.  The other doublewords, and
 * the fields of doubleword 1 in @host, stay as the driver set them for the
 * parent.  @no_stalls: stage 1 must not stall transactions.
 */
void smmuv3_ste_compose(const struct smmuv3_vste *vste, u64 host, bool no_stalls,
			u64 ste[2]);

/*
 * Validate a guest's command.  Returns 0, or -EIO if it is illegal or could
 * affect others.
 */
int smmuv3_command_check(const struct smmuv3_limits *limits, const u64 command[2]);
/* Returns true if a valid command targets a stream, not a VMID. */
bool smmuv3_command_has_sid(const u64 command[2]);
/* The StreamID in such a command; and set it, or the VMID, for the physical SMMU. */
u32 smmuv3_command_sid(const u64 command[2]);
void smmuv3_command_set_sid(u64 command[2], u32 sid);
void smmuv3_command_set_vmid(u64 command[2], u16 vmid);

/* Returns true if an event is to be reported to the guest. */
bool smmuv3_event_is_guests(const u64 event[EVENT_WORDS]);

#endif
