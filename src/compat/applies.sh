#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# applies.sh KDIR BUILD [make's arguments...]: are the modules for this kernel?  Asks the
# probes and builds nothing; what they answer in BUILD is used by a build there.
#
# Exits with 0; with 77, after one sentence, if the kernel has no use for them or lacks
# something; with 1 if it can't be told.
set -u
kdir=$1 build=$2
top=$(cd "$(dirname "$(readlink -f "$0")")/../.." && pwd)
shift 2

sh "$top/src/compat/prepare.sh" "$kdir" "$build" || exit
make -s -C "$top" KDIR="$kdir" BUILD="$build" "$@" ask >"$build/applies.log" 2>&1 || {
	echo "iommufd: the probes can't be built, see $build/applies.log." >&2
	exit 1
}
exec sh "$build/src/compat/answers.sh" "$kdir" "$build"
