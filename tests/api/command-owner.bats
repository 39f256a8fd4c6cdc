# Who may work in the data directory: its owner, and root, who becomes that
# owner before the first file is made.

load harness
load command

setup()
{
	# Other users don't come to where bats has its files.
	elsewhere=$(mktemp -d /tmp/switchboard-owner-XXXXXX)
	chmod 755 "$elsewhere"
	SWITCHBOARD_DATA=$elsewhere/data
	export SWITCHBOARD_DATA
	nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups)
}

teardown()
{
	rm -rf "$elsewhere"
}

root_only()
{
	((EUID == 0)) || skip 'only root can be two users'
	"${nobody[@]}" test -x "$command" ||
		skip 'the build is not open to other users'
}

# Data of nobody's, who is also the programs' user.
of_nobody()
{
	mkdir -m 700 "$SWITCHBOARD_DATA"
	chown 65534:65534 "$SWITCHBOARD_DATA"
}

owners()
{
	stat -c %u:%g "$SWITCHBOARD_DATA"/* | sort -u
}

# What opens the data directory, and what each is given besides.
each_command=('migrate|' 'check|' 'init|' 'user list|' 'user show|anna'
    'user add|anna anna@one.example' 'user passwd|anna' 'user logout|anna'
    'user delete|--yes anna' 'user disable|anna' 'user enable|anna'
    'user admin|anna on' 'login list|anna' 'login revoke|--all anna'
    'limits show|' 'limits reset|--all' 'key list|' 'key rotate|'
    'key retire|00000000' 'export|' 'import|/dev/null' 'stats|'
    'agent list|anna' 'agent revoke|01890a5d-ac96-774b-bcce-b302099a8057'
    'work|' 'outbox list|' 'outbox retry|--all'
    'outbox drop|01890a5d-ac96-774b-bcce-b302099a8057'
    'restore|--force /dev/null' 'backup|/nowhere/saved' 'tick|')

@test "every command is among those, but what opens no data" {
	local name other=' settings completion bash '
	while read -r name; do
		[[ $other == *" $name "* ||
		    " ${each_command[*]}" == *" $name|"* ]] || {
			show "not tried: $name"
			return 1
		}
	done < <(all_commands)
}

@test "who doesn't own the data directory is refused, and makes nothing" {
	root_only
	mkdir -m 755 "$SWITCHBOARD_DATA"
	local what
	clock=("${nobody[@]}")
	for what in "${each_command[@]}"; do
		switchboard ${what/|/ }
		ends 77 "switchboard ${what%|*}: $SWITCHBOARD_DATA belongs to root, and you are nobody: call it as root"
		is "$output" '' 'standard output'
	done
	is "$(ls -A "$SWITCHBOARD_DATA")" ''
}

@test "the one who could be asked instead is named" {
	if ((EUID == 0)); then
		root_only
		mkdir -m 755 "$SWITCHBOARD_DATA"
		chown 1 "$SWITCHBOARD_DATA"
		clock=("${nobody[@]}")
		switchboard user list
		ends 77 "switchboard user list: $SWITCHBOARD_DATA belongs to daemon, and you are nobody: call it as daemon or root"
	else
		SWITCHBOARD_DATA=/
		switchboard user list
		ends 77 "switchboard user list: / belongs to root, and you are $(id -un): call it as root"
	fi
}

@test "root becomes the owner, and leaves nothing that locks the programs out" {
	root_only
	of_nobody
	local what
	for what in "${each_command[@]}"; do
		answered 'a good password\n' ${what/|/ }
		isnt "$status" 77 "exit status of $what"
		is "$(owners | grep -v '^65534:65534$')" '' \
		    "what others own after $what"
	done
	[ -e "$SWITCHBOARD_DATA/switchboard.db-wal" ]
	# As the programs, who can write there.
	clock=("${nobody[@]}")
	register bob
	switchboard user disable bob
	says 'bob is disabled now'
}

@test "root gives up all that it may do before it works" {
	root_only
	of_nobody
	strace -o "$elsewhere/none" true 2>/dev/null ||
		skip 'nothing can be traced here'
	# What looks for leaks can't do so while it is traced.
	strace -f -o "$elsewhere/trace" env -i "PATH=$PATH" \
	    ASAN_OPTIONS=detect_leaks=0 SWITCHBOARD_ENV_FILE=/dev/null \
	    "SWITCHBOARD_DATA=$SWITCHBOARD_DATA" "$command" migrate
	# Whatever is written or made comes after the last step down.
	local last first
	last=$(grep -n 'setuid(65534) *= 0' "$elsewhere/trace" | cut -d: -f1)
	isnt "$last" '' 'the step down'
	first=$(grep -n "O_CREAT\|mkdir(" "$elsewhere/trace" |
	    head -n 1 | cut -d: -f1)
	isnt "$first" '' 'the first file'
	((last < first))
	like "$(grep -c 'setgroups(' "$elsewhere/trace")" '[1-9]'
	like "$(grep -c 'setgid(65534) *= 0' "$elsewhere/trace")" 1
}

@test "a root that may not become somebody else says so" {
	root_only
	of_nobody
	clock=(setpriv --bounding-set=-setuid,-setgid
	    --inh-caps=-setuid,-setgid)
	switchboard user list
	ends 77 "switchboard user list: $SWITCHBOARD_DATA belongs to nobody, and root can't become nobody here: Operation not permitted"
	is "$(ls -A "$SWITCHBOARD_DATA")" ''
}

@test "its owner works in it without being root" {
	if ((EUID == 0)); then
		root_only
		of_nobody
		clock=("${nobody[@]}")
	else
		mkdir -m 700 "$SWITCHBOARD_DATA"
	fi
	switchboard migrate
	is "$status" 0 'exit status'
	switchboard user list --json
	says '[]'
}

@test "what touches no data asks nobody who it is" {
	root_only
	mkdir -m 755 "$SWITCHBOARD_DATA"
	clock=("${nobody[@]}")
	local what
	for what in settings --help --version 'user list --help'; do
		switchboard $what
		ends 0
	done
}

# led_by_nobody TARGET: nobody has a folder, and in it a link for the data.
led_by_nobody()
{
	mkdir -m 755 "$elsewhere/home"
	ln -s "$1" "$elsewhere/home/data"
	chown -h 65534:65534 "$elsewhere/home" "$elsewhere/home/data"
	SWITCHBOARD_DATA=$elsewhere/home/data
}

@test "root goes nowhere that somebody else leads to" {
	root_only
	local owner mode
	for owner in 0:0/700 0:0/1777 33:33/700; do
		mkdir -m "${owner#*/}" "$elsewhere/target"
		chown "${owner%/*}" "$elsewhere/target"
		led_by_nobody "$elsewhere/target"
		for what in migrate tick check 'user list'; do
			switchboard $what
			fails 77 '.* on the way there is .*'
		done
		switchboard init --user nobody
		isnt "$status" 0 'exit status of init'
		is "$(ls -A "$elsewhere/target")" '' 'what is there'
		rm -r "$elsewhere/home" "$elsewhere/target"
	done
}

