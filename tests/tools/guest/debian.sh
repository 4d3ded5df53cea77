# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# A Debian that is there for reading only, with this machine's own directories.
root=${ROOT:-/share/debian}

# debian_enter DIR...: shows it these directories of the machine
debian_enter() {
	debian_shown=
	for d; do
		mount --bind "/$d" "$root/$d" || exit 1
		debian_shown="$d $debian_shown"
	done
}

debian_leave() {
	# shellcheck disable=SC2086 # words
	for d in $debian_shown; do umount "$root/$d"; done
}

# debian COMMAND...: runs it there
# udevadm would do nothing there if it knew.
debian() { SYSTEMD_IGNORE_CHROOT=1 chroot "$root" "$@"; }
