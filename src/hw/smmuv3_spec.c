// SPDX-License-Identifier: GPL-2.0-only
/* Stream table entries, commands and events of the SMMUv3 architecture. */
#include <linux/errno.h>
#include <linux/kernel.h>

#include "smmuv3_spec.h"

int smmuv3_vste_check(const u64 ste[2], struct smmuv3_vste *vste)
{
	u64 eats = ste[1] & STE_1_EATS;

	*vste = (struct smmuv3_vste){ .config = STE_CONFIG_ABORT };
	/* Hardware ignores the rest, and aborts DMA. */
	if (!(ste[0] & STE_0_V))
		return 0;
	if ((ste[0] & ~(STE_0_V | STE_0_CONFIG | STE_0_GUEST)) ||
	    (ste[1] & ~(STE_1_GUEST | STE_1_EATS)))
		return -EIO;
	if (eats != STE_1_EATS_ABORT && eats != STE_1_EATS_ATS)
		return -EIO;
	vste->config = ste[0] & STE_0_CONFIG;
	switch (vste->config) {
	case STE_CONFIG_ABORT:
	case STE_CONFIG_BYPASS:
		return 0;
	case STE_CONFIG_S1:
		vste->ste[0] = ste[0] & STE_0_GUEST;
		vste->ste[1] = ste[1] & STE_1_GUEST;
		vste->ats = eats;
		return 0;
	default:
		return -EIO;
	}
}

void smmuv3_ste_compose(const struct smmuv3_vste *vste, u64 host, bool no_stalls,
			u64 ste[2])
{
	host &= STE_1_HOST;
	switch (vste->config) {
	case STE_CONFIG_S1:
		ste[0] = STE_0_V | STE_CONFIG_NESTED | vste->ste[0];
		/* Merge events: equal ones must not fill the queue. */
		ste[1] = host | STE_1_MEV | vste->ste[1] | (no_stalls ? STE_1_S1STALLD : 0);
		break;
	case STE_CONFIG_BYPASS:
		ste[0] = STE_0_V | STE_CONFIG_S2;
		ste[1] = host;
		break;
	default:
		ste[0] = STE_0_V | STE_CONFIG_ABORT;
		ste[1] = host;
	}
}

#define TLBI_0_NUM		GENMASK_ULL(16, 12)
#define TLBI_0_SCALE		GENMASK_ULL(24, 20)
#define TLBI_0_SCALE_DS		BIT_ULL(25)
#define TLBI_0_VMID		GENMASK_ULL(47, 32)
#define TLBI_0_ASID_SHIFT	48
#define TLBI_1_TTL_SHIFT	8
#define TLBI_1_TG_SHIFT		10
#define TLBI_1_TTL		GENMASK_ULL(9, 8)
#define TLBI_1_TG		GENMASK_ULL(11, 10)
#define TLBI_1_VA		GENMASK_ULL(63, 12)
#define TG_16K			2

#define COMMAND_SSV		BIT_ULL(11)
#define COMMAND_SSID		GENMASK_ULL(31, 12)
#define COMMAND_SID		GENMASK_ULL(63, 32)
#define ATC_INV_0_GLOBAL	BIT_ULL(9)
#define ATC_INV_1_SIZE		GENMASK_ULL(5, 0)
#define ATC_INV_1_ADDRESS	GENMASK_ULL(63, 12)

/* Reject reserved combinations, see 4.4.1. */
static bool smmuv3_range_is_valid(const struct smmuv3_limits *limits, const u64 command[2])
{
	bool range = command[0] & (TLBI_0_NUM | TLBI_0_SCALE | TLBI_0_SCALE_DS);
	unsigned int ttl = (command[1] & TLBI_1_TTL) >> TLBI_1_TTL_SHIFT;
	unsigned int tg = (command[1] & TLBI_1_TG) >> TLBI_1_TG_SHIFT;

	if (!tg)
		return !range && !ttl;
	if (tg == TG_16K && ttl == 1 && !limits->ds)
		return false;
	return range || ttl;
}

/* Add the fields that a command by address may set beside its opcode. */
static int smmuv3_address_fields(const struct smmuv3_limits *limits, const u64 command[2],
				 u64 fields[2])
{
	fields[0] |= TLBI_0_VMID;
	fields[1] |= COMMAND_LEAF | TLBI_1_VA;
	if (!limits->ranges)
		return 0;
	if (!smmuv3_range_is_valid(limits, command))
		return -EIO;
	fields[0] |= TLBI_0_NUM | TLBI_0_SCALE | (limits->ds ? TLBI_0_SCALE_DS : 0);
	fields[1] |= TLBI_1_TG | TLBI_1_TTL;
	return 0;
}

