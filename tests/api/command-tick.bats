# switchboard tick: what it deletes, what it leaves, and that nobody can tell
# on the wire whether it ran.

load harness
load command

settings+=(ACCESS_TOKEN_EXPIRE_MINUTES=10 REFRESH_TOKEN_EXPIRE_DAYS=1)
lifetime=86400			# of a login, in seconds
overtime=600			# of its last access token
shield=$((90 * 86400))

setup()
{
	new_data
	switchboard migrate
}

logins()
{
	sql 'SELECT count(*) FROM logins'
}

# many_logins N: that have expired long ago, with a refresh token each.
many_logins()
{
	sql "WITH RECURSIVE n (i) AS
	    (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1)
	    INSERT INTO logins (id, user_id, created_at, last_used_at,
		expires_at)
	    SELECT 'login ' || i, (SELECT id FROM users), i, i, i FROM n;
	    INSERT INTO refresh_tokens (jti, login_id, kid, issued_at,
		expires_at)
	    SELECT id, id, 'kid', 1, 1 FROM logins WHERE expires_at <= $1"
}

# ticks AFTER LOGINS [COUNTS]: it says that it has deleted so many.
ticks()
{
	local logins=$2 counted=${3-0} s=s t=s
	[ "$logins" != 1 ] || s=
	[ "$counted" != 1 ] || t=
	later "$1" switchboard tick
	says "tick: ended 0 chat sessions, expired 0 feedback requests; deleted $logins login$s, $counted count$t, 0 keys, 0 repeats, 0 webhooks"
}

# ---------------------------------------------------------------- logins

@test "without anything to delete it says so, on a new installation, too" {
	switchboard tick
	is "$status" 0 'exit status'
	is "$output" 'tick: ended 0 chat sessions, expired 0 feedback requests; deleted 0 logins, 0 counts, 0 keys, 0 repeats, 0 webhooks'
	ticks 0 0
}

@test "a login goes when its last access token has expired, not before" {
	register anna
	later 100 login anna
	ticks 0 0
	ticks $((lifetime + overtime - 10)) 0
	ticks $((lifetime + overtime + 30)) 1
	is "$(logins)" 1
	is "$(sql 'SELECT count(*) FROM refresh_tokens')" 1 tokens
	ticks $((lifetime + overtime + 90)) 0
	ticks $((lifetime + overtime + 130)) 1
	is "$(logins)" 0
	is "$(sql 'SELECT count(*) FROM refresh_tokens')" 0 tokens
	is "$(sql 'SELECT count(*) FROM users')" 1 users
}

@test "a login that was refreshed lives on" {
	register anna
	later 1000 rotate "$refresh"
	ticks $((lifetime + overtime + 100)) 0
	later $((lifetime + 900)) rotate "$refresh"
	later $((lifetime + overtime + 900)) switchboard tick
	later $((lifetime + 1000)) me "$access"
	expect 200
}

@test "a revoked login stays for ninety days after its end" {
	register anna
	switchboard login revoke --all anna
	login anna
	ticks $((lifetime + overtime + 30)) 1
	ticks $((lifetime + shield - 30)) 0
	is "$(logins)" 1
	ticks $((lifetime + shield + 30)) 1
	is "$(logins)" 0
}

@test "among many revoked ones the expired are found" {
	register anna
	many_logins 3000
	sql "UPDATE logins SET revoked_at = 1,
	    expires_at = $((EPOCHSECONDS - 86400)) * 1000000 + expires_at
	    WHERE expires_at <= 3000 AND expires_at % 10 <> 0"
	ticks 0 300
	is "$(logins)" 2701
	is "$(sql 'SELECT count(*) FROM logins WHERE revoked_at IS NULL')" 1
	ticks 0 0
}

@test "an expired token is refused alike before and after" {
	register anna
	local old=$access old_refresh=$refresh at=$((lifetime + overtime + 30))
	local run
	for run in before after; do
		later $at try_refresh "$old_refresh"
		refused_refresh
		later $at me "$old"
		refused
		later $at login anna
		later $at try_refresh "$old_refresh"
		refused_refresh
		[ $run = after ] || ticks $at 1
	done
	later $at rotate "$refresh"
}

