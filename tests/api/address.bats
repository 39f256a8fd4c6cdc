# Whose address a request comes from behind proxies, whatever its headers say:
# the end of section 5 of the contract.  A trick that works is in the column
# ip_address of the login that it makes, in what counts, and in the log.

load harness

setup_file()
{
	new_data
	settings+=(RATE_LIMIT_PER_ADDRESS=1000)
	register iris
}

setup()
{
	settings+=(RATE_LIMIT_PER_ADDRESS=1000)
	trust 10.0.0.0/8,2001:db8:ff::/48
}

limits_sql()
{
	sqlite3 -cmd '.timeout 2000' "$SWITCHBOARD_DATA/limits.db" "$1"
}

trust()		# LIST: as TRUSTED_PROXIES
{
	settings+=("TRUSTED_PROXIES=$1")
}

# from PEER [Name: value]...: logs in from there, with these header fields.
from()
{
	local cgi=("${cgi[@]}" "REMOTE_ADDR=$1")

	limits_sql 'DELETE FROM limits'
	form /api/auth/login "username=iris&password=${password// /+}" "${@:2}"
}

# forwarded VALUE: through a proxy that sends this X-Forwarded-For.
forwarded()
{
	from 10.0.0.1 "X-Forwarded-For: $1"
}

# client_is ADDRESS: that is whom the last login was taken to come from, and
# whose limit it counted against.
client_is()
{
	local counted=address:$1

	[[ $1 != *:* ]] || counted='address:*::/64'
	expect 200
	take_tokens
	# shellcheck disable=SC2053
	[[ $(limits_sql 'SELECT key FROM limits') == $counted ]] || {
		show 'what counted:' "$(limits_sql 'SELECT key FROM limits')" \
		    "should be: $counted"
		return 1
	}
	is "$(sql "SELECT ip_address FROM logins
	    WHERE id = '$(claim sid "$access")'")" "$1" 'client'
	has "$log" " ms $1 POST /api/auth/login"
}

# is_garbage VALUE: it frees a client from nothing, not even one whose own
# address is among the trusted ones.
is_garbage()
{
	forwarded "$1"
	client_is 10.0.0.1
	forwarded "192.0.2.9, $1, 10.0.0.2"
	client_is 10.0.0.1
}

# Servers that name both headers alike pass both, which bash's environment can't
# hold: twice VALUE VALUE runs the program with two such variables.
twice()
{
	limits_sql 'DELETE FROM limits'
	local script=$BATS_TEST_TMPDIR/twice program
	local cgi=("REMOTE_ADDR=$peer" "FIRST=$1" "SECOND=$2"
	    "PROGRAM=$programs/auth")

	cat >"$script" <<-'END'
		#!/usr/bin/env python3
		import ctypes, os

		env = os.environb
		first, second = env.pop(b"FIRST"), env.pop(b"SECOND")
		program = env.pop(b"PROGRAM")
		fields = [name + b"=" + value for name, value in env.items()]
		fields += [b"HTTP_X_FORWARDED_FOR=" + first,
		           b"HTTP_X_FORWARDED_FOR=" + second, None]
		ctypes.CDLL(None).execve(program,
		    (ctypes.c_char_p * 2)(program, None),
		    (ctypes.c_char_p * len(fields))(*fields))
	END
	chmod +x "$script"
	program=$(realpath --relative-to="$programs" "$script")
	form /api/auth/login "username=iris&password=${password// /+}" \
	    'Origin: http://localhost:5173'
}

is_ambiguous()
{
	expect 400 '{"detail":"X-Forwarded-For is ambiguous"}'
	isnt "$(header Access-Control-Allow-Origin)" '' 'CORS header'
	has "$log" " ms 10.0.0.1 POST /api/auth/login"
}

logins()
{
	sql 'SELECT count(*) FROM logins'
}

# ---------------------------------------------------------- without a proxy

@test "without a header the client is the peer" {
	from 192.0.2.1
	client_is 192.0.2.1
}

@test "a client's X-Forwarded-For is not believed" {
	from 192.0.2.1 'X-Forwarded-For: 198.51.100.1'
	client_is 192.0.2.1
}

@test "a client that poses as a proxy's client is not believed" {
	from 192.0.2.1 'X-Forwarded-For: 198.51.100.1, 10.0.0.1'
	client_is 192.0.2.1
}

