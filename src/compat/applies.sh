#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# applies.sh KDIR BUILD [MAKE-ARGUMENT...]: check whether the modules suit a
# kernel, by the probes alone.  A build in BUILD reuses their results.
#
# Exit status: 0 if they do; 77, with one sentence, if the kernel has its own
# iommufd or lacks something; 1 on error.
set -u
kdir=$1 build=$(realpath -m "$2")
top=$(cd "$(dirname "$(readlink -f "$0")")/../.." && pwd)
shift 2

sh "$top/src/compat/prepare.sh" "$kdir" "$build" || exit
make -s -C "$top" KDIR="$kdir" BUILD="$build" "$@" ask >"$build/applies.log" 2>&1 || {
	tail -n 20 "$build/applies.log" >&2
	echo "iommufd: the probes can't be built." >&2
	exit 1
}
exec sh "$build/src/compat/answers.sh" "$kdir" "$build"
