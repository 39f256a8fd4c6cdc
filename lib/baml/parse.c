/*
 * Declarations (section 4.2).  After an error the parser goes on at the next
 * line of a block, or at the next line that begins a declaration, so that one
 * run tells all that is wrong.
 */
#include <string.h>

#include "baml/internal.h"

const char *const baml_decl_words[BAML_DECL_KINDS] = {
	[BAML_CLASS] = "class",
	[BAML_ENUM] = "enum",
	[BAML_ALIAS] = "type",
	[BAML_FUNCTION] = "function",
	[BAML_CLIENT] = "client",
	[BAML_RETRY] = "retry_policy",
	[BAML_TEMPLATE] = "template_string",
	[BAML_GENERATOR] = "generator",
	[BAML_TEST] = "test",
};
_Static_assert(BAML_DECL_KINDS == 9, "each has its word");

/* ------------------------------------------------------- what parsers share */

void
baml_advance(struct baml_parser *p)
{
	p->before = p->token.at;
	p->token = baml_lex(&p->lexer);
	if (p->token.wrong == NULL)
		return;
	if (!p->quiet)
		baml_wrong(p->program, p->token.at, "%s", p->token.wrong);
	/* What has no end takes the rest of the file with it. */
	if (p->token.at.to == p->lexer.source->length)
		p->quiet = true;
}

void
baml_skip_newlines(struct baml_parser *p)
{
	while (p->token.kind == BAML_NEWLINE)
		baml_advance(p);
}

bool
baml_is_sign(const struct baml_parser *p, char sign)
{
	return p->token.kind == BAML_SIGN && p->token.sign == sign;
}

bool
baml_take_sign(struct baml_parser *p, char sign)
{
	if (!baml_is_sign(p, sign))
		return false;
	baml_advance(p);
	return true;
}

bool
baml_expected(struct baml_parser *p, const char *what)
{
	const struct baml_span *at = &p->token.at;

	if (p->quiet)
		return false;
	if (p->token.kind == BAML_END)
		baml_wrong(p->program, *at,
		    "expected %s, and the file ends", what);
	else if (p->token.kind == BAML_NEWLINE)
		baml_wrong(p->program, *at,
		    "expected %s, and the line ends", what);
	else
		baml_wrong(p->program, *at, "expected %s, not %.*s", what,
		    (int)(at->to - at->from > 40 ? 40 : at->to - at->from),
		    at->source->text + at->from);
	return false;
}

bool
baml_deeper(struct baml_parser *p)
{
	if (++p->depth <= BAML_DEPTH)
		return true;
	baml_wrong(p->program, p->token.at, "more than %d levels", BAML_DEPTH);
	return false;
}

struct baml_span
baml_since(const struct baml_parser *p, struct baml_span from)
{
	from.to = p->before.to;
	return from;
}

/*
 * Up to the end of the line, or to the } of the block in hand.  What opens on
 * the way is skipped to its end.
 */
static void
skip_line(struct baml_parser *p)
{
	bool quiet = p->quiet;
	int open = 0;

	p->quiet = true;
	p->depth = 0;
	while (p->token.kind != BAML_END) {
		if (p->token.kind == BAML_NEWLINE && open == 0)
			break;
		if (baml_is_sign(p, '{'))
			open++;
		else if (baml_is_sign(p, '}') && open-- == 0)
			break;
		baml_advance(p);
	}
	p->quiet = quiet || p->lexer.at == p->lexer.source->length;
}

/* ------------------------------------------------------------ declarations */

static struct baml_decl *
new_decl(struct baml_parser *p, enum baml_decl_kind kind)
{
	struct baml_decl *decl = sb_alloc(p->program->pool, sizeof(*decl));

	decl->kind = kind;
	decl->at = p->token.at;
	return decl;
}

static bool
take_name(struct baml_parser *p, struct baml_decl *decl)
{
	if (p->token.kind != BAML_WORD)
		return baml_expected(p, "a name");
	decl->name = p->token.text;
	decl->at = p->token.at;
	baml_advance(p);
	return true;
}

static struct baml_field *
new_field(struct baml_parser *p)
{
	struct baml_field *field = sb_alloc(p->program->pool, sizeof(*field));

	field->name = p->token.text;
	field->at = p->token.at;
	baml_advance(p);
	return field;
}

/* A field with its type; the next one may be on the same line. */
static bool
parse_field(struct baml_parser *p, struct baml_field **to)
{
	struct baml_field *field;

	if (p->token.kind != BAML_WORD)
		return baml_expected(p, "a field, an attribute or }");
	field = *to = new_field(p);
	field->type = baml_parse_type(p, &field->attributes);
	if (field->type == NULL)
		return false;
	if (p->token.kind != BAML_WORD && p->token.kind != BAML_NEWLINE &&
	    p->token.kind != BAML_BLOCK_AT && !baml_is_sign(p, '}'))
		return baml_expected(p,
		    "the next field (no comma is between them)");
	return true;
}

