# Makes a settings file, in which every setting is a comment, out of what
# `switchboard settings --markdown' prints.  The Makefile relies on it.
BEGIN {
	FS = " \\| "
	print "# Settings of switchboard: man switchboard.env says more.  A line"
	print "# without its # in front counts; what is in the environment wins."
	print "# Programs heed a change when they are started anew (SIGHUP)."
	print "#"
	print "# Before a secret comes in here: the programs must be able to read"
	print "# this file, and nobody else."
}

/^\| `/ {
	gsub(/\\\|/, "|")
	sub(/^\| /, "")
	sub(/ \|$/, "")
	name = $1
	gsub(/`/, "", name)
	# It is looked for in the environment alone.
	if (name == "SWITCHBOARD_ENV_FILE" || name == "HOST" || name == "PORT")
		next
	is_value = $2 ~ /^`[^`]*`$/
	gsub(/`/, "")
	print "\n# " $4 "\n# Accepted: " $3 "."
	preset = is_value ? $2 : ""
	if (!is_value)
		print "# Default: " $2 "."
	print "#" name "=" preset
}
