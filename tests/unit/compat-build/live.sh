#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Runs in a guest that has loaded compat.ko, for example by
#
#   tests/vm/run --kernel 6.1 --no-modules --module .../compat.ko \
#       tests/unit/compat-build/live.sh
#
# Tries live.c on files of each kind, and prints TAP.
control=/sys/module/compat/parameters
count=0

# try TITLE FILE: the module's points, under the title and numbered on.
try() {
	if ! echo "$2" >$control/run; then
		count=$((count + 1))
		echo "not ok $count - $1: the test ran"
		return
	fi
	grep ok $control/result >/tmp/points
	while read -r line; do
		count=$((count + 1))
		verdict=${line%% [0-9]*}
		echo "$verdict $count - $1: ${line#*- }"
	done </tmp/points
}

on() {
	mkdir -p "/tmp/$1"
	mount -t "$1" -o "$2" compat "/tmp/$1"
	truncate -s 6M "/tmp/$1/file"
	shift 2
	try "$@"
	rm "$2"
	umount "${2%/*}"
}

on tmpfs size=64M "small pages" /tmp/tmpfs/file
on tmpfs size=64M,huge=always "huge pages" /tmp/tmpfs/file
on hugetlbfs size=64M "hugetlbfs" /tmp/hugetlbfs/file
try "another file" /proc/version
echo "1..$count"
