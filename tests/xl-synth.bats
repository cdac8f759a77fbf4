#!/usr/bin/env bats
# xl-synth: the stream it writes, wrong usage, terminals and broken pipes.
# shellcheck disable=SC2154  # output, lines and stderr are set by bats

bats_require_minimum_version 1.5.0
load digits

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	synth="$XL_BIN/xl-synth"
}

# ids FILE: the ids of a stream's records
ids() {
	grep -aoE '(face|digits?|pair)-[0-9]{6}[a-z-]*\.png' "$1"
}

@test "help and version" {
	run -0 "$synth" --help
	[[ $output == "usage: xl-synth [options] SET"* ]]
	[ "$(wc -l <<<"$output")" -le 24 ]
	run -0 "$synth" --version
	[[ ${lines[0]} =~ ^xl-synth\ [0-9] ]]
}

@test "as many faces as asked for, numbered" {
	"$synth" faces --count 70 --size 16 >s
	[ "$(ids s | wc -l)" -eq 70 ]
	[ "$(ids s | tail -1)" = face-000069.png ]
	grep -aq 5_o_Clock_Shadow s
	"$synth" faces --count 0 >none
	[ ! -s none ]
	"$synth" --pairs --count 0 faces >none
	[ ! -s none ]
}

@test "threads change nothing, the seed does" {
	"$synth" faces --count 40 --size 24 --threads 1 >one
	"$synth" faces --count 40 --size 24 --threads 4 >four
	XL_THREADS=3 "$synth" faces --count 40 --size 24 >three
	"$synth" faces --count 40 --size 24 --seed 1 >other
	cmp one four
	cmp one three
	run ! cmp -s one other
	"$synth" faces --pairs --count 9 --size 24 --threads 1 >one
	"$synth" faces --pairs --count 9 --size 24 --threads 4 >four
	cmp one four
}

@test "more of the same begins alike" {
	"$synth" faces --count 5 --size 16 >five
	"$synth" faces --count 9 --size 16 >nine
	cmp five <(head -c "$(stat -c %s five)" nine)
}

@test "pairs: inputs, exemplars, truths" {
	"$synth" faces --pairs --count 3 --size 16 --attributes Smiling >s
	ids s >list
	[ "$(wc -l <list)" -eq 9 ]
	[ "$(head -3 list | grep -c input)" -eq 3 ]
	[ "$(sed -n 4,6p list | grep -c exemplar)" -eq 3 ]
	[ "$(tail -3 list | grep -c truth)" -eq 3 ]
	diff <(head -3 list | cut -d- -f2) <(tail -3 list | cut -d- -f2)
}

@test "a condition picks faces, which keep their numbers" {
	"$synth" faces --count 200 --size 16 --attributes Mustache >all
	"$synth" faces --count 10 --size 16 --attributes Mustache --where 'Mustache=1|Goatee=1' >some
	[ "$(ids some | wc -l)" -eq 10 ]
	run ! cmp -s <(ids all | head -10) <(ids some)
	[ -z "$(comm -13 <(ids all | sort) <(ids some | sort))" ]
	"$synth" faces --count 20 --size 16 --domain-by Smiling >d
	[ "$(LC_ALL=C grep -ao 'domain.[AB]' d | sort -u | wc -l)" -eq 2 ]
}

@test "a condition that never holds" {
	run -1 --separate-stderr "$synth" faces --count 1 --size 16 --where Wearing_Hat=1
	[ "${#stderr_lines[@]}" -eq 1 ]
	[[ $stderr == "xl-synth: --where: 'Wearing_Hat=1' does not hold for any of "* ]]
	[ -z "$output" ]
	run -1 --separate-stderr "$synth" faces --pairs --attributes Smiling --count 1 --where Wearing_Hat=1
	[[ $stderr == *" pairs in a row; it may never hold" ]]
}

@test "wrong usage" {
	run -2 "$synth"
	[ "${lines[0]}" = "xl-synth: needs one SET; 0 given" ]
	[ "${lines[1]}" = "try 'xl-synth --help'" ]
	run -2 "$synth" faces faces
	run -2 "$synth" cats
	[ "${lines[0]}" = "xl-synth: there is no set 'cats'; there are faces, mnist-single, mnist-multi" ]
	run -2 "$synth" faces --mnist .
	[[ ${lines[0]} == "xl-synth: the set faces is not made of digits; --mnist, "* ]]
	run -2 "$synth" faces --split test
	run -2 "$synth" mnist-single
	[ "${lines[0]}" = "xl-synth: the set mnist-single needs --mnist, the folder of MNIST's files" ]
	run -2 "$synth" mnist-multi --mnist . --size 128
	[ "${lines[0]}" = "xl-synth: --size: the set mnist-multi is made of 112 pixels only" ]
	run -2 "$synth" mnist-multi --mnist . --published-order
	run -2 "$synth" mnist-single --mnist . --split all
	run -2 "$synth" faces --size 8
	[ "${lines[0]}" = "xl-synth: --size: the set faces is made from 16 to 1024 pixels" ]
	run -2 "$synth" faces --size 9x
	run -2 "$synth" faces --count -1
	run -2 "$synth" faces --attributes Hat
	[[ ${lines[0]} == "xl-synth: --attributes: there is no attribute 'Hat'; there are 5_o_Clock_Shadow, "*", Young" ]]
	run -2 "$synth" faces --attributes ''
	[[ ${lines[0]} == "xl-synth: --attributes: an attribute's name is missing; "* ]]
	run -2 "$synth" faces --where Bald=maybe
	[ "${lines[0]}" = "xl-synth: --where: 'Bald=maybe' is not NAME=0 or NAME=1" ]
	run -2 "$synth" faces --domain-by Smile
	run -2 "$synth" faces --pairs --attributes Young
	[[ ${lines[0]} == *"--pairs: none of --attributes can be exchanged"* ]]
}

