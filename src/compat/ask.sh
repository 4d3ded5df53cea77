#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# ask.sh PROBE.c ANSWER COMPILER ARGUMENT...: write to ANSWER whether the probe
# compiles: y, n, or ? if it failed for another reason.  The compiler's output is
# in the .log file beside it.
#
# The compiler also fails if it is killed, runs out of memory or misses a file.
# So n requires that the first error is in the probe, and of a kind that an
# unknown or changed name causes.
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