@test "root does not work where others can write, nor through what they can replace" {
	root_only
	mkdir -m 777 "$elsewhere/open"
	mkdir -m 700 "$elsewhere/open/data"
	SWITCHBOARD_DATA=$elsewhere/open/data
	switchboard migrate
	fails 77 ".* $elsewhere/open on the way there is root's, or others can write in it, .*"
	chmod 1777 "$elsewhere/open"
	switchboard migrate
	is "$status" 0 'in a sticky folder'
	chmod 770 "$elsewhere/open/data"
	switchboard stats
	fails 77 ".* $elsewhere/open/data on the way there .*"
}

@test "root's own links, and the owner's, are followed" {
	root_only
	of_nobody
	ln -s ../"${elsewhere##*/}"/./data "$elsewhere/link"
	ln -s link "$elsewhere/owners"
	chown -h 65534:65534 "$elsewhere/owners"
	SWITCHBOARD_DATA=$elsewhere/owners
	switchboard migrate
	is "$status" 0 'exit status'
	is "$(stat -c %u:%g "$elsewhere/data"/* | sort -u)" 65534:65534
}

@test "a settings file that is a pipe, or only root's, is not root's matter" {
	root_only
	of_nobody
	env=()
	mkfifo "$SWITCHBOARD_DATA/.env"
	chown 65534 "$SWITCHBOARD_DATA/.env"
	clock=(timeout 20)
	switchboard migrate
	is "$status" 0 'with a pipe'
	rm "$SWITCHBOARD_DATA/.env"
	printf 'A_SECRET_NAME=1\n' >"$elsewhere/roots"
	chmod 600 "$elsewhere/roots"
	ln -s "$elsewhere/roots" "$SWITCHBOARD_DATA/.env"
	switchboard stats
	fails 78 '.*/.env: Permission denied'
	lacks "$output$stderr" A_SECRET_NAME
}
