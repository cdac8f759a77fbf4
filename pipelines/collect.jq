# collect.jq - evaluation.json: of the head of a model file, of facts ($ARGS.named), and of
# files of measures, each named after the member that it becomes: a-b.c.json is .a_b.c;
# the evaluation of another task becomes a member of .also.
reduce inputs as $one (
	{model: .meta} + ($ARGS.named | with_entries({key, value: (.value | tonumber? // .)}));
	(input_filename | split("/") | last | rtrimstr(".json") | gsub("-"; "_") | split(".")) as $path
	| if $path == ["evaluation"] then .also[$one.task] = ($one | del(.also))
		else setpath($path; $one) end)
