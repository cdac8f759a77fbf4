#!/usr/bin/env bats
# The house rules that a program can check: layers, exported names, who may
# print and exit, sizes, names of files.

bats_require_minimum_version 1.5.0

setup() {
	cd "$BATS_TEST_DIRNAME/.." || return 1
	layers="core tensor image kernels grad nn methods metrics data train"
}

# breaches DIR: the includes that reach a layer to the right, one a line
breaches() {
	awk -v layers="$layers" -v root="$1" '
		BEGIN {
			n = split(layers, l, " ")
			for (i = 1; i <= n; i++) rank[l[i]] = i
		}
		/^[ \t]*#[ \t]*include[ \t]*"/ {
			split($0, q, "\"")
			file = substr(FILENAME, length(root) + 2)
			split(file, own, "/")
			m = split(q[2], to, "/")
			if (m == 1) next
			if (!(to[1] in rank))
				print file ": includes " q[2] ", which is no layer"
			else if (rank[to[1]] > rank[own[1]])
				print file ": includes " q[2]
			else if (own[1] == "methods" && to[1] == "methods" && file ~ /\.c$/) {
				split(own[2], me, /[_.]/)
				split(to[2], it, /[_.]/)
				if (it[1] != me[1] && it[1] !~ /^(method|model|codes)$/)
					print file ": a method includes " q[2]
			}
		}' "$1"/*/*.[ch]
}

@test "each layer includes only those before it" {
	run -0 breaches lib
	echo "$output"
	[ -z "$output" ]
}

@test "the test of layers finds a breach" {
	mkdir -p "$BATS_TEST_TMPDIR"/lib/{core,tensor,methods}
	cd "$BATS_TEST_TMPDIR"
	echo '#include "tensor/dtype.h"' >lib/core/bad.c
	echo '#include "core/mem.h"' >lib/tensor/good.c
	printf '#include <x.h>\n#include "other/x.h"\n' >lib/tensor/lost.c
	printf '#include "methods/%s.h"\n' method model miso_net mbu >lib/methods/miso.c
	run -0 breaches lib
	[ "$output" = "core/bad.c: includes tensor/dtype.h
methods/miso.c: a method includes methods/mbu.h
tensor/lost.c: includes other/x.h, which is no layer" ]
}

@test "every folder of lib is a layer" {
	for d in lib/*/; do
		[[ " $layers " == *" $(basename "$d") "* ]] || { echo "$d" && return 1; }
	done
}

@test "libxl exports nothing without the prefix xl_" {
	run -0 bash -c 'nm -g --defined-only "$XL_BUILD/libxl.a" |
		awk "NF == 3 && \$3 !~ /^(xl_|__odr_asan|_?_?asan)/ { print }"'
	echo "$output"
	[ -z "$output" ]
	[ "$(nm -g --defined-only "$XL_BUILD/libxl.a" | grep -c ' T xl_')" -gt 100 ]
}

# What only tools may do, and core on their behalf.
@test "the library neither prints nor exits" {
	run -0 bash -c 'nm -A -u "$XL_BUILD/libxl.a" |
		grep -E " U (exit|_exit|abort|printf|puts|putchar|stderr|perror)$" |
		grep -vE ":(cli|tool|progress)\.o:" || true'
	echo "$output"
	[ -z "$output" ]
}

@test "names of files are unique" {
	run -0 bash -c 'find lib tools tests bench -name "*.[ch]" -printf "%f\n" 2>/dev/null |
		sort | uniq -d'
	echo "$output"
	[ -z "$output" ]
}

# longer LIMIT FILE...: the files of more lines
longer() {
	local limit=$1 f
	shift
	for f; do
		[ -e "$f" ] || continue
		[ "$(wc -l <"$f")" -le "$limit" ] || echo "$f: $(wc -l <"$f") lines, $limit at most"
	done
}

@test "files keep to their sizes" {
	run -0 longer 250 tools/*.c
	echo "$output"
	[ -z "$output" ]
	run -0 bash -c 'wc -l lib/*/*.c | awk "\$2 !~ /methods/ && \$2 != \"total\" && \$1 > 600"'
	echo "$output"
	[ -z "$output" ]
	run -0 longer 700 lib/methods/*.c
	echo "$output"
	[ -z "$output" ]
}

# wider FILE...: the lines of more than 100 columns
wider() {
	local f
	for f; do
		expand "$f" | awk -v f="$f" 'length > 100 { print f ":" NR ": " length " columns" }'
	done
}

@test "lines of lib keep to 100 columns" {
	run -0 wider lib/*.h lib/*/*.[ch]
	echo "$output"
	[ -z "$output" ]
	printf '\t%0100d\n%0100d\n' 0 0 >"$BATS_TEST_TMPDIR/w.c"
	run -0 wider "$BATS_TEST_TMPDIR/w.c"
	[ "$output" = "$BATS_TEST_TMPDIR/w.c:1: 108 columns" ]
}

@test "files begin by saying what they are" {
	for f in lib/*.h lib/*/*.[ch] tools/*.c tests/*.c tests/fuzz/*; do
		[ -e "$f" ] || continue
		head -2 "$f" | tail -1 | grep -qF " * $(basename "$f") - " ||
			{ echo "$f" && return 1; }
	done
}

@test "nothing is left to do" {
	words='TO''DO|FIX''ME|XX''X'
	dirs=
	for d in lib tools man tests pipelines bench; do [ ! -d "$d" ] || dirs="$dirs $d"; done
	# shellcheck disable=SC2086  # a list of words
	run -1 grep -rnE "\\b($words)\\b" Makefile $dirs --include='*.[ch157]' --include='*.sh' \
		--include='*.bats' --include='*.bash' --include=Makefile
	echo "$output"
	[ -z "$output" ]
}

@test "every tool has its tests" {
	for t in tools/xl-*.c; do
		[ -e "tests/$(basename "$t" .c).bats" ] || { echo "$t" && return 1; }
	done
}

@test "fuzz targets compile" {
	for f in tests/fuzz/*.c; do
		${CC:-cc} -std=c11 -D_GNU_SOURCE -Wall -Wextra -Werror -Wmissing-prototypes \
			-Ilib -Itests -fsyntax-only "$f"
	done
}

@test "scripts are clean shell" {
	command -v shellcheck >/dev/null || skip "no shellcheck"
	for f in deps.sh tests/run.sh man/*.sh pipelines/*.sh pipelines/*/*.sh bench/*.sh; do
		[ ! -e "$f" ] || shellcheck "$f"
	done
}
