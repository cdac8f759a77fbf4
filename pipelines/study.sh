#!/usr/bin/env bash
# study.sh [-n]: make a page that asks people which of two results is better, pair by
# pair, as the papers did; -n only prints the commands.
# study.sh tally KEY ANSWERS...: count what they answered. Set by variables:
#   A, B        results of two methods, in one order: streams (image records, or records
#               with out), folders of pictures, or a picture
#   INPUTS      what they were made of, likewise: as many, or one for all [none]
#   EXEMPLARS   and after whose example [none]
#   NAME_A      what to call A in the tally, NAME_B for B [A, B]
#   QUESTIONS   which of these to ask [realism; with exemplars style, with inputs
#               background]:
#                 realism     looks more like a real photograph
#                 style       has taken over the look of the exemplar better
#                 content     shows better what the exemplar has and the input has not
#                 background  has kept better what should not change
#                 identity    shows more the person or thing of the input
#                 quality     is better, and still shows what the input shows
#                 domain      looks more like DOMAIN
#   DOMAIN      what results should show, as "a face with glasses"
#   COUNT       pairs to show, drawn at random, or all [20]
#   SEED        which pairs, in which order, and which result is on which side [0]
#   OUT         the page [study.html]
# Makes OUT, one file for any browser that needs no network, whose participants choose by
# mouse or arrow keys and save a file of answers; and beside it OUT.key.json, which says
# what was on which side: keep it; that of another study is not replaced. With A or B real photographs, realism is how often
# results are taken for real. The tally has, for each question, the share of answers that
# prefer A and its Wilson interval of 95%.

set -euo pipefail
: "${A:=}" "${B:=}" "${INPUTS:=}" "${EXEMPLARS:=}" "${NAME_A:=A}" "${NAME_B:=B}"
: "${QUESTIONS:=}" "${DOMAIN:=}" "${COUNT:=20}" "${SEED:=0}" "${OUT:=study.html}"

tally=()
if [ "${1:-}" = tally ]; then
	tally=("$@")
	set --
fi
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"
need_jq

# harmless NAME: as it can be shown on a terminal
harmless() { printf '%s' "$1" | tr '\000-\037\177' '?'; }

# ---- the tally ----

# A page saves some hundred bytes an answer.
most_bytes=4000000