@test "with no trusted proxies nobody is believed" {
	trust ''
	from 127.0.0.1 'X-Forwarded-For: 198.51.100.1'
	client_is 127.0.0.1
	from 10.0.0.1 'X-Forwarded-For: 198.51.100.1'
	client_is 10.0.0.1
}

@test "a client's garbage is not looked at" {
	from 192.0.2.1 $'X-Forwarded-For: \xff\x01, unknown'
	client_is 192.0.2.1
}

@test "a peer just outside of a block is no proxy" {
	trust 10.0.0.128/25,2001:db8::/33
	from 10.0.0.127 'X-Forwarded-For: 198.51.100.1'
	client_is 10.0.0.127
	from 2001:db8:8000:: 'X-Forwarded-For: 198.51.100.1'
	client_is 2001:db8:8000::
	from 10.0.0.128 'X-Forwarded-For: 198.51.100.1'
	client_is 198.51.100.1
}

@test "a header Remote-Addr is not the peer's address" {
	from 192.0.2.1 'Remote-Addr: 198.51.100.1'
	client_is 192.0.2.1
	from 10.0.0.1 'Remote-Addr: 198.51.100.1'
	client_is 10.0.0.1
}

@test "a header Trusted-Proxies makes no proxy" {
	from 192.0.2.1 'Trusted-Proxies: 192.0.2.1' \
	    'X-Forwarded-For: 198.51.100.1'
	client_is 192.0.2.1
}

@test "a peer behind a Unix socket is its name, and no proxy" {
	from /run/proxy.sock 'X-Forwarded-For: 198.51.100.1'
	client_is /run/proxy.sock
}

@test "where there is no peer nothing is believed" {
	from '' 'X-Forwarded-For: 198.51.100.1'
	expect 200
	take_tokens
	is "$(sql "SELECT ip_address IS NULL FROM logins
	    WHERE id = '$(claim sid "$access")'")" 1
	has "$log" ' ms - POST /api/auth/login'
}

@test "a peer that is no printable text is not known" {
	from $'10.0.0.1\n192.0.2.1' 'X-Forwarded-For: 198.51.100.1'
	expect 200
	has "$log" ' ms - POST /api/auth/login'
}

# --------------------------------------------------------- the other headers

@test "no header but X-Forwarded-For is looked at, behind a proxy or not" {
	local name headers=()

	for name in X-Real-IP X-Client-IP True-Client-IP CF-Connecting-IP \
	    CF-Connecting-IPv6 Client-IP Fastly-Client-IP X-Cluster-Client-IP \
	    X-Forwarded X-Forwarded-For-Original X-Forwarded-Forx \
	    X-Original-Forwarded-For X-Originating-IP X-Remote-IP \
	    X-Remote-Addr X-Envoy-External-Address X-Host X-ProxyUser-Ip \
	    Forwarded-For Redirect-X-Forwarded-For Remote-Host Via; do
		headers+=("$name: 198.51.100.1")
	done
	from 192.0.2.1 "${headers[@]}"
	client_is 192.0.2.1
	from 10.0.0.1 "${headers[@]}"
	client_is 10.0.0.1
	from 10.0.0.1 "${headers[@]}" 'X-Forwarded-For: 192.0.2.1'
	client_is 192.0.2.1
}

@test "Forwarded, as RFC 7239 has it, is not looked at" {
	from 10.0.0.1 'Forwarded: for=198.51.100.1;by=10.0.0.1' \
	    'X-Forwarded-For: 192.0.2.1'
	client_is 192.0.2.1
	from 10.0.0.1 'Forwarded: for="[2001:db8::1]:443"'
	client_is 10.0.0.1
}

# ------------------------------------------------------------ behind a proxy

@test "a proxy's X-Forwarded-For is believed" {
	forwarded 192.0.2.1
	client_is 192.0.2.1
	from 2001:db8:ff::1 'X-Forwarded-For: 192.0.2.2'
	client_is 192.0.2.2
}

@test "a header's name in any case is one" {
	from 10.0.0.1 'x-fOrWaRdEd-fOr: 192.0.2.1'
	client_is 192.0.2.1
}

@test "a spoofed element on the left is not believed" {
	forwarded '198.51.100.1, 192.0.2.1'
	client_is 192.0.2.1
}

@test "a spoofed proxy on the left is not believed" {
	forwarded '10.0.0.2, 192.0.2.1'
	client_is 192.0.2.1
	forwarded '198.51.100.1, 10.0.0.2, 192.0.2.1'
	client_is 192.0.2.1
}

