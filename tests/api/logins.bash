# What the tests of logins and of their account share: somebody who has one, a
# clock, and whether tokens live.

setup_file()
{
	new_data
	register somebody
	somebody=$access
	export somebody
}

# Each test begins with a clock that is a little ahead, for `at'.
setup()
{
	start=$((EPOCHSECONDS + 100))
}

at()		# SECONDS COMMAND...
{
	local seconds=$1
	shift
	at_second $((start + seconds)) "$@"
}

lives()		# ACCESS [REFRESH]
{
	me "$1"
	expect 200
	(($# < 2)) || rotate "$2"
}

dead()		# ACCESS [REFRESH]
{
	me "$1"
	refused
	(($# < 2)) || {
		try_refresh "$2"
		refused_refresh
	}
}
