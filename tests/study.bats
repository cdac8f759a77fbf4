#!/usr/bin/env bats
# pipelines/study.sh: the page, its key, and the tally of answers, also of hostile ones.

bats_require_minimum_version 1.5.0

setup_file() {
	cd "$BATS_FILE_TMPDIR" || return 1
	study=$(cd "$BATS_TEST_DIRNAME/../pipelines" && pwd)/study.sh
	export study
	unset A B INPUTS EXEMPLARS NAME_A NAME_B QUESTIONS DOMAIN COUNT SEED OUT
	"$XL_BIN/xl-synth" faces --pairs --count 5 --size 16 >pairs
	"$XL_BIN/xl-cat" --records 0:5 pairs >in
	"$XL_BIN/xl-cat" --records 5:10 pairs >ex
	"$XL_BIN/xl-cat" --records 10:15 pairs >a
	"$XL_BIN/xl-decode" -q --dir b in
	A=a B=b INPUTS=in EXEMPLARS=ex NAME_A=ours COUNT=all SEED=4 OUT=s.html "$study" 2>said
}

setup() { cd "$BATS_FILE_TMPDIR" || return 1; }

# data PAGE: what the page's program reads
data() { sed -n '/<script type="application\/json"/,/<\/script>/p' "$1" | sed '1d;$d'; }

# pixels_of FILE NUMBER: as the page has them
pixels_of() {
	"$XL_BIN/xl-cat" --records "$2:$(($2 + 1))" "$1" | "$XL_BIN/xl-decode" >one.png
	base64 -w0 one.png
}

# answers PARTICIPANT PROGRAM: a file of the study's answers, made by jq of an empty one
answers() {
	jq -n --arg p "$1" --slurpfile key s.html.key.json \
		'{study: $key[0].study, participant: $p, answers: []} | '"$2"
}

# all CHOICE: the jq that answers every question so
all() { echo ".answers = [range(0; 5) as \$i | (\"realism\", \"style\", \"background\") as \$q | {item: \$i, question: \$q, choice: \"$1\"}]"; }

# refused MESSAGE FILE...: the tally says this and nothing else
refused() {
	run --separate-stderr "$study" tally s.html.key.json "${@:2}"
	[ "$status" = 1 ] && [ -z "$output" ] && [ "$stderr" = "study.sh: $1" ] ||
		{ echo "$status: $stderr" && return 1; }
}

@test "--help, and other words are refused" {
	run -0 "$study" --help
	[[ $output == "study.sh [-n]: "* && $output == *"QUESTIONS"* ]]
	run -2 "$study" --force
	run -2 "$study"
	[ "$output" = "study.sh: set A and B to the results of two methods" ]
}

@test "the page holds every pair, each where the key says" {
	[ "$(cat said)" = "study.sh: wrote s.html for participants, s.html.key.json for the tally" ]
	[ "$(echo s.html*)" = "s.html s.html.key.json" ]
	data s.html >data
	jq -e '(.items | length) == 5 and (.questions | map(.name)) == ["realism", "style", "background"]
		and all(.items[]; keys == ["exemplar", "input", "left", "right"])
		and all(.items[][]; startswith("data:image/png;base64,"))' data
	jq -e '.a == "ours" and .b == "B" and (.items | map(.number) | sort) == [0, 1, 2, 3, 4]' \
		s.html.key.json
	[ "$(jq -r .study data)" = "$(jq -r .study s.html.key.json)" ]
	for i in 0 1 2 3 4; do
		n=$(jq ".items[$i].number" s.html.key.json)
		[ "$(jq -r ".items[$i].left" s.html.key.json)" = a ] && ours=left theirs=right ||
			{ ours=right && theirs=left; }
		for role in "$ours a" "$theirs in" "input in" "exemplar ex"; do
			read -r where file <<<"$role"
			[ "$(jq -r ".items[$i].$where" data)" = "data:image/png;base64,$(pixels_of "$file" "$n")" ] ||
				{ echo "$i $role" && return 1; }
		done
	done
}

