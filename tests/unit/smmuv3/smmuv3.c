// SPDX-License-Identifier: GPL-2.0-only
/*
 * Entries and commands of a guest of SMMUv3, as the hardware gets them: values that were
 * worked out from the architecture (IHI 0070, 5.2 and 4.1), and a reader of its own that
 * names each field by its bits there.
 */
#include <errno.h>
#include <string.h>

#include "tap.h"

#include <linux/kernel.h>
#include <linux/types.h>

#include "../../../src/hw/smmuv3_spec.h"
#include "field.h"
#include "random.h"

#define VALID(ste)	field(ste, 0, 0)
#define CONFIG(ste)	field(ste, 3, 1)
#define S1FMT(ste)	field(ste, 5, 4)
#define S1CTXPTR(ste)	field(ste, 51, 6)
#define S1CDMAX(ste)	field(ste, 63, 59)
#define S1DSS(ste)	field(ste, 65, 64)
#define S1CIR(ste)	field(ste, 67, 66)
#define S1COR(ste)	field(ste, 69, 68)
#define S1CSH(ste)	field(ste, 71, 70)
#define MEV(ste)	field(ste, 83, 83)
#define S2FWB(ste)	field(ste, 89, 89)
#define S1STALLD(ste)	field(ste, 91, 91)
#define EATS(ste)	field(ste, 93, 92)
#define STRW(ste)	field(ste, 95, 94)
#define SHCFG(ste)	field(ste, 109, 108)

static const struct {
	const char *what;
	u64 guest[2];
	u64 host;
	bool no_stalls;
	u64 want[2];
	bool ats;
} golden[] = {
	{ "two stages", { 0x180001234567802b, 0x00000000100000d6 }, 0x0000100012000000, false,
	  { 0x180001234567802f, 0x00001000120800d6 }, true },
	{ "no stalls", { 0x180001234567802b, 0x00000000000000d6 }, 0x0000100010000000, true,
	  { 0x180001234567802f, 0x00001000180800d6 }, false },
	{ "the guest's own S1STALLD", { 0x000000000000100b, 0x0000000008000000 }, 0, false,
	  { 0x000000000000100f, 0x0000000008080000 }, false },
	{ "what was there of stage 1", { 0x000000000000200b, 0x0000000000000054 },
	  0x00001000080800d6, false, { 0x000000000000200f, 0x0000100000080054 }, false },
	{ "bypass", { 0x1800012345678029, 0x00000000180000d6 },
	  0x00001000120800d6, true, { 0x000000000000000d, 0x0000100012000000 }, false },
	{ "abort", { 0x0000000000000001, 0x0000000000000000 }, 0x0000100010000000, true,
	  { 0x0000000000000001, 0x0000100010000000 }, false },
	{ "not valid", { 0xfffffffffffffffe, 0xffffffffffffffff }, 0x0000100000000000, false,
	  { 0x0000000000000001, 0x0000100000000000 }, false },
};

static void golden_entries(void)
{
	struct smmuv3_vste vste;
	u64 ste[2];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(golden); i++) {
		tap_context("%s", golden[i].what);
		check_eq(smmuv3_vste_check(golden[i].guest, &vste), 0);
		smmuv3_ste_compose(&vste, golden[i].host, golden[i].no_stalls, ste);
		check_eq(ste[0], golden[i].want[0]);
		check_eq(ste[1], golden[i].want[1]);
		check_eq(vste.ats, golden[i].ats);
	}
}

/* The first and last bit of all that a guest must not set. */
static const unsigned int forbidden[] = {
	52, 58, 72, 79, 80, 82, 83, 84, 88, 89, 90, 94, 95, 96, 107, 108, 109, 110, 111, 112, 127,
};

static void forbidden_bits(void)
{
	struct smmuv3_vste vste;
	unsigned int i, bit;
	u64 ste[2];

	for (bit = 1; bit < 128; bit++) {
		ste[0] = 0xb;
		ste[1] = 0;
		ste[bit / 64] ^= 1ull << bit % 64;
		tap_context("bit %u", bit);
		/* Config becomes another, or EATS the split mode. */
		if (bit <= 3 || bit == 93)
			check_eq(smmuv3_vste_check(ste, &vste),
				 bit == 1 ? 0 : -EIO);
		else if ((bit > 51 && bit < 59) || (bit > 71 && bit != 91 && bit != 92))
			check_eq(smmuv3_vste_check(ste, &vste), -EIO);
		else
			check_eq(smmuv3_vste_check(ste, &vste), 0);
	}
	for (i = 0; i < ARRAY_SIZE(forbidden); i++) {
		ste[0] = 0xb;
		ste[1] = 0;
		ste[forbidden[i] / 64] |= 1ull << forbidden[i] % 64;
		check_eq(smmuv3_vste_check(ste, &vste), -EIO);
	}
}

