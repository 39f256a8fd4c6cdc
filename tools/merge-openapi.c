/*
 * Merges the programs' parts of the API's description (OpenAPI 3.1) into one
 * document on standard output.  The build runs it, over parts that our own
 * programs printed.  The first part gives the version and the title; tags,
 * paths and components are united, and nothing may be said in two ways.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <json-c/json.h>

/* The part that is being read: its file's name. */
static const char *part_name;

static bool
wrong(const char *what, const char *where, const char *name)
{
	fprintf(stderr, "merge-openapi: %s: %s%s%s: %s\n", part_name, where,
	    *where ? " " : "", name, what);
	return false;
}

/* Adds a member, which may be there already only if it may be twice. */
static bool
add(struct json_object *to, const char *where, const char *name,
    struct json_object *value, bool twice)
{
	struct json_object *there;

	if (!json_object_object_get_ex(to, name, &there)) {
		json_object_object_add(to, name, json_object_get(value));
		return true;
	}
	if (!twice)
		return wrong("is there already", where, name);
	if (!json_object_equal(there, value))
		return wrong("differs from an earlier part's", where, name);
	return true;
}

/* Methods by paths, or components by kinds: objects of objects. */
static bool
unite_groups(struct json_object *to, struct json_object *from, bool twice)
{
	struct json_object *target;

	json_object_object_foreach(from, group, members) {
		if (!json_object_object_get_ex(to, group, &target)) {
			json_object_object_add(to, group,
			    json_object_get(members));
			continue;
		}
		if (!json_object_is_type(target, json_type_object) ||
		    !json_object_is_type(members, json_type_object))
			return wrong("is no object", "", group);
		json_object_object_foreach(members, name, value)
			if (!add(target, group, name, value, twice))
				return false;
	}
	return true;
}

static struct json_object *
tag_named(struct json_object *tags, const char *name)
{
	struct json_object *tag, *its_name;

	for (size_t i = 0; i < json_object_array_length(tags); i++) {
		tag = json_object_array_get_idx(tags, i);
		if (json_object_object_get_ex(tag, "name", &its_name) &&
		    strcmp(json_object_get_string(its_name), name) == 0)
			return tag;
	}
	return NULL;
}

static bool
unite_tags(struct json_object *to, struct json_object *from)
{
	struct json_object *tag, *there, *name;

	for (size_t i = 0; i < json_object_array_length(from); i++) {
		tag = json_object_array_get_idx(from, i);
		if (!json_object_is_type(tag, json_type_object) ||
		    !json_object_object_get_ex(tag, "name", &name))
			return wrong("has no name", "", "a tag");
		there = tag_named(to, json_object_get_string(name));
		if (there == NULL)
			json_object_array_add(to, json_object_get(tag));
		else if (!json_object_equal(there, tag))
			return wrong("differs from an earlier part's", "tag",
			    json_object_get_string(name));
	}
	return true;
}

/* Adds one of a part's own members to what there is of it. */
static bool
unite(struct json_object *to, const char *name, struct json_object *value)
{
	struct json_object *there;
	bool paths = strcmp(name, "paths") == 0;
	bool components = strcmp(name, "components") == 0;
	bool tags = strcmp(name, "tags") == 0;

	if (((paths || components) &&
	    !json_object_is_type(value, json_type_object)) ||
	    (tags && !json_object_is_type(value, json_type_array)))
		return wrong("is of another type", "", name);
	if (!json_object_object_get_ex(to, name, &there) ||
	    (!paths && !components && !tags))
		return add(to, "", name, value, true);
	if (tags)
		return unite_tags(there, value);
	return unite_groups(there, value, components);
}

/* Takes the title from the first part, and the rest from every part. */
static bool
merge(struct json_object *document, struct json_object *part, bool first)
{
	struct json_object *version, *info;

	if (!json_object_is_type(part, json_type_object))
		return wrong("is no JSON object", "", "it");
	if (!json_object_object_get_ex(part, "openapi", &version) ||
	    !json_object_object_get_ex(part, "info", &info))
		return wrong("is missing", "", "openapi or info");
	if (first) {
		json_object_object_add(document, "openapi",
		    json_object_get(version));
		json_object_object_add(document, "info",
		    json_object_get(info));
	}
	json_object_object_foreach(part, name, value)
		if (strcmp(name, "info") != 0 && !unite(document, name, value))
			return false;
	return true;
}

static bool
print(struct json_object *document)
{
	printf("%s\n", json_object_to_json_string_ext(document,
	    JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
	return fflush(stdout) == 0 && !ferror(stdout);
}

int
main(int argc, char **argv)
{
	struct json_object *document = json_object_new_object(), *part;
	bool good = argc > 1;

	if (!good)
		fprintf(stderr, "usage: merge-openapi PART...\n");
	for (int i = 1; good && i < argc; i++) {
		part_name = argv[i];
		part = json_object_from_file(part_name);
		good = merge(document, part, i == 1);
		json_object_put(part);
	}
	if (good && !print(document)) {
		perror("merge-openapi");
		good = false;
	}
	json_object_put(document);
	return good ? 0 : 1;
}
