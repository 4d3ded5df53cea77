# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# Functions for the guest's plan and for test scripts (". /vm.sh").
# The plan sets $vm_token and $vm_port before it calls those that report.
vm_end=

# vm_pci VENDOR DEVICE: the addresses of the PCI devices with these ids
vm_pci() {
	for vm_d in /sys/bus/pci/devices/*; do
		read -r vm_vendor < "$vm_d/vendor" && read -r vm_device < "$vm_d/device"
		[ "$vm_vendor" = "$1" ] && [ "$vm_device" = "$2" ] && echo "${vm_d##*/}"
	done
	return 0
}

# vm_ids KIND: vendor and device of the emulated devices that tests name
vm_ids() {
	case $1 in
	edu) echo 0x1234 0x11e8 ;;
	nvme) echo 0x1b36 0x0010 ;;
	igb) echo 0x8086 0x10c9 ;;
	e1000e) echo 0x8086 0x10d3 ;;
	*) return 1 ;;
	esac
}

# vm_driver BDF: the driver that has a device
vm_driver() {
	vm_link=$(readlink "/sys/bus/pci/devices/$1/driver")
	echo "${vm_link##*/}"
}

# vm_give BDF DRIVER: takes a device from its driver and gives it to another
vm_give() {
	[ "$(vm_driver "$1")" != "$2" ] || return 0
	[ ! -e "/sys/bus/pci/devices/$1/driver" ] ||
		echo "$1" > "/sys/bus/pci/devices/$1/driver/unbind"
	echo "$2" > "/sys/bus/pci/devices/$1/driver_override"
	echo "$1" > /sys/bus/pci/drivers_probe
	[ "$(vm_driver "$1")" = "$2" ]
}

# vm_bind KIND...: gives all devices of these kinds to vfio-pci
vm_bind() {
	VFIO_BDFS=
	for vm_kind; do
		# shellcheck disable=SC2046 # two words
		for vm_bdf in $(vm_pci $(vm_ids "$vm_kind")); do
			vm_give "$vm_bdf" vfio-pci ||
				vm_say setup "cannot give $vm_bdf ($vm_kind) to vfio-pci"
			VFIO_BDFS="$VFIO_BDFS${VFIO_BDFS:+ }$vm_bdf=$vm_kind"
		done
	done
	export VFIO_BDFS
}

# vm_reversed WORD...: the same words, the last one first
vm_reversed() {
	vm_words=
	for vm_word; do vm_words="$vm_word $vm_words"; done
	echo "$vm_words"
}

# vm_say WORD...: one line of the report
vm_say() { printf '\n@%s %s\n' "$vm_token" "$*" > "$vm_port"; }

# vm_console PORT TOKEN: where the report goes, and how its lines begin
vm_console() {
	vm_port=$1 vm_token=$2
	stty -F "$vm_port" raw -echo
	dmesg -n 7
	vm_say start "$(uname -r)" "$(cut -d' ' -f1 /proc/uptime)"
}

# vm_load MODULE...: loads modules; a failure is reported
vm_load() {
	for vm_m; do
		vm_out=$(modprobe "$vm_m" 2>&1) ||
			vm_say setup "modprobe $vm_m: $vm_out"
	done
}

# vm_unload MODULE...: unloads them; a failure is reported
vm_unload() {
	for vm_m; do
		vm_out=$(rmmod "$vm_m" 2>&1) ||
			vm_say unload "rmmod $vm_m: $vm_out"
	done
}

# vm_share NAME: mounts a directory of the host at /share/NAME, for reading
vm_share() {
	vm_load virtio_pci 9p 9pnet_virtio
	mkdir -p "/share/$1"
	vm_out=$(mount -t 9p -o ro,trans=virtio,version=9p2000.L,cache=loose,msize=512000 \
		"$1" "/share/$1" 2>&1) || vm_say setup "cannot mount $1: $vm_out"
}

# vm_pins: how many page pins are held just now
vm_pins() {
	echo 1 > /proc/sys/vm/stat_refresh
	awk '/^nr_foll_pin_acquired/ { n += $2 } /^nr_foll_pin_released/ { n -= $2 }
		END { print n + 0 }' /proc/vmstat
}

# vm_until SECONDS: no program begins any more that long after this call
vm_until() { vm_uptime && vm_end=$((vm_now + $1)); }

# vm_uptime: sets vm_now, in seconds
vm_uptime() { read -r vm_now < /proc/uptime && vm_now=${vm_now%%.*}; }

# vm_test NUMBER SECONDS COMMAND...: runs one program
vm_test() {
	vm_n=$1 vm_limit=$2
	shift 2
	if [ -n "$vm_end" ] && vm_uptime && [ "$vm_now" -ge "$vm_end" ]; then
		vm_say late "$vm_n"
		return
	fi
	vm_before=$(vm_pins)
	vm_say begin "$vm_n"
	echo "vm: begin $*" > /dev/kmsg
	(cd /test && exec timeout -s KILL "$vm_limit" "$@") > "$vm_port" 2>&1 < /dev/null
	vm_status=$?
	kill -9 -1 2>/dev/null		# whatever it left behind
	vm_after=$(vm_pins)
	for vm_wait in 0.1 0.2 0.5 1 2 3; do	# files may be released a little later
		[ "$vm_before" != "$vm_after" ] || break
		sleep $vm_wait
		vm_after=$(vm_pins)
	done
	echo "vm: end $vm_status" > /dev/kmsg
	vm_say end "$vm_n" "$vm_status" $((vm_after - vm_before))
}

# vm_leaks: what kmemleak found, as it reports only objects of some age, and
# only those that two scans saw alike
vm_leaks() {
	[ -e /sys/kernel/debug/kmemleak ] || return 0
	vm_say leaks
	sleep 6
	echo scan > /sys/kernel/debug/kmemleak
	echo scan > /sys/kernel/debug/kmemleak
	sed 's/^/kmemleak: /' /sys/kernel/debug/kmemleak > "$vm_port"
	echo clear > /sys/kernel/debug/kmemleak
	vm_say leaks_end
}

# vm_finish: the end of the report
vm_finish() {
	vm_say taint "$(cat /proc/sys/kernel/tainted)"
	vm_say log
	dmesg > "$vm_port"
	vm_say "done" "$(cut -d' ' -f1 /proc/uptime)"
	sleep 0.2
}

# vm_shell: an interactive shell on the console
vm_shell() {
	dmesg -n 5
	echo "Devices: ${VFIO_BDFS:-none}. Files are in /test; \"exit\" ends the machine."
	cd /test || cd /
	setsid cttyhack sh
}
