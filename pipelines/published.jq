# published.jq - published figures beside those of a model: $published, a table of tabs,
# and evaluation.json. A row is a measure, where its value stands in evaluation.json, and
# the figures of others; [TASK:]path.of.keys[*factor], and - for what was not measured.
# Lines without tabs are text.
def ours(of): . as $all | of
	| capture("^((?<task>[a-z-]+):)?(?<path>[^*]+)(\\*(?<factor>[0-9]+))?$")
	| (.factor // "1" | tonumber) as $factor
	| if .task != null and .task != $all.task then null
		else .path | split(".") as $path | $all | try getpath($path) catch null end
	| if type == "number" then . * $factor * 100 | round / 100 | tostring else "-" end;
. as $all | $published | split("\n")[] | select(. != "") | split("\t") as $row
| if ($row | length) < 2 then $row elif $row[0] == "measure" then $row
	else [$row[0], ($all | ours($row[1]))] + $row[2:] end | @tsv
