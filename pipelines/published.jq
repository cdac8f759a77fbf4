# published.jq - published figures beside those of a model: $published, a table of tabs,
# and evaluation.json. A row is a measure, where its value stands in evaluation.json, and
# the figures of others; [TASK:]path.of.keys[*factor], after +- that of its spread, after a
# comma those it is the mean with, and - for what was not measured. A line "published" says
# how those of the rows below were measured: "word path/of/keys=VALUE|VALUE" where
# evaluation.json tells how the model was, followed by "; who says so" where that is not the
# paper, and "word: why" where it never was so. A last column has the words of what differs,
# and a list below says how. Lines without tabs are text.
def number: (if fabs < 1 then 10000 elif fabs < 10 then 1000 elif fabs < 100 then 100 else 10 end) as $k
	| . * $k | round / $k | tostring;
def parse: capture("^((?<task>[a-z0-9-]+):)?(?<path>[^*]+)(\\*(?<factor>[0-9]+))?$");
def root($all): if .task == null or .task == $all.task then $all else $all.also[.task]? end;
def value($all; $of): $of | parse
	| (.factor // "1" | tonumber) as $factor
	| (.path | split(".")) as $path
	| root($all)
	| try getpath($path) catch null
	| if type == "number" then . * $factor else null end;
def mean($all; $of): [$of | split(",")[] | value($all; .)]
	| if all(. != null) then add / length | number else null end;
def ours($all; $of): [$of | split("+-")[] | mean($all; .)]
	| if .[0] == null then "-" else map(values) | join("+-") end;
def conditions: map(capture("^(?<word>[a-z]+): (?<why>.*)$") //
	capture("^(?<word>[a-z]+) (?<path>[^=]+)=(?<wanted>[^;]*)(; (?<by>.*))?$"));
# what an evaluation does not meet, of conditions: a word and how it was
def unmet: . as $of | $of.conditions[]
	| if .why then {word, why}
		else .wanted as $wanted | (.path | split("/")) as $path
		| ($of.root | try getpath($path) catch null | if . == null or . == "" then "not known" else tostring end) as $found
		| if $wanted | split("|") | index($found) then empty
			else {word, why: "\($found), \(.by // "published") \($wanted)"} end end;
def differs($all; $of; $conditions): [$of | split("+-")[0] | split(",")[] | parse
	| {root: root($all), $conditions} | unmet];
def line($all; $row; $conditions):
	if ($row | length) < 2 then {cells: $row}
	elif $row[0] == "measure" then {cells: ($row + ["differs in"])}
	else ours($all; $row[1]) as $ours
		| if $ours == "-" or ($row[2:] | all(. == "-")) then {cells: ([$row[0], $ours] + $row[2:] + [""])}
			else differs($all; $row[1]; $conditions) as $differs
			| {cells: ([$row[0], $ours] + $row[2:] +
				[if $differs == [] then "nothing" else $differs | map(.word) | unique | join(" ") end]),
				$differs} end end;
. as $all
| [$published | split("\n")[] | select(. != "") | split("\t")] as $rows
| [foreach $rows[] as $row ({conditions: []};
	if $row[0] == "published" then .conditions = ($row[1:] | conditions) | .line = null
		else .line = line($all; $row; .conditions) end;
	.line | values)] as $lines
| ([$lines[].differs[]?] | unique | sort_by(.word)) as $differs
| ([$lines[] | select(.differs)] | length) as $both
| ([$lines[] | select(.differs == [])] | length) as $same
| ($lines[].cells | @tsv),
	(if $differs != [] then "What differs:" else empty end),
	($differs[] | "  \(.word): \(.why)"),
	(if $same == 0 then "Comparable: none." else "Comparable, if the model was trained on such data: \($same) of \($both) rows." end)
