# What the compiler and the linker have built into each program against whoever
# finds a fault in it, read from the programs themselves.

load harness

setup()
{
	command -v readelf >/dev/null || skip 'no readelf'
	[ -n "$(made_with HARDEN)" ] || skip 'built with --disable-hardening'
	all=("$SB_BUILD"/libexec/switchboard/* "$SB_BUILD/bin/switchboard")
	[ ${#all[@]} -ge 5 ]
}

# made_with VARIABLE: of the build's Makefile.
made_with()
{
	sed -n "s/^$1 = *//p" "$SB_BUILD/Makefile"
}

is_sanitized()
{
	grep -q __asan_init "${all[0]}"
}

# each COMMAND...: of every program; says of which it isn't true.
each()
{
	local program bad=
	for program in "${all[@]}"; do
		"$@" "$program" || bad+=" ${program##*/}"
	done
	is "$bad" '' "not so"
}

# A name of libc's that the program takes from there.
imports()	# PATTERN PROGRAM
{
	readelf --dyn-syms -W "$2" | awk -v pattern="^($1)(@|\$)" '
		$7 == "UND" && $8 ~ pattern { found = 1 }
		END { exit !found }'
}

is_loaded_anywhere()
{
	readelf -hW "$1" | grep -q 'Type: *DYN' &&
	    readelf -lW "$1" | grep -q ' INTERP '
}

# Both: else what is resolved late stays writable.
is_read_only_once_linked()
{
	readelf -lW "$1" | grep -q ' GNU_RELRO ' &&
	    readelf -dW "$1" | grep -q '(FLAGS_1).* NOW'
}

has_no_code_in_data()
{
	readelf -lW "$1" | awk '
		$1 == "GNU_STACK" { stack = $7 }
		$1 == "LOAD" && / RWE / { both = 1 }
		END { exit !(stack == "RW" && !both) }'
}

# What isn't code is not in a segment that can be run.
has_code_apart()
{
	readelf -lW "$1" | awk '
		/^ +[0-9][0-9] / && / [.]text/ {
			found = 1
			bad = / [.]rodata| [.]dynsym| [.]eh_frame/
		}
		END { exit !found || bad }'
}

looks_for_libraries_where_they_are()
{
	! readelf -dW "$1" | grep -E 'RPATH|RUNPATH|TEXTREL'
}

@test "a program is loaded at another place each time" {
	each is_loaded_anywhere
}

@test "what links a program is read-only when it begins" {
	each is_read_only_once_linked
}

@test "nothing that can be written to can be run" {
	each has_no_code_in_data
	each has_code_apart
}

@test "a stack that was written over ends the program" {
	each imports __stack_chk_fail
	has "$(made_with HARDEN)" -fstack-clash-protection
}

@test "libc checks the sizes that are known" {
	! is_sanitized || skip 'the sanitizers check them'
	each imports '__v?snprintf_chk'
	like "$(made_with HARDEN)" '.*-D_FORTIFY_SOURCE=[23].*'
}

@test "no library comes from a place that isn't the system's" {
	each looks_for_libraries_where_they_are
}

# Whether the linker marks a program depends on libc's own objects, too, of which
# Debian 12's are not; but each of ours is, and each function has its mark.
@test "indirect calls lead to functions' beginnings" {
	has "$(made_with HARDEN)" -fcf-protection ||
	    skip 'not of this machine'
	[ "$(uname -m)" = x86_64 ] || skip 'not of this machine'
	readelf -nW "$SB_BUILD/lib/libsb.a" | awk '
		/^File: / { files++ }
		/x86 feature: .*IBT.*SHSTK/ { marked++ }
		END { print files, marked + 0 }' >"$BATS_TEST_TMPDIR/marks"
	read -r files marked <"$BATS_TEST_TMPDIR/marks"
	[ "$files" -gt 50 ]
	is "$marked" "$files"
	if readelf -nW "$("${CC:-cc}" -print-file-name=Scrt1.o)" |
	    grep -q 'x86 feature: .*IBT'; then
		each is_marked
	fi
}

is_marked()
{
	readelf -nW "$1" | grep -q 'x86 feature: .*IBT.*SHSTK'
}