@test "the page tells nobody what is where, and asks nothing of the network" {
	run -1 grep -E 'ours|pair-0000|https?:' s.html
	grep -q "default-src 'none'" s.html
	run -1 grep @STUDY@ s.html
}

@test "order and sides are the seed's" {
	export A=a B=b INPUTS=in EXEMPLARS=ex NAME_A=ours COUNT=all
	SEED=4 OUT=same.html "$study"
	cmp s.html same.html
	cmp s.html.key.json same.html.key.json
	for seed in 1 2 3 5; do
		SEED=$seed OUT=seed$seed.html "$study"
		jq -c .items seed$seed.html.key.json
	done >plans
	[ "$(sort -u plans | wc -l)" = 4 ]
	grep -q '"left":"a"' plans && grep -q '"left":"b"' plans
	COUNT=2 OUT=two.html "$study"
	[ "$(jq '.items | length' two.html.key.json)" = 2 ]
}

@test "sides are as often one as the other, orders differ" {
	run -0 jq -n -c -L "$BATS_TEST_DIRNAME/../pipelines" 'include "study";
		[range(0; 400) as $s | plan(10; 10; $s)] | {left: (map(.[] | select(.left == "a")) | length),
			first: (map(.[0].number) | group_by(.) | map(length) | min)}'
	# of 4000 and of 40 expected: five standard deviations
	jq -e '.left > 1842 and .left < 2158 and .first > 10' <<<"$output"
}

@test "a page and its key stay" {
	export A=a B=b COUNT=2 OUT=kept.html
	"$study"
	before=$(sha256sum kept.*)
	"$study" # the same study
	for change in SEED=9 COUNT=3 NAME_B=theirs B=ex; do
		run -2 env "$change" "$study"
		[ "$output" = "study.sh: kept.html.key.json: is of another study, which cannot be counted without it; move it, or set OUT" ]
	done
	[ "$(sha256sum kept.*)" = "$before" ] && [ "$(echo kept*)" = "kept.html kept.html.key.json" ]
	mkdir mine.html.parts
	echo mine >mine.html
	OUT=mine.html run -2 "$study"
	[ "$output" = "study.sh: mine.html: is there, and no study of this script; move it, or set OUT" ]
	rm mine.html
	OUT=mine.html "$study"
	[ -d mine.html.parts ]
}

@test "-n prints commands that do the same" {
	A=a B=b INPUTS=in EXEMPLARS=ex NAME_A=ours COUNT=all SEED=4 OUT=n.html run -0 "$study" -n
	[ ! -e n.html ]
	bash -euo pipefail -c "$output"
	cmp s.html n.html
	cmp s.html.key.json n.html.key.json
}

