# switchboard backup and restore: one file has all that an installation would
# miss, taken and put back beside whoever reads and writes.

load harness
load command

setup()
{
	new_data
	file=$BATS_TEST_TMPDIR/saved
}

# Another data directory, which a backup is restored into.
elsewhere()
{
	SWITCHBOARD_DATA=$(mktemp -d "$BATS_FILE_TMPDIR/other.XXXXXX")
}

names()
{
	sql 'SELECT username FROM users ORDER BY username'
}

fill()		# N: accounts, about 400 bytes each
{
	sql "WITH RECURSIVE n (i) AS
	    (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1)
	    INSERT INTO users (id, email, email_key, username, username_key,
		password, created_at)
	    SELECT i, i || '@x.example', i || '@x.example', 'user ' || i,
		'user ' || i, printf('%0300d', i), 1 FROM n"
}

is_sound()
{
	is "$(sql 'PRAGMA integrity_check')" ok "$SWITCHBOARD_DATA"
	is "$(sql 'PRAGMA foreign_key_check')" '' "$SWITCHBOARD_DATA"
	is "$(sql "SELECT count(*) FROM sqlite_schema
	    WHERE name LIKE 'backup%'")" 0 'tables of a backup'
}

# ---------------------------------------------------------------- what it is

@test "what was saved is restored, with the keys, and tokens are good" {
	register anna
	local hers=$access
	switchboard backup "$file"
	like "$output" "saved the database and 1 key file in $file, [0-9]+ bytes"
	ends 0
	is "$(stat -c %a "$file")" 600
	is "$(ls -A "${file%/*}" | grep -c '^saved')" 1 files
	elsewhere
	switchboard restore "$file"
	like "$output" 'restored the database and 1 key file of 20[-0-9]+T[:0-9]+Z'
	ends 0
	is_sound
	is "$(stat -c %a "$SWITCHBOARD_DATA"/{switchboard.db,signing-keys.json} | uniq)" 600
	me "$hers"
	expect 200
	try_refresh "$refresh"
	expect 200
	login anna
	# Nothing of how it was done is left.
	is "$(ls "$SWITCHBOARD_DATA" | grep -c '^restore.db')" 0 files
}

@test "whoever serves what was restored expects its webhooks" {
	register anna
	switchboard backup "$file"
	elsewhere
	[[ ! -e $SWITCHBOARD_DATA/webhooks.slots ]]
	switchboard restore "$file"
	ends 0
	[[ -e $SWITCHBOARD_DATA/webhooks.slots ]]
}

@test "the secret that names are counted under goes with the rest" {
	settings+=(LOGIN_FAILURES_PER_ACCOUNT=5)
	register anna
	try_login anna wrong
	expect 401
	local secret=$(<"$SWITCHBOARD_DATA/secret")
	switchboard backup "$file"
	has "$output" '2 key files'
	elsewhere
	switchboard restore "$file"
	ends 0
	is "$(<"$SWITCHBOARD_DATA/secret")" "$secret"
	[ ! -e "$SWITCHBOARD_DATA/limits.db" ]
}

@test "keys can be left where they are" {
	register anna
	local hers=$access
	switchboard backup --without-keys "$file"
	has "$output" '0 key files'
	is "$(sqlite3 "$file" 'SELECT group_concat(name) FROM backup_files')" \
	    backup
	switchboard backup "$file-keys"
	elsewhere
	switchboard restore "$file"
	has "$output" '0 key files'
	[ ! -e "$SWITCHBOARD_DATA/signing-keys.json" ]
	me "$hers"
	refused
	login anna
	local keys=$(<"$SWITCHBOARD_DATA/signing-keys.json")
	switchboard restore --force --without-keys "$file-keys"
	has "$output" '0 key files'
	is "$(<"$SWITCHBOARD_DATA/signing-keys.json")" "$keys"
}

@test "a backup is a database by itself, that can lie where nothing is written" {
	register anna
	switchboard backup "$file"
	is "$(sqlite3 "$file" 'PRAGMA journal_mode; PRAGMA integrity_check;
	    SELECT username FROM users')" $'delete\nok\nanna'
	mkdir "$BATS_TEST_TMPDIR/medium"
	mv "$file" "$BATS_TEST_TMPDIR/medium/saved"
	chmod 400 "$BATS_TEST_TMPDIR/medium/saved"
	chmod 500 "$BATS_TEST_TMPDIR/medium"
	elsewhere
	switchboard restore "$BATS_TEST_TMPDIR/medium/saved"
	ends 0
	is "$(names)" anna
	is "$(ls -A "$BATS_TEST_TMPDIR/medium")" saved
}

@test "a copy that another tool made is restored, too, without keys" {
	register anna
	sql "VACUUM INTO '$file'"
	switchboard backup "$file-2"
	elsewhere
	switchboard restore "$file"
	says 'restored the database and 0 key files'
	login anna
}

@test "when the last backup was is written down" {
	register anna
	switchboard backup "$file"
	local bytes=$(stat -c %s "$file")
	jq -e --arg file "$file" --argjson bytes "$bytes" '.file == $file
	    and .bytes == $bytes and (.taken_at | test("^20"))' \
	    "$SWITCHBOARD_DATA/last-backup.json"
}

# ---------------------------------------------------------------- refusals

@test "a file that is there is only replaced where that is said" {
	register anna
	echo precious >"$file"
	switchboard backup "$file"
	ends 73 "switchboard backup: $file: is there already; --force replaces it"
	is "$(<"$file")" precious
	switchboard backup --force "$file"
	ends 0
	is "$(stat -c %a "$file")" 600
	mkdir "$BATS_TEST_TMPDIR/folder"
	switchboard backup --force "$BATS_TEST_TMPDIR/folder"
	ends 73 "switchboard backup: $BATS_TEST_TMPDIR/folder: is there, and no file"
	switchboard backup "$BATS_TEST_TMPDIR/none/saved"
	ends 73 "switchboard backup: $BATS_TEST_TMPDIR/none: No such file or directory"
	switchboard backup --force "$SWITCHBOARD_DATA/switchboard.db"
	ends 73 "switchboard backup: $SWITCHBOARD_DATA/switchboard.db: a backup belongs elsewhere than into the data directory"
	is_sound
}

@test "a backup that can't be written leaves nothing, and the old one" {
	register anna
	fill 1000
	switchboard backup "$file"
	local before=$(md5sum "$file")
	# A file may not grow beyond this.
	run --separate-stderr bash -c 'ulimit -f 200; trap "" XFSZ; exec "$@"' - \
	    env -i "SWITCHBOARD_DATA=$SWITCHBOARD_DATA" "${env[@]}" \
	    "$command" backup --force "$file"
	is "$status" 73 'exit status'
	like "${stderr##*$'\n'}" "switchboard backup: $file: the backup can't be made; the log says why"
	is "$(md5sum "$file")" "$before"
	[ ! -e "$file.partial" ]
}

@test "a database that is there is only replaced where that is said" {
	register anna
	switchboard backup "$file"
	register bob
	switchboard restore "$file"
	ends 73 "switchboard restore: there is a database in $SWITCHBOARD_DATA already; --force replaces it"
	is "$(names)" $'anna\nbob'
	switchboard restore --force "$file"
	ends 0
	is "$(names)" anna
	is_sound
}

@test "what is no backup, or a damaged one, is refused before anything changes" {
	register anna
	switchboard backup "$file"
	cp "$file" "$BATS_TEST_TMPDIR/good"
	local before=$(sql .dump | md5sum)
	refuses()	# STATUS REGEX
	{
		switchboard restore --force "$file"
		is "$status" "$1" 'exit status'
		like "${stderr##*$'\n'}" "switchboard restore: $file: $2"
		is "$(sql .dump | md5sum)" "$before"
		is_sound
	}
	rm "$file"
	refuses 66 'No such file or directory'
	echo 'not a database, but long enough to be looked at twice' >"$file"
	refuses 65 "is no database, or can't be read"
	: >"$file"
	refuses 65 "is no database of switchboard's"
	rm "$file"
	sqlite3 "$file" 'CREATE TABLE users (id)'
	refuses 65 "is no database of switchboard's"
	head -c 30000 "$BATS_TEST_TMPDIR/good" >"$file"
	refuses 65 'is (damaged: .*|no database.*)'
	cp "$BATS_TEST_TMPDIR/good" "$file"
	dd if=/dev/urandom of="$file" bs=4096 seek=4 count=3 conv=notrunc \
	    status=none
	refuses 65 'is damaged: .*'
	cp "$BATS_TEST_TMPDIR/good" "$file"
	sqlite3 "$file" 'PRAGMA user_version = 0'
	refuses 65 'is at schema step 0; this version knows [0-9]+: restore it by a newer one'
	sqlite3 "$file" "PRAGMA user_version = 999;
	    INSERT INTO schema_steps VALUES (999, 'later', 999, 0)"
	refuses 65 'is at schema step 999; this version knows [0-9]+: restore it by a newer one'
}

@test "arguments that make no sense are named" {
	local name
	for name in backup restore; do
		switchboard $name
		ends 64 "switchboard $name: FILE is missing; see switchboard $name --help"
		switchboard $name --json x
		ends 64 "switchboard $name: --json is not understood; see switchboard $name --help"
		switchboard $name a b
		ends 64 "switchboard $name: b is not understood; see switchboard $name --help"
	done
	SWITCHBOARD_DATA=$BATS_TEST_TMPDIR/none
	switchboard backup "$file"
	ends 69 "switchboard backup: there is no database in $SWITCHBOARD_DATA; set SWITCHBOARD_DATA to the directory of the installation, or make one by switchboard migrate"
	[ ! -e "$SWITCHBOARD_DATA" ]
}

# ---------------------------------------------------------------- steps

@test "a backup of an older schema is brought up to this one" {
	register anna
	switchboard backup "$file"
	local step=$(sql 'PRAGMA user_version') schema=$(sql .schema)
	# As step 1 left it.
	sqlite3 "$file" 'DROP TABLE outbox; DROP TABLE idempotency_keys;
	    DROP TABLE agent_keys; DROP TABLE events;
	    DROP TABLE feedback_responses; DROP TABLE feedback_requests;
	    DROP TABLE messages; DROP TABLE chat_sessions;
	    DROP INDEX logins_by_expiry;
	    ALTER TABLE users DROP COLUMN logins_ended_at;
	    ALTER TABLE users DROP COLUMN is_admin;
	    DELETE FROM schema_steps WHERE step > 1;
	    PRAGMA user_version = 1'
	switchboard restore --force "$file"
	is "$status" 0 'exit status'
	is "$(sql 'PRAGMA user_version')" "$step"
	is "$(sql .schema)" "$schema"
	login anna
}

# ---------------------------------------------------------------- a crowd

# writers: two that register as fast as they can, until $done is there; the
# names whose 201 has come are lines of $registered.
writers()
{
	local i
	registered=$BATS_TEST_TMPDIR/registered
	finished=$BATS_TEST_TMPDIR/finished
	: >"$registered"
	for i in 1 2; do
		(
			n=0
			until [ -e "$finished" ]; do
				try_register "w$i-$((++n))"
				[ "$status_code" != 201 ] ||
					echo "w$i-$n" >>"$registered"
			done
		) >/dev/null 2>&1 3>&- &
	done
	eventually 30 test -s "$registered"
}

stop_writers()
{
	: >"$finished"
	wait
}

@test "50 times, a backup under a write load has every account of before it" {
	register anna
	writers
	local source=$SWITCHBOARD_DATA try before
	for try in {1..50}; do
		SWITCHBOARD_DATA=$source
		before=$(<"$registered")
		switchboard backup --force "$file"
		is "$status" 0 "exit status of backup $try"
		elsewhere
		switchboard restore "$file"
		is "$status" 0 "exit status of restore $try"
		is_sound
		is "$(comm -23 <(sort <<<"$before") \
		    <(sql 'SELECT username FROM users' | sort))" '' \
		    "names that are missing from backup $try"
	done
	stop_writers
	# It was under load indeed, and the last one serves.
	(($(wc -l <"$registered") > 50))
	login anna
	login "$(head -n 1 <<<"$before")"
	SWITCHBOARD_DATA=$source
	is_sound
}

@test "a backup of many pages is one moment, however long it takes" {
	register anna
	fill 30000
	writers
	# Each moment has as many first logins as accounts that registered.
	local try
	for try in 1 2 3 4 5; do
		switchboard backup --force "$file"
		is "$status" 0 'exit status'
		is "$(sqlite3 "$file" "SELECT (SELECT count(*) FROM users
		    WHERE username NOT LIKE 'user %') = (SELECT count(*)
		    FROM logins); PRAGMA integrity_check")" $'1\nok'
	done
	stop_writers
}

@test "a restore beside programs that write loses nothing but what came since" {
	register anna
	switchboard backup "$file"
	writers
	local try
	for try in {1..10}; do
		switchboard restore --force "$file"
		is "$status" 0 "exit status of restore $try"
		is "$(sql 'PRAGMA integrity_check')" ok
	done
	stop_writers
	is_sound
	login anna
	register zoe
	# Whoever waits for the lock is answered, by a 503 at worst.
	lacks "$(<"$BATS_FILE_TMPDIR/log")" ' 500 '
}

@test "a restore that is killed leaves what was there, or what is to be" {
	register anna
	fill 20000
	switchboard backup "$file"
	local try pid
	for try in {1..12}; do
		sql "DELETE FROM users WHERE username LIKE 'user %'"
		env -i "SWITCHBOARD_DATA=$SWITCHBOARD_DATA" "${env[@]}" \
		    "$command" restore --force "$file" >/dev/null 2>&1 3>&- &
		pid=$!
		sleep "0.$(printf %03d $((try * 20)))"
		kill -KILL "$pid" 2>/dev/null || true
		wait "$pid" || true
		like "$(sql 'SELECT count(*) FROM users; PRAGMA integrity_check')" \
		    $'(1|20001)\nok'
	done
	switchboard restore --force "$file"
	ends 0
	is "$(sql 'SELECT count(*) FROM users')" 20001
	is "$(ls "$SWITCHBOARD_DATA" | grep -c '^restore.db')" 0 files
}

@test "a damaged database is replaced, but not under a program that has it open" {
	register anna
	switchboard backup "$file"
	printf 'no database' | dd of="$SWITCHBOARD_DATA/switchboard.db" \
	    conv=notrunc status=none
	rm "$SWITCHBOARD_DATA"/switchboard.db-*
	# A lock as SQLite's, of somebody who has it open.
	/usr/bin/python3 - "$SWITCHBOARD_DATA/switchboard.db" \
	    "$BATS_TEST_TMPDIR/held" 3>&- <<-'END' &
	import fcntl, os, sys, time
	fd = os.open(sys.argv[1], os.O_RDWR)
	fcntl.lockf(fd, fcntl.LOCK_SH, 510, 0x40000002)
	open(sys.argv[2], "w").close()
	while os.path.exists(sys.argv[2]):
	    time.sleep(0.01)
	END
	eventually 30 test -e "$BATS_TEST_TMPDIR/held"
	switchboard restore --force "$file"
	is "$status" 69 'exit status'
	is "$(head -c 11 "$SWITCHBOARD_DATA/switchboard.db")" 'no database'
	rm "$BATS_TEST_TMPDIR/held"
	wait
	switchboard restore --force "$file"
	is "$status" 0 'exit status'
	is "$(names)" anna
	is_sound
	login anna
}

@test "a database that is locked for long is an error, and stays" {
	register anna
	switchboard backup "$file"
	register bob
	hold_lock
	# What only reads needn't wait.
	switchboard backup --force "$file-2"
	ends 0
	switchboard restore --force "$file"
	fails 69 "switchboard restore: the database in $SWITCHBOARD_DATA is busy, or can't be read or written; the log says which"
	release_lock
	is "$(names)" $'anna\nbob'
}

@test "on a terminal it is shown how far it is, and a signal ends it" {
	register anna
	fill 20000
	on_terminal -- backup "$file"
	is "$status" 0 'exit status'
	has "$output" 'backup: '
	has "$output" ' %'
	has "$output" "saved the database"
	on_terminal 'backup: ' '^C' -- backup --force "$file.2"
	# It may have been done by then.
	case $status in
	130) [ ! -e "$file.2" ]; has "$output" 'stopped by a signal' ;;
	*) is "$status" 0 'exit status' ;;
	esac
	[ ! -e "$file.2.partial" ]
}