@test "another client's address on the left does not fill its limit" {
	forwarded '192.0.2.7, 192.0.2.7, 192.0.2.1'
	client_is 192.0.2.1
}

@test "through two proxies it is whom the outer one saw" {
	forwarded '198.51.100.1, 192.0.2.1, 10.9.9.9'
	client_is 192.0.2.1
}

@test "through a proxy of IPv6 and one of IPv4 likewise" {
	forwarded '198.51.100.1, 2001:db8:1::1, 2001:db8:ff::2, 10.9.9.9'
	client_is 2001:db8:1::1
}

@test "of many elements the rightmost counts" {
	local many i

	for ((i = 0; i < 1000; i++)); do
		many+="198.51.100.$((i % 256)), "
	done
	forwarded "${many}192.0.2.1"
	client_is 192.0.2.1
}

@test "many proxies' addresses don't push the client out" {
	local many i

	for ((i = 0; i < 1000; i++)); do
		many+=",10.0.$((i / 256)).$((i % 256))"
	done
	forwarded "192.0.2.1$many"
	client_is 192.0.2.1
}

@test "a header of 16 KiB in one piece is garbage" {
	local long

	printf -v long '%16384s' ''
	is_garbage "${long// /1}"
	is_garbage "${long// /[}"
	is_garbage "${long// /:}"
	is_garbage "192.0.2.1${long// /0}"
}

@test "16 KiB of commas or blanks are nothing" {
	local long

	printf -v long '%16384s' ''
	forwarded "192.0.2.1${long// /,}"
	client_is 192.0.2.1
	forwarded "$long,192.0.2.1"
	client_is 192.0.2.1
	forwarded "192.0.2.1$long"
	client_is 192.0.2.1
	forwarded "${long// /,}"
	client_is 10.0.0.1
}

@test "spaces and tabs around elements don't matter" {
	forwarded $'198.51.100.1 ,\t192.0.2.1 \t, 10.0.0.2\t'
	client_is 192.0.2.1
	forwarded '198.51.100.1,192.0.2.1,10.0.0.2'
	client_is 192.0.2.1
}

@test "spaces inside of an element are garbage" {
	is_garbage '192.0.2.1 198.51.100.1'
	is_garbage '192. 0.2.1'
	is_garbage '192.0.2.1 :80'
}

@test "empty elements are skipped" {
	forwarded ',, 198.51.100.1,, ,192.0.2.1,,10.0.0.2, ,'
	client_is 192.0.2.1
}

@test "an empty header, or one without elements, is none" {
	forwarded ''
	client_is 10.0.0.1
	forwarded ' , ,, '
	client_is 10.0.0.1
}

@test "where all are proxies the client is the peer" {
	forwarded 10.0.0.2
	client_is 10.0.0.1
	forwarded '10.0.0.1, 2001:db8:ff::1, 10.0.0.3'
	client_is 10.0.0.1
}

@test "a client among the proxies is not told from them" {
	trust 0.0.0.0/0
	forwarded '198.51.100.1, 192.0.2.1'
	client_is 10.0.0.1
	forwarded '198.51.100.1, 2001:db8::1, 192.0.2.1'
	client_is 2001:db8::1
}

# -------------------------------------------------------- ports and brackets

@test "a port changes nothing" {
	forwarded 192.0.2.1:1
	client_is 192.0.2.1
	forwarded 192.0.2.1:65535
	client_is 192.0.2.1
	forwarded '192.0.2.1:1024, 10.0.0.2:443'
	client_is 192.0.2.1
}

@test "what is no port is garbage" {
	local port

	for port in '' 65536 000080 99999999999 -1 +1 0x50 http 80:80; do
		is_garbage "192.0.2.1:$port"
		is_garbage "[2001:db8::1]:$port"
	done
}

@test "brackets change nothing" {
	forwarded '[2001:db8::1]'
	client_is 2001:db8::1
	forwarded '[2001:db8::1]:443'
	client_is 2001:db8::1
	forwarded '[2001:db8::1]:443, [2001:db8:ff::1]:443, [2001:db8:ff::2]'
	client_is 2001:db8::1
}

@test "brackets that aren't a pair are garbage" {
	local element

	for element in '[2001:db8::1' '2001:db8::1]' '[[2001:db8::1]]' \
	    '[2001:db8::1]443' '[2001:db8::1]]' '[]' '[' ']' '[]:80'; do
		is_garbage "$element"
	done
}

