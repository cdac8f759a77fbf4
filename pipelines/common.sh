# shellcheck shell=bash
# common.sh - what the pipelines share: finding the tools, and stages that are
# printed (-n), skipped where their result is there, or run. Sourced by them; what
# they do is in their own headers, which --help prints.

say() { echo "${0##*/}: $*" >&2; }
die() { say "$@" && exit 1; }
usage() { say "$@" && exit 2; }

dry=
for word; do
	case $word in
	-n) dry=1 ;;
	-h | --help)
		sed -n '2,/^$/s/^# \{0,1\}//p' "$0"
		exit ;;
	*) usage "takes -n and --help; all else is set by variables, not '$word'" ;;
	esac
done

# The tools: in $XL_BIN, beside the tree's or the installed pipelines, or in PATH.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
if [ -n "${XL_BIN:-}" ]; then
	[ -x "$XL_BIN/xl-cat" ] || usage "XL_BIN: there is no xl-cat in '$XL_BIN'"
	bin=$XL_BIN
else
	bin=
	for dir in "$root/bin" "$root/../../bin"; do
		[ -n "$bin" ] || [ ! -x "$dir/xl-cat" ] || bin=$dir
	done
fi
if [ -n "$bin" ]; then
	bin=$(cd "$bin" && pwd)
	PATH=$bin:$PATH
fi
if [ -n "$dry" ]; then
	echo 'set -eo pipefail'
	# shellcheck disable=SC2016  # to be expanded by another shell
	[ -z "$bin" ] || printf 'PATH=%s:$PATH\n' "$bin"
fi
[ -n "$dry" ] || command -v xl-cat >/dev/null ||
	die "the tools of xl are neither built nor in PATH: run make in $root, or set XL_BIN"

# Seeds of parts are sums with it.
[[ ${SEED:-0} =~ ^(0|[1-9][0-9]{0,17})$ ]] ||
	usage "SEED: '$SEED' is not a whole number of 0 or more"

# A name that begins with a dash is no option of what is run; find has others.
for name in OUT INPUTS EXEMPLARS A B MODEL XL_MODEL DATA MNIST PICTURES CLASSIFIER INCEPTION \
	FACE LPIPS; do
	case ${!name:-} in [-\(!]*) printf -v "$name" ./%s "${!name}" ;; esac
done

# words WORD...: as a shell would read them back
words() {
	local w list=
	for w; do
		[[ $w =~ ^[A-Za-z0-9_./=,:+@%-]+$ ]] || w=${w@Q}
		list="$list $w"
	done
	echo "${list# }"
}

# The folder of a pipeline's results. Its .made belongs to the scripts: a note of each stage,
# the command it was made by, empty until it is done, and what is being made. A stage is done
# again when its command differs, when something it is made of is newer (needs), or when a
# stage before it was done again. What no note tells of was made by others, and stays.
needs=()
again=

# open_out: makes $OUT, for this run alone
open_out() {
	local made=$OUT/.made lock
	if [ -n "$dry" ]; then
		echo "mkdir -p $(words "$made")"
		return
	fi
	mkdir -p -- "$made"
	exec {lock}>"$made/lock"
	flock -n "$lock" || usage "$OUT: another run is making it"
	trap 'rm -rf "$OUT/.made/"*.part' EXIT
	trap 'say "stopped; run again, it goes on" && exit 130' INT
}

is_made() {
	local target=$1 note=$2 command=$3 need
	[ -z "$again" ] && [ -e "$target" ] && [ "$(cat "$note" 2>/dev/null)" = "$command" ] ||
		return 1
	for need in "${needs[@]}"; do
		[ ! "$need" -nt "$target" ] || return 1
	done
}

# refuse WHAT...: what stands where a result is to be is not ours
refuse() { usage "$*; move it, or set OUT to another folder"; }

