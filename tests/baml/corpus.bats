# What the real engine said of cases, and what we say: tests/baml/compare has the
# rules, allow.json why we differ on purpose.  corpus.jsonl has cases of all that
# the runtime does, syntax.jsonl more of what files may say.

bats_require_minimum_version 1.5.0
bats_load_library bats-support
bats_load_library bats-assert

# agrees FILE [CATEGORY...]: we say of its cases what the engine said.
agrees() {
	local cases=$1
	shift
	cd "$BATS_TEST_DIRNAME"
	"${SB_BUILD:?}/tests/baml/candidate" <"$cases" \
	    >"$BATS_TEST_TMPDIR/answers.jsonl"
	run -0 ./compare "$cases" "$BATS_TEST_TMPDIR/answers.jsonl" \
	    allow.json "$@"
	echo "$output"
}

@test "what the engine accepts is accepted, what it refuses refused" {
	agrees corpus.jsonl ok bad name
}

@test "so it is with what only files say" {
	agrees syntax.jsonl
}

# Rows that have something else to show have files, too; these three ask for what
# we don't have, or for what nobody has.
@test "files of all other cases are accepted" {
	cd "$BATS_TEST_DIRNAME"
	run -0 "${SB_BUILD:?}/tests/baml/candidate" < <(grep -v \
	    -e '"kind": "check"' -e '@stream' -e '"kind": "validation"' \
	    corpus.jsonl)
	assert_output ""
}

@test "the comparison sees an answer that differs, and one that is missing" {
	cd "$BATS_TEST_DIRNAME"
	echo '{"id":"a","cat":"x","src":"","expect":{"ok":true}}' \
	    >"$BATS_TEST_TMPDIR/cases"
	echo '{"id":"a","got":{"ok":false}}' >"$BATS_TEST_TMPDIR/answers"
	: >"$BATS_TEST_TMPDIR/none"
	run -1 ./compare "$BATS_TEST_TMPDIR/cases" \
	    "$BATS_TEST_TMPDIR/answers" allow.json
	run -1 ./compare "$BATS_TEST_TMPDIR/cases" \
	    "$BATS_TEST_TMPDIR/none" allow.json
}
