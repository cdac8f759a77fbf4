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
	# shellcheck disable=SC2016  # to be pasted into a shell
	[ -z "$dry" ] || printf 'PATH=%s:$PATH\n' "$bin"
fi
[ -n "$dry" ] || command -v xl-cat >/dev/null ||
	die "the tools of xl are neither built nor in PATH: run make in $root, or set XL_BIN"

# Seeds of parts are sums with it.
[[ ${SEED:-0} =~ ^(0|[1-9][0-9]{0,17})$ ]] ||
	usage "SEED: '$SEED' is not a whole number of 0 or more"

# An OUT that begins with a dash is no option of what is run.
case ${OUT:-} in -*) OUT=./$OUT ;; esac

# words WORD...: as a shell would read them back
words() {
	local w list=
	for w; do
		[[ $w =~ ^[A-Za-z0-9_./=,:+@%-]+$ ]] || w=${w@Q}
		list="$list $w"
	done
	echo "${list# }"
}

# The folder of a pipeline's results, with a note of each stage: the command it was
# made by. A stage is done again when that differs, when something it is made of is
# newer (needs), or when a stage before it was done again.
needs=()
again=

is_made() {
	local target=$1 note=$2 command=$3 need
	[ -z "$again" ] && [ -e "$target" ] && [ "$(cat "$note" 2>/dev/null)" = "$command" ] ||
		return 1
	for need in "${needs[@]}"; do
		[ ! "$need" -nt "$target" ] || return 1
	done
}

# run_stage TARGET NOTE SHOWN COMMAND [PART]: PART is TARGET until it is complete
run_stage() {
	local target=$1 note
	note=$(dirname "$target")/.made/${target##*/}
	if [ -n "$dry" ]; then
		echo "$3"
		return
	fi
	if is_made "$target" "$note" "$2"; then
		say "$target is there"
		return
	fi
	say "$3"
	mkdir -p "${note%/*}"
	rm -f "$note"
	again=1
	set +e
	(set -e; eval "$4") # alone: in a condition, set -e would be suspended in it
	failed=$?
	set -e
	if [ "$failed" = 0 ] && [ -n "${5:-}" ] && [ ! -s "$5" ]; then
		say "${5%.part}: nothing to put there" && failed=1
	fi
	if [ "$failed" = 0 ] || { [ -n "${lenient:-}" ] && is_partial "$5"; }; then
		[ -z "${5:-}" ] || mv "$5" "$target"
	else
		[ -z "${5:-}" ] || rm -f "$5"
		say "the stage that makes $target failed"
		exit $((failed == 123 ? 1 : failed)) # xargs says 123
	fi
	[ "$failed" != 0 ] || echo "$2" >"$note"
}

# is_partial FILE: whether the stage that just failed, alone or under xargs, did so by
# inputs that it named, and FILE holds what came of the others
lost=
is_partial() {
	case $failed in 1 | 123) [ -s "$1" ] && lost=1 ;; *) false ;; esac
}

# stage TARGET COMMAND [NOTE]: the command makes the file or folder TARGET; NOTE is
# what to remember it by where that is not the command
stage() { run_stage "$1" "${3:-$2}" "$2" "$2"; }

# into TARGET COMMAND: what the command writes becomes the file, when it is complete
into() {
	run_stage "$1" "$2" "$2 > $(words "$1")" "{ $2; } > $(words "$1.part")" "$1.part"
}

# codes_into TARGET COMMAND: the same, of inputs that may fail as long as one does not:
# the rest is done, and done ends with status 1
codes_into() { lenient=1 into "$@"; }

# done_with WORDS...: what was made, as a script ends
done_with() {
	[ -z "$dry" ] || return 0
	say "made $*"
	[ -z "$lost" ] || die "without the inputs named above"
}

# make_dir DIR: the folder, unless this only prints
make_dir() {
	if [ -n "$dry" ]; then echo "mkdir -p $(words "$1")"; else mkdir -p -- "$1"; fi
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

# encode_command FOLDER SOURCE SEED WORD...: the command that makes codes, by xl-encode
# WORD..., of a picture, a folder of pictures or a stream; of no source, of faces that
# xl-synth faces $synth makes into FOLDER
synth=
encode_command() {
	local folder source=$2 seed=$3 code
	folder=$(words "$1")
	code=$(words xl-encode "${@:4}")
	if [ -z "$source" ]; then
		printf '%s\n' "rm -rf $folder
xl-synth faces $synth --seed $seed | xl-decode --dir $folder
$code $folder/*.png"
	elif [ -d "$source" ]; then
		printf '%s\n' "find $(words "$source") -type f -regextype posix-extended \\
	-iregex '.*\.(png|jpe?g?|webp|gif|tiff?|p[pgbn]m|hei[cf]|avif)' -print0 |
	LC_ALL=C sort -z | xargs -r -0 $code"
	else
		echo "$code $(words "$source")"
	fi
}

# train_stages RECORDS COMMAND: the command, xl-train with its options, makes model.msgpack
# of $OUT from the records, going on where it was stopped; then a plot of its losses
train_stages() {
	local records=$1 train=$2 model=$OUT/model.msgpack from=--out
	if [ -e "$model.ckpt" ]; then
		from=--resume
	elif [ -z "$dry" ]; then
		rm -f "$OUT/log.jsonl" # of a run that was stopped before it saved anything
	fi
	needs=("$records")
	stage "$model" "$train $from $(words "$model" "$records")" "$train"

	into "$OUT/losses.png" "$(words xl-plot "$OUT/log.jsonl")"
	[ -n "$dry" ] || say "made $model; see $OUT/losses.png and $OUT/samples"
}

# into_grid CODES STYLES TRANSLATED COMMAND: grid.png of $OUT, of streams that are words of
# a command: an empty cell and the styles, which the command shows; then each input, before
# what was made of it
into_grid() {
	local corner
	corner=$(words "$OUT/.made/corner")
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
