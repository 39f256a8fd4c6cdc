#!/usr/bin/env bats
#
# The client's address as it comes through the real lighttpd, behind a proxy
# that is curl.  What is made of each value is in tests/api/address.bats.

load harness

setup_file()
{
	export TRUSTED_PROXIES=127.0.0.1
	start_server
	register iris
	assert_answer 201
}

teardown_file()
{
	stop_server
}

logins()
{
	sqlite3 -cmd '.timeout 2000' "$SB_DATA/switchboard.db" \
	    "SELECT count(*) FROM logins WHERE ip_address IS '$1'"
}

# login_with CURL-OPTION...
login_with()
{
	call POST /api/auth/login -d 'username=iris&password=password123' "$@"
}

@test "a proxy's X-Forwarded-For is believed" {
	login_with -H 'X-Forwarded-For: 198.51.100.1, 192.0.2.1'
	assert_answer 200
	[[ $(logins 192.0.2.1) == 1 ]]
	[[ $(logins 198.51.100.1) == 0 ]]
}

@test "header lines of one name are one header" {
	login_with -H 'X-Forwarded-For: 198.51.100.2' \
	    -H 'x-forwarded-for: 192.0.2.2'
	assert_answer 200
	[[ $(logins 192.0.2.2) == 1 ]]
	[[ $(logins 198.51.100.2) == 0 ]]
}

@test "what lighttpd names like X-Forwarded-For is refused beside it" {
	local name

	for name in X_Forwarded_For X-Forwarded_For x_forwarded-for \
	    X.Forwarded.For 'X!Forwarded~For'; do
		login_with -H "$name: 198.51.100.3" \
		    -H 'X-Forwarded-For: 192.0.2.3'
		assert_answer 400 '{"detail":"X-Forwarded-For is ambiguous"}'
		login_with -H 'X-Forwarded-For: 192.0.2.3' \
		    -H "$name: 198.51.100.3"
		assert_answer 400 '{"detail":"X-Forwarded-For is ambiguous"}'
	done
	[[ $(logins 192.0.2.3) == 0 ]]
	[[ $(logins 198.51.100.3) == 0 ]]
}

@test "a header Remote-Addr is not the peer's address" {
	login_with -H 'Remote-Addr: 198.51.100.4' -H 'Remote_Addr: 198.51.100.4'
	assert_answer 200
	[[ $(logins 127.0.0.1) == 2 ]]
	[[ $(logins 198.51.100.4) == 0 ]]
}
