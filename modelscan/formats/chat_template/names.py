"""What an ordinary chat template calls and reads: everything else stands out from this allowlist.

Sources: jinja2's default filters, tests and globals (`jinja2.defaults`), the functions and filters
that transformers adds when it renders chat templates (`chat_template_utils`), and the methods of
text, lists and mappings that published templates use. Names that a Python object answers to and
that lead towards its class, its frames or its code are never ordinary.
"""

from __future__ import annotations

FILTERS = frozenset({
    "abs", "batch", "capitalize", "center", "count", "d", "default", "dictsort", "e", "escape",
    "filesizeformat", "first", "float", "forceescape", "format", "from_json", "groupby", "indent",
    "int", "items", "join", "last", "length", "list", "lower", "map", "max", "min", "pprint",
    "random", "reject", "rejectattr", "replace", "reverse", "round", "safe", "select",
    "selectattr", "slice", "sort", "string", "striptags", "sum", "title", "tojson", "trim",
    "truncate", "unique", "upper", "urlencode", "wordcount", "wordwrap",
})  # fmt: skip
"""Filters that turn values into values. `attr` is not among them: it reads attributes by name."""

TESTS = frozenset({
    "!=", "<", "<=", "==", ">", ">=", "boolean", "callable", "defined", "divisibleby", "eq",
    "equalto", "escaped", "even", "false", "filter", "float", "ge", "greaterthan", "gt", "in",
    "integer", "iterable", "le", "lessthan", "lower", "lt", "mapping", "ne", "none", "number",
    "odd", "sameas", "sequence", "string", "test", "true", "undefined", "upper",
})  # fmt: skip

FUNCTIONS = frozenset({
    "caller", "cycler", "dict", "joiner", "loop", "namespace", "raise_exception", "range",
    "strftime_now", "super",
})  # fmt: skip
"""Functions that a template may call by name, besides its own macros."""

METHODS = frozenset({
    "append", "capitalize", "casefold", "center", "changed", "copy", "count", "current", "cycle",
    "endswith", "expandtabs", "extend", "find", "format", "format_map", "get", "index", "insert",
    "isalnum", "isalpha", "isascii", "isdecimal", "isdigit", "islower", "isnumeric", "isspace",
    "istitle", "isupper", "items", "join", "keys", "ljust", "lower", "lstrip", "next", "partition",
    "pop", "popitem", "remove", "removeprefix", "removesuffix", "replace", "reset", "reverse",
    "rfind", "rindex", "rjust", "rpartition", "rsplit", "rstrip", "setdefault", "sort", "split",
    "splitlines", "startswith", "strftime", "strip", "swapcase", "title", "update", "upper",
    "values", "zfill",
})  # fmt: skip
"""Methods of text, lists, mappings and of jinja2's own helpers."""

LOOP_ATTRIBUTES = frozenset({
    "changed", "cycle", "depth", "depth0", "first", "index", "index0", "last", "length",
    "nextitem", "previtem", "revindex", "revindex0",
})  # fmt: skip

MUTATORS = frozenset({"append", "extend", "insert", "setdefault", "update"})
"""Methods that put their arguments into what they are called on."""

ENVIRONMENT_OBJECTS = frozenset({
    "get_flashed_messages", "lipsum", "request", "self", "url_for",
})  # fmt: skip
"""Names that are bound to functions and objects of the program, never to anything of a chat."""
GLOBAL_CALLABLES = frozenset({"cycler", "dict", "joiner", "namespace", "range"})
"""Functions that are handed around as objects only to get at what hangs on them."""
WEB_OBJECTS = frozenset({"config", "g", "request", "session"})
"""Names that web frameworks bind; harmless where nothing binds them."""

PYTHON_FUNCTIONS = frozenset({
    "Popen", "check_call", "check_output", "compile", "eval", "exec", "execfile", "fork",
    "from_envvar", "from_object", "from_pyfile", "get_data", "getattr", "getoutput",
    "import_module", "importlib", "load_module", "open", "popen", "run_cmd", "spawn", "system",
    "urlopen",
})  # fmt: skip
"""Python functions that no chat template has any business with, whatever they are called on."""

INTERNALS = frozenset({
    "mro", "func_globals", "func_code", "func_closure", "func_defaults", "func_dict", "im_class",
    "im_func", "im_self", "gi_frame", "gi_code", "gi_yieldfrom", "cr_frame", "cr_code", "cr_await",
    "cr_origin", "ag_frame", "ag_code", "ag_await", "tb_frame", "tb_next", "f_globals", "f_locals",
    "f_builtins", "f_back", "f_code", "co_code", "co_consts", "co_names", "co_varnames",
})  # fmt: skip
"""Attributes without underscores in front that lead into the interpreter (`jinja2.sandbox`)."""

ATTRIBUTE_ARGUMENT = {
    "groupby": 0, "join": 1, "max": 1, "min": 1, "rejectattr": 0, "selectattr": 0, "sort": 2,
    "sum": 0, "unique": 1,
}  # fmt: skip
"""Filters that read an attribute by name, and the position of the argument that names it."""

_TEXT_INPUTS = "_token"


def is_internal(name: str) -> bool:
    """True for an attribute that leads from a value into the interpreter."""
    private = name.startswith("__") or (name.startswith("_") and "__" in name)
    return private or name in INTERNALS


def may_become_internal(lead: str) -> bool:
    """True when a name that starts with `lead` can still turn out to be an internal one."""
    if not lead or lead.startswith("_"):
        return True
    return any(name.startswith(lead) for name in INTERNALS)


def is_token(name: str) -> bool:
    """True for `bos_token` and its kin: text that comes from the model's own tokenizer files."""
    return name.endswith(_TEXT_INPUTS)
