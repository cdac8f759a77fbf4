#!/usr/bin/env bats
# xl-grid: layout of the sheet, messages, and manners of a tool that makes one
# picture.
# shellcheck disable=SC2154  # stderr and lines are set by bats
# shellcheck disable=SC2016  # expanded by the inner shell

bats_require_minimum_version 1.5.0

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	crop="$XL_BIN/xl-crop"
	grid="$XL_BIN/xl-grid"
	cat="$XL_BIN/xl-cat"
}

# pictures N: N records of 10x6 in a.msgpack
pictures() {
	mkdir -p d
	for i in $(seq 1 "$1"); do
		{ printf 'P5\n10 6\n255\n' && head -c 60 /dev/zero | tr '\0' '\150'; } >"d/$i.pgm"
	done
	"$crop" --size 0 d >a.msgpack
}

# size PNG: WIDTHxHEIGHT, from its header
size() { od -An -tu1 -j16 -N8 "$1" | awk '{ print $3 * 256 + $4 "x" $7 * 256 + $8 }'; }

@test "help and version" {
	run -0 "$grid" --help
	[[ $output == "usage: xl-grid [options] [file...]"* ]]
	[ "$(wc -l <<<"$output")" -le 24 ]
	run -0 "$grid" --version
	[[ ${lines[0]} =~ ^xl-grid\ [0-9] ]]
}

@test "a sheet is about square, or has the columns asked for" {
	pictures 5
	"$grid" -o out.png a.msgpack
	[ "$(size out.png)" = 38x38 ] # 3 columns of 10 + 2, 2 rows of 6 + 10 + 2, and 2
	"$grid" --no-labels <a.msgpack >out.png
	[ "$(size out.png)" = 38x18 ]
	"$grid" --no-labels --columns 1 a.msgpack >out.png
	[ "$(size out.png)" = 14x42 ]
	"$grid" --no-labels --columns 100 a.msgpack a.msgpack -o out.png
	[ "$(size out.png)" = 122x10 ]
}

@test "pixels arrive" {
	pictures 1
	"$grid" --no-labels a.msgpack | tee out.png | "$crop" --size 0 /dev/stdin | "$cat" --tensor x >out
	[ "$(grep -v '^#' out | tr -s ' ' '\n' | grep -c '^104$')" -eq 180 ]
}

@test "several tensors of a record, masks as heat maps" {
	"$XL_BIN/xl-synth" faces --count 2 --size 32 >faces.msgpack
	"$grid" --show x,m_true --no-labels --columns 1 faces.msgpack -o out.png
	[ "$(size out.png)" = 70x70 ]
	run -1 "$grid" --show x,m -o out.png faces.msgpack
	[[ ${lines[0]} == "xl-grid: faces.msgpack: record 0 ("*"): has no tensor 'm'" ]]
	run -2 "$grid" --show x,,m faces.msgpack
	[[ ${lines[0]} == "xl-grid: --show: 'x,,m' is not a list of 1 to 8 tensors" ]]
}

# 40x40 pixels lie on 12x12 cells of 4, of which the first 5 columns are kept
@test "a mask of a padded picture lies on its own part of it" {
	PATH=$XL_BIN:$PATH
	export XL_MODEL=$BATS_TEST_DIRNAME/../models/default.msgpack
	{ printf 'P5\n40 40\n255\n' && head -c 1600 /dev/zero | tr '\0' '\150'; } >g.pgm
	xl-crop --size 0 g.pgm | xl-encode | xl-mask --threshold 0 --keep 0,0,20,40 |
		xl-grid --show m --no-labels | xl-crop --size 0 /dev/stdin >sheet
	xl-cat --tensor x sheet | grep -v '^#' | sed -n 20p >red
	[ "$(cut -d' ' -f3-20 red | tr ' ' '\n' | sort -u)" = 170 ]
	[ "$(cut -d' ' -f25-42 red | tr ' ' '\n' | sort -u)" = 74 ]
}

@test "a broken stream is named, what came before it is drawn" {
	pictures 3
	head -c -20 a.msgpack >cut.msgpack
	run -1 "$grid" --no-labels -o out.png cut.msgpack missing.msgpack
	[[ ${lines[0]} == "xl-grid: cut.msgpack: record 2 (3.pgm): ends inside tensor 'x'"* ]]
	[[ ${lines[1]} == "xl-grid: missing.msgpack: "*"no such file or directory" ]]
	[ "$(size out.png)" = 26x10 ]
	model=$BATS_TEST_DIRNAME/../models/default.msgpack
	run -1 "$grid" -q --no-labels -o out.png "$model" a.msgpack
	[ "$output" = "xl-grid: $model: record 0 (model): a model record, neither image nor code" ]
	[ "$(size out.png)" = 26x18 ]
}

@test "nothing in, nothing out" {
	pictures 2
	cp a.msgpack a.copy
	run -2 "$grid" -o a.msgpack missing.msgpack ./a.msgpack
	[ "$output" = "xl-grid: a.msgpack: is an input, and would be written over" ]
	run -2 "$grid" -o a.msgpack <a.msgpack
	[ "$output" = "xl-grid: a.msgpack: is an input, and would be written over" ]
	cmp a.msgpack a.copy
	run -0 "$grid" -o out.png </dev/null
	[ "$output" = "xl-grid: no pictures, so no sheet" ]
	[ ! -e out.png ]
	run -1 "$grid" -o out.png <<<"hello"
	[ ! -e out.png ]
}

@test "at a terminal a free file name is chosen" {
	pictures 1
	run -0 script -qec "$grid a.msgpack" /dev/null
	[[ $output == "xl-grid: wrote grid.png"* ]]
	run -0 script -qec "$grid a.msgpack" /dev/null
	[[ $output == "xl-grid: wrote grid-1.png"* ]]
	cmp grid.png grid-1.png
	run -2 script -qec "$grid" /dev/null
	[[ $output == "xl-grid: not reading tensors from a terminal"* ]]
}

@test "a full disk, a closed pipe, a folder that is not there" {
	pictures 40
	run -1 bash -c '"$1" a.msgpack >/dev/full' - "$grid"
	[[ $output == "xl-grid: stdout: cannot write: no space left on device"* ]]
	run -141 bash -c 'trap "" PIPE; (sleep 0.2; exec "$1" a.msgpack) | true; exit "${PIPESTATUS[0]}"' - "$grid"
	[ -z "$output" ]
	run -1 "$grid" a.msgpack -o no/out.png
	[[ $output == "xl-grid: no/out.png: cannot write: no such file or directory"* ]]
}

@test "examples of the page" {
	pictures 12
	mv d photos
	"$crop" --limit 12 photos | "$grid" -o contents.png
	"$XL_BIN/xl-synth" faces --count 4 --size 32 | "$grid" --show x,m_true --columns 1 >masks.png
	"$grid" --no-labels --columns 4 a.msgpack | "$crop" --size 0 /dev/stdin >sheet.msgpack
	[ "$("$cat" --json sheet.msgpack | jq -c .tensors.x.shape)" = '[3,26,50]' ]
}
