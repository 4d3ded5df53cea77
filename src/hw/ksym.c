// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lookup of unexported functions.  A kprobe resolves the kernel's own lookup
 * function, which can count the symbols of a name; a kprobe alone takes the
 * first one.
 */
#include <linux/errno.h>
#include <linux/kprobes.h>
#include <linux/static_call.h>
#include <linux/string.h>

#include "btf.h"
#include "ksym.h"

#define LOOKUP "kallsyms_on_each_match_symbol"
#define LOOKUP_PROTOTYPE \
	"int(int (*)(void *, long unsigned int), const char *, void *)"

typedef int (*ksym_match_fn)(void *data, unsigned long address);
typedef int ksym_lookup_fn(ksym_match_fn fn, const char *name, void *data);

DEFINE_STATIC_CALL_NULL(ksym_lookup, *(ksym_lookup_fn *)NULL);

/*
 * Returns the address of a function with a unique name, or 0.  The probe is never armed: the
 * function may be in use.
 */
static unsigned long ksym_probe(const char *name)
{
	struct kprobe probe = { .symbol_name = name, .flags = KPROBE_FLAG_DISABLED };
	unsigned long address;

	if (register_kprobe(&probe))
		return 0;
	address = (unsigned long)probe.addr;
	unregister_kprobe(&probe);
	return address;
}

int ksym_open(const struct btf_data *btf)
{
	unsigned long address;
	char prototype[128];

	if (btf_prototype(btf, LOOKUP, prototype, sizeof(prototype)) ||
	    strcmp(prototype, LOOKUP_PROTOTYPE))
		return -EOPNOTSUPP;
	/*
	 * On x86 the address is after the landing pad, which a direct call
	 * doesn't need.
	 */
	address = ksym_probe(LOOKUP);
	if (!address)
		return -EOPNOTSUPP;
	static_call_update(ksym_lookup, (ksym_lookup_fn *)address);
	return 0;
}

void ksym_close(void)
{
	static_call_update(ksym_lookup, (ksym_lookup_fn *)NULL);
}

struct ksym_found {
	unsigned long address;
	unsigned int n;
};

static int ksym_note(void *data, unsigned long address)
{
	struct ksym_found *found = data;

	found->address = address;
	found->n++;
	return 0;
}

int ksym_find(const char *name, unsigned long *address)
{
	struct ksym_found found = {};

	static_call(ksym_lookup)(ksym_note, name, &found);
	if (found.n != 1)
		return found.n ? -ENOTUNIQ : -ENOENT;
	*address = found.address;
	return 0;
}

int ksym_find_in_module(const char *name, unsigned long *address)
{
	*address = ksym_probe(name);
	return *address ? 0 : -ENOENT;
}