# need_own TARGET NOTE: nothing is there, or what a script made, alone, and none reads it
need_own() {
	local target=$1 need own others
	[ -e "$2" ] || { [ ! -e "$target" ] && [ ! -L "$target" ]; } ||
		refuse "$target: is there, and not made by this script"
	own=$(realpath -m "$target")
	for need in "${needs[@]}"; do
		[[ $(realpath -m "$need")/ != "$own"/* ]] || refuse "$target: is to be made, and $need is read"
	done
	[ -d "$target" ] || return 0
	others=$(LC_ALL=C comm -13 <(LC_ALL=C sort -u "$2.names" 2>/dev/null) <(LC_ALL=C ls -A "$target"))
	[ -z "$others" ] || refuse "$target: holds ${others%%$'\n'*}, not made by this script"
}

# put_in_place PART TARGET NOTE
put_in_place() {
	if [ -d "$1" ]; then
		ls -A "$1" >>"$3.names"
		rm -rf "$2"
	fi
	mv -T "$1" "$2"
}

# run_stage TARGET NOTE SHOWN COMMAND [PART]: PART is TARGET until it is complete
run_stage() {
	local target=$1 part=${5:-} note
	note=$(dirname "$target")/.made/${target##*/}
	if [ -n "$dry" ]; then
		echo "$3"
		return
	fi
	if is_made "$target" "$note" "$2"; then
		say "$target is there"
		return
	fi
	need_own "$target" "$note"
	say "$3"
	: >"$note"
	again=1
	set +e
	(set -e; eval "$4") # alone: in a condition, set -e would be suspended in it
	failed=$?
	set -e
	if [ "$failed" = 0 ] && [ -n "$part" ] && [ ! -s "$part" ]; then
		say "$target: nothing to put there" && failed=1
	fi
	if [ "$failed" = 0 ] || { [ -n "${lenient:-}" ] && is_partial "$part"; }; then
		[ -z "$part" ] || put_in_place "$part" "$target" "$note"
	else
		say "the stage that makes $target failed"
		case $failed in 123 | "$cannot_write") exit 1 ;; *) exit "$failed" ;; esac # xargs says 123
	fi
	[ "$failed" != 0 ] || echo "$2" >"$note"
}

# is_partial FILE: whether the stage that just failed, alone or under xargs, did so by
# inputs that it named, and FILE holds what came of the others; of a stream, all of it
lost=
is_partial() {
	case $failed in 1 | 123) ;; *) return 1 ;; esac
	[ -s "$1" ] || return 1
	[ ! -f "$lenient" ] || xl-cat --json "$lenient" >/dev/null 2>&1 || return 1
	lost=1
}

# part_of TARGET: where it is made, as a path
part_of() { echo "$(dirname "$1")/.made/${1##*/}.part"; }

# stage TARGET COMMAND [NOTE]: the command makes the file TARGET; NOTE is what to remember it
# by where that is not the command
stage() { run_stage "$1" "${3:-$2}" "$2" "$2"; }

# into TARGET COMMAND: what the command writes becomes the file, when it is complete
into() {
	local part
	part=$(part_of "$1")
	run_stage "$1" "$2" "$2 > $(words "$1")" "{ $2; } > $(words "$part")" "$part"
}

# folder_into TARGET COMMAND: the pictures that the command decodes become the folder
declare -A folders
folder_into() {
	local part
	folders[$1]=1
	part=$(part_of "$1")
	run_stage "$1" "$2" "$2 --dir $(words "$1")" "$2 --dir $(words "$part")" "$part"
}

# pictures_of PATH [WORD...]: the command that lists the pictures of a folder in order, or the
# picture itself, each ended by NUL, as a name may hold all else; WORD... are find's
pictures_of() {
	echo "LC_ALL=C find -H $(words "$1" "${@:2}") -type f -regextype posix-extended \\
	-iregex '.*\.(png|jpe?g?|webp|gif|tiff?|p[pgbn]m|hei[cf]|avif)' -print0 |
	LC_ALL=C sort -z"
}

# codes_into TARGET SOURCE WORD...: what xl-encode WORD... makes of a picture, a folder of
# pictures or a stream. Inputs may fail as long as one does not: the rest is done, and done
# ends with status 1; a full disk is no input.
cannot_write=74
codes_into() {
	local lenient=$2 command part
	command=$(words xl-encode "${@:3}")
	part=$(part_of "$1")
	if [ -d "$2" ] || [ -n "${folders[$2]:-}" ]; then
		command="$(pictures_of "$2") | xargs -r -0 $command"
	else
		command="$command $(words "$2")"
	fi
	run_stage "$1" "$command" "$command > $(words "$1")" \
		"{ $command; } | { cat > $(words "$part") || exit $cannot_write; }" "$part"
}

# done_with WORDS...: what was made, as a script ends
done_with() {
	[ -z "$dry" ] || return 0
	say "made $*"
	[ -z "$lost" ] || die "without the inputs named above"
}

# data_file NAME: a file where the tools look for their models, if it is there
data_file() {
	local file
	for file in "${XDG_DATA_HOME:-${HOME:-}/.local/share}/xl/$1" "$root/$1" "$root/models/$1"; do
		[ ! -r "$file" ] || { echo "$file" && return; }
	done
}

# need_file FILE: it can be read, or nothing is run
need_file() { [ -n "$dry" ] || [ -r "$1" ] || die "$1: cannot be read"; }

