# Small models and pictures for the tests of the stages (xl-encode, xl-mask,
# xl-hadain, xl-decode), made once for each file of tests.
# shellcheck disable=SC2154  # output is set by bats

# model NAME SEED [OPTION...]: an untrained LOMIT of 75,000 parameters at 32x32
model() {
	local name=$1 seed=$2
	shift 2
	"$XL_BIN/xl-train" lomit --preset tiny --size 32 --width 4 --batch 1 --iters 1 -q \
		--seed "$seed" --out "$name" "$@" faces.msgpack
	rm "$name.ckpt"
}

# a.png 40x40, b.png 40x40, c.png 40x40, wide.png 37x21
setup_file() {
	cd "$BATS_FILE_TMPDIR" || return 1
	"$XL_BIN/xl-synth" faces --count 3 --size 40 -q >faces.msgpack
	model m.msgpack 0
	model other.msgpack 1
	model iclr.msgpack 0 --variant iclr
	"$XL_BIN/xl-decode" --dir made faces.msgpack
	mv made/face-000000.png a.png
	mv made/face-000001.png b.png
	mv made/face-000002.png c.png
	"$XL_BIN/xl-crop" --size 37x21 a.png | "$XL_BIN/xl-decode" >wide.png
	rm -r made
}

# Works in a folder with these files.
setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	ln -s "$BATS_FILE_TMPDIR"/*.png "$BATS_FILE_TMPDIR"/*.msgpack .
	export XL_MODEL=m.msgpack
	PATH=$XL_BIN:$PATH
}

# tensor NAME FILE: its values, one row a line, without the headings
tensor() { xl-cat --tensor "$1" "$2" | grep -v '^#'; }

# shape NAME FILE: shape and type of each record's tensor
shape() { xl-cat --json "$2" | jq -r ".tensors.$1 | \"\\(.shape | join(\",\")) \\(.type)\""; }

# has FILE: "id kind tensor tensor ..." for each record
has() { xl-cat --json "$1" | jq -r '[.id, .kind] + (.tensors | keys_unsorted) | join(" ")'; }

# meta KEY FILE: its value in each record
meta() { xl-cat --json "$2" | jq -r ".meta.$1"; }

# image FILE...: pictures or streams as image records, to compare pixels
image() { xl-decode --stream "$@"; }

# same_pixels PICTURE PICTURE
same_pixels() { cmp <(tensor x <(image "$1")) <(tensor x <(image "$2")); }

# At a terminal: terminal COMMAND, with its input from there as well
terminal() { script -qec "$1" /dev/null </dev/null; }

# The first argument is run with its standard output already closed by the reader.
closed_pipe() {
	{ sleep 0.2; st=0; bash -c "$1" 2>err || st=$?; echo "$st" >status; } | true
	[ "$(cat status)" -eq 141 ] && [ ! -s err ]
}

# page NAME: lints it, and runs its examples here, each of which must succeed
page() {
	local page="$BATS_TEST_DIRNAME/../man/$1.1"
	sed -n '/^.Sh EXAMPLES/,/^.Sh DIAGNOSTICS/s/^\.Dl //p' "$page" |
		sed 's/\\e/\\/g; s/\\-/-/g' >examples
	[ "$(wc -l <examples)" -ge 3 ]
	while read -r line; do
		run -0 bash -c "set -o pipefail; $line"
		[ -z "$output" ]
	done <examples
}
