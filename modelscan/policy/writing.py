"""Writes an exception into a configuration: one block of TOML at its end, for a small diff.

Invariant: the new text is parsed and checked before anything is written, so that a file that was in
order stays so.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import msgspec

from modelscan.errors import UsageError
from modelscan.policy import document
from modelscan.policy.discovery import PROJECT
from modelscan.policy.document import IN_PROJECT
from modelscan.policy.entries import Approval, Waiver

_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t"}
_DELETE = 0x7F


def with_entry(path: Path, entry: Waiver | Approval) -> bytes:
    """The bytes of a configuration with one more exception at its end.

    Args:
        path: the file; one that is not there counts as empty.
        entry: what to add.

    Raises:
        UsageError: the file is broken, or would be.
    """
    before = path.read_bytes() if path.is_file() else b""
    if before:
        document.parse(path, before)
    kind, _ = end_of(entry)
    name = ".".join((*map(str, IN_PROJECT), kind)) if path.name == PROJECT else kind
    gap = b"" if not before else b"\n" if before.endswith(b"\n") else b"\n\n"
    after = before + gap + _block(name, entry).encode()
    document.parse(path, after)
    return after


def end_of(entry: Waiver | Approval) -> tuple[str, date]:
    """What kind of exception this is, and its last day."""
    if isinstance(entry, Waiver):
        return "waiver", entry.expires
    return "approval", entry.until


def _block(name: str, entry: Waiver | Approval) -> str:
    lines = [f"[[{name}]]"]
    defaults = {"path": "*", "even-if-proven-malicious": False}
    for field in msgspec.structs.fields(entry):
        value = getattr(entry, field.name)
        if value != defaults.get(field.encode_name):
            lines.append(f"{field.encode_name} = {_value(value)}")
    return "\n".join(lines) + "\n"


def _value(value: object) -> str:
    """A value in TOML 1.0: texts as basic strings, with everything that is invisible escaped."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, date):
        return value.isoformat()
    text = str(value)
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise UsageError(f"{text!a} is not text", "write it in UTF-8")
    return '"' + "".join(map(_character, text)) + '"'


def _character(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    code = ord(character)
    if character.isprintable() and code != _DELETE:
        return character
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"  # noqa: PLR2004  # TOML's two forms
