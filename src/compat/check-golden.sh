#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# check-golden.sh KDIR BUILD [update]: compare the results of the probes with the
# golden answers for the kernel's series; "update" rewrites these.  "NAME since N"
# is an answer that is y from the series' point release N on.
set -eu
kdir=$1 build=$2 update=${3-}

full=$(sed -n 's/^#define UTS_RELEASE "\([0-9.]*\).*/\1/p' \
	"$kdir/include/generated/utsrelease.h")
point=${full#*.*.}
release=${full%".$point"}
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

expected() {
	awk -v point="$point" '$2 != "since" || point + 0 >= $3 { print $1 }' "$golden"
}

if [ "$update" ]; then
	touch "$golden"
	answers | awk 'FILENAME != "-" { line[$1] = $0; next }
		{ print $1 in line ? line[$1] : $1 }' \
		"$golden" - >"$golden.new"
	mv "$golden.new" "$golden"
elif [ ! -e "$golden" ]; then
	echo "iommufd: there are no golden answers for $release-$arch." >&2
	exit 1
elif ! { expected >"$build/expected" &&
	answers | diff -u --label "golden/$release-$arch" --label "this kernel" \
		"$build/expected" -; }; then
	echo "iommufd: the probes' answers differ from $golden." >&2
	exit 1
fi
