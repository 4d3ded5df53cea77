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
lines() { dmesg | sed "1,/$mark/d" | grep -c "no .* by $shim: "; }

# lacks WHAT TEXT: it is told, and once
lacks() {
	reads "$shim: $2" "shims_lack=$1" && [ "$(lines)" = 1 ]
	tap_ok $? "$3"
}

# lacks_member STRUCT MEMBER TITLE
lacks_member() { lacks "$1.$2" "the kernel's struct $1 has no such member $2" "$3"; }

# lacks_function NAME TITLE
lacks_function() { lacks "$1" "the kernel has no $1()" "$2"; }

skip() {
	echo "TAP version 13"
	echo "1..0 # SKIP $1"
	exit 0
}

[ -e /sys/module/iommufd/parameters/shims_lack ] || skip "no test build"
case $IOMMU in
smmuv3-nested) shim=smmuv3 ;;
vtd-nest) shim=vtd ;;
vtd-pri) shim=vtd-faults ;;
amd-had) shim=amd-dirty ;;
*) skip "no IOMMU that a shim serves" ;;
esac
# Linux 6.1 has neither in its driver, so both are built there.  On 6.12 the drivers' own page
# tables are read for dirty entries.
case "$shim $(uname -r)" in
"vtd 6.12."*) shim=vtd-dirty ;;
esac
case "$shim $(uname -r)" in
"smmuv3 6.1."* | "vtd 6.1."* | *"-dirty 6.12."* | "vtd-faults 7."*) ;;
*)
	grep -q "^$shim: " /sys/module/iommufd/parameters/shims ||
		skip "the kernel's driver does by itself what the shim does"
	;;
esac
case $shim in
smmuv3)
	tap_plan 6
	lacks_member arm_smmu_master streams member
	lacks_member arm_smmu_device evtq.q.base inner_member
	lacks_function arm_smmu_cmdq_issue_cmdlist function
	;;
vtd)
	tap_plan 7
	lacks_member device_domain_info pasid_table member
	lacks pasid_entry. "the kernel has no such struct pasid_entry" structure
	lacks_function qi_submit_sync function
	lacks_function iommu_flush_write_buffer second_function
	;;
vtd-faults)
	tap_plan 5
	lacks_member device_domain_info iommu member
	lacks_member intel_iommu iopf_lock second_member
	;;
vtd-dirty)
	tap_plan 6
	lacks_member dmar_domain pgd member
	lacks dma_pte. "the kernel has no such struct dma_pte" structure
	lacks_function intel_iommu_read_and_clear_dirty function
	;;
amd-dirty)
	tap_plan 6
	lacks_member protection_domain iop.root member
	lacks_function amd_iommu_read_and_clear_dirty function
	lacks_function iommu_v1_read_and_clear_dirty second_function
	;;
esac
reads "$shim: off" shims=off && [ "$(lines)" = 0 ]
tap_ok $? off
unload
! modprobe iommufd shims=perhaps 2> /dev/null
tap_ok $? wrong
reads "$shim: on" shims=auto && [ "$(lines)" = 0 ]
tap_ok $? on

for m in $modules; do
	modprobe "$m" || tap_failed=1
done
tap_end
