# shellcheck shell=bash disable=SC2154,SC2034 # of common.sh: root, dry, needs; for others: data
# measures.sh - what the evaluations of all methods share: the networks that measures see
# through, the measures by them, and the tables. Sourced after common.sh.

need_jq

# The folders ALSO are of the same method, after which the folder of the script is named.
mapfile -t -d : also < <(printf %s "${ALSO:-}")
also=("${also[@]/#-/./-}")
for folder in "${also[@]}"; do
	need_file "$folder/evaluation.json"
	method=$(basename "$(cd "$(dirname "$0")" && pwd)")
	[ -n "$dry" ] || [ "$(jq -r .model.method "$folder/evaluation.json")" = "$method" ] ||
		usage "ALSO: $folder holds no evaluation of $method"
done

# need_counts NAME...: variables that are numbers of pairs
need_counts() {
	local name
	for name; do
		[[ ${!name} =~ ^[1-9][0-9]{0,6}$ ]] || usage "$name: '${!name}' is not a number of pairs"
	done
}

# find_data: with DATA, a folder of pictures, sets held_out, what says which of them were kept
# from training, and data, what the set is called: CelebA where it is all of it, else as the
# folder is; without, made faces
find_data() {
	local list
	data='made faces' held_out=
	[ -n "$DATA" ] || return 0
	[ -n "$dry" ] || [ -d "$DATA" ] || die "$DATA: no such folder"
	data=$(basename "$(realpath -ms "$DATA")") held_out='their names'
	if has_sides "$DATA"; then
		held_out='testA and testB'
		return
	fi
	for list in "$DATA"/{,../,../../}{,Anno/}list_attr_celeba.{txt,csv}; do
		[ ! -r "$list" ] || [ "$(grep -c '\.jpg' "$list")" != 202599 ] || data=CelebA
	done
	for list in "$DATA"/{,../,../../}{,Eval/}list_eval_partition.{txt,csv}; do
		[ ! -r "$list" ] || held_out=${list##*/}
	done
}

# pictures SPLIT WORD...: the command that cuts that part of DATA to records of SIZE
pictures() { words xl-crop --size "$SIZE" --split "$1" "${@:2}" "$DATA"; }

# part STREAM K N: the command that passes on one of N equal parts of a stream, from 0
part() {
	echo "n=\$((\$(xl-cat --json $1 | wc -l) / $3))
xl-cat --records \$((n * $2)):\$((n * $(($2 + 1)))) $1"
}

# The networks that are not made here: what they measure is measured again when they change.
given_files=()

# need_network VARIABLE PATTERN: the file it names holds the weights of such a network
need_network() {
	local network
	need_file "${!1}"
	[ -z "$dry" ] || return 0
	network=$(about "${!1}" '.meta.network // empty' 2>/dev/null) || network=
	[ -n "$network" ] || usage "$1: ${!1} holds no weights"
	# shellcheck disable=SC2053  # a pattern
	[[ $network == $2 ]] || usage "$1: ${!1} holds weights of $network, not of $2"
	given_files+=("${!1}")
}

# find_weights VARIABLE NETWORK: sets it, where it is not set, to the weights of a published
# network, where the tools find them; without any it is empty, and what they measure not
# measured
find_weights() {
	[ -n "${!1:-}" ] || declare -g "$1=$(data_file "$2.msgpack")"
	case $2 in
	lpips-*) set -- "$1" 'lpips-*' ;;
	*) set -- "$1" '*' ;; # any, for measures of their own
	esac
	[ -z "${!1}" ] || need_network "$@"
}

# find_classifier SIZE ATTRIBUTES COMMAND: sets CLASSIFIER, where it is not set, to one of
# $OUT that is trained, on the records that the command makes, to tell these labels
find_classifier() {
	if [ -n "${CLASSIFIER:-}" ]; then
		need_network CLASSIFIER classifier
		return
	fi
	CLASSIFIER=$OUT/classifier.msgpack
	[ -n "$dry" ] || need_own "$OUT/classifier.txt" "$OUT/.made/classifier.msgpack"
	stage "$CLASSIFIER" "$3 |
	$(words xl-classify --train --attributes "$2" --size "$1" --width 16 \
		--iters "${STEPS:?}" --lr 3e-3 --force --out "$CLASSIFIER") > $(words "$OUT/classifier.txt")"
}