@test "digits: pairs of the test files, in both directions" {
	digits
	"$synth" mnist-single --mnist . --pairs >s
	[ "$(ids s | wc -l)" -eq 120 ]
	[ "$(ids s | tail -1)" = pair-000039-truth.png ]
	"$synth" mnist-single --mnist . --pairs --where 'fg=0|fg=1' >ab
	"$XL_BIN/xl-cat" --json ab | jq -e -s '(map(.meta.domain) | .[:20] == ([range(20)] | map("A"))
		and .[20:] == ([range(40)] | map("B"))) and .[0].meta.attributes == ["digit", "fg", "bg"]'
	gzip t10k-*
	"$synth" mnist-single --mnist . --pairs | cmp - s
	"$synth" mnist-single --mnist . --pairs --seed 1 >other
	run ! cmp -s other s
	"$synth" mnist-single --mnist . --split test --count 3 >singles
	[ "$(ids singles | tr '\n' ' ')" = "digit-000000.png digit-000001.png digit-000002.png " ]
	"$synth" mnist-multi --mnist . --split test --count 2 >many
	"$XL_BIN/xl-cat" --json many | jq -e -s '.[1].tensors.x.shape == [3, 112, 112]'
	"$synth" mnist-multi --mnist . --split test --count 0 >none
	[ ! -s none ]
}

@test "digits: the published order, and its seeds" {
	digits
	"$synth" mnist-single --mnist . --split test --published-order >s
	"$synth" mnist-single --mnist . --split test --published-order --seed 0 | cmp - s
	"$synth" mnist-single --mnist . --split test --published-order --seed 1 >one
	run ! cmp -s one s
	"$synth" mnist-single --mnist . --split test >own
	run ! cmp -s own s
	run -2 "$synth" mnist-single --mnist . --published-order --seed 4294967296
}

@test "digits: files that are missing or broken, more than there are" {
	digits
	run -1 --separate-stderr "$synth" mnist-single --mnist .
	[ "$stderr" = "xl-synth: .: no idx file train-images-idx3-ubyte or train-images-idx3-ubyte.gz" ]
	[ -z "$output" ]
	run -1 "$synth" mnist-single --mnist . --pairs --count 41
	[ "$output" = "xl-synth: --count: the set mnist-single has 40 pairs" ]
	truncate -s -1 t10k-images-idx3-ubyte
	run -1 "$synth" mnist-multi --mnist . --pairs
	[ "$output" = "xl-synth: ./t10k-images-idx3-ubyte: says it holds 20 pictures of 28x28 pixels, but has too few bytes for them" ]
	rm t10k-labels-idx1-ubyte
	printf 'no idx' >t10k-images-idx3-ubyte
	run -1 "$synth" mnist-multi --mnist . --pairs
	[ "${#lines[@]}" -eq 1 ]
}

@test "no tensors to a terminal" {
	run -2 script -qec "'$synth' faces --count 1" /dev/null
	[[ $output == *"xl-synth: not writing tensors to a terminal"* ]]
}

@test "a full disk and a closed pipe" {
	run -1 bash -c "'$synth' faces --count 40 --size 32 >/dev/full"
	[[ $output == "xl-synth: "* ]]
	{ st=0; "$synth" faces --count 200 --size 32 2>err || st=$?; echo $st >status; } | head -c 1 >first
	[ "$(stat -c %s first)" -eq 1 ]
	[ "$(cat status)" -eq 141 ]
	{ trap '' PIPE; st=0; "$synth" faces --count 200 --size 32 2>>err || st=$?; echo $st >status; } | head -c 1 >first
	[ "$(cat status)" -eq 141 ]
	[ ! -s err ]
}

@test "Python reads the stream" {
	python=/usr/bin/python3
	"$python" -c 'import msgpack, numpy' || skip "python3-msgpack and python3-numpy are not there"
	"$synth" faces --pairs --attributes Eyeglasses --count 4 --size 32 >s
	"$python" - s <<-'PY'
		import sys, msgpack, numpy as np
		def hook(d):
		    if b'nd' not in d: return d
		    return np.frombuffer(d[b'data'], d[b'type']).reshape(d[b'shape'])
		u = msgpack.Unpacker(open(sys.argv[1], 'rb'), object_hook=hook, max_buffer_size=0)
		r = [x['tensors'] for x in u]
		assert len(r) == 12
		for i in range(4):
		    a, t = r[i], r[8 + i]
		    assert a['x'].shape == (3, 32, 32) and t['m_true'].shape == (1, 32, 32)
		    change = (a['x'] != t['x']).any(0)
		    assert change.any() and not change[t['m_true'][0] == 0].any()
		    assert a['y'][0] != t['y'][0]
	PY
}

@test "the page lists the options, its examples run" {
	page="$BATS_TEST_DIRNAME/../man/xl-synth.1"
	mandoc -T lint -W warning "$page"
	diff <("$synth" --help-mdoc) <(sed -n '/^.Sh OPTIONS/,/^.Sh ENVIRONMENT/p' "$page" | sed '1d;$d')
	sed -n '/^.Sh EXAMPLES/,/^.Sh DIAGNOSTICS/s/^\.Dl //p' "$page" | sed 's/\\e/\\/g; s/\\-/-/g' >examples
	[ "$(wc -l <examples)" -ge 3 ]
	mkdir mnist
	(cd mnist && both_digits)
	while read -r line; do
		run -0 env PATH="$XL_BIN:$PATH" bash -c "set -o pipefail; $line"
	done <examples
	[ "$(ids digits.msgpack | wc -l)" -eq 40 ]
	[ "$(ids pairs.msgpack | wc -l)" -eq 30 ]
}
