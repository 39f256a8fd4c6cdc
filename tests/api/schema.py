"""JSON Schema, as far as our OpenAPI document uses it.  A word that is not known
here is an error, so that nothing is taken for checked that is not.
"""

import re

UUID = "[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
FORMATS = {
    "uuid": UUID,
    "date-time": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z",
    "email": r"[^@\s]+@[^@\s]+",
    "password": r"(?s).*",
}
TYPES = {
    "string": str, "object": dict, "array": list, "boolean": bool,
    "null": type(None), "integer": int, "number": (int, float),
}
# They say nothing about which values are valid.
WORDS = {"description", "examples", "writeOnly", "example"}


def is_type(value, name):
    if isinstance(value, bool):
        return name == "boolean"
    return isinstance(value, TYPES[name])


def wrong(doc, schema, value, where="answer"):
    """What about the value doesn't fit the schema, or None."""
    for word in schema:
        if word in WORDS:
            continue
        found = RULES[word](doc, schema, value, where)
        if found:
            return found
    return None


def rule_ref(doc, schema, value, where):
    target = doc
    for name in schema["$ref"].removeprefix("#/").split("/"):
        target = target[name]
    return wrong(doc, target, value, where)


def rule_any(doc, schema, value, where):
    found = [wrong(doc, one, value, where) for one in schema["anyOf"]]
    return None if None in found else "; or ".join(found)


def rule_type(_doc, schema, value, where):
    names = schema["type"]
    names = names if isinstance(names, list) else [names]
    if not any(is_type(value, name) for name in names):
        return f"{where} is no {' or '.join(names)}: {value!r}"
    return None


def rule_properties(doc, schema, value, where):
    if not isinstance(value, dict):
        return None
    for name in value:
        if name in schema["properties"]:
            found = wrong(doc, schema["properties"][name], value[name],
                          f"{where}.{name}")
            if found:
                return found
    return None


def rule_more(doc, schema, value, where):
    if not isinstance(value, dict):
        return None
    for name in set(value) - set(schema.get("properties", ())):
        if schema["additionalProperties"] is False:
            return f"{where} has a {name}"
        found = wrong(doc, schema["additionalProperties"], value[name],
                      f"{where}.{name}")
        if found:
            return found
    return None


def rule_required(_doc, schema, value, where):
    if isinstance(value, dict):
        for name in schema["required"]:
            if name not in value:
                return f"{where} has no {name}"
    return None


def rule_items(doc, schema, value, where):
    if isinstance(value, list):
        for i, item in enumerate(value):
            found = wrong(doc, schema["items"], item, f"{where}[{i}]")
            if found:
                return found
    return None


def rule_enum(_doc, schema, value, where):
    if value in schema["enum"]:
        return None
    return f"{where} is none of {schema['enum']}: {value!r}"


def of_text(holds):
    def rule(_doc, schema, value, where):
        if isinstance(value, str) and not holds(schema, value):
            return f"{where} doesn't fit {schema}: {value!r}"
        return None

    return rule


def of_number(holds):
    def rule(_doc, schema, value, where):
        if is_type(value, "number") and not holds(schema, value):
            return f"{where} doesn't fit {schema}: {value!r}"
        return None

    return rule


def rule_min_items(_doc, schema, value, where):
    if isinstance(value, list) and len(value) < schema["minItems"]:
        return f"{where} is too short: {value!r}"
    return None


def rule_max_items(_doc, schema, value, where):
    if isinstance(value, list) and len(value) > schema["maxItems"]:
        return f"{where} is too long: {value!r}"
    return None


def rule_unique(_doc, schema, value, where):
    if schema["uniqueItems"] and isinstance(value, list) and \
            any(one in value[:i] for i, one in enumerate(value)):
        return f"{where} has something twice: {value!r}"
    return None


RULES = {
    "$ref": rule_ref, "anyOf": rule_any, "type": rule_type,
    "properties": rule_properties, "additionalProperties": rule_more,
    "required": rule_required, "items": rule_items, "enum": rule_enum,
    "format": of_text(lambda s, v: re.fullmatch(FORMATS[s["format"]], v)),
    "pattern": of_text(lambda s, v: re.search(s["pattern"], v)),
    "minLength": of_text(lambda s, v: len(v) >= s["minLength"]),
    "maxLength": of_text(lambda s, v: len(v) <= s["maxLength"]),
    "minimum": of_number(lambda s, v: v >= s["minimum"]),
    "maximum": of_number(lambda s, v: v <= s["maximum"]),
    "minItems": rule_min_items, "maxItems": rule_max_items,
    "uniqueItems": rule_unique,
}