@test "a revoked login's token is refused alike before and after" {
	register anna
	switchboard login revoke --all anna
	local run
	for run in before after; do
		me "$access"
		refused
		try_refresh "$refresh"
		refused_refresh
		switchboard tick
	done
}

# full SECONDS: all guesses at anna's password that there are then.
full()
{
	later "$1" try_login anna wrong
	expect 401
	later "$1" try_login anna wrong
	expect 401
	later "$1" try_login anna
	expect 429
}

# shielded SECONDS TOKEN: she logs in nevertheless, as this came along.
shielded()
{
	later "$1" form /api/auth/login \
	    "username=anna&password=${password// /+}&refresh_token=$2"
}

@test "an expired login's token shields its owner, before and after" {
	settings+=(LOGIN_FAILURES_PER_ACCOUNT=2)
	register anna
	local old=$refresh at=$((lifetime + overtime + 30))
	full $at
	shielded $at "$old"
	expect 200
	ticks $at 1
	later $at try_login anna
	expect 429
	shielded $at "$old"
	expect 200
	full $((lifetime + shield - 30))
	shielded $((lifetime + shield - 30)) "$old"
	expect 200
	later $((lifetime + shield + 30)) switchboard limits reset anna
	full $((lifetime + shield + 30))
	shielded $((lifetime + shield + 30)) "$old"
	expect 429
}

@test "a revoked login's token shields nobody, before and after" {
	settings+=(LOGIN_FAILURES_PER_ACCOUNT=2)
	register anna
	local old=$refresh at
	switchboard login revoke --all anna
	for at in 0 $((lifetime + overtime + 30)) $((lifetime + shield - 30)) \
	    $((lifetime + shield)) $((lifetime + shield + 1)) \
	    $((lifetime + shield + 30)); do
		later "$at" switchboard tick
		later "$at" switchboard limits reset anna
		full "$at"
		shielded "$at" "$old"
		expect 429
	done
	is "$(sql "SELECT count(*) FROM logins WHERE id = '$(claim sid "$old")'")" 0
}

# ------------------------------------------------------------------ counts

