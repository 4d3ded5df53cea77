#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Loads and unloads the modules a hundred times: nothing in the kernel log, the
# memory of the kernel as it was.
#
# The runner has loaded them already; IOMMUFD_MODULES names them in loading
# order, as files or as names for modprobe, and ROUNDS how often.

. /vm.sh
. /tap.sh

rounds=${ROUNDS:-100}
modules=${IOMMUFD_MODULES:-iommufd iommufd_vfio}
# shellcheck disable=SC2086 # a list
reversed=$(vm_reversed $modules)

name_of() { basename "$1" .ko | tr - _; }

load() {
	for m in $modules; do
		case $m in
		*/*) insmod "$m" ;;
		*) modprobe "$m" ;;
		esac || return 1
	done
}

unload() {
	for m in $reversed; do
		rmmod "$(name_of "$m")" || return 1
	done
}

# Unreclaimable slab, page tables and vmalloc, in KiB: the least of some looks,
# as what was freed shows late.
kernel_memory() {
	for _ in 1 2 3 4 5 6; do
		echo 3 > /proc/sys/vm/drop_caches
		sleep 0.3
		awk '$1 == "SUnreclaim:" || $1 == "VmallocUsed:" ||
			$1 == "PageTables:" { sum += $2 }
			END { print sum }' /proc/meminfo
	done | sort -n | head -n 1
}

tap_plan 5

loaded=yes
for m in $modules; do
	grep -q "^$(name_of "$m") " /proc/modules || loaded=no
done
[ $loaded = yes ] || load
unload
tap_ok $? "first_unload"

# The first rounds fill caches, with any module; what comes after must not grow.
i=0
while [ $i -lt "$rounds" ]; do
	load && unload || break
	i=$((i + 1))
done
before=$(kernel_memory)
mark="load: begin $$"
echo "$mark" > /dev/kmsg
status=0
i=0
while [ $i -lt "$rounds" ]; do
	load && [ -c /dev/iommu ] && unload || { status=1; break; }
	i=$((i + 1))
done
echo "# $i of $rounds rounds"
tap_ok $status "rounds"
after=$(kernel_memory)
echo "# kernel memory: $before KiB before, $after KiB after"
# a leak of a page in each round would be more than half of this
[ $((after - before)) -lt $((rounds * 4 / 2)) ]
tap_ok $? "memory"
# a module may log once that it is there, and what the kernel lacks for it
dmesg | sed "1,/$mark/d" |
	grep -Eiv 'iommufd.*(version|loaded|unloaded|uAPI|not supported by this kernel)|drop_caches' |
	sed 's/^/# /' > /tmp/load.log
cat /tmp/load.log
[ ! -s /tmp/load.log ]
tap_ok $? "log"
load && [ -c /dev/iommu ]
tap_ok $? "last_load"
tap_end
