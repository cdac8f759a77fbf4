#!/bin/sh
# deps.sh [-n] [CMD...]: install what xl is built and tested with (Debian, Ubuntu),
# as root or through sudo, then run CMD. Does nothing where all is there: what
# counts is that a thing is found, not which package it came from. With -n it
# installs nothing, and names what is missing. XL_DEPS=build asks for the build alone.
set -eu

# what is looked for, and the package that has it (the first that apt knows)
build="command:cc=gcc header:stdio.h=libc6-dev command:make=make command:PKGCONF=pkg-config
	pkg:vips=libvips-dev pkg:msgpack-c,msgpack=libmsgpack-c-dev,libmsgpack-dev
	pkg:libjpeg=libjpeg-dev pkg:libpng=libpng-dev pkg:zlib=zlib1g-dev
	pkg:openblas=libopenblas-dev"
check="pkg:cmocka=libcmocka-dev command:bats=bats command:jq=jq command:mandoc=mandoc
	command:file=file command:shellcheck=shellcheck command:gnuplot=gnuplot-nox"

CC=${CC:-cc}
PKGCONF=${PKGCONF:-pkg-config}

# has_any KIND NAME,NAME..
has_any() {
	for name in $(echo "$2" | tr , ' '); do
		case $1:$name in
		command:cc) command -v "${CC%% *}" ;;
		command:PKGCONF) command -v "${PKGCONF%% *}" ;;
		command:*) command -v "$name" ;;
		header:*) echo "#include <$name>" | $CC -E - ;;
		pkg:*) $PKGCONF --exists "$name" ;;
		esac >/dev/null 2>&1 && return
	done
	return 1
}

# The packages of all that is not found, one word each.
missing() {
	for need in $build $([ "${XL_DEPS:-}" = build ] || echo "$check"); do
		what=${need%%=*}
		has_any "${what%%:*}" "${what#*:}" || printf '%s ' "${need#*=}"
	done
}

# The first name of each that apt can install.
known() {
	for names in "$@"; do
		found=
		for name in $(echo "$names" | tr , ' '); do
			[ -z "$found" ] && apt-cache show "$name" >/dev/null 2>&1 && found=$name
		done
		printf '%s ' "${found:-${names##*,}}"
	done
}

say() { echo "deps.sh: $*" >&2; }

install() {
	as_root=
	if [ "$(id -u)" != 0 ]; then
		as_root=sudo
		command -v sudo >/dev/null ||
			{ say "needs root, and there is no sudo; run as root: $0" && exit 1; }
	fi
	say "apt-get update${as_root:+, as root through sudo}"
	$as_root apt-get update -qq >&2 ||
		say "the lists of packages could not be renewed; going on with the old ones"
	# shellcheck disable=SC2046,SC2086  # lists of words
	set -- $(known $1)
	say "apt-get install $*"
	$as_root env DEBIAN_FRONTEND=noninteractive \
		apt-get install -y -qq -o Dpkg::Use-Pty=0 --no-install-recommends "$@" >&2
}

dry=
if [ "${1:-}" = -n ]; then dry=1 && shift; fi
lacks=$(missing)
if [ -n "$lacks" ]; then
	names=$(for n in $lacks; do printf '%s ' "${n##*,}"; done)
	if [ -n "$dry" ]; then
		say "missing: ${names% }"
		say "install with: ./deps.sh"
		exit 1
	fi
	if ! command -v apt-get >/dev/null; then
		say "missing (by the names of Debian's packages): ${names% }"
		say "there is no apt-get here; install them by hand"
		exit 1
	fi
	install "$lacks"
	lacks=$(missing)
	if [ -n "$lacks" ]; then
		say "still not found: ${lacks% }"
		exit 1
	fi
fi

if [ $# -gt 0 ]; then exec "$@"; fi
