# SPDX-License-Identifier: GPL-2.0-only
# bash completion for iommufdctl

_iommufdctl_devices()
{
	local path
	for path in /sys/bus/pci/devices/*; do echo "${path##*/}"; done
}

_iommufdctl()
{
	local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
	local line=${COMP_LINE:0:COMP_POINT} command='' i

	# An address has colons, by which readline parts words.
	line=${line##* }
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in doctor | list | show | try) command=${COMP_WORDS[i]} ;; esac
	done
	if [[ $before == --user || $before == -u ]]; then
		mapfile -t COMPREPLY < <(compgen -u -- "$word")
		return
	fi
	case $command in
	'')
		mapfile -t COMPREPLY < <(compgen -W 'doctor list show try --json --help --version' -- "$word")
		return
		;;
	list) mapfile -t COMPREPLY < <(compgen -W '--json' -- "$word") ;;
	show) mapfile -t COMPREPLY < <(compgen -W "--json $(_iommufdctl_devices)" -- "$line") ;;
	*) mapfile -t COMPREPLY < <(compgen -W "--json --user $(_iommufdctl_devices)" -- "$line") ;;
	esac
	for i in "${!COMPREPLY[@]}"; do
		[[ $line != *:* ]] || COMPREPLY[i]=${COMPREPLY[i]#"${line%:*}:"}
	done
}
complete -F _iommufdctl iommufdctl
