#!/usr/bin/env bats
# xl-fid: distances by hand, the same number from every kind of input, statistics that
# merge, hostile input. Golden numbers are in test_fid.c and test_features.c.

bats_require_minimum_version 1.5.0
load metrics_streams

setup_file() {
	cd "$BATS_FILE_TMPDIR" || return 1
	"$XL_BUILD/tests/test_features" squeezenet1_1 >net
	"$XL_BUILD/tests/test_features" classifier >own
	"$XL_BIN/xl-synth" -q faces --count 9 --size 32 >a
	"$XL_BIN/xl-synth" -q faces --count 7 --size 32 --seed 5 >b
	"$XL_BIN/xl-decode" -q --dir pictures a
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	ln -s "$BATS_FILE_TMPDIR"/{net,own,a,b} .
	cp -r "$BATS_FILE_TMPDIR/pictures" .
}

fid() { "$XL_BIN/xl-fid" -q --features net "$@"; }

# field KEY: of the JSON object in $output
field() { jq -r ".$1" <<<"$output"; }

# same A B: two numbers to 1e-10 of their size
same() {
	awk -v a="$1" -v b="$2" 'BEGIN { d = a - b; exit !(a != "" && d * d <= 1e-20 * a * a) }' ||
		{ echo "$1 is not $2" && return 1; }
}