# find_model METHOD: sets MODEL, where it is not set, as the tools do; it must be of the method
find_model() {
	local method
	MODEL=${MODEL:-${XL_MODEL:-$(data_file default.msgpack)}}
	[ -n "$MODEL" ] || usage "no model: set MODEL to a file"
	need_file "$MODEL"
	needs+=("$MODEL")
	if [ -z "$dry" ]; then
		method=$(xl-cat --json --records 0:1 "$MODEL" | sed -n 's/.*"method":"\([^"]*\)".*/\1/p')
		[ "$method" = "$1" ] || usage "MODEL: $MODEL is ${method:+of $method, }no model of $1"
	fi
}

# about MODEL FILTER: a fact from the head of a model file
about() { xl-cat --json --records 0:1 "$1" | jq -r "$2"; }

# has_sides FOLDER: its folders, trainA and the like, tell domains
has_sides() {
	[ -n "$1" ] && { [ -d "$1/trainA" ] || [ -d "$1/testA" ]; }
}

# need_sources: INPUTS and EXEMPLARS are there, where they are set
need_sources() {
	local path
	for path in "$INPUTS" "$EXEMPLARS"; do
		[ -n "$path" ] || continue
		[ -n "$dry" ] || [ -e "$path" ] || die "$path: no such file or folder"
		needs+=("$path")
	done
}

# make_faces VARIABLE SEED WORD...: sets it, where it is not set, to a folder of $OUT with
# pictures of faces that xl-synth faces WORD... makes
make_faces() {
	[ -z "${!1}" ] || return 0
	declare -g "$1=$OUT/made-$2"
	folder_into "${!1}" "$(words xl-synth faces "${@:3}" --seed "$2") | xl-decode"
	needs+=("${!1}")
}

# options COMMAND: one a line
options() { LC_ALL=C sort <<<"${1// --/$'\n--'}"; }

# records_into COMMAND: records.msgpack of $OUT; those that its checkpoint was trained on stay
records_into() {
	local records=$OUT/records.msgpack made
	made=$(cat "$OUT/.made/records.msgpack" 2>/dev/null) || made=
	if [ -z "$dry" ] && [ -n "$made" ] && [ "$made" != "$1" ] && [ -e "$records" ] &&
		[ -e "$OUT/model.msgpack.ckpt" ]; then
		was=$(LC_ALL=C comm -23 <(options "$made") <(options "$1") | paste -sd' ')
		now=$(LC_ALL=C comm -13 <(options "$made") <(options "$1") | paste -sd' ')
		usage "$OUT was trained on records made with ${was:-less}, not ${now:-less}; set OUT to another folder"
	fi
	into "$records" "$1"
}

# train_stages COMMAND: the command, xl-train with its options, makes model.msgpack of $OUT
# from its records, going on where it was stopped; then a plot of its losses
train_stages() {
	local records=$OUT/records.msgpack model=$OUT/model.msgpack note=$OUT/.made/model.msgpack from=--out
	if [ -e "$model.ckpt" ]; then
		from=--resume
		[ -n "$dry" ] || touch "$note" # xl-train sees to it that it is the same run
	elif [ -z "$dry" ] && [ -e "$note" ]; then
		rm -f "$OUT/log.jsonl" # of a run that was stopped before it saved anything
	fi
	needs=("$records")
	stage "$model" "$1 $from $(words "$model" "$records")" "$1"

	into "$OUT/losses.png" "$(words xl-plot "$OUT/log.jsonl")"
	[ -n "$dry" ] || say "made $model; see $OUT/losses.png and $OUT/samples"
}

# into_grid CODES STYLES TRANSLATED COMMAND: grid.png of $OUT, of streams that are words of
# a command: an empty cell and the styles, which the command shows; then each input, before
# what was made of it
into_grid() {
	local corner
	corner=$(words "$OUT/.made/ ") # its name is its label
	into "$OUT/grid.png" "printf 'P5 1 1 255 \377' > $corner
rows=\$(xl-cat --json $1 | wc -l) columns=\$(xl-cat --json $2 | wc -l)
{
	xl-crop --size 0 $corner
	$4
	for ((i = 0; i < rows; i++)); do
		xl-cat --records \$i:\$((i + 1)) $1
		xl-cat --records \$((i * columns)):\$(((i + 1) * columns)) $3
	done
} | xl-grid --columns \$((columns + 1))"
}

need_jq() {
	[ -n "$dry" ] || command -v jq >/dev/null || die "jq is missing; install it with: ./deps.sh"
}
