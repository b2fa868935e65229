"""Keys by which documents name what their loader calls: Hydra's `_target_` and its relatives.

Invariants: a name of a well-known package is not stated, since the document can only call what that
package offers; text that is put together from other places of the document is put together here.

Sources: Hydra, "Instantiating objects with Hydra" (`_target_`); Lightning's command line
(`class_path` beside `init_args`); latent diffusion's `instantiate_from_config` (`target` beside
`params`); jsonpickle, "Tags"; LangChain, "Serialization" (`lc`); MXNet's symbol files (operator
`Custom`); Palo Alto Networks Unit 42, 2026, on models whose configuration calls any function
(CVE-2025-23304).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final, Literal, NamedTuple

from modelscan.formats.graph_operators import hostile
from modelscan.formats.objects.judging import Names, Verdict, is_dotted
from modelscan.formats.objects.tree import Table

_HYDRA: Final = ("_target_", "__target__")
_LOOKUPS: Final = ("path", "_args_", "method", "object")
"""Keys whose text `hydra.utils` looks up as a name."""
_CALLED: Final = frozenset({"py/function", "py/method", "py/object", "py/type", "py/module"})
_EVALUATED: Final = "py/repr"
_REDUCED: Final = ("py/reduce", "py/newargs", "py/newargsex", "py/newobj", "py/initargs")
_LANGCHAIN: Final = "lc"
_SERIALISED: Final = frozenset({"constructor", "secret"})
_PROMPT: Final = re.compile(
    r"langchain(?:_core)?(?:\.(?:prompts|schema|messages)(?:\.\w+)*)"
    r"\.(?:(?:Chat|FewShot|(?:Human|AI|System|Chat)Message|StringMessage)?PromptTemplate"
    r"|MessagesPlaceholder|(?:Human|AI|System|Chat|Function|Tool)Message(?:Chunk)?)"
)
"""LangChain's own texts and messages."""
_INTERPOLATION: Final = re.compile(r"\$\{\s*([\w.\[\]-]+)\s*\}")
_MAX_HOPS: Final = 8
_SHOWN: Final = 200


class Found(NamedTuple):
    """A name that a document asks for; the fields are those of `config.object`."""

    kind: Any
    name: str
    disposition: Verdict | Literal["hostile"]
    key: str


def found_in(path: str, table: Table, root: Any, names: Names) -> Iterator[Found]:
    """What one table names.

    Args:
        path: of the table.
        table: some table of a document.
        root: the document, for text that refers to other places of it.
        names: judges names.
    """
    yield from _targets(path, table, root, names)
    if any(key.startswith("py/") for key in table if isinstance(key, str)):
        yield from _jsonpickle(path, table, names)
    if _LANGCHAIN in table:
        yield from _langchain(path, table)
    if table.get("op") == "Custom" and "inputs" in table:
        attributes = table.get("attrs") or table.get("attr") or table.get("param")
        kind = attributes.get("op_type") if isinstance(attributes, dict) else None
        yield Found("custom-operator", str(kind or "Custom")[:_SHOWN], "unknown", path)


def judge_tag(kind: Any, name: str, line: int, names: Names) -> Found:
    """A name that a YAML tag imports."""
    return Found(kind, name[:_SHOWN], names.judge(name), f"line {line}")


def _targets(path: str, table: Table, root: Any, names: Names) -> Iterator[Found]:
    for key in _HYDRA:
        value = table.get(key)
        if isinstance(value, str) and value.strip():
            yield from _target(_join(path, key), resolve(value, root), table, names)
            if value.startswith("hydra."):
                yield from _looked_up(path, table, root, names)
    if "init_args" in table or "dict_kwargs" in table or len(table) == 1:
        yield from _dotted(path, "class_path", table, names)
    if "params" in table or len(table) == 1:
        yield from _dotted(path, "target", table, names)


