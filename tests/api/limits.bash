# What the tests of limits share: a clock that stands still at parts of seconds,
# and what an answer has to say of a limit.

# The moment that the tests count from; tokens of today are good then.
moment=1760440000

# at SECONDS COMMAND...: so long after that moment, with decimals or without.
# Halves of halves are exact in libfaketime, down to 1/64.
at()
{
	local whole=${1%.*} part=
	[[ $1 != *.* ]] || part=.${1#*.}
	local -a clock=(faketime -f "$(TZ=UTC printf '%(%F %T)T' \
	    $((moment + whole)))$part")
	shift
	"$@"
}

# times N COMMAND...
times()
{
	local n=$1 i
	shift
	for ((i = 0; i < n; i++)); do
		"$@" || return
	done
}

# says NAME LIMIT REMAINING RESET SECONDS [WINDOW]: what all fields of a limit
# in the answer say; RESET counts from the moment, SECONDS from the answer.
says()
{
	local window=${6-60} warning=
	(($3 * 5 >= $2)) || warning=approaching

	header_is X-RateLimit-Limit "$2" || return
	header_is X-RateLimit-Remaining "$3" || return
	header_is X-RateLimit-Reset $((moment + $4)) || return
	header_is X-RateLimit-Window "$window" || return
	header_is RateLimit-Policy "\"$1\";q=$2;w=$window" || return
	header_is RateLimit "\"$1\";r=$3;t=$5" || return
	header_is X-RateLimit-Warning "$warning"
}

# The answer tells of no limit.
says_nothing()
{
	is "$(grep -i '^[^:]*ratelimit' <<<"$headers")" '' 'fields of limits'
}

# left N: a limit applied, and N more are let through.
left()
{
	header_is X-RateLimit-Remaining "$1"
}

# over Name LIMIT RESET SECONDS: the answer is this refusal, in which RESET is
# reset_at, counted from the moment.
over()
{
	local part=
	[[ $3 != *.* ]] || part=.${3#*.}
	expect 429 "{\"detail\":\"$1 rate limit exceeded. Try again in $4 seconds.\",
	    \"limit\":$2,\"remaining\":0,\"retry_after\":$4,
	    \"reset_at\":$((moment + ${3%.*}))$part}" || return
	header_is Retry-After "$4"
}

counters()
{
	echo "$SWITCHBOARD_DATA/limits.db"
}

limits_sql()
{
	sqlite3 -cmd '.timeout 2000' "$(counters)" "$1"
}

# All that the counters are in, but for the index of the log, which readers
# write, too.
sum_of_counters()
{
	local file
	for file in "$(counters)" "$(counters)-wal" "$(counters)-journal"; do
		[ ! -e "$file" ] || sha256sum "$file"
	done
}
