#!/usr/bin/env bats
# deps.sh, make install and uninstall, and what is found once installed.

bats_require_minimum_version 1.5.0

setup() {
	cd "$BATS_TEST_DIRNAME/.." || return 1
	unset MAKEFLAGS MFLAGS MAKELEVEL XL_MODEL XDG_DATA_HOME XL_DEPS
	T=$BATS_TEST_TMPDIR
	export HOME=$T T
	san=
	case $XL_BUILD in *san) san=1 ;; esac
}

# make_to DIR ARG...: make with this prefix, in the build that is under test
make_to() {
	local prefix=$1
	shift
	make -s SAN=$san PREFIX="$prefix" "$@"
}

# fake NAME: a program of that name, first in PATH; its text is on stdin
fake() {
	mkdir -p "$T/fake"
	{ echo '#!/bin/sh' && cat; } >"$T/fake/$1"
	chmod +x "$T/fake/$1"
	case $PATH in "$T/fake:"*) ;; *) PATH=$T/fake:$PATH ;; esac
}

# a pkg-config that finds all but one, until the file "got" is there
without() {
	local real
	real=$(command -v pkg-config)
	fake pkg-config <<-END
		case "\$*" in *$1*) [ -e "\$T/got" ] || exit 1 ;; esac
		exec $real "\$@"
	END
}

@test "make uninstall removes what make install has put there" {
	make_to /usr DESTDIR="$T/root" install
	[ -x "$T/root/usr/bin/xl-cat" ]
	[ -s "$T/root/usr/lib/libxl.a" ]
	[ -s "$T/root/usr/include/xl.h" ]
	[ -s "$T/root/usr/share/man/man1/xl-cat.1" ]
	[ -s "$T/root/usr/share/man/man5/xl-stream.5" ]
	[ -s "$T/root/usr/share/man/man7/xl.7" ]
	[ -x "$T/root/usr/share/xl/pipelines/demo.sh" ]
	[ -x "$T/root/usr/share/xl/pipelines/lomit/train.sh" ]
	[ -s "$T/root/usr/share/bash-completion/completions/xl-cat" ]
	touch "$T/root/usr/bin/other"
	make_to /usr DESTDIR="$T/root" uninstall
	run -0 find "$T/root" ! -type d
	[ "$output" = "$T/root/usr/bin/other" ]
	[ ! -e "$T/root/usr/share/xl" ]
}

@test "every tool, page, pipeline and model is installed" {
	make_to "$T/opt" install
	for f in tools/*.c; do [ -x "$T/opt/bin/$(basename "$f" .c)" ] || return 1; done
	for f in man/*.[157]; do
		[ -s "$T/opt/share/man/man${f##*.}/${f##*/}" ] || return 1
	done
	for f in pipelines/*.* pipelines/*/*; do
		cmp "$f" "$T/opt/share/xl/$f"
		[ ! -x "$f" ] || [ -x "$T/opt/share/xl/$f" ]
	done
	for f in models/*.msgpack models/*.png; do
		[ ! -e "$f" ] || cmp "$f" "$T/opt/share/xl/${f##*/}"
	done
}

