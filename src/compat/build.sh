#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# build.sh KDIR BUILD [make's arguments...]: build both modules for this kernel, for dkms.
#
# Exits with 0; with 77, after one sentence, if the modules aren't for this kernel, also if
# that shows only when they are compiled or linked; with another status if something went
# wrong that has nothing to do with the kernel.
set -u
kdir=$1 build=$2
top=$(cd "$(dirname "$(readlink -f "$0")")/../.." && pwd)
shift 2

sh "$top/src/compat/applies.sh" "$kdir" "$build" "$@" || exit
log=$build/build.log
LC_ALL=C make -C "$top" KDIR="$kdir" BUILD="$build" "$@" modules >"$log" 2>&1
status=$?
cat "$log"
[ "$status" -ne 0 ] || exit 0

# A compiler that died, or a full disk, is no word on the kernel.
if grep -qE 'fatal error|internal compiler error|out of memory|No space left' "$log"; then
	exit "$status"
fi
reason=$(sed -nE 's/^.*(src\/[^:]+:[0-9]+:[0-9]+: error: .*)/\1/p; s/^ERROR: modpost: //p' \
	"$log" | head -n 1)
[ "$reason" ] || exit "$status"
echo "iommufd: this kernel differs from those that are known: $reason" >&2
exit 77
