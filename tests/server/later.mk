# The programs of a later version, with a schema step more, made out of what the
# build has compiled already.  upgrade.bats relies on it:
#
#	make -C BUILD -f Makefile -f THIS-FILE LATER=FOLDER later
#
# and the units and logrotate's configuration, with other paths:
#
#	make ... UNITS=FOLDER prefix=PREFIX localstatedir=FOLDER units
#
# FOLDER/gentle has those whose step the earlier programs can work with,
# FOLDER/strict those whose step they cannot.  Only the files that know the
# version or the steps are compiled; their objects come before the archive, so
# that theirs in there are not taken.

steps = $(sort $(wildcard $(srcdir)/sql/schema/*.sql))
number = $(words $(steps) more)
step = $(LATER)/$(1)/schema/$(shell printf %04d $(number))-later.sql
kinds = gentle strict
files = cgi/meta cmd/main lib/db lib/schema lib/serve
compile = $(COMPILE) -include $(LATER)/queries.h -UPACKAGE_VERSION \
	-DPACKAGE_VERSION='"$(PACKAGE_VERSION).1"' -c -o $@ $<

later: $(foreach kind,$(kinds),$(addprefix $(LATER)/$(kind)/,\
	auth chat events meta switchboard))
.PHONY: later
.SECONDARY:

$(LATER)/gentle/%: oldest = 1
$(LATER)/strict/%: oldest = $(number)

embed = $(AWK) -f $(srcdir)/sql/embed.awk -v want=$(1) $(steps) $(2) \
	$(sort $(wildcard $(srcdir)/sql/*.sql)) > $@

$(foreach kind,$(kinds),$(call step,$(kind))):
	mkdir -p $(@D)
	printf '%s\n' \
	    '-- Works with programs of step $(oldest) and later.' \
	    'CREATE TABLE later (id INTEGER PRIMARY KEY) STRICT;' \
	    'ALTER TABLE users ADD COLUMN later INTEGER;' > $@

$(LATER)/queries.h: $(call step,gentle)
	$(call embed,header,$<)
$(LATER)/%/queries.c: $(call step,%)
	$(call embed,source,$<)

$(LATER)/%/queries.o: $(LATER)/%/queries.c $(LATER)/queries.h
	$(compile)
$(files:%=$(LATER)/%.o): $(LATER)/%.o: $(srcdir)/%.c $(LATER)/queries.h
	mkdir -p $(@D)
	$(compile)

both = $(LATER)/%/queries.o $(addprefix $(LATER)/lib/,db.o schema.o serve.o)
$(LATER)/%/auth: $(both)
	$(LINK) $(cgi_auth_OBJECTS) $^ $(cgi_auth_LDADD)
$(LATER)/%/chat: $(both)
	$(LINK) $(cgi_chat_OBJECTS) $^ $(cgi_chat_LDADD)
$(LATER)/%/events: $(both)
	$(LINK) $(cgi_events_OBJECTS) $^ $(cgi_events_LDADD)
$(LATER)/%/meta: $(LATER)/cgi/meta.o $(both)
	$(LINK) $^ $(cgi_meta_LDADD)
$(LATER)/%/switchboard: $(LATER)/cmd/main.o $(both)
	$(LINK) $^ $(filter-out cmd/main.%,$(bin_switchboard_OBJECTS)) \
	    $(bin_switchboard_LDADD)

units: $(UNITS)/logrotate $(patsubst $(srcdir)/deploy/systemd/%.in,\
	$(UNITS)/%,$(wildcard $(srcdir)/deploy/systemd/*.in))
.PHONY: units

$(UNITS)/logrotate: $(srcdir)/deploy/logrotate/switchboard.in
	@mkdir -p $(@D)
	$(fill) $< > $@

$(UNITS)/%: $(srcdir)/deploy/systemd/%.in
	@mkdir -p $(@D)
	$(fill_unit) > $@
