#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# answers.sh KDIR BUILD: write BUILD/src/compat/probed.h from the results of the
# probes and the kernel's exports, or print one sentence why it can't be built.
# Exit status: 77 if the kernel is unsuitable, 1 on error.
set -eu
kdir=$1
compat=$2/src/compat
golden=$(dirname "$(readlink -f "$0")")/golden

# The next build repeats probes without a result.
die() {
	echo "iommufd: $*" >&2
	rm -f "$compat"/probes/canary_*.answer
	grep -lxF '?' "$compat"/probes/*.answer 2>/dev/null | xargs -r rm -f
	exit 1
}

pass_over() {
	echo "iommufd: $*" >&2
	exit 77
}

answer() {
	cat "$compat/probes/$1.answer" 2>/dev/null || echo '?'
}

# Canaries: without them, a broken compiler, or a flag that accepts everything,
# would look like an old or a new kernel.
[ "$(answer canary_yes)" = y ] ||
	die "the compiler can't build anything for this kernel, see $compat/probes/canary_yes.log."
[ "$(answer canary_no)" = n ] ||
	die "the compiler accepts calls of functions that don't exist, so nothing can be probed."

probes=$(cd "$compat/probes" && ls ./*.c | sed 's,^\./,,; s/\.c$//; /^canary_/d')
for name in $probes; do
	[ "$(answer "$name")" != '?' ] ||
		die "the compiler gave no proper answer to $name, see $compat/probes/$name.log."
done

# Required and optional symbols of Module.symvers
while read -r kind symbol what; do
	[ "$kind" = need ] || continue
	awk -v s="$symbol" '$2 == s { found = 1; exit } END { exit !found }' \
		"$kdir/Module.symvers" || pass_over "this kernel lacks $symbol: $what."
done <"$compat/exports"

answers() {
	for name in $probes; do
		[ "$(answer "$name")" = n ] || echo "$name" | tr '[:lower:]' '[:upper:]'
	done
	awk -v list="$compat/exports" '
		NR == FNR { if ($1 == "need" || $1 == "want") want[$2] = 1; next }
		$2 in want { print "SYM_" toupper($2) }' "$compat/exports" "$kdir/Module.symvers"
}

series() {
	sed -n 's/^#define UTS_RELEASE "\([0-9]*\.[0-9]*\).*/\1/p' \
		"$kdir/include/generated/utsrelease.h"
}

# The newest series with golden answers
tested=$(cd "$golden" && ls | sed 's/-.*//' | sort -uV | tail -n 1)
newest=$(printf '%s\n' "$tested" "$(series)" | sort -V | tail -n 1)

known=$(answers | LC_ALL=C sort)

while read -r first second about; do
	case $first in '#'*) continue ;; esac
	count=$(echo "$known" | grep -cxE "$first|${second%:}") || :
	[ "$count" -eq 1 ] || pass_over "this kernel has $count of the known answers" \
		"($first, ${second%:}), not one, to ${about}."
done <"$compat/alternatives"

{
	echo "/* Generated: what this kernel has. */"
	echo "$known" | sed 's/.*/#define IOMMUFD_HAVE_& 1/'
	if [ "$newest" != "$tested" ]; then
		echo "#define IOMMUFD_NEWER_THAN_TESTED 1"
		echo "Linux $(series) is newer than what was tested (up to $tested)." >&3
	fi
} 3>&1 >"$compat/probed.h.new"

if cmp -s "$compat/probed.h.new" "$compat/probed.h"; then
	rm "$compat/probed.h.new"
else
	mv "$compat/probed.h.new" "$compat/probed.h"
fi
