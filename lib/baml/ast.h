/*
 * What a project's files say, as the parser leaves it and the checker completes
 * it: declarations with their fields, types, attributes and values, each with
 * its place.  Lists are in the order of the files.
 */
#ifndef BAML_AST_H
#define BAML_AST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct baml_source;

/* A place: bytes of a file, from the one to before the other. */
struct baml_span {
	const struct baml_source *source;
	size_t		 from, to;
};

/* ---------------------------------------------------------------- values */

enum baml_value_kind {
	BAML_QUOTED,		/* "text", without its escapes */
	BAML_RAW,		/* #"text"#, dedented */
	BAML_WORDS,		/* text as it is */
	BAML_NUMBER,		/* as it was written */
	BAML_TRUTH,		/* true or false */
	BAML_NOTHING,		/* null */
	BAML_ENV,		/* env.NAME: the name */
	BAML_JINJA,		/* {{ text }}: what is within */
	BAML_VALUES,		/* [..] */
	BAML_ENTRIES,		/* {..} */
	BAML_VALUE_KINDS
};

struct baml_value {
	struct baml_value *next;
	enum baml_value_kind kind;
	struct baml_span at;
	const char	*text;		/* of all but the last two */
	struct baml_value *items;	/* of BAML_VALUES */
	struct baml_entry *entries;	/* of BAML_ENTRIES */
};

struct baml_entry {
	struct baml_entry *next;
	const char	*key;
	struct baml_span at;		/* the key's */
	struct baml_value *value;
};

/* @name(arguments), or @@name(arguments) of a block. */
struct baml_attribute {
	struct baml_attribute *next;
	const char	*name;
	struct baml_span at;
	bool		 block;
	struct baml_value *arguments;
};

/* ---------------------------------------------------------------- types */

enum baml_type_kind {
	BAML_STRING,
	BAML_INT,
	BAML_FLOAT,
	BAML_BOOL,
	BAML_NULL,
	BAML_IMAGE,
	BAML_AUDIO,
	BAML_PDF,
	BAML_VIDEO,
	BAML_TEXT_LITERAL,	/* "text": what is between the quotes */
	BAML_INT_LITERAL,
	BAML_BOOL_LITERAL,
	BAML_NAMED,		/* of a class, enum or alias */
	BAML_LIST,		/* of its one item */
	BAML_MAP,		/* of its two items: key and value */
	BAML_OPTIONAL,		/* of its one item */
	BAML_UNION,		/* of its items */
	BAML_TYPE_KINDS
};

/* A type as it is written; what it comes to is another matter. */
struct baml_type {
	struct baml_type *next;		/* among the items of another */
	enum baml_type_kind kind;
	struct baml_span at;
	const char	*text;		/* a literal's, or the name */
	int64_t		 number;	/* of BAML_INT_LITERAL; else truth */
	struct baml_type *items;
	struct baml_attribute *attributes;
	const struct baml_decl *decl;	/* the checker's: of BAML_NAMED */
};

/* ---------------------------------------------------------------- blocks */

/* A field of a class, a value of an enum, or a parameter. */
struct baml_field {
	struct baml_field *next;
	const char	*name;
	struct baml_span at;		/* the name's */
	struct baml_type *type;		/* NULL: of an enum */
	struct baml_attribute *attributes;
	/* The checker's: */
	const struct baml_value *alias, *description;	/* or NULL */
	bool		 skip;
};

enum baml_decl_kind {
	BAML_CLASS,
	BAML_ENUM,
	BAML_ALIAS,
	BAML_FUNCTION,
	BAML_CLIENT,
	BAML_RETRY,
	BAML_TEMPLATE,
	BAML_GENERATOR,
	BAML_TEST,
	BAML_DECL_KINDS
};

/* Where a walk along declarations is, so that a circle is seen. */
enum baml_walk { BAML_UNSEEN, BAML_ENTERED, BAML_LEFT };

struct baml_decl {
	struct baml_decl *next;
	enum baml_decl_kind kind;
	const char	*name;
	struct baml_span at;		/* the name's */
	struct baml_field *fields;	/* fields, values or parameters */
	struct baml_attribute *attributes;	/* of the block */
	struct baml_type *type;		/* an alias's; what a function gives */
	struct baml_entry *entries;	/* of blocks of keys and values */
	struct baml_value *text;	/* of BAML_TEMPLATE */
	bool		 broken;	/* it isn't whole, which was told */
	/* The checker's: */
	const struct baml_value *prompt;	/* of BAML_FUNCTION */
	const struct baml_decl *client;	/* of BAML_FUNCTION; NULL: shorthand */
	const struct baml_decl *retry;	/* of BAML_CLIENT, or NULL */
	const struct baml_provider *provider;	/* of the client, or function */
	const char	*model;		/* of a function's shorthand */
	bool		 finite;	/* it has values that come to an end */
	bool		 media;		/* an image or the like is in it */
	enum baml_walk	 walk;		/* along aliases, or clients */
};

#endif