@test "counts go when they are over, not before" {
	switchboard tick
	local now=$((EPOCHSECONDS * 1000000))
	counts "WITH RECURSIVE n (i) AS
	    (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
	    INSERT INTO limits SELECT 'user:' || i, x'00', $now - i FROM n;
	    INSERT INTO limits VALUES ('user:live', x'00', $now + 600000000)"
	ticks 0 0 2000
	is "$(counts 'SELECT key FROM limits')" user:live
	ticks 590 0 0
	ticks 630 0 1
}

@test "counts that only a clock which was set back can have written go" {
	switchboard tick
	local now=$((EPOCHSECONDS * 1000000))
	counts "INSERT INTO limits VALUES
	    ('user:1', x'00', $now + 86300 * 1000000),
	    ('user:2', x'00', $now + 86500 * 1000000),
	    ('user:3', x'00', $now * 2)"
	ticks 0 0 2
	is "$(counts 'SELECT key FROM limits')" user:1
}

@test "a count that is not over counts alike before and after" {
	settings+=(LOGIN_FAILURES_PER_ACCOUNT=2)
	register anna
	full 0
	switchboard tick
	try_login anna
	expect 429
	# 15 minutes later it is over, though its row isn't yet.
	later 910 login anna
}

# ---------------------------------------------------------------- the files

@test "the WAL is folded back into both files" {
	register anna
	switchboard tick
	count user:1 1
	register bob
	switchboard tick
	local copy=$BATS_TEST_TMPDIR/copy
	mkdir "$copy"
	cp "$SWITCHBOARD_DATA"/{switchboard,limits}.db "$copy"
	is "$(sqlite3 "$copy/switchboard.db" 'SELECT count(*) FROM users')" 2
	is "$(sqlite3 "$copy/limits.db" 'SELECT count(*) FROM limits')" 1
}

# ---------------------------------------------------------------- its ways

@test "quiet, it says nothing" {
	register anna
	many_logins 10
	switchboard tick --quiet
	says ''
	is "$(logins)" 1
}

@test "when it was last through, and with what, is written down" {
	local note=$SWITCHBOARD_DATA/last-tick.json
	register anna
	many_logins 7
	at_second 2000000000 switchboard tick
	is "$(<"$note")" '{"ended_at":"2033-05-18T03:33:20.000000Z","sessions":0,"requests":0,"logins":8,"counts":0,"keys":0,"repeats":0,"webhooks":0}'
	is "$(stat -c %a "$note")" 600 mode
	# One that could not do all of it is none.
	rm -f "$SWITCHBOARD_DATA"/limits.db*
	mkdir "$SWITCHBOARD_DATA/limits.db"
	at_second 2000000060 switchboard tick
	is "$status" 69 'exit status'
	has "$(<"$note")" 03:33:20
}

# on_terminal [COMMAND...] -- ARGUMENT...: a tick that somebody watches, by a
# clock; sets $shown, a line each time that it showed how far it was.
on_terminal()
{
	local -a by=()
	while [ "$1" != -- ]; do
		by+=("$1")
		shift
	done
	shift
	env -i "PATH=$PATH" TERM=xterm NO_FAKE_STAT=1 \
	    "ASAN_OPTIONS=verify_asan_link_order=0:${ASAN_OPTIONS-}" \
	    "SWITCHBOARD_DATA=$SWITCHBOARD_DATA" "${settings[@]}" "${env[@]}" \
	    script -qec "${by[*]@Q} $command tick $*" /dev/null </dev/null \
	    >"$BATS_TEST_TMPDIR/out" 3>&-
	shown=$(tr -d '\n' <"$BATS_TEST_TMPDIR/out" | tr '\r' '\n' |
	    grep '^tick: ' || true)
}

@test "it shows on a terminal how far it is, at most ten times a second" {
	command -v script >/dev/null || skip 'no script'
	register anna
	many_logins 3000
	on_terminal --
	is "${shown%%$'\n'*}" 'tick: ended 0 chat sessions, expired 0 feedback requests; deleted 0 logins, 0 counts, 0 keys, 0 repeats, 0 webhooks'
	is "${shown##*$'\n'}" 'tick: ended 0 chat sessions, expired 0 feedback requests; deleted 3000 logins, 0 counts, 0 keys, 0 repeats, 0 webhooks'
	# However much there is: while the clock stands still, once.
	many_logins 3000
	on_terminal faketime -f '2033-05-18 03:33:20' --
	is "$shown" 'tick: ended 0 chat sessions, expired 0 feedback requests; deleted 0 logins, 0 counts, 0 keys, 0 repeats, 0 webhooks
tick: ended 0 chat sessions, expired 0 feedback requests; deleted 3001 logins, 0 counts, 0 keys, 0 repeats, 0 webhooks'
	many_logins 3000
	on_terminal -- --quiet
	[ ! -s "$BATS_TEST_TMPDIR/out" ]
	is "$(logins)" 0
}

is_gone()	# PID
{
	! kill -0 "$1" 2>/dev/null
}

@test "a second one beside it says so, and does nothing" {
	register anna
	switchboard tick
	many_logins 10
	# A place that is taken, as the first one takes it.
	exec {place}> >(exec /usr/bin/python3 -c '
import fcntl, sys
with open(sys.argv[1], "r+") as f:
    fcntl.lockf(f, fcntl.LOCK_EX, 1, 0)
    open(sys.argv[2], "w").close()
    sys.stdin.read()' "$SWITCHBOARD_DATA/tick.slots" \
	    "$BATS_TEST_TMPDIR/taken" 3>&-)
	local holder=$!
	eventually 30 test -e "$BATS_TEST_TMPDIR/taken"
	switchboard tick
	says 'tick: another one is at work'
	switchboard tick --quiet
	says ''
	is "$(logins)" 11
	exec {place}>&-
	eventually 30 is_gone $holder
	ticks 0 10
}

@test "a place that can't be taken is an error" {
	mkdir "$SWITCHBOARD_DATA/tick.slots"
	switchboard tick
	fails 69 "switchboard tick: $SWITCHBOARD_DATA/tick\.slots can't be locked; the log says why"
	is "$(wc -l <<<"$stderr")" 2 lines
}

@test "without a database it says so, and makes nothing" {
	SWITCHBOARD_DATA=$BATS_TEST_TMPDIR/none
	makes_nothing tick
	makes_nothing tick --quiet
	[ ! -e "$SWITCHBOARD_DATA" ]
	mkdir "$SWITCHBOARD_DATA"
	makes_nothing tick
	is "$(ls -A "$SWITCHBOARD_DATA")" ''
}

has_begun()
{
	(($(logins) <= 50000))
}

@test "a signal to stop ends it between two transactions" {
	register anna
	local signal left
	for signal in TERM INT; do
		many_logins 50000
		env -i "PATH=$PATH" "SWITCHBOARD_DATA=$SWITCHBOARD_DATA" \
		    "${settings[@]}" "${env[@]}" "$command" tick \
		    >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" 3>&- &
		local pid=$!
		eventually 30 has_begun
		kill -s $signal $pid
		wait $pid
		left=$(logins)
		is "$(<"$BATS_TEST_TMPDIR/out")" \
		    "tick: stopped; ended 0 chat sessions, expired 0 feedback requests; deleted $((50001 - left)) logins, 0 counts, 0 keys, 0 repeats, 0 webhooks"
		is "$(<"$BATS_TEST_TMPDIR/err")" ''
		((left > 1))
		is "$(sql 'SELECT count(*) FROM refresh_tokens')" "$left" tokens
		switchboard tick
		is "$(logins)" 1
	done
}

@test "a database that is locked for long is an error, and counts go all the same" {
	register anna
	switchboard tick
	many_logins 10
	counts "INSERT INTO limits VALUES ('user:1', x'00', 1)"
	hold_lock
	switchboard tick
	release_lock
	is "$status" 69 'exit status'
	like "${stderr##*$'\n'}" "switchboard tick: the database in $SWITCHBOARD_DATA is busy, .*"
	is "$output" 'tick: ended 0 chat sessions, expired 0 feedback requests; deleted 0 logins, 1 count, 0 keys, 0 repeats, 0 webhooks'
	is "$(logins)" 11
	ticks 0 10
}

@test "a disk that is full is an error, and what was done stays" {
	local whole=$command gone
	register anna
	many_logins 3000
	sql 'PRAGMA wal_checkpoint(TRUNCATE)'
	# Room for some transactions in the log of changes.
	printf '#!/bin/sh\nulimit -f 800\nexec "%s" "$@"\n' "$whole" \
	    >"$BATS_TEST_TMPDIR/full"
	chmod +x "$BATS_TEST_TMPDIR/full"
	command=$BATS_TEST_TMPDIR/full
	switchboard tick
	is "$status" 69 'exit status'
	has "$stderr" 'switchboard tick: the database in '
	like "$output" 'tick: ended 0 chat sessions, expired 0 feedback requests; deleted [0-9]+ logins?, 0 counts, 0 keys, 0 repeats, 0 webhooks'
	gone=${output#tick: ended 0 chat sessions, expired 0 feedback requests; deleted }
	gone=${gone%% *}
	((gone > 0 && gone < 3000))
	is "$(logins)" $((3001 - gone))
	command=$whole
	ticks 0 $((3000 - gone))
}

@test "a damaged file of counts is made anew" {
	switchboard tick
	printf 'no database at all, but long enough to be looked at%.0s' \
	    {1..400} >"$SWITCHBOARD_DATA/limits.db"
	rm -f "$SWITCHBOARD_DATA"/limits.db-*
	switchboard tick
	is "$status" 0 'exit status'
	is "$output" 'tick: ended 0 chat sessions, expired 0 feedback requests; deleted 0 logins, 0 counts, 0 keys, 0 repeats, 0 webhooks'
	ticks 0 0
}

@test "arguments that it does not know are named, and nothing is done" {
	switchboard tick --now
	ends 64 'switchboard tick: --now is not understood; see switchboard tick --help'
	switchboard tick now
	ends 64 'switchboard tick: now is not understood; see switchboard tick --help'
	[ ! -e "$SWITCHBOARD_DATA/tick.slots" ]
}