@test "IPv4 in brackets is garbage" {
	is_garbage '[192.0.2.1]'
	is_garbage '[192.0.2.1]:80'
}

@test "quotes change nothing" {
	forwarded '"[2001:db8::1]:443"'
	client_is 2001:db8::1
	forwarded ' "192.0.2.1" , "10.0.0.2:80"'
	client_is 192.0.2.1
}

@test "a quote does not hide a comma" {
	forwarded '"198.51.100.1, 192.0.2.1'
	client_is 192.0.2.1
	forwarded '"198.51.100.1, 192.0.2.1"'
	client_is 10.0.0.1
	is_garbage '"'
	is_garbage '""'
	is_garbage '"192.0.2.1'
	is_garbage "'192.0.2.1'"
	is_garbage '""192.0.2.1""'
}

# ----------------------------------------------------- spellings of addresses

@test "a mapped address is the IPv4 address" {
	forwarded ::ffff:192.0.2.1
	client_is 192.0.2.1
	forwarded ::FFFF:c000:201
	client_is 192.0.2.1
	forwarded '[0:0:0:0:0:ffff:192.0.2.1]:80'
	client_is 192.0.2.1
}

@test "a mapped peer is the IPv4 address" {
	from ::ffff:192.0.2.1 'X-Forwarded-For: 198.51.100.1'
	client_is 192.0.2.1
	from ::ffff:10.0.0.1 'X-Forwarded-For: 192.0.2.1'
	client_is 192.0.2.1
}

@test "a mapped proxy is a proxy" {
	forwarded '198.51.100.1, 192.0.2.1, ::ffff:10.0.0.2'
	client_is 192.0.2.1
	trust ::ffff:172.16.0.0/108
	from 172.31.255.255 'X-Forwarded-For: 192.0.2.1'
	client_is 192.0.2.1
	from 172.32.0.0 'X-Forwarded-For: 192.0.2.1'
	client_is 172.32.0.0
}

@test "a block of IPv6 holds no IPv4, nor the other way round" {
	trust ::/0
	forwarded 192.0.2.1
	client_is 10.0.0.1
	from ::ffff:10.0.0.1 'X-Forwarded-For: 192.0.2.1'
	client_is 10.0.0.1
	trust 0.0.0.0/0
	from ::1 'X-Forwarded-For: 192.0.2.1'
	client_is ::1
}

@test "an address that embeds a proxy's is no proxy's" {
	local address

	# 6to4, NAT64, Teredo, IPv4-compatible, IPv4-translated, ISATAP.
	for address in 2002:a00:1::1 64:ff9b::a00:1 2001:0:a00:1::1 \
	    ::10.0.0.1 ::ffff:0:a00:1 2001:db8::5efe:a00:1; do
		forwarded "198.51.100.1, $address"
		client_is "$address"
		from "$address" 'X-Forwarded-For: 198.51.100.1'
		client_is "$address"
	done
}

@test "upper case and zeros make no other address" {
	local address

	for address in 2001:DB8::A 2001:0db8:0000:0000:0000:0000:0000:000a \
	    2001:db8:0:0::a '[2001:dB8::0.0.0.10]:80'; do
		forwarded "$address"
		client_is 2001:db8::a
	done
	from 2001:0DB8::000A
	client_is 2001:db8::a
}

@test "an IPv6 address is kept whole, however near its neighbour" {
	forwarded 2001:db8:0:1::1
	client_is 2001:db8:0:1::1
	forwarded 2001:db8:0:1:ffff:ffff:ffff:ffff
	client_is 2001:db8:0:1:ffff:ffff:ffff:ffff
}

@test "leading zeros, octal, hexadecimal and short IPv4 are garbage" {
	local address

	for address in 192.0.2.01 0300.0.2.1 0xc0.0.2.1 3221225985 192.513 \
	    192.0.513 192.0.2.256 192.0.2 192.0.2.1. 192.0.2.1.1 \
	    ::ffff:192.0.2.01; do
		is_garbage "$address"
	done
}

@test "a proxy's address in octal is not the proxy's" {
	is_garbage 012.0.0.1
	from 012.0.0.1 'X-Forwarded-For: 192.0.2.1'
	client_is 012.0.0.1
}

