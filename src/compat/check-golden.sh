#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# check-golden.sh KDIR BUILD [update]: are the probes' answers the ones that are
# known for this kernel?  With "update" they become so.
set -eu
kdir=$1 build=$2 update=${3-}

release=$(sed -n 's/^#define UTS_RELEASE "\([0-9]*\.[0-9]*\).*/\1/p' \
	"$kdir/include/generated/utsrelease.h")
if grep -q '^CONFIG_X86_64=y' "$kdir/include/config/auto.conf"; then
	arch=amd64
elif grep -q '^CONFIG_ARM64=y' "$kdir/include/config/auto.conf"; then
	arch=arm64
else
	arch=unknown
fi
golden=$(dirname "$0")/golden/$release-$arch

answers() {
	sed -n 's/^#define IOMMUFD_HAVE_\(.*\) 1$/\1/p' "$build/src/compat/probed.h"
}

if [ "$update" ]; then
	answers >"$golden"
elif [ ! -e "$golden" ]; then
	echo "iommufd: there are no golden answers for $release-$arch." >&2
	exit 1
elif ! answers | diff -u --label "golden/$release-$arch" --label "this kernel" "$golden" -; then
	echo "iommufd: the probes' answers differ from $golden." >&2
	exit 1
fi