@test "names of files may hold anything" {
	for folder in odd $'-a\n b $(touch ran) \'"[*' plain; do mkdir -- "$folder"; done
	names=($'\n1.png' $'2\n.png' "3 '\"\$(touch ran)\`.png" '4-*[a].png' $'5\xff.PNG')
	made=(b/*.png)
	for i in 0 1 2 3 4; do
		cp "${made[i]}" "odd/${names[i]}"
		cp "${made[i]}" "plain/$i.png"
		cp "${made[i]}" "./$folder/$i.png"
	done
	ln -s odd link
	COUNT=all A=plain B=plain OUT=want.html "$study"
	out=$'-s \n\'"$(touch ran).html'
	for set in odd link "$folder"; do
		COUNT=all A=$set B=plain OUT=$out "$study"
		cmp want.html "./$out"
		cmp want.html.key.json "./$out.key.json"
		COUNT=all A=$set B=plain OUT=n.html run -0 "$study" -n
		bash -euo pipefail -c "$output"
		cmp want.html n.html
	done
	[ ! -e ran ]
	NAME_A=$'a\nb' A=a B=b run -2 "$study"
	[ "$output" = "study.sh: NAME_A: 'a?b' is not a name of less than 100 characters" ]
	A=$'no\e[2Jwhere' B=b run -1 "$study"
	[ "$output" = "study.sh: no?[2Jwhere: cannot be read" ]
}

@test "one picture is the input of all, and a result" {
	"$XL_BIN/xl-cat" --records 0:1 a | "$XL_BIN/xl-decode" -o a.PNG
	ln -sf a.PNG '(link).png'
	A=a B=b INPUTS='(link).png' COUNT=2 OUT=one.html run -0 "$study"
	data one.html >data
	pixels_of a 0 >want
	jq -e --rawfile want want '(.items | length) == 2
		and all(.items[]; .input == "data:image/png;base64," + $want)' data
	A=a.PNG B='(link).png' COUNT=all OUT=single.html run -0 "$study"
	data single.html | jq -e '.items | length == 1 and .[0].left == .[0].right'
}

@test "questions ask for what they are about" {
	export A=a B=b OUT=q.html
	QUESTIONS=style run -2 "$study"
	[ "$output" = "study.sh: QUESTIONS: style cannot be asked without EXEMPLARS" ]
	QUESTIONS=domain run -2 "$study"
	QUESTIONS="realism realism" run -2 "$study"
	[ "$output" = "study.sh: QUESTIONS: one is there twice" ]
	QUESTIONS=beauty run -2 "$study"
	[[ $output == "study.sh: QUESTIONS: 'beauty' is none of "* ]]
	DOMAIN='</script><b>a "cat"' QUESTIONS=domain COUNT=1 run -0 "$study"
	[ "$(grep -c '</script>' q.html)" = 2 ]
	[ "$(data q.html | jq -r '.questions[0].text')" = 'Which result looks more like </script><b>a "cat"?' ]
	OUT=r.html run -0 "$study"
	[ "$(jq -c .questions r.html.key.json)" = '["realism"]' ]
}

@test "sets that do not go together are refused" {
	export A=a B=b OUT=q.html
	"$XL_BIN/xl-cat" --records 0:3 in >three
	"$XL_BIN/xl-cat" --records 0:1 in >one
	: >none
	B=three run -1 "$study"
	[ "$output" = "study.sh: a has 5 pictures, three 3" ]
	INPUTS=three run -1 "$study"
	[ "$output" = "study.sh: three has 3 pictures for 5 results" ]
	A=none B=none run -1 "$study"
	[ "$output" = "study.sh: none: there is no picture" ]
	A=nowhere run -1 "$study"
	[ "$output" = "study.sh: nowhere: cannot be read" ]
	SEED=x run -2 "$study"
	[ "$output" = "study.sh: SEED: 'x' is not a whole number of 0 or more" ]
	SEED=1234567890 run -2 "$study"
	[ "$output" = "study.sh: SEED: '1234567890' is not a whole number of at most 9 digits" ]
	COUNT=0 run -2 "$study"
	[ "$output" = "study.sh: COUNT: '0' is neither a number of pairs from 1 to 1000 nor all" ]
	# every picture counts that the tools read
	cp -r b more
	"$XL_BIN/xl-cat" --records 0:1 in | "$XL_BIN/xl-decode" -o more/more.PPM
	B=more run -1 "$study"
	[ "$output" = "study.sh: a has 5 pictures, more 6" ]
	head -c 900 a >cut
	A=cut run -1 "$study"
	[ -z "$(find . -name 'q.html.??????')" ]
	OUT=two-questions.html EXEMPLARS=one COUNT=2 run -0 "$study"
	data two-questions.html >data
	[ "$(jq -r '.items | map(.exemplar) | unique | length' data)" = 1 ]
}

@test "the tally: shares by method, and Wilson's intervals" {
	answers x "$(all left)" >x.json
	left=$(jq '[.items[] | select(.left == "a")] | length' s.html.key.json)
	run -0 "$study" tally s.html.key.json x.json
	[ "${lines[0]}" = "participants 1" ]
	[ "${lines[1]}" = "a ours" ]
	[ "${lines[2]}" = "b B" ]
	[[ ${lines[4]} == "realism 5 $(jq -n "$left / 5") "* ]]
	# who prefers ours everywhere, and who does but once
	prefer='.answers |= map(.choice = (if $key[0].items[.item].left == "a" then "left" else "right" end))'
	answers y "$(all left) | $prefer" >y.json
	answers z "$(all left) | $prefer"' | .answers |= map(select(.question == "style"))
		| .answers[0].choice |= (if . == "left" then "right" else "left" end)' >z.json
	run -0 "$study" tally s.html.key.json y.json z.json
	[ "${lines[0]}" = "participants 2" ]
	[ "${lines[4]}" = "realism 5 1 0.5655 1" ]
	[ "${lines[5]}" = "style 10 0.9 0.5958 0.9821" ]
	answers nobody . >n.json
	run -0 "$study" tally s.html.key.json n.json
	[ "${lines[4]}" = "realism 0 - - -" ]
}

@test "hostile answers are refused in one line" {
	answers x "$(all left)" >x.json
	refused "nowhere: cannot be read" nowhere
	refused "b: cannot be read" b
	: >empty
	refused "empty: not JSON, or damaged" empty
	head -c 100 x.json >cut
	refused "cut: not JSON, or damaged" x.json cut
	cat x.json x.json >both
	refused "both: not JSON, or damaged" both
	head -c 5000 /dev/urandom >noise
	refused "noise: not JSON, or damaged" noise
	head -c 5000 /dev/zero >zeros
	refused "zeros: not JSON, or damaged" zeros
	head -c 9000000 /dev/zero | tr '\0' ' ' >large
	refused "large: too large for answers" large
	printf '[%.0s' $(seq 20000) >deep
	refused "deep: not JSON, or damaged" deep
	echo '"text"' >text
	refused "text: not answers of a study" text
	echo '{"study": 7, "answers": {}}' >types
	refused "types: not answers of a study" types
	answers x '.study = "another"' >h
	refused "h: answers of another study" h
	for bad in null '""' 7 '"a\u0007b"' '[1]'; do
		answers x ".participant = $bad" >h
		refused "h: does not say whose answers they are" h
	done
	for bad in 7 null '{}' '{item: 5}' '{item: 0.5}' '{item: -1}' '{item: "0"}' '{item: 1e999}' \
		'{question: "beauty"}' '{question: null}' '{choice: "both"}' '{choice: ["left"]}'; do
		answers x "$(all left) | .answers[3] |= (if ($bad | type) == \"object\" and $bad != {} then . + $bad else $bad end)" >h
		refused "h: an answer to what was not asked" h
	done
	answers x "$(all left) | .answers[1] = .answers[0]" >h
	refused "h: two answers to one question" h
	answers x "$(all left) | .answers += .answers" >h
	refused "h: more answers than questions" h
	cp x.json again.json
	refused "the files of answers cannot be counted together: one is there twice" x.json again.json
	run -1 bash -c "'$study' tally s.html.key.json x.json >/dev/full"
	[ "$output" = "study.sh: stdout: cannot write" ]
	cp cut $'cut\e[2J'
	refused "cut?[2J: not JSON, or damaged" $'cut\e[2J'
}

@test "a wrong key is refused" {
	answers x "$(all left)" >x.json
	run -2 "$study" tally s.html.key.json
	[ "$output" = "study.sh: tally: needs the key and at least one file of answers" ]
	run -1 "$study" tally x.json x.json
	[ "$output" = "study.sh: x.json: not a key of study.sh" ]
	jq '.items[2].left = "c"' s.html.key.json >k
	run -1 "$study" tally k x.json
	[ "$output" = "study.sh: k: sides are missing" ]
	jq '.a = "a\nb"' s.html.key.json >k
	run -1 "$study" tally k x.json
	[ "$output" = "study.sh: k: names of methods are missing, or none" ]
}
