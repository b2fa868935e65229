"""Trees as plain data and back to text; what differs between two, as a patch.

Sources: RFC 6902 (JSON Patch), which kustomize applies; the Compose specification's `!override` and
`!reset`; YAML 1.2's core schema for the meaning of unquoted words.
"""

from __future__ import annotations

import re
from typing import Any, Final

from modelscan.containment.nodes import Node, Row, Table, Text

_INTEGER: Final = re.compile(r"[-+]?(?:0|[1-9]\d{0,18})")
_FLOAT: Final = re.compile(r"[-+]?(?:\d+\.\d*|\.\d+|\d+(?:\.\d*)?[eE][-+]?\d+)")
_WORDS: Final[dict[str, Any]] = {
    "true": True, "True": True, "false": False, "False": False, "null": None, "~": None, "": None,
}  # fmt: skip


class Override:
    """A value of a compose file that replaces another one instead of being merged with it."""

    def __init__(self, value: Any) -> None:
        self.value = value


class Reset:
    """A key of a compose file that is taken away."""


def plain(node: Node) -> Any:
    """A tree as tables, lists, texts, numbers and truth values."""
    if isinstance(node, Table):
        return {str(key): plain(value) for key, value in node.items()}
    if isinstance(node, Row):
        return [plain(each) for each in node]
    return _scalar(node)


def _scalar(node: Text) -> Any:
    value = str(node)
    if not node.plain or node.tag:
        return value
    if value in _WORDS:
        return _WORDS[value]
    if _INTEGER.fullmatch(value):
        return int(value)
    return float(value) if _FLOAT.fullmatch(value) else value


def dump(*documents: Any) -> str:
    """Documents as YAML, with the tags of compose files."""
    import yaml  # lazy: only those who write need it

    class Dumper(yaml.SafeDumper):
        """Knows the tags, and writes no aliases."""

        def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002  # the library's signature
            return True

    Dumper.add_representer(Override, _represent_override)
    Dumper.add_representer(Reset, lambda made, _: made.represent_scalar("!reset", "null"))
    text: str = yaml.dump_all(documents, Dumper=Dumper, sort_keys=False, width=100)
    return text.replace("!reset 'null'", "!reset null")


def _represent_override(dumper: Any, data: Override) -> Any:
    if isinstance(data.value, dict):
        return dumper.represent_mapping("!override", data.value)
    return dumper.represent_sequence("!override", data.value)


def operations(old: Any, new: Any, path: str = "") -> list[dict[str, Any]]:
    """The JSON Patch that makes `new` of `old`."""
    if type(old) is type(new) and old == new:
        return []
    if isinstance(old, dict) and isinstance(new, dict):
        found = [{"op": "remove", "path": f"{path}/{_step(key)}"} for key in old if key not in new]
        for key, value in new.items():
            below = f"{path}/{_step(key)}"
            if key in old:
                found += operations(old[key], value, below)
            else:
                found.append({"op": "add", "path": below, "value": value})
        return found
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        return [
            each
            for index, (before, after) in enumerate(zip(old, new, strict=True))
            for each in operations(before, after, f"{path}/{index}")
        ]
    return [{"op": "replace", "path": path, "value": new}]


def _step(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


def overlay(old: Any, new: Any) -> Any:
    """What has to be laid over a compose file to make `new` of `old`; `None` for nothing."""
    if not isinstance(old, dict) or not isinstance(new, dict):
        return Override(new) if isinstance(new, list) else new
    made: dict[str, Any] = {key: Reset() for key in old if key not in new}
    for key, value in new.items():
        if key not in old:
            made[key] = value
        elif old[key] == value and type(old[key]) is type(value):
            continue
        elif key == "environment" or not isinstance(value, dict) or not isinstance(old[key], dict):
            scalar = not isinstance(value, dict | list)
            made[key] = value if scalar else Override(value)
        else:
            made[key] = overlay(old[key], value)
    return made or None
