#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# build.sh KDIR BUILD [MAKE-ARGUMENT...]: build both modules, for dkms.
#
# Exit status: 0 on success; 77, with one sentence, if the modules don't suit the
# kernel, also if only compiling or linking shows that; any other on errors that
# don't depend on the kernel.
set -u
kdir=$1 build=$(realpath -m "$2")
top=$(cd "$(dirname "$(readlink -f "$0")")/../.." && pwd)
shift 2

sh "$top/src/compat/applies.sh" "$kdir" "$build" "$@" || exit
log=$build/build.log
LC_ALL=C make -C "$top" KDIR="$kdir" BUILD="$build" "$@" modules >"$log" 2>&1
status=$?
cat "$log"
[ "$status" -ne 0 ] || exit 0

# A compiler crash or a full disk doesn't depend on the kernel.
if grep -qE 'fatal error|internal compiler error|out of memory|No space left' "$log"; then
	exit "$status"
fi
reason=$(sed -nE 's/^.*\<((src|include)\/[^:]+:[0-9]+:[0-9]+: error: .*)/\1/p; s/^ERROR: modpost: //p' \
	"$log" | head -n 1)
[ "$reason" ] || exit "$status"
echo "iommufd: this kernel differs from those that are known: $reason" >&2
exit 77