static int smmuv3_atc_fields(const struct smmuv3_limits *limits, const u64 command[2],
			     u64 fields[2])
{
	if (!limits->ats || (command[1] & ATC_INV_1_SIZE) > ATC_INV_ALL)
		return -EIO;
	fields[0] |= COMMAND_SID;
	if (limits->substreams)
		fields[0] |= COMMAND_SSV | COMMAND_SSID | ATC_INV_0_GLOBAL;
	fields[1] |= ATC_INV_1_SIZE | ATC_INV_1_ADDRESS;
	return 0;
}

static int smmuv3_fields(const struct smmuv3_limits *limits, const u64 command[2],
			 u64 fields[2])
{
	u64 asid = GENMASK_ULL(limits->asid_bits - 1, 0) << TLBI_0_ASID_SHIFT;

	switch (command[0] & COMMAND_OP) {
	case COMMAND_TLBI_NSNH_ALL:
		return 0;
	case COMMAND_TLBI_NH_ALL:
		fields[0] |= TLBI_0_VMID;
		return 0;
	case COMMAND_TLBI_NH_ASID:
		fields[0] |= TLBI_0_VMID | asid;
		return 0;
	case COMMAND_TLBI_NH_VA:
		fields[0] |= asid;
		return smmuv3_address_fields(limits, command, fields);
	case COMMAND_TLBI_NH_VAA:
		return smmuv3_address_fields(limits, command, fields);
	case COMMAND_ATC_INV:
		return smmuv3_atc_fields(limits, command, fields);
	case COMMAND_CFGI_CD:
		fields[0] |= COMMAND_SID | (limits->substreams ? COMMAND_SSID : 0);
		fields[1] |= COMMAND_LEAF;
		return 0;
	case COMMAND_CFGI_CD_ALL:
		fields[0] |= COMMAND_SID;
		return 0;
	default:
		return -EIO;
	}
}

int smmuv3_command_check(const struct smmuv3_limits *limits, const u64 command[2])
{
	u64 fields[2] = { COMMAND_OP, 0 };
	int rc;

	rc = smmuv3_fields(limits, command, fields);
	/* An illegal command would stop the queue that all devices share. */
	if (!rc && ((command[0] & ~fields[0]) || (command[1] & ~fields[1])))
		rc = -EIO;
	return rc;
}

bool smmuv3_command_has_sid(const u64 command[2])
{
	switch (command[0] & COMMAND_OP) {
	case COMMAND_ATC_INV:
	case COMMAND_CFGI_CD:
	case COMMAND_CFGI_CD_ALL:
		return true;
	default:
		return false;
	}
}

u32 smmuv3_command_sid(const u64 command[2])
{
	return command[0] >> COMMAND_SID_SHIFT;
}

void smmuv3_command_set_sid(u64 command[2], u32 sid)
{
	command[0] = (command[0] & ~COMMAND_SID) | (u64)sid << COMMAND_SID_SHIFT;
}

void smmuv3_command_set_vmid(u64 command[2], u16 vmid)
{
	/* All of the guest's ASIDs are within one VMID. */
	if ((command[0] & COMMAND_OP) == COMMAND_TLBI_NSNH_ALL)
		command[0] = COMMAND_TLBI_NH_ALL;
	command[0] = (command[0] & ~TLBI_0_VMID) | (u64)vmid << COMMAND_VMID_SHIFT;
}

bool smmuv3_event_is_guests(const u64 event[EVENT_WORDS])
{
	/*
	 * Stage 2 faults are the host's.  Stalled transactions can't be resumed
	 * by a guest.
	 */
	if (event[1] & (EVENT_1_S2 | EVENT_1_STALL))
		return false;
	switch (event[0] & EVENT_0_ID) {
	case 0x04:	/* C_BAD_STE */
	case 0x06:	/* F_STREAM_DISABLED */
	case 0x08:	/* C_BAD_SUBSTREAMID */
	case 0x0a:	/* C_BAD_CD */
	case 0x10:	/* F_TRANSLATION */
	case 0x11:	/* F_ADDR_SIZE */
	case 0x12:	/* F_ACCESS */
	case 0x13:	/* F_PERMISSION */
		return true;
	default:
		return false;
	}
}