/* Whatever is accepted gives the guest its own fields and nothing of the host's. */
static void any_entry(void)
{
	unsigned long rounds = from_environment("ROUNDS", 200000);
	struct smmuv3_vste vste;
	u64 guest[2], ste[2], host;

	random_begin(2);
	while (rounds--) {
		guest[0] = random_u64() & 0xf80ffffffffffff1ull;
		guest[0] |= (u64[]){ 0, 8, 10 }[random_below(3)];
		guest[1] = random_u64() & 0x180000ffull;
		host = random_u64();
		if (!check_eq(smmuv3_vste_check(guest, &vste), 0))
			return;
		smmuv3_ste_compose(&vste, host, true, ste);
		check_eq(VALID(ste), 1);
		check_eq(EATS(ste), field(&host, 29, 28));
		check_eq(SHCFG(ste), field(&host, 45, 44));
		check_eq(S2FWB(ste), field(&host, 25, 25));
		check_eq(STRW(ste), 0);
		if (!VALID(guest) || CONFIG(guest) == 0) {
			check_eq(CONFIG(ste), 0);
			continue;
		}
		if (CONFIG(guest) == 4) {
			check_eq(CONFIG(ste), 6);
			check_eq(S1CTXPTR(ste), 0);
			continue;
		}
		check_eq(CONFIG(ste), 7);
		check_eq(S1FMT(ste), S1FMT(guest));
		check_eq(S1CTXPTR(ste), S1CTXPTR(guest));
		check_eq(S1CDMAX(ste), S1CDMAX(guest));
		check_eq(S1DSS(ste), S1DSS(guest));
		check_eq(S1CIR(ste), S1CIR(guest));
		check_eq(S1COR(ste), S1COR(guest));
		check_eq(S1CSH(ste), S1CSH(guest));
		check_eq(S1STALLD(ste), 1);
		check_eq(MEV(ste), 1);
	}
}

static const struct smmuv3_limits most = {
	.asid_bits = 16, .substreams = true, .ats = true, .ranges = true, .ds = true,
};

static const struct smmuv3_limits least = { .asid_bits = 8 };

static const struct {
	u64 command[2];
	bool most, least;		/* do those limits allow it? */
} commands[] = {
	{ { 0x0000000000000030, 0 }, true, true },		/* TLBI_NSNH_ALL */
	{ { 0x0000000100000030, 0 }, false, false },
	{ { 0x0000ffff00000010, 0 }, true, true },		/* TLBI_NH_ALL */
	{ { 0x0001000000000010, 0 }, false, false },
	{ { 0x0000000000000010, 0x1000 }, false, false },
	{ { 0x00ff000500000011, 0 }, true, true },		/* TLBI_NH_ASID */
	{ { 0x0100000000000011, 0 }, true, false },
	{ { 0x00ff000000000012, 0xfffffffffffff001 }, true, true },	/* TLBI_NH_VA */
	{ { 0xffff000000000012, 0xfffffffffffff000 }, true, false },
	{ { 0x0000000000001012, 0x1401 }, true, false },	/* NUM, TG 4K */
	{ { 0x0000000001f1f012, 0x1401 }, true, false },
	{ { 0x0000000002000012, 0x1401 }, true, false },	/* SCALE of 32 */
	{ { 0x0000000000001012, 0x1001 }, false, false },	/* NUM without TG */
	{ { 0x0000000000000012, 0x1101 }, false, false },	/* TTL without TG */
	{ { 0x0000000000000012, 0x1401 }, false, false },	/* TG without either */
	{ { 0x0000000000000012, 0x1901 }, true, false },	/* 16K, TTL 1 */
	{ { 0x0000000000000012, 0x1011 }, false, false },	/* TTL128, for realms */
	{ { 0x0001000000000013, 0x1001 }, false, false },	/* TLBI_NH_VAA */
	{ { 0x0000000000000013, 0x1001 }, true, true },
	{ { 0x0000001000000005, 1 }, true, true },		/* CFGI_CD */
	{ { 0x00000010fffff005, 1 }, true, false },
	{ { 0x0000001000000805, 1 }, false, false },
	{ { 0x0000001000000405, 1 }, false, false },		/* secure */
	{ { 0x0000001000000006, 0 }, true, true },		/* CFGI_CD_ALL */
	{ { 0x0000001000000006, 1 }, false, false },
	{ { 0x0000001000000040, 52 }, true, false },		/* ATC_INV */
	{ { 0x0000001000000040, 53 }, false, false },
	{ { 0x0000001000001a40, 0x1000 }, true, false },	/* SSV, G, SSID */
	{ { 0x0000001000000040, 0x800 }, false, false },
	{ { 0x0000001000000003, 1 }, false, false },		/* CFGI_STE */
	{ { 0x0000000000000004, 31 }, false, false },		/* CFGI_ALL */
	{ { 0x0000000000000020, 0 }, false, false },		/* TLBI_EL2_ALL */
	{ { 0x0000000000000028, 0 }, false, false },		/* TLBI_S12_VMALL */
	{ { 0x000000000000002a, 0 }, false, false },		/* TLBI_S2_IPA */
	{ { 0x0000000000000046, 0 }, false, false },		/* CMD_SYNC */
};