@test "installed tools find the installed model and the pipelines their tools" {
	make_to "$T/opt" install
	"$XL_BIN/xl-synth" faces --count 4 --size 32 >"$T/faces"
	"$XL_BIN/xl-train" lomit -q --preset tiny --size 32 --width 4 --batch 1 --iters 1 \
		--out "$T/opt/share/xl/default.msgpack" --force "$T/faces"
	digest=$("$XL_BIN/xl-cat" --records 0:1 --json "$T/opt/share/xl/default.msgpack" | jq -r .meta.digest)
	[ ${#digest} = 64 ]
	"$XL_BIN/xl-cat" --records 0:1 "$T/faces" | "$T/opt/bin/xl-encode" >"$T/code"
	[ "$("$XL_BIN/xl-cat" --json "$T/code" | jq -r .meta.model)" = "$digest" ]
	cd "$T"
	run -0 env -u XL_BIN "$T/opt/share/xl/pipelines/lomit/train.sh" -n
	[ "${lines[1]}" = "PATH=$T/opt/bin:\$PATH" ]
	run -0 env -u XL_BIN "$T/opt/share/xl/pipelines/demo.sh"
	[ -s demo.png ]
}

@test "a program is built with the installed library" {
	make_to "$T/opt" install
	cat >"$T/count.c" <<-'END'
		#include <stdio.h>
		#include <xl.h>

		int main(void)
		{
			struct xl_reader *in = xl_reader_open("-");
			struct xl_record *r;

			while (in && xl_reader_next(in, &r) > 0) {
				puts(r->id);
				xl_record_free(r);
			}
			xl_reader_close(in);
			return 0;
		}
	END
	flags=$(PKG_CONFIG_PATH=$T/opt/lib/pkgconfig pkg-config --cflags --libs --static xl)
	# shellcheck disable=SC2086  # lists of words
	${CC:-cc} ${san:+-fsanitize=address,undefined} -o "$T/count" "$T/count.c" $flags
	run -0 bash -c '"$XL_BIN/xl-synth" faces --count 2 --size 32 | "$T/count"'
	[ "$output" = "face-000000.png
face-000001.png" ]
}

@test "make names a missing package and the command that installs it" {
	without vips
	run -2 --separate-stderr make BUILD="$T/build" BIN="$T/bin" all
	[ "${stderr_lines[0]}" = "deps.sh: missing: libvips-dev" ]
	[ "${stderr_lines[1]}" = "deps.sh: install with: ./deps.sh" ]
	[ ! -e "$T/bin" ]
	[ -z "$(find "$T/build" -name '*.o' 2>/dev/null)" ]
}

@test "make check asks for what the tests need, make does not" {
	without cmocka
	run -0 make packages
	[ -z "$output" ]
	run -2 --separate-stderr make check
	[ "${stderr_lines[0]}" = "deps.sh: missing: libcmocka-dev" ]
}

@test "a missing pkg-config or compiler is named" {
	run -2 make PKGCONF=no-such-pkg-config BUILD="$T/build" packages
	[[ $output == "deps.sh: missing: pkg-config libvips-dev"* ]]
	run -2 make CC=no-such-cc ARCH=x86_64 BUILD="$T/build" packages
	[[ $output == *"deps.sh: missing: gcc libc6-dev"* ]]
}

@test "deps.sh does nothing where all is there, and becomes its command" {
	fake apt-get <<<'touch "$T/called"'
	run -0 ./deps.sh
	[ -z "$output" ]
	run -7 ./deps.sh sh -c 'echo "$1"; exit 7' sh 'two  words'
	[ "$output" = "two  words" ]
	[ ! -e "$T/called" ]
}

# An apt-get that notes its calls, and after whose install all is there.
fake_apt() {
	fake apt-get <<<'echo "apt-get $*" >>"$T/calls"; [ "$1" != install ] || touch "$T/got"'
	fake apt-cache <<<'[ "$2" != libmsgpack-c-dev ]'
	fake id <<<"echo $1"
	fake sudo <<<'echo "sudo $1" >>"$T/calls"; exec "$@"'
}

@test "deps.sh installs what is missing, as root" {
	without msgpack
	fake_apt 0
	run -0 --separate-stderr ./deps.sh echo done
	[ "$output" = "done" ]
	[ "$stderr" = "deps.sh: apt-get update
deps.sh: apt-get install libmsgpack-dev" ]
	[ "$(cat "$T/calls")" = "apt-get update -qq
apt-get install -y -qq -o Dpkg::Use-Pty=0 --no-install-recommends libmsgpack-dev" ]
}

@test "deps.sh goes through sudo for others" {
	without cmocka
	fake_apt 1000
	run -0 --separate-stderr ./deps.sh echo done
	[ "$output" = "done" ]
	[ "${stderr_lines[0]}" = "deps.sh: apt-get update, as root through sudo" ]
	[ "$(grep -c ^sudo "$T/calls")" = 2 ]
	grep -q '^apt-get install .* libcmocka-dev$' "$T/calls"
}

@test "deps.sh fails where nothing can be installed" {
	without cmocka
	fake_apt 0
	fake apt-get <<<'[ "$1" != install ]'
	run -1 ./deps.sh echo done
	[[ $output != *done* ]]
	fake apt-get <<<'true'
	run -1 ./deps.sh echo done
	[[ $output == *"deps.sh: still not found: libcmocka-dev" ]]
	run -1 ./deps.sh -n echo done
	[ "${lines[0]}" = "deps.sh: missing: libcmocka-dev" ]
}

# complete WORD...: what bash offers for the last word
complete_words() {
	bash -c '
		. "$T/completion"
		compopt() { :; }
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
		_xl "$1"
		printf "%s\n" "${COMPREPLY[@]}"' bash "$@"
}

@test "completion offers options, their words, methods, and what a method adds" {
	completions/bash.sh "$XL_BIN"/xl-* >"$T/completion"
	[ "$(complete_words xl-crop --si)" = "--size=" ]
	[ "$(complete_words xl-crop --split = te)" = "test" ]
	[ "$(complete_words xl-convert --as = vgg1 | xargs)" = "vgg16 vgg16-face vgg19" ]
	[ "$(complete_words xl-crop --split = | wc -l)" = 3 ]
	[ -z "$(complete_words xl-crop --size "")" ]
	[ "$(complete_words /opt/xl-cat --ver)" = "--version" ]
	complete_words xl-train "" | grep -qx lomit
	[ -z "$(complete_words xl-train --w-cyc)" ]
	[ "$(complete_words xl-train lomit --w-cyc)" = "--w-cycle=" ]
	[ "$(complete_words xl-train lomit --variant = ic)" = "iclr" ]
}

@test "bash loads the completion by the name of a tool" {
	make_to "$T/opt" install
	load=$T/opt/share/bash-completion/completions
	for t in tools/xl-*.c; do
		t=$(basename "$t" .c)
		# as bash-completion does: from within a function
		run -0 bash -c 'f() { . "$1"; }; f "$1" && complete -p "$2" && [ -n "${_xl_options[$2]}" ]' \
			bash "$load/$t" "$t"
		[ "$output" = "complete -o bashdefault -o default -F _xl $t" ]
	done
}