# measure NAME COMMAND: NAME.json of $OUT, one object that the command prints; it becomes
# the member NAME of evaluation.json, of an object inside another after a dot
measured=()
measure() {
	local needs=("${needs[@]}" "${given_files[@]}")
	into "$OUT/$1.json" "$2"
	measured+=("$OUT/$1.json")
}

# Measures by a classifier of our own are named after it whatever its size, fd_own and not
# fd_own_d128, so that a table finds them.
as_own="jq -c 'with_entries(.key |= sub(\"_own_d[0-9]+\$\"; \"_own\"))'"

# distances NAME REAL FAKE [WORD...]: between sets of pictures, streams as words of a
# command, by xl-fid WORD...: as own.fd_own, and with INCEPTION as inception.fid
distances() {
	local sets="${*:4}${4:+ }$2 $3"
	measure "$1.own" "$(words xl-fid --json --features "$CLASSIFIER") $sets | $as_own"
	[ -z "$INCEPTION" ] ||
		measure "$1.inception" "$(words xl-fid --json --features "$INCEPTION") $sets"
}

# scores NAME STREAM: how sure the classifier is, as is_kl_own
scores() {
	measure "$1" "$(words xl-fid --json --is --splits 1 --features "$CLASSIFIER") $2 $2 | $as_own"
}

# likeness NAME INPUTS OUTPUTS [WORD...]: of persons, by xl-cosine WORD...: as own.face_cos_own,
# and with FACE as face.face_cos
likeness() {
	measure "$1.own" "$(words xl-cosine --json --model "$CLASSIFIER" "${@:4}") $2 $3"
	[ -z "$FACE" ] || measure "$1.face" "$(words xl-cosine --json --weights "$FACE" "${@:4}") $2 $3"
}

# seen NAME WORD...: with LPIPS, what xl-lpips measures
seen() {
	local net=alex
	[ -n "$LPIPS" ] || return 0
	[ ! -r "$LPIPS" ] || net=$(about "$LPIPS" '.meta.network | ltrimstr("lpips-")')
	measure "$1" "$(words xl-lpips --json --net "$net" --weights "$LPIPS") ${*:2}"
}

# evaluation NAME=VALUE...: evaluation.json, of the model, these facts and what was measured;
# with those of other tasks, in the folders ALSO
evaluation() {
	local fact folder facts=() files=("${measured[@]}")
	for fact; do facts+=(--arg "${fact%%=*}" "${fact#*=}"); done
	for folder in "${also[@]}"; do files+=("$folder/evaluation.json"); done
	local needs=("${needs[@]}" "${files[@]}")
	into "$OUT/evaluation.json" "xl-cat --json --records 0:1 $(words "$MODEL") |
	jq $(words "${facts[@]}") -f $(words "$root/pipelines/collect.jq") \\
		- $(words "${files[@]}")"
}

# tables FILTER METHOD: prints evaluation.json as a table, by FILTER of pipelines, and the
# published figures beside it; both become evaluation.txt
tables() {
	local filter published of evaluation
	filter=$(words "$root/pipelines/$1") of=$(words "$root/pipelines/published.jq")
	published=$(words "$root/pipelines/$2/published.tsv")
	evaluation=$(words "$OUT/evaluation.json")
	into "$OUT/evaluation.txt" "{ jq -r -f $filter $evaluation |
			awk -F '\t' '{ if (\$2 == \"\") print \$1; else printf \"%-46s%10s%16s\\n\", \$1, \$2, \$3 }'
		echo
		jq -r --rawfile published $published -f $of $evaluation |
			awk -F '\t' '{ if (NF < 2) print \$1; else {
				printf \"%-40s\", \$1; for (i = 2; i < NF; i++) printf \"%13s\", \$i;
				print \$NF == \"\" ? \"\" : \"  \" \$NF } }'; }"
	[ -n "$dry" ] || cat "$OUT/evaluation.txt"
}