/* A value of an enum, alone on its line. */
static bool
parse_choice(struct baml_parser *p, struct baml_field **to)
{
	if (p->token.kind != BAML_WORD)
		return baml_expected(p, "a value, an attribute or }");
	*to = new_field(p);
	if (!baml_parse_attributes(p, &(*to)->attributes, false))
		return false;
	if (p->token.kind != BAML_NEWLINE && p->token.kind != BAML_BLOCK_AT &&
	    !baml_is_sign(p, '}'))
		return baml_expected(p, "a new line");
	return true;
}

/* The body of a class or an enum. */
static bool
parse_body(struct baml_parser *p, struct baml_decl *decl)
{
	struct baml_field **last = &decl->fields;
	bool whole;

	for (;;) {
		baml_skip_newlines(p);
		if (baml_take_sign(p, '}'))
			return true;
		if (p->token.kind == BAML_END)
			return baml_expected(p, "a }");
		if (p->token.kind == BAML_BLOCK_AT)
			whole = baml_parse_attributes(p, &decl->attributes,
			    true);
		else
			whole = decl->kind == BAML_CLASS ?
			    parse_field(p, last) : parse_choice(p, last);
		if (*last != NULL && (whole || decl->kind == BAML_ENUM))
			last = &(*last)->next;
		else
			*last = NULL;
		if (!whole)
			skip_line(p);
	}
}

static bool
parse_fields(struct baml_parser *p, struct baml_decl *decl)
{
	if (!take_name(p, decl))
		return false;
	if (!baml_take_sign(p, '{'))
		return baml_expected(p, "a { on the same line");
	return parse_body(p, decl);
}

static bool
parse_alias(struct baml_parser *p, struct baml_decl *decl)
{
	if (!take_name(p, decl))
		return false;
	if (!baml_take_sign(p, '='))
		return baml_expected(p, "=");
	decl->type = baml_parse_type(p, &decl->attributes);
	return decl->type != NULL;
}

/* (name: type, ...), if it is there. */
static bool
parse_parameters(struct baml_parser *p, struct baml_decl *decl)
{
	struct baml_field **last = &decl->fields;

	baml_advance(p);
	baml_skip_newlines(p);
	while (!baml_take_sign(p, ')')) {
		if (p->token.kind != BAML_WORD)
			return baml_expected(p, "a parameter or )");
		*last = new_field(p);
		if (!baml_take_sign(p, ':'))
			return baml_expected(p,
			    "a colon, and the parameter's type");
		(*last)->type = baml_parse_type(p, &(*last)->attributes);
		if ((*last)->type == NULL)
			return false;
		last = &(*last)->next;
		if (!baml_take_sign(p, ',')) {
			baml_skip_newlines(p);
			if (!baml_is_sign(p, ')'))
				return baml_expected(p, "a comma or )");
		}
		baml_skip_newlines(p);
	}
	return true;
}

/* A key and its value; false: the line is to be skipped. */
static bool
parse_entry(struct baml_parser *p, struct baml_entry **to)
{
	struct baml_entry *entry;

	if (p->token.kind != BAML_WORD)
		return baml_expected(p, "a key, an attribute or }");
	entry = *to = sb_alloc(p->program->pool, sizeof(*entry));
	entry->key = p->token.text;
	entry->at = p->token.at;
	baml_advance(p);
	if (strcmp(entry->key, "type_builder") == 0) {
		baml_unsupported(p->program, entry->at, "type_builder",
		    "types are what the files say");
		return false;
	}
	if (strcmp(entry->key, "let") == 0) {
		baml_unsupported(p->program, entry->at,
		    "functions that compute", "a function is a prompt");
		return false;
	}
	if ((entry->value = baml_parse_value(p)) == NULL)
		return false;
	if (p->token.kind != BAML_WORD && p->token.kind != BAML_NEWLINE &&
	    p->token.kind != BAML_BLOCK_AT && !baml_is_sign(p, '}'))
		return baml_expected(p, "a new line");
	return true;
}

/* A block of keys and values. */
static bool
parse_block(struct baml_parser *p, struct baml_decl *decl)
{
	struct baml_entry **last = &decl->entries;
	bool whole;

	baml_skip_newlines(p);
	if (!baml_take_sign(p, '{'))
		return baml_expected(p, "a {");
	for (;;) {
		baml_skip_newlines(p);
		if (baml_take_sign(p, '}'))
			return true;
		if (p->token.kind == BAML_END)
			return baml_expected(p, "a }");
		if (p->token.kind == BAML_BLOCK_AT)
			whole = baml_parse_attributes(p, &decl->attributes,
			    true);
		else
			whole = parse_entry(p, last);
		if (*last != NULL)
			last = &(*last)->next;
		if (!whole) {
			decl->broken = true;
			skip_line(p);
		}
	}
}

