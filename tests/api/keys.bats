# Signing keys as whoever runs an installation meets them: `switchboard key',
# and what becomes of tokens.  Sections 4 and 10 of the contract.

load harness

week=604800
hour=3600
day=86400
secret_a='the secret key A of these tests: 42 bytes.'
secret_b='the secret key B of these tests, 43 bytes..'

setup()
{
	new_data
	file=$SWITCHBOARD_DATA/signing-keys.json
	command=$SB_BUILD/bin/switchboard
	as=()
}

teardown()
{
	[ -z "${elsewhere-}" ] || rm -rf "$elsewhere"
}

# The command line, with the settings and by the clock of the requests; sets
# $status, $output and $stderr.
switchboard()
{
	run --separate-stderr env -i "PATH=$PATH" TZ=UTC NO_FAKE_STAT=1 \
	    FAKETIME_DONT_FAKE_MONOTONIC=1 SWITCHBOARD_ENV_FILE=/dev/null \
	    "ASAN_OPTIONS=verify_asan_link_order=0:${ASAN_OPTIONS-}" \
	    "UBSAN_OPTIONS=${UBSAN_OPTIONS-}" \
	    "SWITCHBOARD_DATA=$SWITCHBOARD_DATA" "${settings[@]}" \
	    "${clock[@]}" "${as[@]}" "$command" "$@"
}