# read_json FILE: its only value, or dies
read_json() {
	local text
	[[ -r $1 && ! -d $1 ]] || die "$(harmless "$1"): cannot be read"
	text=$(head -c $((most_bytes + 1)) <"$1" | tr '\0' '\1')
	[ ${#text} -le "$most_bytes" ] || die "$(harmless "$1"): too large for answers"
	jq -c -s 'if length == 1 then .[0] else error("") end' <<<"$text" 2>/dev/null ||
		die "$(harmless "$1"): not JSON, or damaged"
}

# checked FILE PROGRAM [OPTION...]: its value after the program, which says in a string
# what is wrong with it
checked() {
	local value verdict
	value=$(read_json "$1") || exit 1
	verdict=$(jq -c "${@:3}" "include \"study\"; $2" -L "$root/pipelines" <<<"$value" 2>/dev/null) ||
		die "$(harmless "$1"): not a file of study.sh"
	[[ $verdict != \"* ]] || die "$(harmless "$1"): $(jq -r . <<<"$verdict")"
	printf '%s\n' "$verdict"
}

count_answers() {
	local key file counts all=()
	[ $# -ge 2 ] || usage "tally: needs the key and at least one file of answers"
	key=$(checked "$1" check_key) || exit 1
	for file in "${@:2}"; do
		# shellcheck disable=SC2016  # a variable of jq
		all+=("$(checked "$file" 'check_answers($key)' --argjson key "$key")") || exit 1
	done
	counts=$(printf '%s\n' "${all[@]}" |
		jq -r -s -L "$root/pipelines" --argjson key "$key" 'include "study"; tally($key)' 2>/dev/null) ||
		die "the files of answers cannot be counted together: one is there twice"
	printf '%s\n' "$counts" 2>/dev/null || die "stdout: cannot write"
}

if [ ${#tally[@]} -gt 0 ]; then
	count_answers "${tally[@]:1}"
	exit
fi

# ---- what to ask ----

[[ -n $A && -n $B ]] || usage "set A and B to the results of two methods"
[ ${#SEED} -le 9 ] || usage "SEED: '$SEED' is not a whole number of at most 9 digits"
[[ $COUNT =~ ^([1-9][0-9]{0,2}|1000|all)$ ]] ||
	usage "COUNT: '$COUNT' is neither a number of pairs from 1 to 1000 nor all"
for name in NAME_A NAME_B; do
	[[ ${!name} != *[[:cntrl:]]* && $(printf %s "${!name}" | wc -m) -lt 100 ]] ||
		usage "$name: '$(harmless "${!name}")' is not a name of less than 100 characters"
done
[ -n "$QUESTIONS" ] || QUESTIONS="realism${EXEMPLARS:+ style}${INPUTS:+ background}"

# need QUESTION VARIABLE: which says what the question is about
need() { [ -n "${!2}" ] || usage "QUESTIONS: $1 cannot be asked without $2"; }

asked='[]'
for q in $QUESTIONS; do
	case $q in
	realism) text="Which result looks more like a real photograph?" ;;
	style) need "$q" EXEMPLARS && text="Which result has taken over the look of the exemplar better?" ;;
	content)
		need "$q" EXEMPLARS && need "$q" INPUTS
		text="Which result shows better what the exemplar has and the input has not?" ;;
	background) need "$q" INPUTS && text="Which result has kept better what should not change in the input?" ;;
	identity) need "$q" INPUTS && text="Which result shows more the person or thing of the input?" ;;
	quality) need "$q" INPUTS && text="Which result is better, and still shows what the input shows?" ;;
	domain) need "$q" DOMAIN && text="Which result looks more like $DOMAIN?" ;;
	*) usage "QUESTIONS: '$q' is none of realism style content background identity quality domain" ;;
	esac
	asked=$(jq -c --arg name "$q" --arg text "$text" '. + [{$name, $text}]' <<<"$asked")
done
[ "$(jq 'map(.name) | unique | length' <<<"$asked")" = "$(jq length <<<"$asked")" ] ||
	usage "QUESTIONS: one is there twice"

# ---- the pictures ----

# look_at VARIABLE: how many pictures are there, in many; where they are files, their names
# in files_VARIABLE
declare -A many
look_at() {
	local -n source=$1 files=files_$1
	[ -r "$source" ] || die "$(harmless "$source"): cannot be read"
	mapfile -t -d '' files < <(eval "$(pictures_of "$source" -maxdepth 1)")
	if [[ -d $source || ${#files[@]} -gt 0 ]]; then
		many[$1]=${#files[@]}
	else
		many[$1]=$(xl-cat --json "$source" | wc -l)
	fi
}

# draw VARIABLE NUMBER FILE: the command that makes that picture a PNG
draw() {
	local -n source=$1 named=files_$1
	if [ ${#named[@]} -gt 0 ]; then
		words xl-decode -o "$3" "${named[$2]}"
	else
		echo "xl-cat --records $2:$(($2 + 1)) $(words "$source") | xl-decode -o $(words "$3")"
	fi
}

for name in A B INPUTS EXEMPLARS; do
	[ -z "${!name}" ] || look_at $name
done
n=${many[A]}
[ "$n" = "${many[B]}" ] || die "$(harmless "$A") has $n pictures, $(harmless "$B") ${many[B]}"
[ "$n" -gt 0 ] || die "$(harmless "$A"): there is no picture"
for name in INPUTS EXEMPLARS; do
	[ -z "${!name}" ] || [ "${many[$name]}" = 1 ] || [ "${many[$name]}" = "$n" ] ||
		die "$(harmless "${!name}") has ${many[$name]} pictures for $n results"
done
[ "$COUNT" != all ] || COUNT=$n
[ "$COUNT" -le 1000 ] || die "$(harmless "$A"): has $n pictures; set COUNT to at most 1000"

# ---- the page ----

do_it() { if [ -n "$dry" ]; then echo "$1"; else (eval "$1"); fi; }

# A key is needed as long as there are answers, and what is no page of a study stays.
[ -n "$dry" ] || [ ! -e "$OUT" ] || [ -e "$OUT.key.json" ] ||
	usage "$(harmless "$OUT"): is there, and no study of this script; move it, or set OUT"
same_study() { [ ! -e "$OUT.key.json" ] || cmp -s "$1" "$OUT.key.json"; }

parts=$OUT.parts
if [ -z "$dry" ]; then
	mkdir -p "$(dirname "$OUT")"
	parts=$(mktemp -d "$OUT.XXXXXX")
	remove_parts() { rm -rf "$parts"; }
	trap remove_parts EXIT
fi
items=$(words "$parts/items") data=$(words "$parts/data") page=$(words "$parts/page")
key=$(words "$parts/key") template=$(words "$root/pipelines/study.html")

# add_item NUMBER SIDE: its pictures, and the line of the page's data
add_item() {
	local role name number line="jq -c -n"
	local -A from=([left]=A [right]=B [input]=INPUTS [exemplar]=EXEMPLARS)
	[ "$2" = a ] || from[left]=B from[right]=A
	for role in left right input exemplar; do
		name=${from[$role]}
		[ -n "${!name}" ] || continue
		number=$1
		[ "${many[$name]}" != 1 ] || number=0
		do_it "$(draw "$name" "$number" "$parts/$role.png")"
		line="$line --rawfile $role <(base64 -w0 $(words "$parts/$role.png"))"
	done
	do_it "$line '\$ARGS.named | map_values(\"data:image/png;base64,\" + .)' >> $items"
}

plan=$(jq -n -c -L "$root/pipelines" --argjson n "$n" --argjson count "$COUNT" --argjson seed "$SEED" \
	'include "study"; plan($n; $count; $seed)')
[ -z "$dry" ] || echo "mkdir -p $(words "$parts")"
while read -r number left; do
	add_item "$number" "$left"
done < <(jq -r '.[] | "\(.number) \(.left)"' <<<"$plan")

do_it "jq -c -s --argjson questions $(words "$asked") '{\$questions, items: .}' $items > $data"
do_it "study=\$(sha256sum < $data | cut -c1-16)
{
	sed '/@STUDY@/,\$d' $template
	jq -c --arg study \"\$study\" '{\$study} + .' $data | sed 's/</\\\\u003c/g'
	sed '1,/@STUDY@/d' $template
} > $page
jq -n --arg study \"\$study\" --arg a $(words "$NAME_A") --arg b $(words "$NAME_B") \\
	--argjson questions $(words "$(jq -c 'map(.name)' <<<"$asked")") --argjson items $(words "$plan") \\
	'{\$study, \$a, \$b, \$questions, \$items}' > $key"
[ -n "$dry" ] || same_study "$parts/key" ||
	usage "$(harmless "$OUT").key.json: is of another study, which cannot be counted without it; move it, or set OUT"
do_it "mv -T $key $(words "$OUT.key.json")
mv -T $page $(words "$OUT")"
[ -z "$dry" ] || echo "rm -r $(words "$parts")"
[ -n "$dry" ] || say "wrote $OUT for participants, $OUT.key.json for the tally"
