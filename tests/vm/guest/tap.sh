# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# TAP for test scripts (". /tap.sh"): a plan, results that count themselves, a status at the end.
tap_number=0 tap_failed=0 tap_planned=0
tap_name=$(basename "$0" .sh)

tap_plan() { tap_planned=$1; echo "TAP version 13"; echo "1..$1"; }

# tap_ok STATUS NAME
tap_ok() {
	tap_number=$((tap_number + 1))
	if [ "$1" = 0 ]; then
		echo "ok $tap_number - $tap_name.$2"
	else
		echo "not ok $tap_number - $tap_name.$2"
		tap_failed=1
	fi
}

# tap_is GOT WANTED NAME
tap_is() {
	[ "$1" = "$2" ]
	tap_ok $? "$3"
	[ "$1" = "$2" ] || printf '# got      %s\n# instead of %s\n' "$1" "$2"
}

tap_skip() {
	tap_number=$((tap_number + 1))
	echo "ok $tap_number - $tap_name.$1 # SKIP $2"
}

tap_end() { [ "$tap_failed" = 0 ] && [ "$tap_number" = "$tap_planned" ] || exit 1; }
