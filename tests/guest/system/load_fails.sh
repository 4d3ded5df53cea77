#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Each call that can fail while a module is loaded fails once: the module isn't loaded then, or it
# does without; nothing is left, and the next load works.
#
# Needs a test build (fail_init of tests/mock/inject.c), whose other modules are unloaded meanwhile.

. /vm.sh
. /tap.sh

param=/sys/module/iommufd/parameters/fail_init
others=$(cut -d' ' -f1 /proc/modules |
	grep -E '^(iommufd_(access_test|inject|mock|walk_test)|vfio_mock)$')

if [ ! -e $param ]; then
	tap_plan 1
	tap_skip "all" "not a test build"
	tap_end
	exit
fi
tap_plan 6

# All of the kernel that a module of ours may leave its name in
traces() {
	for f in devices misc modules; do
		grep -E 'iommu$|iommufd|vfio-dev' /proc/$f | cut -d' ' -f1-3
	done
	ls -d /dev/iommu /dev/vfio/devices/* /sys/module/iommufd* /sys/class/misc/iommu \
		/sys/kernel/slab/iommufd* /sys/kernel/debug/iommufd* \
		/sys/bus/pci/devices/*/vfio-dev/*/dev 2> /dev/null
	cat /sys/kernel/debug/kprobes/list
	grep -v '^$' /sys/kernel/tracing/enabled_functions
	grep -c '\[iommufd' /proc/kallsyms
}

# Did the last load come to its end before the call that was to fail?
is_over() { read -r _ fired _ < $param && [ "$fired" = 0 ]; }

nothing_left() {
	traces > /tmp/now
	cmp -s /tmp/before /tmp/now && return 0
	echo "# after the failure of call $1:"
	diff /tmp/before /tmp/now | sed 's/^/# /'
	return 1
}

# The load of iommufd itself, whose argument it is
try_iommufd() { modprobe iommufd "fail_init=$1" 2> /dev/null; }

# sh -c: the task that writes becomes the one that loads
try_vfio() {
	modprobe iommufd
	sh -c 'echo "$1" > "$2" && exec modprobe iommufd_vfio 2> /dev/null' sh "$1" $param
}

# sweep MODULE TRY: $calls are those that failed, $refused how many of them failed the load
sweep() {
	calls=0 refused=0 status=1 over=no
	while [ $over = no ] && [ $calls -lt 500 ]; do
		if "$2" $((calls + 1)); then
			! is_over || over=yes
		else
			refused=$((refused + 1))
			! grep -q "^$1 " /proc/modules || return
		fi
		rmmod iommufd_vfio 2> /dev/null
		rmmod iommufd 2> /dev/null
		nothing_left $((calls + 1)) || return
		[ $over = yes ] || calls=$((calls + 1))
	done
	echo "# of $calls calls that failed, $refused kept $1 from being loaded"
	[ $over = no ] || status=0
}

# shellcheck disable=SC2086 # a list
rmmod $others && rmmod iommufd_vfio && rmmod iommufd
tap_ok $? "unload"
# what the first load leaves with the kernel on purpose isn't counted
modprobe iommufd_vfio && rmmod iommufd_vfio && rmmod iommufd
traces > /tmp/before

sweep iommufd try_iommufd
tap_ok $status "iommufd"
# at the least a cache and the device
[ $calls -ge 2 ] && [ $refused -ge 2 ]
tap_ok $? "iommufd_calls"
sweep iommufd_vfio try_vfio
tap_ok $status "iommufd_vfio"
# at the least numbers, two notifiers, a cdev, the class, and the interface
[ $calls -ge 7 ] && [ $refused -ge 7 ]
tap_ok $? "iommufd_vfio_calls"
# shellcheck disable=SC2086 # a list
modprobe iommufd && modprobe iommufd_vfio && [ -c /dev/iommu ] &&
	{ for m in $others; do modprobe "$m" || exit 1; done; }
tap_ok $? "load"
tap_end
