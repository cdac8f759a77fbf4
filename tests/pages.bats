#!/usr/bin/env bats
# Every tool and its page: they exist, say the same, and answer as all tools do.

bats_require_minimum_version 1.5.0

setup() {
	cd "$BATS_TEST_DIRNAME/.." || return 1
	tools=$(for t in tools/xl-*.c; do basename "$t" .c; done)
	pages=$(ls man/*.[157])
	version=$(sed -n 's/^VERSION *= *//p' config.mk)
}

# Runs a check for each word and fails with all that failed.
each() {
	local word failed=
	for word in $2; do
		"$1" "$word" || failed="$failed $word"
	done
	[ -z "$failed" ] || { echo "failed:$failed" && return 1; }
}

has_page() { [ -s "man/$1.1" ]; }

@test "every tool has a page" {
	each has_page "$tools"
}

@test "no words of a page are quoted inside quotes" {
	# what follows Ql on its line, up to the punctuation that ends it, is inside
	run -1 grep -nE '^\.(P[qo] )?(Ql .* |Ql )(Ql|No) ' $pages
}

has_sections() {
	local s
	for s in NAME SYNOPSIS DESCRIPTION OPTIONS ENVIRONMENT "EXIT STATUS" EXAMPLES \
		DIAGNOSTICS "SEE ALSO"; do
		grep -qx "\\.Sh $s" "man/$1.1" || { echo "$1.1: no section $s" && return 1; }
	done
}

@test "every tool's page has its sections" {
	each has_sections "$tools"
}

options_agree() {
	diff -u <(sed -n '/^\.Sh OPTIONS$/,/^\.Sh ENV/p' "man/$1.1" | sed '1d;$d') \
		<("$XL_BIN/$1" --help-mdoc)
}

@test "no page has a line that cannot be broken" {
	command -v groff >/dev/null || skip "no groff"
	for page in $pages; do
		run -0 --separate-stderr groff -mandoc -Tascii -rLL=78n -wbreak "$page"
		[ -z "$stderr" ] || { echo "$stderr" && return 1; }
	done
}

@test "OPTIONS is the option table (else: make man)" {
	each options_agree "$tools"
}

lints() { mandoc -T lint -W warning "$1"; }

@test "pages are clean mdoc" {
	command -v mandoc >/dev/null || skip "no mandoc"
	each lints "$pages"
}

@test "tables fit 80 columns" {
	command -v groff >/dev/null || skip "no groff"
	run -0 groff -mdoc -Tutf8 -ww man/xl.7
	[[ $output != *"can't break line"* ]]
}

named_as_file() {
	local name=${1##*/}
	grep -qix "\\.Dt ${name%.*} ${name##*.}" "$1" && grep -qx "\\.Nm ${name%.*}" "$1"
}

@test "pages are named as their files" {
	each named_as_file "$pages"
}

refers_to_pages() {
	local name section
	while read -r _ name section _; do
		[ -s "man/$name.$section" ] ||
			{ echo "$1: no page $name($section)" && return 1; }
	done < <(grep '^\.Xr xl' "$1")
}

@test "pages refer to pages that are there" {
	each refers_to_pages "$pages"
}

helps() {
	local out
	out=$("$XL_BIN/$1" --help 2>&1 </dev/null) || return 1
	[[ $out == "usage: $1 "* && $out == *"see $1(1)" ]] &&
		[ "$out" = "$("$XL_BIN/$1" -h 2>&1 </dev/null)" ]
}

@test "--help" {
	each helps "$tools"
}

tells_version() {
	local out
	out=$("$XL_BIN/$1" --version 2>&1 </dev/null) || return 1
	[ "$(head -1 <<<"$out")" = "$1 $version" ]
}

@test "--version" {
	each tells_version "$tools"
}

refuses_unknown() {
	local out status=0
	out=$("$XL_BIN/$1" --no-such-option 2>&1 </dev/null) || status=$?
	[ "$status" = 2 ] && [ "$out" = "$1: unknown option '--no-such-option'
try '$1 --help'" ]
}

@test "an unknown option is wrong usage" {
	each refuses_unknown "$tools"
}

help_fails_on_full_disk() {
	local out status=0
	out=$("$XL_BIN/$1" --help 2>&1 >/dev/full </dev/null) || status=$?
	[ "$status" = 1 ] && [ "$out" = "$1: stdout: cannot write: no space left on device" ]
}

@test "--help on a full disk" {
	each help_fails_on_full_disk "$tools"
}

# Programs of a page: the text of the literal display after a heading.
program() {
	awk -v heading=".Ss $2" '
		$0 == heading { found = 1 }
		/^\.Ed$/ { if (inside) exit }
		inside { print }
		/^\.Bd -literal$/ { inside = found }' "$1" | sed 's/\\e/\\/g'
}

@test "the reader in C of xl-stream(5) works" {
	program man/xl-stream.5 "A reader in C" >"$BATS_TEST_TMPDIR/reader.c"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/reader.c")" -gt 10 ]
	san=
	case $XL_BUILD in *san) san=-fsanitize=address,undefined ;; esac
	# shellcheck disable=SC2086  # a word or none
	${CC:-cc} -std=c99 -Wall -Wextra -Werror $san -Ilib -o "$BATS_TEST_TMPDIR/reader" \
		"$BATS_TEST_TMPDIR/reader.c" "$XL_BUILD/libxl.a" -lpthread -lm
	run -0 "$BATS_TEST_TMPDIR/reader" <tests/golden/stream.msgpack
	[ "${lines[0]}" = "ä.png x (3,4,5) |u1" ]
	[ "${#lines[@]}" = 30 ]
	run -1 "$BATS_TEST_TMPDIR/reader" <Makefile
	[[ $output == "stdin: not a tensor stream"* ]]
}

@test "the reader and the writer in Python of xl-stream(5) work" {
	python=$(command -v /usr/bin/python3 python3 | head -1)
	"$python" -c 'import msgpack, numpy' || skip "no Python with msgpack and numpy"
	program man/xl-stream.5 "A reader in Python" >"$BATS_TEST_TMPDIR/reader.py"
	program man/xl-stream.5 "A writer in Python" >"$BATS_TEST_TMPDIR/writer.py"
	run -0 "$python" "$BATS_TEST_TMPDIR/reader.py" <tests/golden/stream.msgpack
	[ "${lines[0]}" = "ä.png x |u1 (3, 4, 5) 7080.0" ]
	[ "${#lines[@]}" = 30 ]
	"$python" "$BATS_TEST_TMPDIR/writer.py" >"$BATS_TEST_TMPDIR/white"
	run -0 "$XL_BIN/xl-cat" "$BATS_TEST_TMPDIR/white"
	[ "${lines[0]}" = "0 image white.png" ]
	"$XL_BIN/xl-cat" --records : "$BATS_TEST_TMPDIR/white" | cmp - "$BATS_TEST_TMPDIR/white"
}
