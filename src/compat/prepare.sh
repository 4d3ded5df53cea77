#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# prepare.sh KDIR BUILD [PEER]: check the kernel and link the sources into BUILD.
# With PEER, CONFIG_IOMMUFD is allowed: only a driver for tests is built.
set -eu
kdir=$1 build=$2 peer=${3:-}
top=$(cd "$(dirname "$0")/../.." && pwd)

die() {
	echo "iommufd: $*" >&2
	exit 1
}

# The modules don't suit this kernel.
pass_over() {
	echo "iommufd: $*" >&2
	exit 77
}

config=$kdir/include/config/auto.conf
[ -e "$kdir/include/generated/utsrelease.h" ] && [ -e "$config" ] ||
	die "$kdir holds no kernel headers: install linux-headers-$(uname -r) or give KDIR=."
[ -e "$kdir/Module.symvers" ] ||
	die "$kdir has no Module.symvers: the kernel it belongs to must be built whole."
set_in_config() {
	grep -q "^CONFIG_$1=[ym]" "$config"
}
[ -z "$peer" ] && set_in_config IOMMUFD &&
	pass_over "this kernel has an iommufd of its own (CONFIG_IOMMUFD); use that."
set_in_config IOMMU_API || pass_over "this kernel has no IOMMU support (CONFIG_IOMMU_API)."
set_in_config VFIO || pass_over "this kernel has no VFIO (CONFIG_VFIO)."

# If the key differs, BUILD is from another kernel or compiler.
key=$({
	readlink -f "$kdir"
	cat "$kdir/include/generated/utsrelease.h" "$config" "$kdir/Module.symvers"
} | cksum)
if [ "$(cat "$build/.key" 2>/dev/null || :)" != "$key" ]; then
	[ -e "$build/.key" ] || [ -z "$(ls -A "$build" 2>/dev/null)" ] ||
		die "$build has other things in it: give an empty BUILD=."
	rm -rf "$build"
	mkdir -p "$build" || die "$build can't be written: give another BUILD=."
	echo "$key" >"$build/.key"
fi

for part in Kbuild include src tests/kmod tests/mock tests/unit/compat-build; do
	[ ! -e "$top/$part" ] || (cd "$top" && find "$part" -type d -o -type f \
		\( -name '*.[chS]' -o -name '*.sh' -o -name Kbuild -o -name exports \
		-o -name alternatives \)) |
	while read -r f; do
		if [ -d "$top/$f" ]; then
			mkdir -p "$build/$f"
		elif [ "$(readlink "$build/$f")" != "$top/$f" ]; then
			ln -sf "$top/$f" "$build/$f"
		fi
	done
done
find "$build" -xtype l -delete