@test "zones are garbage" {
	is_garbage fe80::1%eth0
	is_garbage '[fe80::1%25eth0]:80'
	is_garbage 2001:db8::1%1
}

# ----------------------------------------------------------------- garbage

@test "words are garbage" {
	local word

	for word in unknown _hidden localhost client.example.com - '*' null \
	    for=192.0.2.1 '192.0.2.1;by=10.0.0.1' 192.0.2.1/32 \
	    "' OR 1=1 --" '%s%s%n' '<script>' '../../etc/passwd'; do
		is_garbage "$word"
	done
}

@test "newlines and their escapes are garbage, and no line of the log" {
	local text lines

	for text in $'192.0.2.1\n192.0.2.2' $'192.0.2.1\r\nX-Forwarded-For:1' \
	    $'192.0.2.1\n' $'\r192.0.2.1' $'192.0.2.1\v' '192.0.2.1\n' \
	    192.0.2.1%0d%0a192.0.2.2 192.0.2.1%00 '192.0.2.1\x00'; do
		is_garbage "$text"
		lines=$(wc -l <<<"$log")
		is "$lines" 1 'lines of the log'
	done
}

@test "bytes that aren't ASCII are garbage" {
	is_garbage $'\xff'
	is_garbage $'192.0.2.1\xc2\xa0'
	is_garbage '１92.0.2.1'
	is_garbage $'192.0.2.1\x01'
	is_garbage $'192.0.2.1\x7f'
}

@test "garbage behind the client's address is not stepped over" {
	forwarded '192.0.2.1, unknown, 10.0.0.3, 10.0.0.2'
	client_is 10.0.0.1
}

@test "a client in a trusted block moves nowhere by garbage" {
	local junk

	forwarded '10.7.7.7, 10.0.0.2'
	client_is 10.0.0.1
	for junk in junk '192.0.2.1, junk' 'junk, 10.9.9.9' '[' '"' \
	    $'\xff' 1.2.3; do
		forwarded "$junk, 10.7.7.7, 10.0.0.2"
		client_is 10.0.0.1
		forwarded "$junk, 10.7.7.7"
		client_is 10.0.0.1
	done
}

@test "garbage before the client's address is not looked at" {
	forwarded 'unknown, 192.0.2.1'
	client_is 192.0.2.1
	forwarded 'unknown, 192.0.2.1, 10.0.0.2'
	client_is 192.0.2.1
}

@test "elements are separated by nothing but commas" {
	is_garbage '192.0.2.1; 198.51.100.1'
	is_garbage '192.0.2.1  198.51.100.1'
}

# ------------------------------------------------------------ two of a name

@test "X_Forwarded_For beside a proxy's X-Forwarded-For is refused" {
	local peer=10.0.0.1 before

	before=$(logins)
	twice 198.51.100.1 192.0.2.1
	is_ambiguous
	twice 192.0.2.1 198.51.100.1
	is_ambiguous
	is "$(logins)" "$before" 'number of logins'
}

@test "two that are alike, or empty, are refused behind a proxy, too" {
	local peer=10.0.0.1

	twice 192.0.2.1 192.0.2.1
	is_ambiguous
	twice '' 192.0.2.1
	is_ambiguous
	twice 192.0.2.1 ''
	is_ambiguous
	twice unknown 10.0.0.1
	is_ambiguous
}

@test "two of them from a mapped proxy are refused" {
	local peer=::ffff:10.0.0.1

	twice 198.51.100.1 192.0.2.1
	is_ambiguous
}

@test "without a proxy two of them are as little believed as one" {
	local peer=192.0.2.1

	twice 198.51.100.1 198.51.100.2
	client_is 192.0.2.1
	peer=/run/proxy.sock
	twice 198.51.100.1 198.51.100.2
	client_is /run/proxy.sock
}

# ----------------------------------------------------------------- the rest

@test "a registration has its client's address, too" {
	local cgi=(REMOTE_ADDR=10.0.0.1)

	post /api/auth/register "$(new_user jane)" \
	    'X-Forwarded-For: 198.51.100.1, 192.0.2.1'
	expect 201
	take_tokens
	is "$(sql "SELECT ip_address FROM logins
	    WHERE id = '$(claim sid "$access")'")" 192.0.2.1
	has "$log" ' ms 192.0.2.1 POST /api/auth/register'
}