def _dotted(path: str, key: str, table: Table, names: Names) -> Iterator[Found]:
    """A key that other documents use for something else: only a name with a module counts."""
    value = table.get(key)
    if isinstance(value, str) and is_dotted(value.strip().replace(":", ".")):
        yield from _target(_join(path, key), value, table, names)


def _target(key: str, name: str, table: Table, names: Names) -> Iterator[Found]:
    """A name that is called. One without a module is a class that the loader knows by itself."""
    verdict = names.judge(name)
    if verdict == "unknown" and not is_dotted(name.strip().replace(":", ".")):
        return
    if verdict == "unknown" and hostile(name, _arguments(table)):
        yield Found("target", name[:_SHOWN], "hostile", key)
    elif verdict != "inert":
        yield Found("target", name[:_SHOWN], verdict, key)


def _arguments(table: Table) -> Iterator[str]:
    """Texts that a target is handed: beside it, or in a list or table right beside it."""
    for value in table.values():
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict | list):
            inner = value.values() if isinstance(value, dict) else value
            yield from (each for each in inner if isinstance(each, str))


def _looked_up(path: str, table: Table, root: Any, names: Names) -> Iterator[Found]:
    """Names that are handed to a function which looks them up."""
    for key in _LOOKUPS:
        value = table.get(key)
        for text in value if isinstance(value, list) else [value]:
            if isinstance(text, str) and names.judge(resolve(text, root)) == "denied":
                yield Found("target", text[:_SHOWN], "denied", _join(path, key))


def _jsonpickle(path: str, table: Table, names: Names) -> Iterator[Found]:
    for key, value in table.items():
        if key == _EVALUATED:
            yield Found("jsonpickle", str(value)[:_SHOWN], "denied", _join(path, key))
        elif key in _CALLED and isinstance(value, str):
            yield Found("jsonpickle", value[:_SHOWN], names.judge(value), _join(path, key))
        elif key in _REDUCED and not _is_spelt(value):
            yield Found("jsonpickle", key, "unknown", _join(path, key))


def _is_spelt(value: Any) -> bool:
    """True for a call whose function is a table with its name, which is judged by itself."""
    first = value[0] if isinstance(value, list) and value else None
    return isinstance(first, dict) and not _CALLED.isdisjoint(first)


def _langchain(path: str, table: Table) -> Iterator[Found]:
    """A constructor is called with the keys beside it, a secret is read from the environment."""
    kind, identity = table.get("type"), table.get("id")
    if isinstance(identity, list) and isinstance(kind, str) and kind in _SERIALISED:
        name = ".".join(str(part) for part in identity)
        if kind == "constructor" and _is_prompt(name, table.get("kwargs")):
            return
        yield Found("langchain", f"{kind} {name}"[:_SHOWN], "unknown", path)


def _is_prompt(name: str, given: Any) -> bool:
    """True for a text with places to be filled in, or a message: no more than data.

    A template in Jinja can run code, wherever it stands, and is no such thing.
    """
    jinja = isinstance(given, dict) and given.get("template_format", "f-string") != "f-string"
    return _PROMPT.fullmatch(name) is not None and not jinja


def resolve(text: str, root: Any) -> str:
    """Text with its references to other places of the document put in (OmegaConf's `${a.b}`)."""
    for _ in range(_MAX_HOPS):
        text, replaced = _INTERPOLATION.subn(lambda found: _value(found, root), text)
        if not replaced or len(text) > _SHOWN * 10 or "\0" in text:
            break
    return text.replace("\0", "$")


def _value(found: re.Match[str], root: Any) -> str:
    """The text at a place; the reference itself, marked as done, where there is none."""
    value = root
    for part in re.split(r"[.\[\]]+", found[1].strip("[]")):
        if isinstance(value, dict):
            value = value.get(part)
        elif isinstance(value, list) and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        else:
            value = None
    if isinstance(value, str | int | float):
        return str(value)
    return found[0].replace("$", "\0")


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key