static void golden_commands(void)
{
	struct smmuv3_limits no_ds = most;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(commands); i++) {
		tap_context("%#llx %#llx", (unsigned long long)commands[i].command[0],
			    (unsigned long long)commands[i].command[1]);
		check_eq(smmuv3_command_check(&most, commands[i].command),
			 commands[i].most ? 0 : -EIO);
		check_eq(smmuv3_command_check(&least, commands[i].command),
			 commands[i].least ? 0 : -EIO);
	}
	no_ds.ds = false;
	check_eq(smmuv3_command_check(&no_ds, (u64[]){ 0x2000012, 0x1401 }), -EIO);
	check_eq(smmuv3_command_check(&no_ds, (u64[]){ 0x12, 0x1901 }), -EIO);
}

/* What is accepted is of one of eight kinds, and becomes the host's. */
static void any_command(void)
{
	unsigned long rounds = from_environment("ROUNDS", 200000);
	u64 command[2], old[2];

	random_begin(3);
	while (rounds--) {
		command[0] = random_u64() & random_u64() & random_u64();
		command[1] = random_u64() & random_u64() & random_u64();
		if (smmuv3_command_check(&most, command))
			continue;
		memcpy(old, command, sizeof(old));
		if (smmuv3_command_has_sid(command)) {
			check_eq(smmuv3_command_sid(command), field(command, 63, 32));
			smmuv3_command_set_sid(command, 0xabcd1234);
			check_eq(field(command, 63, 32), 0xabcd1234);
			check_eq(field(command, 31, 0), field(old, 31, 0));
		} else {
			smmuv3_command_set_vmid(command, 0x1234);
			check_eq(field(command, 47, 32), 0x1234);
			check_eq(field(command, 63, 48), field(old, 63, 48));
			check_eq(field(command, 31, 8), field(old, 31, 8));
			check_eq(field(command, 7, 0) & 0xf0, 0x10);
		}
		check_eq(command[1], old[1]);
	}
}

static void events(void)
{
	static const u8 passed[] = { 0x04, 0x06, 0x08, 0x0a, 0x10, 0x11, 0x12, 0x13 };
	u64 event[4] = {};
	unsigned int id;

	for (id = 0; id < 256; id++) {
		event[0] = id;
		event[1] = 0;
		tap_context("event %#x", id);
		check_eq(smmuv3_event_is_guests(event),
			 memchr(passed, id, sizeof(passed)) != NULL);
		event[1] = 1ull << 39;
		check(!smmuv3_event_is_guests(event));
		event[1] = 1ull << 31;
		check(!smmuv3_event_is_guests(event));
	}
}

static const struct test tests[] = {
	{ "golden_entries", golden_entries },
	{ "forbidden_bits", forbidden_bits },
	{ "any_entry", any_entry },
	{ "golden_commands", golden_commands },
	{ "any_command", any_command },
	{ "events", events },
};

TAP_MAIN(tests)
