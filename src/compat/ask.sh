#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# ask.sh PROBE.c ANSWER COMPILER ARGUMENT...: does it compile?  ANSWER gets y, n, or ? if
# the compiler has no proper answer; what it said is kept beside it, in .log.
#
# A compiler that was killed, that ran out of memory or that missed a file fails as well.
# So n takes an error of a kind that an unknown or changed name gives, in the probe itself
# and before any other.
set -u
probe=$1 answer=$2
log=${answer%.answer}.log
shift 2

LC_ALL=C "$@" -fsyntax-only "$probe" 2>"$log"
status=$?

file=$(basename "$probe" | sed 's/\./\\./')
kinds='undeclared|implicit(ly)? declar|no member named|too (few|many) arguments'
kinds="$kinds|requires [0-9]+ arguments|passed [0-9]+ arguments|incompatible|conflicting types"
kinds="$kinds|incomplete type|incomplete result type|incomplete definition|undefined type"
kinds="$kinds|cleanup.? argument"

proper() {
	[ "$status" -eq 1 ] &&
		! grep -qE 'fatal error|internal compiler error|out of memory' "$log" &&
		grep -m 1 -E '(^|[^a-z-])error:' "$log" |
			grep -qE "(^|/)$file:[0-9]+:[0-9]+: error: .*($kinds)"
}

if [ "$status" -eq 0 ]; then
	echo y
elif proper; then
	echo n
else
	echo '?'
fi >"$answer"
