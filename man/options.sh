#!/usr/bin/env bash
# options.sh: puts the option table of every tool that is built into the OPTIONS
# section of its page. Changes nothing where page and table agree.
set -euo pipefail
cd "$(dirname "$0")"
bin=${XL_BIN:-bin}
case $bin in
/*) ;;
*) bin=../$bin ;;
esac

for page in xl-*.1; do
	tool=$bin/${page%.1}
	[ -x "$tool" ] || continue
	new=$(mktemp "$page.XXXXXX")
	table=$(mktemp)
	if "$tool" --help-mdoc >"$table" && awk -v table="$table" '
		/^\.Sh / { inside = 0 }
		!inside { print }
		/^\.Sh OPTIONS$/ {
			found = inside = 1
			while ((getline line < table) > 0)
				print line
		}
		END { exit !found }' "$page" >"$new"; then
		if cmp -s "$new" "$page"; then rm "$new"; else
			chmod --reference="$page" "$new"
			mv "$new" "$page"
			echo "$page"
		fi
	else
		echo "options.sh: $page has no section OPTIONS to fill" >&2
		rm -f "$new" "$table"
		exit 1
	fi
	rm -f "$table"
done
