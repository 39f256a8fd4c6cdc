/*
 * What the files of lib/baml share.  The specification has the sections that
 * are named here: 4 is the language, 5 prompts, 6 and 7 answers, 8 the parts.
 *
 * Built:
 *	source.c	files, places in them, and what is wrong with them
 *	lex.c		tokens; texts without escapes, raw ones dedented
 *	parse.c		declarations, with recovery, so that all errors show
 *	parse_type.c	types and attributes
 *	parse_value.c	values: texts, words, numbers, lists, maps
 *	names.c		names of a kind, found by hash
 *	check.c		what may have which name; the order of all checks
 *	check_type.c	types and attributes; what has no end
 *	check_client.c	clients and retry policies, by tables of options
 *	check_function.c  functions, tests, templates and generators
 *
 * To come, each a file or two, which read ast.h and no source:
 *	type.c		union normal form (4.3) of a struct baml_type.  Make
 *			each form once and find it by its hash, so that two
 *			types are equal if their pointers are: aliases of
 *			aliases would double at each level else, and what an
 *			answer came to is remembered by (type, node), which
 *			bounds the work of 7.
 *	jinja_*.c	a parser to a tree, which check_function.c calls for
 *			prompts and templates, and check_type.c for @assert
 *			and @check (until then bad-033 of the corpus is
 *			accepted: tests/baml/allow.json); an evaluator over
 *			struct values, with a count of steps.  What _.role()
 *			and media give is a part of a list that the evaluator
 *			appends to, never text in the output (5.1).
 *	format.c	{{ ctx.output_format }} (5.5): needs type.c alone.
 *	jsonish.c	an answer's text to a loose tree (6); depth 64, at most
 *			200,000 + 50 a byte steps, then a clear error.
 *	coerce.c	that tree to a value of a type (7), flags and scores.
 *	provider.c	the table in check_client.c gets each provider's
 *			shape: its request (2), its answer, its events, which
 *			sse.c reads.
 *	call.c		attempts (3) as a flat list made beforehand; what sends
 *			is a function that the caller passes, so that all of it
 *			but the sending stays pure.  Its length is bounded: a
 *			fallback may name another one twice, and so on.
 *
 * All memory is a pool's and what comes back is const to the caller.  Nothing
 * recurses deeper than BAML_DEPTH or over what BAML_BYTES could hold.
 */
#ifndef BAML_INTERNAL_H
#define BAML_INTERNAL_H

#include "../internal.h"
#include "ast.h"
#include "baml.h"

/* -------------------------------------------------------------- source.c */

struct baml_source {
	const char	*name, *text;
	size_t		 length;
	size_t		 number;	/* among the files */
};

/* A project while it is read; thereafter it is the program. */
struct baml_program {
	struct sb_pool	*pool;
	struct baml_source *sources;
	size_t		 files;
	struct baml_decl *decls, **last;	/* in the files' order */
	const struct baml_names *names;	/* of all but tests */
	struct baml_problem *problems;	/* the newest first */
	int		 count;		/* of problems, told or not */
};

/*
 * Notes what is wrong with what is there.  Of what begins at the same place
 * only the first is told, as the others follow from it.
 */
