# What is told of the command line: the manual and bash's completion, which are
# made from its tables.

load harness
load command

setup()
{
	SWITCHBOARD_DATA=$BATS_TEST_TMPDIR/none
	source=${SB_SOURCE:-$BATS_TEST_DIRNAME/../..}
}

manual()
{
	switchboard manual "$1"
	ends 0
	mkdir -p "$BATS_TEST_TMPDIR/man/man$2"
	printf '%s\n' "$output" >"$BATS_TEST_TMPDIR/man/man$2/$3.$2"
}

# words WORD...: what bash offers for the last one.
words()
{
	COMP_WORDS=(switchboard "$@") COMP_CWORD=$# COMPREPLY=()
	_switchboard
	printf '%s\n' "${COMPREPLY[@]}" | sort | paste -sd ' '
}

# ---------------------------------------------------------------- manual

@test "the pages of the manual are without fault" {
	command -v mandoc >/dev/null || skip 'there is no mandoc'
	manual switchboard 1 switchboard
	manual settings 5 switchboard.env
	mkdir "$BATS_TEST_TMPDIR/man/man8"
	cp "$source/man/switchboard.8" "$BATS_TEST_TMPDIR/man/man8"
	run mandoc -Tlint "$BATS_TEST_TMPDIR"/man/man?/*
	# It looks among installed pages for those that they refer to.
	is "$(grep -v ' not found: Xr switchboard' <<<"$output")" '' \
	    'mandoc -Tlint'
	local name section
	while read -r name section; do
		[ -e "$BATS_TEST_TMPDIR/man/man$section/$name.$section" ]
	done < <(sed -n 's/^\.Xr \([^ ]* [0-9]\).*/\1/p' \
	    "$BATS_TEST_TMPDIR"/man/man?/*)
}

@test "the page of the commands has each, with its options and exit status" {
	manual switchboard 1 switchboard
	local page=$(sed 's/\\-/-/g; s/\\(lB/[/g; s/\\(rB/]/g; s/\\(ba/|/g' \
	    <<<"$output")
	local name usage code
	while read -r name; do
		switchboard $name --help
		usage=${lines[0]#Usage: switchboard }
		has "$page" ".It Ic \"$usage\""
		while read -r option; do
			has "$page" ".It Fl ${option#-}"
		done < <(grep -o '^  --[a-z-]*' <<<"$output" | sed 's/ *//')
	done < <(all_commands)
	for code in 0 1 64 65 66 67 69 70 73 74 77 78; do
		has "$page" $'\n.It '"$code"$'\n'
	done
}

@test "all values of an option are part of its entry" {
	manual switchboard 1 switchboard
	has "$output" $'\n.It Fl -admin Ar NAME Ar ADDRESS\nmake an '
	has "$output" $'\n.It Fl -user Ar USER\nmake the '
	has "$output" $'\n.It Fl -csv\nCSV\n'
}

@test "help tells all that is counted, ended and deleted" {
	switchboard tick --help
	has "$output" 'Ends chat sessions and expires feedback requests'
	has "$output" 'dead webhooks'
	switchboard stats --help
	has "$output" webhooks
	switchboard --help
	has "$output" 'login, key, or thing to be sent'
}

@test "each option of a command's usage is explained" {
	local name
	while read -r name; do
		switchboard $name --help
		while read -r option; do
			like "$output" ".*"$'\n'"  $option[ "$'\n'"].*"
		done < <(grep -o -- '--[a-z-]*' <<<"${lines[0]}")
	done < <(all_commands)
}

@test "the page of the settings has each of them" {
	manual settings 5 switchboard.env
	local page=$output name
	SWITCHBOARD_ENV_FILE=/dev/null
	switchboard settings --json
	while read -r name; do
		has "$page" $'\n.It Ev '"$name"$'\n'
	done < <(jq -r '.settings[].name' <<<"$output")
	has "$page" 'Default: not set.'
}

@test "the pages are the same whatever is set" {
	manual settings 5 switchboard.env
	local page=$output
	env+=(PORT=wrong HASHES=9 SECRET_KEY=changeme)
	switchboard manual settings
	says "$page"
}

@test "the page of the programs has each of them, and each file" {
	local page=$(<"$source/man/switchboard.8") program
	for program in "$SB_BUILD"/libexec/switchboard/*; do
		has "$page" $'\n.It Nm '"${program##*/}"$'\n'
		run "$program" --help
		is "$status" 0 "$program --help"
	done
}

# ------------------------------------------------------------ completion

@test "bash completes commands, their actions, their options and files" {
	switchboard completion bash
	ends 0
	eval "$output"
	cd "$BATS_TEST_TMPDIR"
	touch -- 'a file' --json
	is "$(words se)" settings
	is "$(words lo)" login
	is "$(words user d)" 'delete disable'
	is "$(words user delete --)" '--help --yes'
	is "$(words settings --)" '--help --json --markdown'
	is "$(words user list --json a)" ''
	is "$(words backup a)" 'a file'
	is "$(words import --s)" --skip-refused
	is "$(words manual '')" ''
	is "$(words nothing --)" ''
	is "$(words '')" "$(
		{
			all_commands | cut -d' ' -f1
			printf '%s\n' --help --version
		} | sort -u | paste -sd ' ')"
}

@test "bash reads the script without a complaint, under set -u, too" {
	switchboard completion bash
	printf '%s\n' "$output" >"$BATS_TEST_TMPDIR/script"
	run bash -euc '. "$1"; COMP_WORDS=(switchboard) COMP_CWORD=0
	    _switchboard; complete -p switchboard' - "$BATS_TEST_TMPDIR/script"
	is "$status" 0 'exit status'
	is "$output" 'complete -F _switchboard switchboard'
}

@test "what the build installs is what is printed now" {
	local file
	for file in 'share/bash-completion/completions/switchboard:completion bash' \
	    'man/switchboard.1:manual switchboard' \
	    'man/switchboard.env.5:manual settings'; do
		[ -e "$SB_BUILD/${file%%:*}" ] || skip 'not the whole build'
		switchboard ${file#*:}
		says "$(<"$SB_BUILD/${file%%:*}")"
	done
}

@test "arguments that make no sense are named" {
	switchboard completion
	ends 64 'switchboard completion: what to do is missing; see switchboard completion --help'
	switchboard completion zsh
	ends 64 'switchboard completion: zsh is not understood; there is bash'
	switchboard completion bash now
	ends 64 'switchboard completion bash: now is not understood; see switchboard completion bash --help'
	switchboard manual settings now
	ends 64 'switchboard manual settings: now is not understood; see switchboard manual settings --help'
}
