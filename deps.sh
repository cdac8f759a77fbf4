#!/bin/sh
# deps.sh [CMD...]: install the packages xl is built and tested with (Debian,
# Ubuntu), as root or through sudo, then run CMD. Does nothing where all is there.
set -eu

packages="gcc libc6-dev make pkg-config libvips-dev libmsgpack-dev libjpeg-dev libpng-dev
	zlib1g-dev libcmocka-dev bats mandoc gnuplot-nox shellcheck jq"

missing=
for p in $packages; do
	case $(dpkg-query -W -f '${Status}' "$p" 2>/dev/null || true) in
	*" installed") ;;
	*) missing="$missing $p" ;;
	esac
done

# Provided under another name, as libjpeg-dev is by libjpeg62-turbo-dev: asking
# apt for it again is harmless and quick.
if [ -n "$missing" ]; then
	echo "deps.sh: installing$missing" >&2
	if [ "$(id -u)" = 0 ]; then as_root=; else as_root=sudo; fi
	# shellcheck disable=SC2086  # word lists on purpose
	{
		$as_root apt-get update -qq
		$as_root env DEBIAN_FRONTEND=noninteractive \
			apt-get install -y -qq --no-install-recommends $missing
	} >&2
fi

if [ $# -gt 0 ]; then exec "$@"; fi