ends()		# STATUS [ERROR]
{
	if [ "$status" != "$1" ]; then
		show "exit status: $status" "$output" "$stderr"
		return 1
	fi
	(($# < 2)) || is "$stderr" "$2" 'standard error'
}

key()		# ARGUMENT...: and it has to succeed
{
	switchboard key "$@"
	ends 0
}

# with SECRET_KEY COMMAND...; with '' is without.
with()
{
	local -a settings=("${settings[@]}" "SECRET_KEY=$1")
	shift
	"$@"
}

kid()
{
	jose_header "$1" | jq -r .kid
}

kid_of()	# SECRET_KEY
{
	printf %s "$1" | sha256sum | cut -c -16
}

kids()
{
	jq -r '.keys[].kid' "$file"
}

# Rotates with SECRET_KEY $1 and sets $new.
renew()
{
	with "$1" key rotate
	like "$output" 'SECRET_KEY=[A-Za-z0-9_-]{43}' 'standard output'
	new=${output#SECRET_KEY=}
}

state()		# KID [MEMBER]
{
	switchboard key list --json
	jq -r --arg kid "$1" --arg member "${2-state}" \
	    '.[] | select(.kid == $kid)[$member]' <<<"$output"
}

# A login whose refresh token outlives every key.
login_for_long()
{
	local -a settings=("${settings[@]}" REFRESH_TOKEN_EXPIRE_DAYS=60)
	login "$@"
}

# lives_until SECONDS TOKEN TOKEN: after so many seconds, from $t0, the key of
# these refresh tokens is refused, and not before.
lives_until()
{
	at_second $((t0 + $1 - 120)) try_refresh "$2"
	expect 200
	at_second $((t0 + $1 + 120)) try_refresh "$3"
	refused_refresh
}

# ---------------------------------------------------------------- rotation

@test "without SECRET_KEY a rotation logs nobody out, and the new key signs" {
	register anna
	local old=$access old_refresh=$refresh
	key rotate
	is "$(jq '.keys | length' "$file")" 2 keys
	local new=$(jq -r '.keys[1].kid' "$file")
	has "$output" "$new"
	is "$stderr" '' 'standard error'
	is "$(stat -c %a "$file")" 600 mode
	me "$old"
	expect 200
	rotate "$old_refresh"
	is "$(kid "$access")" "$new" kid
	is "$(kid "$refresh")" "$new" kid
	me "$access"
	expect 200
	login anna
	is "$(kid "$access")" "$new" kid
}

@test "a rotation comes first where nothing is in the directory" {
	key rotate
	is "$(kids | grep -c .)" 1 keys
	register anna
	is "$(kid "$access")" "$(kids)" kid
}

@test "with SECRET_KEY a rotation prints the new value and nothing else" {
	with "$secret_a" register anna
	renew "$secret_a"
	has "$stderr" SECRET_KEY
	lacks "$stderr" "$new"
	lacks "$stderr" "$secret_a"
	is "$(kids)" "$(kid_of "$secret_a")"$'\n'"$(kid_of "$new")" kids
	is "$(stat -c %a "$file")" 600 mode
	# It is accepted where settings are looked at most closely.
	settings+=(ENVIRONMENT=production SCRYPT_N=16384 SCRYPT_R=8 SCRYPT_P=5)
	with "$new" switchboard settings
	ends 0
	lacks "$output" 'SECRET_KEY counts as not set'
}

@test "processes with the old and with the new SECRET_KEY take each other's tokens" {
	with "$secret_a" register anna
	local a=$access a_refresh=$refresh
	renew "$secret_a"
	with "$secret_a" login anna
	is "$(kid "$access")" "$(kid_of "$secret_a")" 'kid before the change'
	with "$new" login anna
	is "$(kid "$access")" "$(kid_of "$new")" 'kid after the change'
	local b=$access b_refresh=$refresh
	local each
	for each in "$secret_a" "$new"; do
		with "$each" me "$a"
		expect 200
		with "$each" me "$b"
		expect 200
	done
	with "$new" rotate "$a_refresh"
	is "$(kid "$access")" "$(kid_of "$new")" kid
	with "$secret_a" rotate "$b_refresh"
	is "$(kid "$access")" "$(kid_of "$secret_a")" kid
}

@test "a second rotation before the first is used takes nothing away" {
	with "$secret_a" register anna
	renew "$secret_a"
	local first=$new
	renew "$secret_a"
	is "$(kids | grep -c .)" 3 keys
	with "$first" login anna
	with "$new" me "$access"
	expect 200
	with "$secret_a" me "$access"
	expect 200
}

@test "a key that is behind the clock of the last one signs all the same" {
	register anna
	later $day key rotate
	key rotate
	login anna
	is "$(kid "$access")" "$(kids | tail -n 1)" kid
}

@test "PyJWT verifies tokens of before and after a rotation with the file" {
	register anna
	local old=$access
	key rotate
	login anna
	local token
	for token in "$old" "$access"; do
		is "$(/usr/bin/python3 "$BATS_TEST_DIRNAME/forge.py" claims \
		    "$file" "$token" | jq -r .username)" anna username
	done
	renew "$secret_a"
	with "$new" login anna
	is "$(/usr/bin/python3 "$BATS_TEST_DIRNAME/forge.py" claims "$file" \
	    "$access" | jq -r .username)" anna 'by the file'
	is "$(/usr/bin/python3 "$BATS_TEST_DIRNAME/forge.py" claims-by "$new" \
	    "$access" | jq -r .username)" anna 'by the value'
}

@test "without the directory no key is changed, and none is made" {
	SWITCHBOARD_DATA=$BATS_TEST_TMPDIR/none
	local each
	for each in rotate 'retire 01234567'; do
		switchboard key $each
		ends 69 "switchboard key ${each%% *}: there is no directory $SWITCHBOARD_DATA; set SWITCHBOARD_DATA to the directory of the installation, or make one by switchboard migrate"
		is "$output" '' 'standard output'
	done
	[ ! -e "$SWITCHBOARD_DATA" ]
}

# ---------------------------------------------------------------- how long

@test "a key of the file dies with its last token after a rotation, not before" {
	t0=$EPOCHSECONDS
	register anna
	login_for_long anna
	local one=$refresh
	login_for_long anna
	local two=$refresh
	# It signs to the last moment.
	at_second $((t0 + 2 * day - 1)) login anna
	local late=$refresh
	at_second $((t0 + 2 * day)) key rotate
	at_second $((t0 + 2 * day + week - 60)) try_refresh "$late"
	expect 200
	lives_until $((2 * day + week + hour)) "$one" "$two"
}

@test "a key of the file dies with its last token after SECRET_KEY was set" {
	t0=$EPOCHSECONDS
	register anna
	login_for_long anna
	local one=$refresh
	login_for_long anna
	local two=$refresh
	settings+=("SECRET_KEY=$secret_a")
	at_second $((t0 + day)) login anna
	is "$(jq -c .secret_key "$file")" \
	    "{\"kid\":\"$(kid_of "$secret_a")\",\"since\":$((t0 + day))}"
	# Nor does it matter who comes later.
	at_second $((t0 + 3 * day)) login anna
	lives_until $((day + week + hour)) "$one" "$two"
}

@test "a SECRET_KEY changed three days after the rotation lives seven days more" {
	t0=$EPOCHSECONDS
	at_second "$t0" with "$secret_a" register anna
	at_second "$t0" with "$secret_a" login_for_long anna
	local one=$refresh
	at_second "$t0" with "$secret_a" login_for_long anna
	local two=$refresh
	at_second "$t0" renew "$secret_a"
	at_second $((t0 + 3 * day - 1)) with "$secret_a" login anna
	local late=$refresh
	settings+=("SECRET_KEY=$new")
	at_second $((t0 + 3 * day)) login anna
	# It waits no more, wherever it is asked.
	is "$(jq -c '.keys[1] | [.kid, .iat, .waits]' "$file")" \
	    "[\"$(kid_of "$new")\",$((t0 + 3 * day)),null]"
	is "$(with '' state "$(kid_of "$new")")" verifies
	at_second $((t0 + 3 * day + week - 60)) try_refresh "$late"
	expect 200
	is "$(kid "$(json .access_token)")" "$(kid_of "$new")" kid
	lives_until $((3 * day + week + hour)) "$one" "$two"
}

@test "a SECRET_KEY is unset after a rotation: nobody is logged out" {
	t0=$EPOCHSECONDS
	at_second "$t0" with "$secret_a" register anna
	at_second "$t0" with "$secret_a" login_for_long anna
	local one=$refresh
	at_second "$t0" with "$secret_a" login_for_long anna
	local two=$refresh
	at_second "$t0" renew "$secret_a"
	at_second $((t0 + day)) login anna
	isnt "$(kid "$access")" "$(kid_of "$secret_a")" kid
	isnt "$(kid "$access")" "$(kid_of "$new")" kid
	is "$(jq '.keys | length' "$file")" 3 keys
	at_second $((t0 + day + 5)) with "$secret_a" me "$access"
	expect 200
	lives_until $((day + week + hour)) "$one" "$two"
}

@test "a SECRET_KEY that comes back lets the file's last tokens live" {
	t0=$EPOCHSECONDS
	register anna
	at_second $((t0 + day)) with "$secret_a" login anna
	# Two weeks later the file signs again: by a key of its own.
	at_second $((t0 + 14 * day)) login anna
	isnt "$(kid "$access")" "$(jq -r '.keys[0].kid' "$file")" kid
	is "$(jq '.keys | length' "$file")" 2 keys
	at_second $((t0 + 16 * day)) login_for_long anna
	local one=$refresh
	at_second $((t0 + 16 * day)) login_for_long anna
	local two=$refresh
	settings+=("SECRET_KEY=$secret_a")
	at_second $((t0 + 17 * day)) login anna
	is "$(kid "$access")" "$(kid_of "$secret_a")" kid
	lives_until $((17 * day + week + hour)) "$one" "$two"
}

@test "programs with two SECRET_KEYs, and without, don't fight for the file" {
	register anna
	local each
	for each in "$secret_a" "$secret_b" ''; do
		with "$each" login anna
	done
	cp "$file" "$BATS_TEST_TMPDIR/before"
	for each in "$secret_a" "$secret_b" '' "$secret_a" "$secret_b" ''; do
		with "$each" login anna
	done
	cmp "$file" "$BATS_TEST_TMPDIR/before"
}

@test "with SECRET_KEY alone no file is made" {
	settings+=("SECRET_KEY=$secret_a")
	register anna
	me "$access"
	expect 200
	key list
	like "${lines[1]}" "$(kid_of "$secret_a")  SECRET_KEY  -  +signs"
	[ ! -e "$file" ]
}

# ---------------------------------------------------------------- list

@test "list says of each key where it is, since when, and what it does" {
	t0=$EPOCHSECONDS
	local -a settings=("${settings[@]}")
	at_second "$t0" register anna
	local f=$(kids)
	is "$(state "$f")" signs
	is "$(state "$f" until)" null
	at_second $((t0 + 60)) renew "$secret_a"
	local a=$(kid_of "$secret_a") w=$(kid_of "$new")
	settings+=("SECRET_KEY=$secret_a")
	key list
	local start=$(TZ=UTC printf '%(%FT%TZ)T' $((t0 + 60)))
	local end=$(TZ=UTC printf '%(%FT%TZ)T' $((t0 + 60 + week + hour)))
	has "$output" $'\n'"$a  SECRET_KEY, file  $start  signs"
	like "$output" ".*"$'\n'"$w  file              [^ ]+  waits to be set as SECRET_KEY"$'\n'".*"
	like "$output" ".*"$'\n'"$f  file              [^ ]+  verifies until $end.*"
	is "$(state "$a" is_secret_key) $(state "$a" in_file)" 'true true'
	is "$(state "$w" is_secret_key) $(state "$w" in_file)" 'false true'
	is "$(state "$w")" waits
	is "$(state "$f")" verifies
	is "$(state "$f" until)" "${end%Z}.000000Z"
	is "$(state "$a" since)" "${start%Z}.000000Z"
	is "$(state "$w" until)" null
	is "$(at_second $((t0 + 60 + week + hour + 1)) state "$f")" retired
	is "$(at_second $((t0 + 60 + week + hour - 1)) state "$f")" verifies
	is "$(at_second $((t0 + 60 + week + hour + 1)) state "$w")" waits
}

@test "list shows no secret and changes nothing" {
	register anna
	renew "$secret_a"
	cp "$file" "$BATS_TEST_TMPDIR/before"
	local each option k
	for each in "$secret_a" "$new" "$secret_b" ''; do
		for option in '' --json; do
			with "$each" key list $option
			for k in "$secret_a" "$new" $(jq -r '.keys[].k' "$file"); do
				lacks "$output$stderr" "$k"
			done
		done
	done
	cmp "$file" "$BATS_TEST_TMPDIR/before"
}

@test "list of an installation without keys makes none" {
	SWITCHBOARD_DATA=$BATS_TEST_TMPDIR/none
	key list
	like "$output" 'There is no key yet\..*'
	key list --json
	is "$output" '[]'
	[ ! -e "$SWITCHBOARD_DATA" ]
}

# ---------------------------------------------------------------- retire

@test "the tokens of a retired key are refused at once, others live" {
	register anna
	local old=$access old_refresh=$refresh
	key rotate
	login anna
	key retire "$(kid "$old")"
	has "$output" "$(kid "$old")"
	is "$(kids)" "$(kid "$access")" kids
	me "$old"
	refused
	try_refresh "$old_refresh"
	refused_refresh
	me "$access"
	expect 200
	rotate "$refresh"
}

@test "a SECRET_KEY that leaked is retired after it was changed" {
	with "$secret_a" register anna
	local old=$access
	renew "$secret_a"
	settings+=("SECRET_KEY=$new")
	me "$old"
	expect 200
	login anna
	key retire "$(kid_of "$secret_a")"
	me "$old"
	refused
	me "$access"
	expect 200
}

@test "the beginning of an id is enough, from four digits on, if it is one's" {
	register anna
	local old=$(kids)
	key rotate
	switchboard key retire "${old:0:3}"
	ends 64 "switchboard key retire: ${old:0:3} is not the id of a key, nor its first 4 digits or more"
	# Another spelling of the same, too.
	key retire "$(tr a-f A-F <<<"${old:0:4}")"
	lacks "$(kids)" "$old"
}

@test "the beginning of several ids is nobody's" {
	# The kids of these begin with the same four digits.
	local pair=$(/usr/bin/python3 - <<'END'
import base64, hashlib, itertools, json
seen = {}
for i in itertools.count():
    secret = b"%040d" % i
    start = hashlib.sha256(secret).hexdigest()[:4]
    if start in seen:
        both = [seen[start], secret, b"k" * 32]
        break
    seen[start] = secret
print(start, json.dumps({"keys": [
    {"kty": "oct", "iat": n, "k": base64.urlsafe_b64encode(s).decode()
     .rstrip("=")} for n, s in enumerate(both, 1000)]}))
END
)
	echo "${pair#* }" >"$file"
	cp "$file" "$BATS_TEST_TMPDIR/before"
	switchboard key retire "${pair%% *}"
	ends 64 "switchboard key retire: ${pair%% *} is the beginning of several keys' ids"
	cmp "$file" "$BATS_TEST_TMPDIR/before"
}

@test "the key that signs is not retired, nor one that is not there" {
	register anna
	local kid=$(kids)
	cp "$file" "$BATS_TEST_TMPDIR/before"
	switchboard key retire "$kid"
	ends 64 "switchboard key retire: $kid is the key that signs: make another first, by switchboard key rotate"
	switchboard key retire 0123456789abcdef0
	ends 67 'switchboard key retire: 0123456789abcdef0 is not the id of a key that there is'
	switchboard key retire $'x\e[31m'
	is "$status" 64 'exit status'
	lacks "$stderr" $'\e'
	switchboard key retire ''
	is "$status" 64 'exit status'
	cmp "$file" "$BATS_TEST_TMPDIR/before"
	settings+=("SECRET_KEY=$secret_a")
	switchboard key retire "$(kid_of "$secret_a")"
	is "$status" 64 'exit status'
	like "$stderr" "switchboard key retire: $(kid_of "$secret_a") is SECRET_KEY, which signs: change that, .*"
}

@test "the last key may leave the file while SECRET_KEY signs" {
	register anna
	local old=$access
	settings+=("SECRET_KEY=$secret_a")
	key retire "$(kids)"
	me "$old"
	refused
	login anna
	me "$access"
	expect 200
	lacks "$log" signing-keys
	with '' login anna
	is "$(kids)" "$(kid "$access")" kid
}

# ---------------------------------------------------------------- at once

@test "of twenty rotations at once none is lost" {
	register anna
	local old=$access
	local -a settings=("${settings[@]}")
	one()
	{
		# Half of them are for an installation with SECRET_KEY.
		((turn % 2)) || settings+=("SECRET_KEY=$secret_a")
		key rotate
		status_code=$status body=${output%%$'\n'*}
	}
	at_once 20 one
	is "$(grep -c '^0 ' <<<"$answers")" 20 successes
	# The first, SECRET_KEY once, and the new ones.
	is "$(jq '.keys | map(.kid) | unique | length' "$file")" 22 keys
	is "$(jq '[.keys[] | select(.waits)] | length' "$file")" 10 waiting
	local value
	for value in $(sed -n 's/^0 SECRET_KEY=//p' <<<"$answers"); do
		has "$(kids)" "$(kid_of "$value")"
	done
	for value in $(sed -n 's/^0 \([0-9a-f]*\) signs .*/\1/p' <<<"$answers"); do
		has "$(kids)" "$value"
	done
	me "$old"
	expect 200
}

@test "first starts and rotations at once end in one file with all keys" {
	one()
	{
		if ((turn % 2)); then
			key rotate
			status_code=201 body="{\"rotated\":\"${output%% *}\"}"
		else
			try_register racer$turn
		fi
	}
	at_once 8 one
	is "$(grep -c '^201 ' <<<"$answers")" 8 successes
	local kid token
	for kid in $(cut -c 5- <<<"$answers" | jq -r '.rotated // empty'); do
		has "$(kids)" "$kid"
	done
	for token in $(cut -c 5- <<<"$answers" |
	    jq -r '.access_token // empty'); do
		me "$token"
		expect 200
	done
}

@test "rotations killed at any moment leave a sound file" {
	register anna
	local i before after began=${EPOCHREALTIME/[.,]/} range limit rc
	local killed=0 done=0
	key rotate
	range=$(((${EPOCHREALTIME/[.,]/} - began) * 3 / 2))
	for ((i = 0; i < 50; i++)); do
		before=$(kids)
		# From before it begins to after its end, however long it takes
		# by then; no limit at all is not meant.
		limit=$((RANDOM * range / 32768 + 1)) rc=0
		timeout -s KILL $((limit / 1000000)).$(printf %06d \
		    $((limit % 1000000))) \
		    env -i "PATH=$PATH" "SWITCHBOARD_DATA=$SWITCHBOARD_DATA" \
		    "ASAN_OPTIONS=${ASAN_OPTIONS-}" "$command" key rotate \
		    >>"$BATS_TEST_TMPDIR/out" 2>&1 || rc=$?
		case $rc in
		0)	((done += 1, range -= range / 8)) ;;
		137)	((killed += 1, range += range / 8)) ;;
		*)	show "exit status: $rc" && false ;;
		esac
		after=$(kids)
		# All that were there are, and at most one more.
		is "$(head -n "$(wc -l <<<"$before")" <<<"$after")" "$before"
		((${#after} - ${#before} <= 17))
	done
	((killed > 0 && done > 0))
	me "$access"
	expect 200
	key rotate
	key list
	is "$(find "$SWITCHBOARD_DATA" -name '*sign*')" "$file" 'key files'
}

# ---------------------------------------------------------------- the file

@test "what else is in the file stays there" {
	register anna
	jq '.note = "ours" | .number = 1.50 | .keys[0].use = "sig"
	    | .keys[0].note = {a: [null]}
	    | .keys += [{kty: "RSA", n: "AQAB", e: "AQAB", kid: "other"}]' \
	    "$file" >"$file.x"
	# jq would write it otherwise.
	sed 's/1\.50*/1.50/' "$file.x" >"$file"
	rm "$file.x"
	local old=$(jq -r '.keys[0].kid' "$file")
	renew "$secret_a"
	with "$new" login anna
	key rotate
	jq -e '.note == "ours" and .keys[0].use == "sig"
	    and .keys[0].note == {a: [null]}
	    and (.keys[1] | .kty == "RSA" and .kid == "other")' "$file"
	has "$(<"$file")" '"number":1.50'
	key retire "$old"
	jq -e '.note == "ours" and .keys[0].kty == "RSA"' "$file"
	is "$(jq -r .secret_key.kid "$file")" "$(kid_of "$new")" kid
}

@test "where nothing can be written a rotation says so, and all goes on" {
	# Other users don't come to where bats has its files.
	SWITCHBOARD_DATA=$(mktemp -d /tmp/switchboard-keys-XXXXXX)
	elsewhere=$SWITCHBOARD_DATA
	file=$SWITCHBOARD_DATA/signing-keys.json
	register anna
	key list
	chmod 500 "$SWITCHBOARD_DATA"
	if ((EUID == 0)); then
		chown -R 65534:65534 "$SWITCHBOARD_DATA"
		as=(setpriv --reuid=65534 --regid=65534 --clear-groups)
		"${as[@]}" test -x "$command" ||
			skip 'the build is not open to other users'
	fi
	cp "$file" "$BATS_TEST_TMPDIR/before"
	local each
	for each in '' "$secret_a"; do
		with "$each" switchboard key rotate
		ends 69
		has "$stderr" 'Permission denied'
		has "$stderr" "switchboard key rotate: $file: "
		is "$output" '' 'standard output'
	done
	key list
	# A SECRET_KEY that can't be noted is no error.
	clock=("${as[@]}")
	with "$secret_a" me "$access"
	expect 200
	is "$log" "$(grep ' 200 ' <<<"$log")" log
	cmp "$file" "$BATS_TEST_TMPDIR/before"
	is "$(find "$SWITCHBOARD_DATA" -name '*sign*')" "$file" 'key files'
}

@test "root's rotation leaves the file to its owner" {
	((EUID == 0)) || skip 'needs root'
	local id=65534
	# Other users don't come to where bats has its files.
	elsewhere=$(mktemp -d /tmp/switchboard-keys-XXXXXX)
	chmod 755 "$elsewhere"
	SWITCHBOARD_DATA=$elsewhere/data
	file=$SWITCHBOARD_DATA/signing-keys.json
	mkdir -m 700 "$SWITCHBOARD_DATA"
	chown $id:$id "$SWITCHBOARD_DATA"
	key rotate
	key rotate
	is "$(stat -c %u:%g:%a "$file")" $id:$id:600 'owner and mode'
	is "$(stat -c %u:%g:%a "$SWITCHBOARD_DATA/keys.slots")" $id:$id:600 \
	    'owner and mode'
}

@test "a damaged file is named, and left as it is" {
	local text each
	for text in '{"keys":[{"kty":' '{"keys":[]}' '[]' \
	    '{"keys":[{"kty":"oct","k":"c2hvcnQ"}]}'; do
		printf %s "$text" >"$file"
		for each in list rotate 'retire 01234567'; do
			switchboard key $each
			ends 70
			has "$stderr" "switchboard key ${each%% *}: $file: "
			is "$output" '' 'standard output'
			is "$(<"$file")" "$text"
		done
	done
}

@test "a full file takes no more, and says so" {
	/usr/bin/python3 - >"$file" <<'END'
import base64, json
print(json.dumps({"keys": [{"kty": "oct", "iat": 1700000000 + n, "k":
    base64.urlsafe_b64encode(b"%032d" % n).decode().rstrip("=")}
    for n in range(256)]}))
END
	cp "$file" "$BATS_TEST_TMPDIR/before"
	switchboard key rotate
	ends 69
	has "$stderr" 'has no room for another key'
	cmp "$file" "$BATS_TEST_TMPDIR/before"
	register anna
}

# ---------------------------------------------------------------- arguments

@test "without a word, or with another, key says where help is" {
	switchboard key
	ends 64 'switchboard key: what to do is missing; see switchboard key --help'
	switchboard key frobnicate
	ends 64 'switchboard key: frobnicate is not understood; there are list, rotate and retire'
	switchboard key retire
	ends 64 'switchboard key retire: KID is missing; see switchboard key retire --help'
	local each
	for each in 'list now' 'rotate now' 'retire 01234567 now'; do
		switchboard key $each
		ends 64 "switchboard key ${each%% *}: now is not understood; see switchboard key ${each%% *} --help"
	done
	is "$output" '' 'standard output'
	is "$(find "$SWITCHBOARD_DATA" -type f)" '' files
}

@test "key has a help of its own" {
	local each
	for each in 'rotate' 'list [--json]' 'retire KID'; do
		switchboard key ${each%% *} --help
		ends 0 ''
		is "${lines[0]}" "Usage: switchboard key $each"
		switchboard key --help
		ends 0 ''
		has "$output" "switchboard key $each"
	done
	is "$(find "$SWITCHBOARD_DATA" -type f)" '' files
}

@test "a new value that can't be printed is an error" {
	[ -c /dev/full ] || skip 'no /dev/full'
	settings+=("SECRET_KEY=$secret_a")
	run env -i "PATH=$PATH" "SWITCHBOARD_DATA=$SWITCHBOARD_DATA" \
	    "${settings[@]}" sh -c 'exec "$0" key rotate >/dev/full' "$command"
	is "$status" 74 'exit status'
}