void	 baml_wrong(struct baml_program *, struct baml_span,
	    const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The same: that feature is one that this runtime doesn't have. */
void	 baml_unsupported(struct baml_program *, struct baml_span,
	    const char *feature, const char *why);

/* All that was noted, by place; NULL if that is nothing. */
const struct baml_diag *baml_diags(struct baml_program *);

/* -------------------------------------------------------------- lex.c */

enum baml_token_kind {
	BAML_END,
	BAML_NEWLINE,
	BAML_WORD,		/* a letter, then letters, digits, - and _ */
	BAML_TEXT,		/* "..", or #".."# if .raw */
	BAML_NUMERAL,		/* digits, with a sign or a fraction or not */
	BAML_EXPRESSION,	/* {{ .. }} */
	BAML_ARROW,		/* -> */
	BAML_BLOCK_AT,		/* @@ */
	BAML_SIGN,		/* any other byte */
	BAML_TOKEN_KINDS
};

struct baml_token {
	enum baml_token_kind kind;
	struct baml_span at;
	char		 sign;		/* of BAML_SIGN; else 0 */
	bool		 raw;
	const char	*text;		/* of a text: its value; of a word */
	const char	*between;	/* of "..": the same with its escapes */
	const char	*wrong;		/* what is, or NULL */
};

struct baml_lexer {
	struct sb_pool	*pool;
	const struct baml_source *source;
	size_t		 at;		/* where the next token is looked for */
	unsigned	 absent;	/* what isn't there from here on */
};

/* The next token; blanks and comments are between them. */
struct baml_token baml_lex(struct baml_lexer *);

/*
 * From a place on, text as it is up to a newline, a comment, or one of
 * # @ { ( [ < } ) ] > , ' ; without the blanks at its end.  Empty: there is
 * none.
 */
struct baml_token baml_lex_words(struct baml_lexer *, size_t from);

/* Section 4.1's: newlines at the start, blanks at the end, common indents. */
const char *baml_dedent(struct sb_pool *, const char *, size_t);

/* -------------------------------------------------------------- parse*.c */

struct baml_parser {
	struct baml_program *program;
	struct baml_lexer lexer;
	struct baml_token token;	/* the one in hand */
	struct baml_span before;	/* the last one's place */
	int		 depth;
	bool		 quiet;		/* what is skipped isn't told about */
};

/* Reads a source's declarations into the program. */
void	 baml_parse_source(struct baml_program *, const struct baml_source *);

void	 baml_advance(struct baml_parser *);
void	 baml_skip_newlines(struct baml_parser *);
bool	 baml_is_sign(const struct baml_parser *, char);
bool	 baml_take_sign(struct baml_parser *, char);

/* What those begin with: notes that this was expected; returns false. */
bool	 baml_expected(struct baml_parser *, const char *what);

/* Goes one level deeper; false, and noted, if that is too deep. */
bool	 baml_deeper(struct baml_parser *);

/* From a token to before the one in hand. */
struct baml_span baml_since(const struct baml_parser *, struct baml_span);

/*
 * A type, NULL if there is none that can be read, which is noted.  Attributes
 * behind it are put at the end of the list.
 */
struct baml_type *baml_parse_type(struct baml_parser *,
	    struct baml_attribute **);

/* Attributes of that kind, on this line or the next ones. */
bool	 baml_parse_attributes(struct baml_parser *, struct baml_attribute **,
	    bool block);

/* A value; or NULL, and noted. */
struct baml_value *baml_parse_value(struct baml_parser *);

/* Keys and values up to the }, which is taken, too. */
bool	 baml_parse_entries(struct baml_parser *, struct baml_entry **);

/* -------------------------------------------------------------- names.c */

struct baml_names;
struct baml_names *baml_names_new(struct sb_pool *);

/* Adds it unless the name is there: then returns what has it. */
const void *baml_names_add(struct baml_names *, const char *, const void *);
const void *baml_names_find(const struct baml_names *, const char *);

/* -------------------------------------------------------------- check*.c */

/* What a kind of declaration is called; the word that begins it. */
extern const char *const baml_decl_words[BAML_DECL_KINDS];

/* Checks all that was parsed, and completes it. */
void	 baml_check(struct baml_program *);

/* Notes what a name must be like, and isn't. */
void	 baml_check_name(struct baml_program *, const char *name,
	    struct baml_span, const char *what);

/* The declaration of that kind and name, or NULL. */
const struct baml_decl *baml_find(const struct baml_program *,
	    enum baml_decl_kind, const char *name);

void	 baml_check_types(struct baml_program *, struct baml_decl *);
void	 baml_check_ends(struct baml_program *);
void	 baml_check_client(struct baml_program *, struct baml_decl *);
void	 baml_check_chains(struct baml_program *);
void	 baml_check_retry(struct baml_program *, struct baml_decl *);
void	 baml_check_function(struct baml_program *, struct baml_decl *);
void	 baml_check_test(struct baml_program *, struct baml_decl *,
	    struct baml_names *tested);
void	 baml_check_generator(struct baml_program *, struct baml_decl *);

/* Whether a type holds that kind anywhere, or the classes it names do. */
bool	 baml_type_holds_media(const struct baml_type *);

/*
 * The entry of that key, whose others of the same key are noted; or NULL.
 */
struct baml_entry *baml_entry(struct baml_program *,
	    const struct baml_entry *, const char *key);

/* Notes keys that are none of these, which NULL ends. */
void	 baml_check_keys(struct baml_program *, const struct baml_entry *,
	    const char *const *keys, const char *what);

/* The text that a value is, quoted or not; NULL, and noted, if it is none. */
const char *baml_value_text(struct baml_program *, const struct baml_value *,
	    const char *what);

/* A provider of answers, or a strategy over several clients. */
struct baml_provider {
	const char	*name;
	const char	*missing;	/* why we have it not; or NULL */
	bool		 strategy;
	const char	*required;	/* an option, or NULL */
};
const struct baml_provider *baml_provider_find(const char *, size_t length);

#endif
