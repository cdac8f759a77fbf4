#!/usr/bin/env bash
# bash.sh TOOL...: prints the bash completion of these tools, made from their own
# option tables (--help-mdoc); called by `make install`.
set -euo pipefail

# The options of a tool, or of a method of xl-train: "name token" lines.
table() {
	"$@" --help-mdoc | awk '
		/^\.It Fl / && sub(/.*Fl Fl /, "") {
			gsub(/\\-/, "-")
			gsub(/\\:/, "")
			gsub(/\\e/, "\\")
			n = split($0, part, " Ns = Ns Ar ")
			print part[1], (n > 1 ? part[2] : "")
		}'
}

# The entries of one command for the two arrays of the completion.
entries() {
	local key=${1##*/} name token list=
	[ $# -eq 1 ] || key="$key $2"
	while read -r name token; do
		list="$list --$name${token:+=}"
		case $token in
		*\|*) printf "_xl_values['%s --%s']='%s'\n" "$key" "$name" "${token//|/ }" ;;
		esac
	done < <(table "$@")
	[ -n "$list" ] || { echo "bash.sh: $* has no table of options" >&2 && exit 1; }
	printf "_xl_options['%s']='%s'\n" "$key" "${list# }"
}

methods() { "$1" --help | sed -n '/:$/,/^$/s/^  \([a-z0-9_-]*\): .*/\1/p'; }

cat <<'END'
# bash completion for the tools of xl; made from their option tables
declare -gA _xl_options=() _xl_values=() # -g: read from within a function
END
names=
for tool; do
	names="$names ${tool##*/}"
	entries "$tool"
	[ "${tool##*/}" = xl-train ] || continue
	# shellcheck disable=SC2046  # one word a method
	set -- $(methods "$tool")
	printf "_xl_values['xl-train']='%s'\n" "$*"
	for method; do entries "$tool" "$method"; done
done
cat <<'END'

_xl()
{
	local key=${1##*/} cur=${COMP_WORDS[COMP_CWORD]} opt=${COMP_WORDS[COMP_CWORD - 1]} i list

	# bash splits --name=value into three words
	if [ "$cur" = = ]; then
		cur=
	elif [ "$opt" = = ]; then
		opt=${COMP_WORDS[COMP_CWORD - 2]}
	fi
	for ((i = 1; i < COMP_CWORD; i++)); do
		if [ -n "${_xl_options["$key ${COMP_WORDS[i]}"]-}" ]; then
			key="$key ${COMP_WORDS[i]}"
			break
		fi
	done
	COMPREPLY=()
	if [ "${opt#--}" != "$opt" ] && [[ " ${_xl_options[$key]-} " == *" $opt= "* ]]; then
		list=${_xl_values["$key $opt"]-}
	elif [ "${cur#-}" != "$cur" ]; then
		list=${_xl_options[$key]-}
	else
		list=${_xl_values[$key]-}
	fi
	[ -z "$list" ] || mapfile -t COMPREPLY < <(compgen -W "$list" -- "$cur")
	[[ ${#COMPREPLY[@]} != 1 || ${COMPREPLY[0]} != *= ]] || compopt -o nospace
}
END
printf 'complete -o bashdefault -o default -F _xl%s\n' "$names"
