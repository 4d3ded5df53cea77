#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# answers.sh KDIR BUILD: turn the probes' answers and the kernel's exports into
# BUILD/src/compat/probed.h, or say in one sentence why there can be no build.
set -eu
kdir=$1
compat=$2/src/compat

die() {
	echo "iommufd: $*" >&2
	exit 1
}

# One that must compile and one that must not: a broken compiler, or a flag that
# lets everything pass, would otherwise look like an old or a new kernel.
[ "$(cat "$compat/probes/canary_yes.answer")" = y ] ||
	die "the compiler can't build anything for this kernel, see $compat/probes/canary_yes.log."
[ "$(cat "$compat/probes/canary_no.answer")" = n ] ||
	die "the compiler accepts calls of functions that don't exist, so nothing can be probed."

answers() {
	for f in "$compat"/probes/*.c; do
		name=$(basename "$f" .c)
		case $name in canary_*) continue ;; esac
		[ "$(cat "${f%.c}.answer")" = n ] || echo "$name" | tr '[:lower:]' '[:upper:]'
	done
	awk -v list="$compat/exports" '
		NR == FNR { if ($1 == "need" || $1 == "want") want[$2] = 1; next }
		$2 in want { print "SYM_" toupper($2) }' "$compat/exports" "$kdir/Module.symvers"
}

{
	echo "/* Generated: what this kernel has. */"
	answers | LC_ALL=C sort | sed 's/.*/#define IOMMUFD_HAVE_& 1/'
} >"$compat/probed.h.new"

while read -r kind symbol what; do
	[ "$kind" = need ] || continue
	awk -v s="$symbol" '$2 == s { found = 1; exit } END { exit !found }' \
		"$kdir/Module.symvers" || die "this kernel lacks $symbol: $what."
done <"$compat/exports"

if cmp -s "$compat/probed.h.new" "$compat/probed.h"; then
	rm "$compat/probed.h.new"
else
	mv "$compat/probed.h.new" "$compat/probed.h"
fi