static bool
parse_function(struct baml_parser *p, struct baml_decl *decl)
{
	struct baml_attribute *attributes = NULL;

	if (!take_name(p, decl))
		return false;
	if (!baml_is_sign(p, '('))
		return baml_expected(p, "( and the function's parameters");
	if (!parse_parameters(p, decl))
		return false;
	if (p->token.kind != BAML_ARROW)
		return baml_expected(p, "-> and what the function gives");
	baml_advance(p);
	baml_skip_newlines(p);
	if ((decl->type = baml_parse_type(p, &attributes)) == NULL)
		return false;
	if (decl->type->attributes == NULL)
		decl->type->attributes = attributes;
	return parse_block(p, decl);
}

static bool
parse_client(struct baml_parser *p, struct baml_decl *decl)
{
	static const char kind[] = "<llm>";
	const struct baml_source *source = p->lexer.source;
	size_t from = p->before.to, n = sizeof(kind) - 1;

	if (baml_is_sign(p, '<')) {
		if (source->length - from < n ||
		    memcmp(source->text + from, kind, n) != 0)
			return baml_expected(p, "client<llm>");
		for (int i = 0; i < 3; i++)
			baml_advance(p);
	}
	return take_name(p, decl) && parse_block(p, decl);
}

static bool
parse_template(struct baml_parser *p, struct baml_decl *decl)
{
	if (!take_name(p, decl))
		return false;
	if (baml_is_sign(p, '(') && !parse_parameters(p, decl))
		return false;
	baml_take_sign(p, '=');
	if (p->token.kind != BAML_TEXT || !p->token.raw)
		return baml_expected(p, "a text in #\" and \"#");
	decl->text = baml_parse_value(p);
	return decl->text != NULL;
}

static bool
parse_named_block(struct baml_parser *p, struct baml_decl *decl)
{
	return take_name(p, decl) && parse_block(p, decl);
}

static bool (*const parsers[BAML_DECL_KINDS])(struct baml_parser *,
    struct baml_decl *) = {
	[BAML_CLASS] = parse_fields,
	[BAML_ENUM] = parse_fields,
	[BAML_ALIAS] = parse_alias,
	[BAML_FUNCTION] = parse_function,
	[BAML_CLIENT] = parse_client,
	[BAML_RETRY] = parse_named_block,
	[BAML_TEMPLATE] = parse_template,
	[BAML_GENERATOR] = parse_named_block,
	[BAML_TEST] = parse_named_block,
};

/* The kind that a word begins; BAML_DECL_KINDS: none. */
static enum baml_decl_kind
kind_of(const struct baml_token *token)
{
	int kind = 0;

	if (token->kind != BAML_WORD)
		return BAML_DECL_KINDS;
	while (kind < BAML_DECL_KINDS &&
	    strcmp(token->text, baml_decl_words[kind]) != 0)
		kind++;
	return kind;
}

/* Up to a line that begins a declaration at its left edge. */
static void
skip_declaration(struct baml_parser *p)
{
	bool quiet = p->quiet;

	p->quiet = true;
	p->depth = 0;
	while (p->token.kind != BAML_END &&
	    (kind_of(&p->token) == BAML_DECL_KINDS || p->token.at.from == 0 ||
	    strchr("\n\r", p->lexer.source->text[p->token.at.from - 1]) ==
	    NULL))
		baml_advance(p);
	p->quiet = quiet || p->lexer.at == p->lexer.source->length;
}

static void
parse_unknown(struct baml_parser *p)
{
	static const char *const without[] = { "let", "dynamic", "override",
	    "impl", "for", "while", "if" };

	for (size_t i = 0; i < sizeof(without) / sizeof(*without); i++)
		if (p->token.kind == BAML_WORD &&
		    strcmp(p->token.text, without[i]) == 0)
			baml_unsupported(p->program, p->token.at, without[i],
			    "a file has types, functions and clients");
	if (!p->quiet)
		baml_wrong(p->program, p->token.at, "a declaration begins "
		    "with class, enum, type, function, client<llm>, "
		    "retry_policy, template_string, generator or test");
	baml_advance(p);
	skip_declaration(p);
}

void
baml_parse_source(struct baml_program *program,
    const struct baml_source *source)
{
	struct baml_parser p = { .program = program };
	enum baml_decl_kind kind;
	struct baml_decl *decl;

	p.lexer.pool = program->pool;
	p.lexer.source = source;
	baml_advance(&p);
	for (;;) {
		baml_skip_newlines(&p);
		if (p.token.kind == BAML_END)
			return;
		if ((kind = kind_of(&p.token)) == BAML_DECL_KINDS) {
			parse_unknown(&p);
			continue;
		}
		decl = new_decl(&p, kind);
		baml_advance(&p);
		if (!parsers[kind](&p, decl)) {
			decl->broken = true;
			skip_declaration(&p);
		}
		if (decl->name == NULL)
			continue;
		*program->last = decl;
		program->last = &decl->next;
	}
}
