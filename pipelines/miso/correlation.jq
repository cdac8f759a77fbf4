# correlation.jq - how far styles are read back from pictures: from lines of a domain,
# the numbers of a style, and as many of what was read, the correlation of each number
# among the lines of each domain, and their mean.
def mean: add / length;
def correlation: (map(.[0]) | mean) as $a | (map(.[1]) | mean) as $b
	| (map((.[0] - $a) * (.[1] - $b)) | add) as $ab
	| (map((.[0] - $a) * (.[0] - $a)) | add) as $aa
	| (map((.[1] - $b) * (.[1] - $b)) | add) as $bb
	| if $aa * $bb > 0 then $ab / ($aa * $bb | sqrt) else 0 end;
split("\n") | map(select(. != "") | split(" ")) | group_by(.[0])
	| map({key: .[0][0], value: (map(.[1:] | map(tonumber)) | (.[0] | length / 2) as $n
		| [range($n) as $j | [.[] | [.[$j], .[$j + $n]]] | correlation])})
	| {mean: ([.[].value[]] | mean), each: from_entries}
