# switchboard import and export: accounts out of a file, all or none, and into
# one.

load harness
load command


setup()
{
	new_data
	switchboard migrate
	file=$BATS_TEST_TMPDIR/file
	bcrypt=$(/usr/bin/python3 -W ignore -c 'import crypt, sys
print(crypt.crypt(sys.argv[1], "$2b$04$abcdefghijklmnopqrstuu"))' "$password")
	like "$bcrypt" '\$2b\$04\$.{53}'
}

lines()		# LINE...
{
	printf '%s\n' "$@" >"$file"
}

csv()		# LINE...
{
	lines 'username,email,password_hash' "$@"
}

users()
{
	sql "SELECT username FROM users ORDER BY username_key"
}

# refuses REASON...: nothing is imported, as these lines are refused.
refuses()
{
	local before=$(users) n=$#
	switchboard import "$file"
	is "$status" 65 'exit status'
	is "$output" '' output
	while (($#)); do
		is "${stderr_lines[-$(($# + 1))]}" "$file:$1"
		shift
	done
	is "${#stderr_lines[@]}" $((n + 1)) 'lines on standard error'
	is "$(users)" "$before"
}

none()		# N
{
	echo "switchboard import: nothing was imported: $1 line$( (($1 == 1)) && echo ' is' || echo 's are') refused"
}

broken()	# LINE: REASON
{
	switchboard import "$file"
	ends 65 "$file:$1
switchboard import: nothing was imported: $file is broken"
	is "$(users)" ''
}

# ---------------------------------------------------------------- formats

@test "accounts of CSV log in by the hashes that they bring" {
	lines 'created_at,email,username,password_hash,is_active' \
	    "2023-11-14T22:13:20.5Z,Post@one.example,Anna,$bcrypt,true" \
	    "2023-11-15 00:13:20+02:00,bob@one.example,bob,$bcrypt,0"
	switchboard import "$file"
	says 'imported 2 accounts; 0 lines are refused'
	login anna
	me "$access"
	holds '.username == "Anna" and .email == "Post@one.example"
	    and .created_at == "2023-11-14T22:13:20.500000Z"'
	# Renewed as at any login.
	like "$(sql "SELECT password FROM users WHERE username = 'Anna'")" \
	    '\$s1\$.*'
	try_login bob
	expect 400 '{"detail":"Inactive user"}'
	is "$(sql "SELECT created_at, is_admin FROM users
	    WHERE username = 'bob'")" '1700000000000000|0'
	like "$(id_of Anna)" "$uuid7"
}

@test "accounts of JSON lines, too, with ids of their own" {
	local id=0193e25a-d365-71a6-8b94-da4f9fc3c6fa
	lines "$(jq -nc --arg h "$bcrypt" --arg id "$id" '{id: $id,
	    username: "Anna", email: "a@one.example", password_hash: $h,
	    is_active: true, is_admin: true, created_at: null}')" '' \
	    "$(jq -nc --arg h "$bcrypt" '{username: "bob",
	    email: "b@one.example", password_hash: $h, is_active: false}')"
	switchboard import "$file"
	says 'imported 2 accounts; 0 lines are refused'
	is "$(sql 'SELECT username, is_active, is_admin FROM users
	    ORDER BY username_key')" $'Anna|1|1\nbob|0|0'
	is "$(id_of Anna)" "$id"
	login anna
}

@test "hashes of each kind that logs in are taken, and no others" {
	register zoe
	local ours=$(sql 'SELECT password FROM users') tail=${bcrypt:7}
	sql 'DELETE FROM users'
	csv "aaa,a@one.example,$ours" "bbb,b@one.example,\$2a\$10\$$tail" \
	    "ccc,c@one.example,\$2y\$15\$$tail"
	switchboard import "$file"
	says 'imported 3 accounts; 0 lines are refused'
	login aaa
	local known='password_hash: neither a hash by scrypt ($s1$) nor by bcrypt ($2a$, $2b$, $2y$)'
	local cut='password_hash: a hash by bcrypt that is cut off, or costs too much'
	local cut1='password_hash: a hash by scrypt that is cut off, or costs too much'
	csv "ddd,d@one.example,plain password" "eee,e@one.example,\$2x\$10\$$tail" \
	    "fff,f@one.example,\$2b\$16\$$tail" "ggg,g@one.example,\$2b\$10\$short" \
	    "hhh,h@one.example,${ours%?}" "iii,i@one.example,\$s1\$ff0801\$${ours#*\$*\$*\$}" \
	    'jjj,j@one.example,$6$salt$hash' 'kkk,k@one.example,'
	refuses "2: $known" "3: $known" "4: $cut" "5: $cut" "6: $cut1" \
	    "7: $cut1" "8: $known" '9: password_hash: Field required'
	# What libscrypt reads otherwise, as another cost or as no base64.
	local salt=AAAAAAAAAAAAAAAAAAAAAA== hash=${ours##*\$}
	csv "lll,l@one.example,\$s1\$01010100140801\$$salt\$$hash" \
	    "mmm,m@one.example,\$s1\$ 1 1 1\$$salt\$$hash" \
	    "nnn,n@one.example,\$s1\$0a0801\$${salt/%A==/B==}\$$hash" \
	    "ooo,o@one.example,\$s1\$0a0801\$$salt\$${hash/%?==/B==}"
	refuses "2: $cut1" "3: $cut1" "4: $cut1" "5: $cut1"
}

@test "quoted fields may have anything in them, and lines any end" {
	printf '\xef\xbb\xbf"username","email",password_hash\r\n' >"$file"
	printf '"a,""b""",a@one.example,"%s"\r\n\r\n' "$bcrypt" >>"$file"
	printf 'Jörg,"b@one.example",%s\n' "$bcrypt" >>"$file"
	printf '"漢字 x",c@bücher.example,%s' "$bcrypt" >>"$file"
	switchboard import "$file"
	says 'imported 3 accounts; 0 lines are refused'
	is "$(users)" $'a,"b"\nJörg\n漢字 x'
	# A line within quotes counts as one, and is refused by its rules.
	printf 'username,email,password_hash\n"two\nlines",d@one.example,%s\nab,e@one.example,%s\n' \
	    "$bcrypt" "$bcrypt" >"$file"
	refuses '2: username: Value error, user names must not contain U+000A' \
	    '4: username: String should have at least 3 characters'
}

@test "standard input is a file, too, and the format can be said" {
	answered "username,email,password_hash\nanna,a@one.example,$bcrypt\n" \
	    import -
	says 'imported 1 account; 0 lines are refused'
	answered "anna,a@one.example,$bcrypt\n" import --json-lines -
	is "$status" 65 'exit status'
	like "${stderr_lines[0]}" 'standard input:1: no JSON: .* at byte 0'
	answered '{"a": 1}\n' import --csv -
	ends 65 'standard input:1: a quote in a field that doesn'"'"'t begin with one
switchboard import: nothing was imported: standard input is broken'
}

# ---------------------------------------------------------------- refusals

@test "all that is wrong with a line is said, and nothing is imported" {
	lines 'id,username,email,password_hash,is_active,created_at' \
	    "X,ab,nobody,x,maybe,yesterday" ",good,good@one.example,$bcrypt,,"
	switchboard import "$file"
	is "$status" 65 'exit status'
	like "${stderr_lines[0]}" "$file:2: id: not an id; username: String should have at least 3 characters; email: value is not a valid email address: .*; password_hash: neither .*; is_active: Input should be a valid boolean, unable to interpret input; created_at: Input should be a time, as 2025-10-14T10:53:47Z"
	is "${stderr_lines[1]}" "$(none 1)"
	is "$(users)" ''
}

@test "names and addresses that are taken are refused, of the file's own, too" {
	register anna
	local id=$(id_of anna)
	csv "ANNA,x@one.example,$bcrypt" "bob,Anna@EXAMPLE.com,$bcrypt" \
	    "carl,c@one.example,$bcrypt" "Carl,d@one.example,$bcrypt"
	refuses '2: Username already registered' \
	    '3: Email already registered' '5: Username already registered'
	lines 'id,username,email,password_hash' "$id,dora,d@one.example,$bcrypt"
	refuses '2: id: somebody has it already'
	login anna
}

@test "times are real ones" {
	local time
	for time in 2023-02-30T00:00:00Z 2023-13-01T00:00:00Z 2023-11-14 \
	    2023-11-14T22:13:20 2023-11-14T25:00:00Z 1969-12-31T23:59:59Z \
	    2023-11-14T22:13:20+2 2023-11-14T22:13:20+02:60 1700000000 \
	    '2023-11-14T22:13:20Z ' 2023-1-14T22:13:20Z \
	    9999-12-31T23:59:59-23:59 1970-01-01T00:00:00+00:01; do
		lines 'username,email,password_hash,created_at' \
		    "anna,a@one.example,$bcrypt,$time"
		refuses '2: created_at: Input should be a time, as 2025-10-14T10:53:47Z'
	done
	lines 'username,email,password_hash,created_at' \
	    "anna,a@one.example,$bcrypt,2024-02-29t23:30:00.123456789-01:30"
	switchboard import "$file"
	ends 0
	is "$(sql 'SELECT created_at FROM users')" 1709254800123456
}

@test "a broken file is told by its line, and nothing is imported" {
	: >"$file"
	broken '1: is empty: a first line that names the columns is missing'
	lines 'username,email'
	broken '1: there is no column password_hash'
	lines 'username,email,password_hash,role'
	broken '1: a column "role" is not known'
	lines 'username,email,password_hash,email'
	broken '1: the column email is there twice'
	csv "anna,a@one.example,$bcrypt" 'bob,"b@one.example,x'
	broken '3: a quote is opened and never closed'
	csv "anna,a@one.example,$bcrypt" 'bo"b,b@one.example,x'
	broken "3: a quote in a field that doesn't begin with one"
	csv "anna,a@one.example,$bcrypt" '"bob" ,b@one.example,x'
	broken '3: something follows the quote that closes a field'
	csv "anna,a@one.example,$bcrypt" "$(printf '%070000d' 0)"
	broken '3: a record of more than 65536 bytes, or 32 fields'
	lines "{\"username\":\"$(printf '%070000d' 0)\"}"
	broken '1: a line of more than 65536 bytes'
}

@test "lines that make no sense are refused one by one" {
	csv 'anna,a@one.example' "bob,b@one.example,$bcrypt,more" \
	    $'c\xffrl,c@one.example,x'
	refuses '2: 2 fields, where there are 3 columns' \
	    '3: 4 fields, where there are 3 columns' \
	    '4: is not UTF-8, or has a NUL'
	lines '{"username": "anna", }' '[1]' '{"username": 7}' \
	    '{"role": "x"}' '{}' $'{"username":"\xff"}'
	switchboard import "$file"
	is "$status" 65 'exit status'
	like "${stderr_lines[0]}" "$file:1: no JSON: .* at byte 21"
	is "${stderr_lines[1]}" "$file:2: no JSON object"
	is "${stderr_lines[2]}" "$file:3: username: neither a string nor a boolean"
	is "${stderr_lines[3]}" "$file:4: a member \"role\" is not known"
	is "${stderr_lines[4]}" "$file:5: username: Field required; email: Field required; password_hash: Field required"
	like "${stderr_lines[5]}" "$file:6: no JSON: .*"
	is "${stderr_lines[6]}" "$(none 6)"
	is_harmless "$stderr"
}

@test "refused lines can be left out, and told in a report" {
	csv "anna,a@one.example,$bcrypt" "ab,b@one.example,$bcrypt" \
	    "carl,c@one.example,$bcrypt"
	local report=$BATS_TEST_TMPDIR/report
	switchboard import --skip-refused --report "$report" "$file"
	ends 65
	is "$output" 'imported 2 accounts; 1 line is refused'
	is "$(<"$report")" "$file:3: username: String should have at least 3 characters"
	is "$(stat -c %a "$report")" 600
	is "$(users)" $'anna\ncarl'
	switchboard import --report "$report" "$file"
	ends 65 "$(none 3)"
	is "$(wc -l <"$report")" 3
}

@test "a dry run says the same, and changes and locks nothing" {
	register anna
	csv "ANNA,x@one.example,$bcrypt" "bob,b@one.example,$bcrypt"
	hold_lock
	switchboard import --dry-run "$file"
	ends 65 "$file:2: Username already registered"
	is "$output" 'would import 1 account; 1 line is refused'
	csv "bob,b@one.example,$bcrypt"
	switchboard import --dry-run "$file"
	says 'would import 1 account; 0 lines are refused'
	switchboard import "$file"
	is "$status" 69 'exit status'
	release_lock
	is "$(users)" anna
	is "$(ls "$SWITCHBOARD_DATA" | grep -c '^import.db')" 0 files
}

@test "files and arguments that make no sense are named" {
	switchboard import
	ends 64 'switchboard import: FILE is missing; see switchboard import --help'
	switchboard import --report
	ends 64 'switchboard import: --report is not understood; see switchboard import --help'
	switchboard import --csv --json-lines x
	ends 64 'switchboard import: --csv with --json-lines is not understood; see switchboard import --help'
	switchboard import "$file"
	ends 66 "switchboard import: $file: No such file or directory"
	switchboard import "$BATS_TEST_TMPDIR"
	is "$status" 66 'exit status'
	csv "anna,a@one.example,$bcrypt"
	switchboard import --report "$BATS_TEST_TMPDIR/no/report" "$file"
	ends 73 "switchboard import: $BATS_TEST_TMPDIR/no/report: No such file or directory"
	switchboard export --yaml
	ends 64 'switchboard export: --yaml is not understood; see switchboard export --help'
	is "$(users)" ''
	SWITCHBOARD_DATA=$BATS_TEST_TMPDIR/none
	switchboard import "$file"
	is "$status" 69 'exit status'
	switchboard export
	is "$status" 69 'exit status'
	[ ! -e "$SWITCHBOARD_DATA" ]
}

# ---------------------------------------------------------------- export

@test "an export is imported as it was, in either format" {
	register Anna "$password" Post@one.example
	answered "$password" user add 'b,"o"b' b@one.example
	register '漢字x'
	switchboard user disable anna
	switchboard user admin '漢字x' on
	local columns='id, username, username_key, email, email_key, password,
	    is_active, is_admin, created_at' format
	local all=$(sql "SELECT $columns FROM users ORDER BY id")
	for format in --csv --json-lines; do
		switchboard export $format
		ends 0
		printf '%s\n' "$output" >"$file.$format"
	done
	like "$(head -n 1 "$file.--csv")" \
	    $'id,username,email,password_hash,is_active,is_admin,created_at\r'
	is "$(jq -s 'length' "$file.--json-lines")" 3
	for format in --csv --json-lines; do
		new_data
		switchboard migrate
		switchboard import "$file.$format"
		says 'imported 3 accounts; 0 lines are refused'
		is "$(sql "SELECT $columns FROM users ORDER BY id")" "$all"
	done
	login 'b,"o"b'
}

@test "many accounts are exported and imported, each once" {
	local n
	echo username,email,password_hash >"$file"
	for ((n = 0; n < 2500; n++)); do
		echo "user $n,u$n@one.example,$bcrypt"
	done >>"$file"
	switchboard import "$file"
	says 'imported 2500 accounts; 0 lines are refused'
	switchboard export
	is "$(jq -s 'map(.username) | unique | length' <<<"$output")" 2500
	is "${#lines[@]}" 2500 lines
	is "$(sql 'PRAGMA integrity_check')" ok
}

@test "on a terminal it is shown how far it is, and a signal imports nothing" {
	mkfifo "$BATS_TEST_TMPDIR/pipe"
	{
		printf '%s\n' username,email,password_hash
		local n=0
		while printf 'user %d,u%d@one.example,%s\n' $((++n)) $n "$bcrypt"; do
			:
		done
	} >"$BATS_TEST_TMPDIR/pipe" 2>/dev/null 3>&- &
	on_terminal ' lines, 0 refused' '^C' -- import "$BATS_TEST_TMPDIR/pipe"
	is "$status" 130 'exit status'
	has "$output" 'import: '
	has "$output" 'switchboard import: stopped by a signal; nothing was done'
	is "$(users)" ''
}
