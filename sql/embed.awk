# Turns sql/*.sql and sql/schema/*.sql into lib/queries.h (want=header) and
# lib/queries.c (want=source).  A query begins with "-- name: NAME" and belongs
# to the group that its file is named after; "-- scan: why" marks one that is
# meant to read a whole table.  A schema step is a file NNNN-what.sql with a
# line "-- Works with programs of step N and later."

function quote(s)
{
	gsub(/\\/, "\\\\&", s)
	gsub(/"/, "\\\"", s)
	return "\"" s "\\n\""
}

function base(path)
{
	sub(/.*\//, "", path)
	sub(/\.sql$/, "", path)
	return path
}

FNR == 1 {
	group = base(FILENAME)
	step = FILENAME ~ /schema\//
	name = ""
	if (step) {
		steps++
		if (substr(group, 1, 4) + 0 != steps) {
			print FILENAME ": step " steps " expected" > "/dev/stderr"
			failed = 1
			exit 1
		}
		title[steps] = group
	}
}

step && /^-- Works with programs of step [0-9]+ and later\.$/ {
	oldest[steps] = $7
}

step {
	text[steps] = text[steps] "\t    " quote($0) "\n"
	next
}

/^-- name: / {
	name = $3
	if (name in known) {
		print FILENAME ": " name " twice" > "/dev/stderr"
		failed = 1
		exit 1
	}
	known[name] = 1
	names[++queries] = name
	groups[queries] = group
	scan[queries] = "false"
	next
}

/^-- scan: / && name != "" { scan[queries] = "true"; next }

/^--/ || /^[ \t]*$/ { next }

{ query[queries] = query[queries] "\t    " quote($0) "\n" }

function header(  i)
{
	print "/* Made from sql/ by sql/embed.awk. */"
	print "#ifndef SB_QUERIES_H\n#define SB_QUERIES_H\n"
	print "enum sb_query {"
	for (i = 1; i <= queries; i++)
		print "\tSB_Q_" toupper(names[i]) ","
	print "\tSB_QUERIES\n};\n"
	print "#define SB_STEPS\t" steps "\n"
	print "struct sb_query_text {"
	print "\tconst char\t*name, *group, *sql;"
	print "\t_Bool\t\t scan;\t/* meant to read a whole table */\n};\n"
	print "struct sb_step_text {"
	print "\tconst char\t*name, *sql;"
	print "\tint\t\t oldest;\t/* step whose programs may still use it */\n};\n"
	print "extern const struct sb_query_text sb_queries[SB_QUERIES];"
	print "extern const struct sb_step_text sb_steps[SB_STEPS];\n"
	print "#endif"
}

function source(  i)
{
	print "/* Made from sql/ by sql/embed.awk. */"
	print "#include \"queries.h\"\n"
	print "const struct sb_query_text sb_queries[SB_QUERIES] = {"
	for (i = 1; i <= queries; i++)
		print "\t[SB_Q_" toupper(names[i]) "] = { \"" names[i] "\", \"" \
		    groups[i] "\",\n" query[i] "\t    , " (scan[i] == "true") " },"
	print "};\n"
	print "const struct sb_step_text sb_steps[SB_STEPS] = {"
	for (i = 1; i <= steps; i++)
		print "\t{ \"" title[i] "\",\n" text[i] "\t    , " oldest[i] " },"
	print "};"
}

END {
	if (failed)
		exit 1
	for (i = 1; i <= steps; i++)
		if (!(i in oldest)) {
			print "sql/schema/" title[i] ".sql: needs a line " \
			    "\"-- Works with programs of step N and later.\"" \
			    > "/dev/stderr"
			exit 1
		}
	if (want == "header")
		header()
	else
		source()
}
