#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# What the kernel's private side lacks turns a shim off, with one line in the log, and
# so does shims=off; with everything there it is on. The runner has loaded the modules
# of a test build already, and finds them loaded again.

. /vm.sh
. /tap.sh

modules="iommufd iommufd_vfio iommufd_access_test iommufd_inject iommufd_mock iommufd_walk_test vfio_mock"
# shellcheck disable=SC2086 # a list
reversed=$(vm_reversed $modules)

unload() {
	for m in $reversed; do
		! grep -q "^$m " /proc/modules || rmmod "$m" || return 1
	done
}

# reads TEXT PARAMETER...: is that so of the module that is loaded with the parameters?
reads() {
	text=$1
	shift
	mark="shims: $$ $tap_number"
	unload || return 1
	echo "$mark" > /dev/kmsg
	modprobe iommufd "$@" || return 1
	grep -qF "$text" /sys/module/iommufd/parameters/shims && return 0
	cat /sys/module/iommufd/parameters/shims
	return 1
}

# How many lines the log has since then that tell of a shim.
lines() { dmesg | sed "1,/$mark/d" | grep -c "no nested page tables by"; }

# lacks WHAT TEXT: it is told, and once
lacks() {
	reads "smmuv3: $2" "shims_lack=$1" && [ "$(lines)" = 1 ]
	tap_ok $? "$3"
}

if [ "$IOMMU" != smmuv3-nested ] || [ ! -e /sys/module/iommufd/parameters/shims_lack ]; then
	echo "TAP version 13"
	echo "1..0 # SKIP no SMMUv3, or no test build"
	exit 0
fi
tap_plan 6

lacks arm_smmu_master.streams "the kernel's struct arm_smmu_master has no such member streams" member
lacks arm_smmu_device.evtq.q.base \
	"the kernel's struct arm_smmu_device has no such member evtq.q.base" inner_member
lacks arm_smmu_cmdq_issue_cmdlist "the kernel has no arm_smmu_cmdq_issue_cmdlist()" function
reads "smmuv3: off" shims=off && [ "$(lines)" = 0 ]
tap_ok $? off
unload
! modprobe iommufd shims=perhaps 2> /dev/null
tap_ok $? wrong
reads "smmuv3: on" shims=auto && [ "$(lines)" = 0 ]
tap_ok $? on

for m in $modules; do
	modprobe "$m" || tap_failed=1
done
tap_end