# vectors ID X Y ..: features records of two numbers each, as hexadecimal floats
vectors() {
	local id=$1
	shift
	while [ $# -gt 0 ]; do
		printf '\x84' && str8 xl && printf '\x01' && str8 kind && str8 features
		str8 id && str8 "$id" && str8 tensors && printf '\x81' && str8 f && printf '\x85'
		bin8 nd && printf '\xc3' && bin8 type && str8 '<f4' && bin8 kind && bin8 ''
		bin8 shape && printf '\x91\x02' && bin8 data && printf '\xc4\x08'
		floats "$1" 1 && floats "$2" 1
		shift 2
	done
}

# doubles HEX..: the upper halves of little endian doubles
doubles() {
	while [ $# -gt 0 ]; do
		printf '\0\0\0\0' && floats "$1" 1
		shift
	done
}

# statistics MU0 MU1 S00 S01 S10 S11: as another program keeps them, without meta
statistics() {
	printf '\x84' && str8 xl && printf '\x01' && str8 kind && str8 stats
	str8 id && str8 theirs && str8 tensors && printf '\x82'
	str8 mu && printf '\x85' && bin8 nd && printf '\xc3' && bin8 type && str8 '<f8'
	bin8 kind && bin8 '' && bin8 shape && printf '\x91\x02' && bin8 data && printf '\xc4\x10'
	doubles "$1" "$2"
	str8 sigma && printf '\x85' && bin8 nd && printf '\xc3' && bin8 type && str8 '<f8'
	bin8 kind && bin8 '' && bin8 shape && printf '\x92\x02\x02' && bin8 data && printf '\xc4\x20'
	doubles "$3" "$4" "$5" "$6"
}
zero=00000000 one=3f800000 two=40000000 nan=7fc00000

@test "help and version" {
	run -0 "$XL_BIN/xl-fid" --help
	[[ $output == "usage: xl-fid [options] REAL FAKE | --stats IN > OUT | --merge A B > C"* ]]
	run -0 "$XL_BIN/xl-fid" --version
	[[ ${lines[0]} =~ ^xl-fid\ [0-9] ]]
}

@test "by hand: a distance of means, and the kernel distance" {
	vectors x $one $zero $zero $one >x
	vectors y $one $one $two $zero >y
	vectors a $one $zero $zero $one $two $one >a3
	run -0 "$XL_BIN/xl-fid" --kid --gamma 0.5 x y
	near n_real 2
	near n_fake 2
	near fd_d2 1
	near kid_d2 1.125
	[[ $output == *$'\nkid_gamma 0.5\nkid_subsets 1\nkid_subset_size 2\n'* && $output != *kid_sd* ]]
	run -0 "$XL_BIN/xl-fid" --kid --subsets 3 --subset-size 2 a3 y
	[[ $output == *$'\nkid_gamma 0.5\nkid_subsets 3\nkid_subset_size 2\n'* && $output == *$'\nkid_sd_d2 '* ]]
	run -0 "$XL_BIN/xl-fid" --kid --gamma 0.5 x y
	[[ $output == *$'network unknown\n'* ]]
	run -0 "$XL_BIN/xl-fid" --kid --gamma 0.5 --biased x y
	near kid_d2 7.0625
	run -0 "$XL_BIN/xl-fid" --kid x x
	near fd_d2 0
}

@test "golden statistics of 2 numbers, of another program" {
	local d1=3ff00000 d2=40000000 d3=40080000 m1=bff00000
	statistics $zero $zero $d2 $d1 $d1 $d2 >p
	statistics $d1 $m1 $d1 $zero $zero $d3 >q
	run -0 --separate-stderr "$XL_BIN/xl-fid" p q
	near fd_d2 2.5166852264521173
	[[ $output != *n_real* ]]
	[[ $stderr == *"xl-fid: p: does not say which network made it"* ]]
	"$XL_BIN/xl-convert" -q p p.npz
	run -0 "$XL_BIN/xl-fid" -q p.npz q
	near fd_d2 2.5166852264521173
	run -0 "$XL_BIN/xl-fid" -q --eps 0.5 p p
	near fd_d2 -2 # the traces 4 and 4, under the root 5
	run -1 "$XL_BIN/xl-fid" --merge p q
	[ "$output" = "xl-fid: q: record 0 (theirs): does not say of how many pictures it is, and cannot be merged" ]
	statistics $zero $zero $d1 $d2 $zero $d1 >odd
	run -1 "$XL_BIN/xl-fid" -q odd q
	[[ $output == "xl-fid: odd: record 0 (theirs): its covariance is not symmetric"* ]]
	statistics $zero $zero $d1 $zero $zero $m1 >minus
	run -1 "$XL_BIN/xl-fid" -q minus q
	[ "$output" = "xl-fid: minus: record 0 (theirs): its covariance has the variance -1" ]
	statistics $zero $zero $d1 $d2 $d2 $d1 >minus
	run -1 "$XL_BIN/xl-fid" -q minus q
	[ "$output" = "xl-fid: minus: not a covariance: it has the eigenvalue -1" ]
	run -1 "$XL_BIN/xl-fid" -q q minus
	[[ $output == "xl-fid: minus: not a covariance: it has the eigenvalue -"* ]]
	statistics $zero $zero $d1 $zero $zero 7ff80000 >nan
	run -1 "$XL_BIN/xl-fid" -q nan q
	[ "$output" = "xl-fid: nan: record 0 (theirs): holds numbers that are not finite" ]
}

@test "numbers, and how they were made" {
	run -0 --separate-stderr "$XL_BIN/xl-fid" --features net a b
	[ "${lines[0]}" = "network own_d512" ]
	[[ ${lines[1]} =~ ^network_digest\ [0-9a-f]{64}$ ]]
	[ "${lines[2]}" = "resize pt" ]
	[[ ${lines[3]} =~ ^version\ [0-9] ]]
	near n_real 9
	near n_fake 7
	awk -v d="$(value fd_own_d512)" 'BEGIN { exit !(d > 0.1 && d < 1000) }'
	[[ $stderr == *"xl-fid: b: 7 pictures for 512 features: compare only with distances of as many"* ]]
	[[ $output != *fid* ]]
}

@test "JSON says what the number depends on" {
	run -0 fid --json --kid --seed 3 a b
	[ "$(field metric)" = fd ]
	[ "$(field real)" = a ]
	[ "$(field n_fake)" = 7 ]
	[ "$(field settings.network)" = own_d512 ]
	[ "$(field settings.features)" = 512 ]
	[ "$(field settings.gamma)" = 0.001953125 ]
	[ "$(field settings.subset_size)" = 7 ]
	[ "$(field settings.seed)" = 3 ]
	[[ $(field digests.real) =~ ^[0-9a-f]{64}$ ]]
	[ "$(field digests.real)" != "$(field digests.fake)" ]
}

@test "a set and itself" {
	run -0 fid a a
	near fd_own_d512 0
}

@test "folders, streams, pipes, statistics and .npz give one number" {
	run -0 fid --json a b
	want=$(field fd_own_d512) digest=$(field digests.real)
	run -0 fid --json pictures b
	[ "$(field fd_own_d512)" = "$want" ]
	[ "$(field digests.real)" = "$digest" ]
	run -0 fid --json pictures - <b
	[ "$(field fd_own_d512)" = "$want" ]
	[ "$(field fake)" = stdin ]
	fid --stats a >sa
	fid --stats - <b >sb
	run -0 fid --json sa b
	same "$(field fd_own_d512)" "$want"
	[ "$(field n_real)" = 9 ]
	"$XL_BIN/xl-convert" -q sa sa.npz
	"$XL_BIN/xl-convert" -q sb sb.safetensors
	run -0 "$XL_BIN/xl-fid" -q --json sa.npz sb.safetensors
	same "$(field fd_own_d512)" "$want"
	run -0 "$XL_BIN/xl-fid" -q --json - sb <sa.npz
	same "$(field fd_own_d512)" "$want"
}

@test "threads do not show" {
	run -0 fid --threads 1 --json --kid a b
	one=$output
	run -0 fid --threads 3 --json --kid a b
	[ "$output" = "$one" ]
}

@test "parts merge to the whole, in any order" {
	fid --stats a >whole
	for part in 0:1 1:5 5:9; do
		"$XL_BIN/xl-cat" --records $part a | fid --stats - >"$part"
	done
	run -0 fid --json whole b
	want=$(field fd_own_d512)
	for order in "0:1 1:5 5:9" "5:9 0:1 1:5" "1:5 5:9 0:1"; do
		# shellcheck disable=SC2086  # three words
		"$XL_BIN/xl-fid" -q --merge $order >merged
		run -0 fid --json merged b
		same "$(field fd_own_d512)" "$want"
		[ "$(field n_real)" = 9 ]
		"$XL_BIN/xl-cat" --json merged | jq -c .meta.inputs >>inputs
	done
	[ "$(uniq inputs | wc -l)" = 1 ]
	[ "$(jq length <inputs | head -1)" = 3 ]
	# a stream of statistics is as good
	cat 0:1 1:5 5:9 >all
	run -0 fid --json all b
	same "$(field fd_own_d512)" "$want"
}

@test "a part counts once" {
	fid --stats a >sa
	fid --stats b >sb
	part=$("$XL_BIN/xl-cat" --json sa | jq -r '.meta.inputs[0][:8]')
	run -1 --separate-stderr "$XL_BIN/xl-fid" --merge sa sa
	[ "$stderr" = "xl-fid: sa: record 0 (stats): part $part.. would count twice" ]
	[ -z "$output" ]
	"$XL_BIN/xl-fid" --merge sb sa >both
	run -1 "$XL_BIN/xl-fid" --merge both sa
	[ "$output" = "xl-fid: sa: record 0 (stats): part $part.. would count twice" ]
	cat sa sb sa >three
	run -1 fid sb three
	[ "$output" = "xl-fid: three: record 2 (stats): part $part.. would count twice" ]
	run -0 fid sa sa # two sets, not one
	near fd_own_d512 0
}

@test "pictures beside statistics of another network than FID's" {
	fid --stats a >sa
	want="what it is compared with was made with own_d512 ("
	for pictures in b pictures pictures/face-000000.png; do
		run -1 --separate-stderr "$XL_BIN/xl-fid" -q sa $pictures
		[[ $stderr == "xl-fid: $want"*"..), 512 features, resize pt; --features names that network" ]]
		[ -z "$output" ]
	done
	mkdir -p data/xl
	cp net data/xl/inception-fid.msgpack # its own under another name will do
	XDG_DATA_HOME=$PWD/data run -0 "$XL_BIN/xl-fid" -q sa b
	fid --features own --stats a >sa
	XDG_DATA_HOME=$PWD/data run -1 "$XL_BIN/xl-fid" -q sa b
	[[ $output == "xl-fid: what it is compared with was made with own_d"*"; --features names that network" ]]
}

@test "what was made differently does not mix" {
	fid --stats a >pt
	fid --resize clean --stats b >clean
	run -1 fid pt clean
	[[ $output == "xl-fid: pt: made with own_d512 ("*"), 512 features, resize pt; clean: with own_d512 ("*"), 512 features, resize clean" ]]
	run -1 "$XL_BIN/xl-fid" -q --merge pt clean
	[[ $output == *"xl-fid: clean: record 0 (stats): made with own_d512 ("*"resize clean; what came before, of pt, with "* ]]
	run -1 "$XL_BIN/xl-fid" -q --merge - clean <pt
	[[ $output == *"what came before, of stdin, with own_d512 "*"resize pt" ]]
	run -1 --separate-stderr fid --dims 64 pt b
	[[ $stderr == *"512 features"*"64 features"* ]]
	run -1 "$XL_BIN/xl-fid" -q --merge pt b
	[ "$output" = "xl-fid: b: record 0 (face-000000.png): not statistics; --stats makes them" ]
	run -1 "$XL_BIN/xl-fid" -q --merge pt pictures
	[ "$output" = "xl-fid: pictures/face-000000.png: not statistics; --stats makes them" ]
	run -1 "$XL_BIN/xl-fid" -q --merge pt pictures/face-000000.png
	[ "$output" = "xl-fid: pictures/face-000000.png: not statistics; --stats makes them" ]
	vectors x $one $zero >x
	run -1 "$XL_BIN/xl-fid" -q --merge x x
	[ "$output" = "xl-fid: x: not statistics; --stats makes them" ]
}

@test "ways to resize give numbers of their own" {
	for how in pt clean tf1 none; do
		run -0 fid --json --resize $how a b
		[ "$(field settings.resize)" = $how ]
		field fd_own_d512 >>numbers
	done
	[ "$(sort -u numbers | wc -l)" = 4 ]
}

@test "places of the network by their width" {
	run -0 fid --dims 64 a b
	[ -n "$(value fd_own_d64)" ]
	run -1 fid --dims 65 a b
	[ "$output" = "xl-fid: net: squeezenet1_1 has 64, 128, 256, 384, 384, 512, 512 features at its places, not 65" ]
}

@test "scores of a classifier's verdicts, and of groups" {
	run -0 "$XL_BIN/xl-fid" -q --features own --is --splits 4 --json b a
	name=$(jq -r 'keys[] | select(startswith("is_own"))' <<<"$output")
	[[ $name == is_own_d* ]]
	suffix=${name#is}
	for n in is is_all; do
		jq -e ".$n$suffix >= 1 and .$n$suffix <= 4" <<<"$output"
	done
	jq -e ".is_kl$suffix >= 0 and .is_kl$suffix < 1.387" <<<"$output"
	[ "$(field settings.splits)" = 4 ]
	[[ $output != *cis* ]]
	run -1 "$XL_BIN/xl-fid" -q --features own --is b a
	[ "$output" = "xl-fid: a: 9 pictures do not fill 10 parts with 2 or more each; --splits makes fewer" ]
	run -1 "$XL_BIN/xl-fid" -q --features own --is --splits 5 b a
	run -0 "$XL_BIN/xl-fid" -q --features own --is --splits 1 --outputs 1 --json b a
	[ "$(field "cis$suffix")" = 1 ]
	run -0 "$XL_BIN/xl-fid" -q --features own --is --splits 1 --outputs 9 --json b a
	[ "$(field "cis$suffix")" = "$(field "is_all$suffix")" ]
	run -1 "$XL_BIN/xl-fid" -q --features own --is --outputs 2 b a
	[ "$output" = "xl-fid: a: 9 pictures are no whole number of groups of 2" ]
	run -1 fid --is a b
	[ "$output" = "xl-fid: b: --is takes pictures and a network that has verdicts on them" ]
}

@test "subsets that cannot be drawn are refused" {
	run -0 fid --kid a b
	[[ $output == *$'\nkid_subsets 100\nkid_subset_size 7\n'* ]]
	run -1 fid --kid --subset-size 8 a b
	[ "$output" = "xl-fid: the smaller set has 7 pictures, too few for subsets of 8" ]
	run -0 fid --kid b b
	[[ $output == *$'\nkid_subsets 1\nkid_subset_size 7\n'* ]]
	run -1 fid --kid --subsets 2 b b
	[ "$output" = "xl-fid: subsets of 7 are the whole sets: there is 1, not 2" ]
}

@test "the network named must be the one that statistics were made with" {
	fid --stats a >sa
	fid --stats b >sb
	run -0 "$XL_BIN/xl-fid" -q sa sb
	want=$(value fd_own_d512)
	run -0 fid sa sb
	[ "$(value fd_own_d512)" = "$want" ]
	run -1 "$XL_BIN/xl-fid" -q --features own sa sb
	[[ $output =~ ^xl-fid:\ sa:\ made\ with\ own_d512\ \([0-9a-f]{8}\.\.\),\ 512\ features,\ resize\ pt\;\ asked\ for\ is\ own_d[0-9]+\ \([0-9a-f]{8}\.\.\),\ [0-9]+\ features,\ resize\ pt$ ]]
	run -1 "$XL_BIN/xl-fid" -q --resize clean sa sb
	[[ $output == "xl-fid: sa: made with "*"resize pt; asked for is "*"resize clean" ]]
	run -0 "$XL_BIN/xl-fid" -q --resize pt sa sb
	run -1 "$XL_BIN/xl-fid" -q --dims 64 sa sb
	[[ $output == "xl-fid: sa: "*" 512 features, resize pt; asked for is "*" 64 features, resize pt" ]]
	run -1 "$XL_BIN/xl-fid" -q --features nowhere sa sb
	[ "$output" = "xl-fid: nowhere: cannot open: no such file or directory" ]
	run -1 "$XL_BIN/xl-fid" -q --features own --stats sa
	[[ $output == "xl-fid: sa: made with "* ]]
	run -1 "$XL_BIN/xl-fid" -q --features own --resize clean a b
	[ "$output" = "xl-fid: own: a classifier resizes in a way of its own, not as --resize says" ]
	# of other networks too, but for their features
	"$XL_BIN/xl-classify" -q --features --model own a >fa
	run -0 "$XL_BIN/xl-fid" -q --features own fa fa
	run -1 "$XL_BIN/xl-fid" -q --features net fa fa
	[[ $output == "xl-fid: fa: made with own_d"*"; asked for is own_d512"* ]]
	# statistics that do not say it are taken at their word, if their width is right
	statistics $zero $zero 40000000 3ff00000 3ff00000 40000000 >p
	run -1 --separate-stderr "$XL_BIN/xl-fid" --features net p p
	[ "${stderr_lines[0]}" = "xl-fid: p: does not say which network made it" ]
	[[ ${stderr_lines[1]} == "xl-fid: p: made with unknown, 2 features, resize unknown; asked for is own_d512"* ]]
}

@test "nameless statistics are called what --features names" {
	python=$(command -v /usr/bin/python3 python3 | head -1)
	"$python" -c 'import numpy' || skip "no Python with numpy"
	fid --stats a >sa
	"$XL_BIN/xl-convert" -q sa sa.npz
	"$python" -c 'import numpy; a = numpy.load("sa.npz"); numpy.savez("theirs.npz", mu=a["mu"], sigma=a["sigma"])'
	run -0 "$XL_BIN/xl-fid" -q theirs.npz theirs.npz
	near fd_d512 0
	run -0 --separate-stderr "$XL_BIN/xl-fid" --features net --resize clean theirs.npz theirs.npz
	near fd_own_d512 0
	[[ $output == *$'\nresize clean\n'* && $stderr == *"theirs.npz: does not say which network made it" ]]
}

@test "features of xl-classify are those of the network" {
	"$XL_BIN/xl-classify" -q --features --model own a >fa
	run -0 "$XL_BIN/xl-fid" -q --features own --json a b
	want=$(jq 'to_entries[] | select(.key | startswith("fd_own")) | .value' <<<"$output")
	"$XL_BIN/xl-classify" -q --features --model own b >fb
	run -0 "$XL_BIN/xl-fid" -q --json fa fb
	got=$(jq 'to_entries[] | select(.key | startswith("fd_own")) | .value' <<<"$output")
	same "$got" "$want"
}

@test "no network: how to get one, and where it is found" {
	unset XL_MODEL
	export XDG_DATA_HOME=$PWD/data
	run -1 "$XL_BIN/xl-fid" a b
	[[ $output == *"no weights of inception-fid"*"xl-convert"* ]]
	run -1 "$XL_BIN/xl-fid" --features nowhere a b
	[[ $output == "xl-fid: nowhere: cannot open"* ]]
	run -1 "$XL_BIN/xl-fid" --features pictures/face-000000.png a b
	[ "$output" = "xl-fid: pictures/face-000000.png: not a model (a picture)" ]
	run -1 "$XL_BIN/xl-fid" --features a a b
	[[ $output == "xl-fid: a: not a network that describes pictures"* ]]
	mkdir -p data/xl
	cp net data/xl/inception-fid.msgpack
	run -0 "$XL_BIN/xl-fid" -q a b
	[ -n "$(value fd_own_d512)" ]
}

@test "missing, empty, one" {
	run -1 fid a nowhere
	[ "$output" = "xl-fid: nowhere: cannot open: no such file or directory" ]
	run -1 fid - b </dev/null
	[ "$output" = "xl-fid: stdin: holds no pictures" ]
	mkdir folder
	run -1 fid folder b
	[ "$output" = "xl-fid: folder: no pictures in this folder" ]
	run -1 fid a pictures/face-000000.png
	[ "$output" = "xl-fid: pictures/face-000000.png: holds 1 picture, a distance takes 2 or more" ]
	run -1 fid --stats folder
	[ "$output" = "xl-fid: folder: no pictures in this folder" ]
}

@test "damaged in the middle: named, and the rest is measured" {
	head -c 300 pictures/face-000003.png >cut
	mv cut pictures/face-000003.png
	run -1 --separate-stderr "$XL_BIN/xl-fid" --features net pictures b
	near n_real 8
	[[ $stderr == *"xl-fid: pictures/face-000003.png: "* ]]
	[ -n "$(value fd_own_d512)" ]
	floats $nan 12 >nan.f4
	{ "$XL_BIN/xl-cat" --records 0:4 a && record image bad x '<f4' 3 2 2 nan.f4 &&
		record image none && "$XL_BIN/xl-cat" --records 4:9 a; } >s
	run -1 --separate-stderr "$XL_BIN/xl-fid" --features net s b
	near n_real 9
	[[ $stderr == *"xl-fid: s: record 4 (bad): "*"finite"* ]]
	[[ $stderr == *"xl-fid: s: record 5 (none): "* ]]
	head -c 20000 a >cut
	run -1 --separate-stderr "$XL_BIN/xl-fid" --features net cut b
	[[ $stderr == *"xl-fid: cut: record "*"bytes missing"* ]]
	near n_real "$("$XL_BIN/xl-cat" --json cut 2>/dev/null | wc -l)"
	run -1 fid net b
	[ "$output" = "xl-fid: net: record 0 (model): a model record, which holds no pictures" ]
	head -c 2000 /dev/urandom >noise
	run -1 fid noise b
	[[ $output == "xl-fid: noise: "* ]]
}

@test "sizes may be mixed" {
	{ cat a && "$XL_BIN/xl-synth" -q faces --count 3 --size 48; } >mixed
	for how in pt none; do
		run -0 fid --resize $how mixed b
		near n_real 12
	done
	bytes 3 i >three.u1
	{ cat a && record image tiny x '|u1' 3 1 1 three.u1; } >tiny
	run -0 fid tiny b
	near n_real 10
	run -1 --separate-stderr fid --resize none tiny b
	near n_real 9
	[[ $stderr == *"xl-fid: tiny: record 9 (tiny): "* ]]
}

@test "features and statistics that cannot be" {
	{ vectors x $one $zero $zero $one && vectors bad $nan $zero && vectors y $one $one; } >x
	run -1 --separate-stderr "$XL_BIN/xl-fid" -q x x
	near n_real 3
	[[ $stderr == *"xl-fid: x: record 2 (bad): its features are not finite"* ]]
	bytes 3 i >three.u1
	record features cube f '|u1' 3 1 1 three.u1 >cube
	run -1 fid cube b
	[[ $output == *"xl-fid: cube: record 0 (cube): f is (3,1,1) |u1, features are (d)"* ]]
	record stats none >none
	run -1 fid none b
	[ "$output" = "xl-fid: none: record 0 (none): has no tensor 'mu', statistics have mu and sigma" ]
	record stats cube mu '|u1' 3 1 1 three.u1 sigma '|u1' 3 1 1 three.u1 >cube
	run -1 fid cube b
	[[ $output == "xl-fid: cube: record 0 (cube): mu is (3,1,1) |u1 and sigma (3,1,1) |u1, not (d) and (d,d)" ]]
}

@test "the kernel distance takes features" {
	fid --stats a >sa
	run -1 fid --kid sa b
	[ "$output" = "xl-fid: sa: statistics, and --kid takes the features themselves" ]
}

@test "wrong usage" {
	run -2 fid a
	[[ $output == "xl-fid: needs two sets, REAL and FAKE; 1 given"* ]]
	run -2 "$XL_BIN/xl-fid" --merge a
	[[ $output == "xl-fid: --merge needs the statistics of two sets or more; 1 given"* ]]
	run -2 fid --stats
	run -2 fid --stats --merge a b
	run -2 fid - -
	[[ $output == *"only one of the streams can be stdin"* ]]
	run -2 fid --resize small a b
	for option in --gamma=1 --subsets=2 --subset-size=2 --biased; do
		run -2 fid $option a b
		[ "${lines[0]}" = "xl-fid: ${option%=*} is for --kid" ]
	done
	for option in --splits=2 --outputs=2; do
		run -2 fid --kid $option a b
		[ "${lines[0]}" = "xl-fid: ${option%=*} is for --is" ]
	done
	for option in --kid --is --json --eps=0; do
		run -2 fid --stats $option a
		[ "${lines[0]}" = "xl-fid: ${option%=*} and --stats exclude each other" ]
	done
	run -2 fid --merge a b
	[ "${lines[0]}" = "xl-fid: --features and --merge exclude each other" ]
}

@test "terminals, full disks" {
	run -2 script -qec "'$XL_BIN/xl-fid' --features net --stats a" /dev/null
	[[ $output == *"not writing tensors to a terminal"* ]]
	run -1 bash -c "'$XL_BIN/xl-fid' -q --features net --stats a >/dev/full"
	[[ $output == *"cannot write"* ]]
	run -1 bash -c "'$XL_BIN/xl-fid' -q --features net a b >/dev/full"
	[[ $output == *"cannot write"* ]]
}