@test "a request that is refused is logged with its client's address" {
	local cgi=(REMOTE_ADDR=10.0.0.1)

	form /api/auth/login 'username=iris&password=wrong+password' \
	    'X-Forwarded-For: 192.0.2.1'
	expect 401
	has "$log" ' ms 192.0.2.1 POST /api/auth/login'
	call GET /nowhere 'X-Forwarded-For: 192.0.2.1'
	expect 404
	has "$log" ' ms 192.0.2.1 GET /nowhere'
}

@test "a list of proxies that doesn't fit is a 500, and nobody is believed" {
	local list

	for list in localhost '10.0.0.0/8,' ::ffff:10.0.0.0/8 '[::1]'; do
		trust "$list"
		from 10.0.0.1 'X-Forwarded-For: 192.0.2.1'
		expect 500
		has "$log" 'TRUSTED_PROXIES: '
		has "$log" ' ms 10.0.0.1 POST /api/auth/login'
	done
}

@test "proxies are listed with blanks, and blocks with bits behind them" {
	trust $' 192.0.2.200/25 ,\t2001:db8::5/32 '
	from 192.0.2.129 'X-Forwarded-For: 198.51.100.1, 2001:db8:9::1'
	client_is 198.51.100.1
	from 192.0.2.127 'X-Forwarded-For: 198.51.100.1'
	client_is 192.0.2.127
}

# -------------------------------------------------------------- the limit

# What somebody may send to pass for another, as lines of name and value.
tricks()
{
	local value name

	for value in 198.51.100.7 '198.51.100.7, 198.51.100.8' unknown '""' \
	    '198.51.100.7:1234' '[2001:db8::7]:1' ::ffff:198.51.100.7 ,; do
		echo "X-Forwarded-For: $value"
	done
	for name in Forwarded X-Real-IP X-Client-IP True-Client-IP Client-IP \
	    CF-Connecting-IP X-Forwarded X-Forwarded-Host Via Remote-Addr \
	    X-Cluster-Client-IP X-Originating-IP Fastly-Client-IP; do
		echo "$name: 198.51.100.7"
	done
	echo 'Forwarded: for=198.51.100.7;by=10.0.0.1'
	echo 'Authorization: Bearer x'
	echo 'User-Agent: another one'
	echo 'X-Request-ID: another'
}

@test "no header frees a client from its limit, nor fills another's" {
	local trick

	settings+=(RATE_LIMIT_PER_ADDRESS=2)
	limits_sql 'DELETE FROM limits'
	local cgi=(REMOTE_ADDR=192.0.2.66)
	try_login iris
	try_login iris
	expect 200
	while IFS= read -r trick; do
		form /api/auth/login "username=iris&password=x" "$trick"
		is "$status_code" 429 "status of $trick"
	done < <(tricks)
	is "$(limits_sql 'SELECT key FROM limits')" address:192.0.2.66
}

@test "nor behind a proxy that adds to what the client sent" {
	local trick name value

	settings+=(RATE_LIMIT_PER_ADDRESS=2)
	limits_sql 'DELETE FROM limits'
	local cgi=(REMOTE_ADDR=10.0.0.1)
	for _ in 1 2; do
		form /api/auth/login "username=iris&password=${password// /+}" \
		    'X-Forwarded-For: 192.0.2.66'
		expect 200
	done
	while IFS= read -r trick; do
		name=${trick%%: *}
		value=${trick#*: }
		if [ "$name" = X-Forwarded-For ]; then
			form /api/auth/login "username=iris&password=x" \
			    "$name: $value, 192.0.2.66"
		else
			form /api/auth/login "username=iris&password=x" \
			    "$trick" 'X-Forwarded-For: 192.0.2.66'
		fi
		is "$status_code" 429 "status of $trick"
	done < <(tricks)
	is "$(limits_sql 'SELECT key FROM limits')" address:192.0.2.66
}

@test "a client of IPv6 is not freed by another address of its /64" {
	settings+=(RATE_LIMIT_PER_ADDRESS=2)
	limits_sql 'DELETE FROM limits'
	from_there()
	{
		local cgi=("REMOTE_ADDR=$1")

		form /api/auth/login 'username=iris&password=x'
		is "$status_code" "$2" "status from $1"
	}
	from_there 2001:db8:0:1::1 401
	from_there 2001:db8:0:1::2 401
	from_there 2001:db8:0:1::3 429
	from_there 2001:db8:0:1:ffff:ffff:ffff:ffff 429
	from_there 2001:db8:0:2::1 401
}
