# published.jq - published figures beside those of a model: $published, a table of tabs,
# and evaluation.json. A row is a measure, where its value stands in evaluation.json, and
# the figures of others; [TASK:]path.of.keys[*factor], after +- that of its spread, after a
# comma those it is the mean with, and - for what was not measured. Lines without tabs are
# text.
def number: (if fabs < 1 then 10000 elif fabs < 10 then 1000 elif fabs < 100 then 100 else 10 end) as $k
	| . * $k | round / $k | tostring;
def value($all; $of): $of
	| capture("^((?<task>[a-z-]+):)?(?<path>[^*]+)(\\*(?<factor>[0-9]+))?$")
	| (.factor // "1" | tonumber) as $factor
	| (.path | split(".")) as $path
	| (if .task == null or .task == $all.task then $all else $all.also[.task]? end)
	| try getpath($path) catch null
	| if type == "number" then . * $factor else null end;
def mean($all; $of): [$of | split(",")[] | value($all; .)]
	| if all(. != null) then add / length | number else null end;
def ours($all; $of): [$of | split("+-")[] | mean($all; .)]
	| if .[0] == null then "-" else map(values) | join("+-") end;
. as $all | $published | split("\n")[] | select(. != "") | split("\t") as $row
| if ($row | length) < 2 or $row[0] == "measure" then $row
	else [$row[0], ours($all; $row[1])] + $row[2:] end
| @tsv
