"""Writes an entry into a configuration: one block of TOML at its end, for a small diff.

Invariant: the new text is parsed and checked before anything is written, so that a file that was in
order stays so, and keeps every other entry that it had.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import msgspec

from modelscan.errors import UsageError
from modelscan.policy import document
from modelscan.policy.configuration import Configuration
from modelscan.policy.discovery import PROJECT
from modelscan.policy.document import IN_PROJECT
from modelscan.policy.entries import Approval, Consent, Pin, Waiver
from modelscan.policy.toml import quoted

Entry = Waiver | Approval | Consent | Pin

_KINDS: dict[type[Entry], str] = {
    Waiver: "waiver", Approval: "approval", Consent: "consent", Pin: "pin",
}  # fmt: skip
_DEFAULTS = {"path": "*", "even-if-proven-malicious": False, "templates": ()}


def with_entry(path: Path, entry: Entry) -> bytes:
    """The bytes of a configuration with one more entry at its end.

    Args:
        path: the file; one that is not there counts as empty.
        entry: what to add.

    Raises:
        UsageError: the file is broken, or would be.
    """
    before = path.read_bytes() if path.is_file() else b""
    if before:
        document.parse(path, before)
    return _appended(path, before, entry)


def with_pin(path: Path, pin: Pin, *, replace: bool) -> bytes:
    """The same for a pin, of which a model has one.

    Raises:
        UsageError: as above; or the model has a pin, and it is not to be replaced, or cannot be.
    """
    before = path.read_bytes() if path.is_file() else b""
    if before:
        read = document.parse(path, before)
        for index, old in enumerate(read.configuration.pin):
            if old.model != pin.model:
                continue
            where = read.origin(("pin", index))
            if not replace:
                raise UsageError(f"{where}: {pin.model} is pinned", "--replace pins it anew")
            before = _without_pin(path, before, index)
    return _appended(path, before, pin)


def end_of(entry: Waiver | Approval | Consent) -> tuple[str, date]:
    """What kind of exception this is, and its last day."""
    end = entry.expires if isinstance(entry, Waiver) else entry.until
    return _KINDS[type(entry)], end


def _appended(path: Path, before: bytes, entry: Entry) -> bytes:
    kind = _KINDS[type(entry)]
    name = ".".join((*map(str, IN_PROJECT), kind)) if path.name == PROJECT else kind
    gap = b"" if not before else b"\n" if before.endswith(b"\n") else b"\n\n"
    after = before + gap + _block(name, entry).encode()
    document.parse(path, after)
    return after


def _without_pin(path: Path, before: bytes, index: int) -> bytes:
    """The file without one pin: the lines from its header to the next one.

    Raises:
        UsageError: that would change more than this pin, as when it stands in a list on one line.
    """
    read = document.parse(path, before)
    text = before.decode().split("\n")
    first = read.lines.get(("pin", index), 0)
    rest = range(first, len(text))
    last = next((number for number in rest if text[number].lstrip().startswith("[")), len(text))
    after = "\n".join(text[: max(first - 1, 0)] + text[last:]).encode()
    pins = read.configuration.pin
    expected = msgspec.structs.replace(read.configuration, pin=(*pins[:index], *pins[index + 1 :]))
    where = read.origin(("pin", index))
    try:
        found = document.parse(path, after).configuration
    except UsageError:
        found = Configuration()  # a project file in which nothing else was ours
    if not first or found != expected:
        raise UsageError(f"{where}: this pin cannot be replaced", "remove it by hand, then pin")
    return after.rstrip(b"\n") + b"\n" if after.strip() else b""


def _block(name: str, entry: Entry) -> str:
    lines = [f"[[{name}]]"]
    for field in msgspec.structs.fields(entry):
        value = getattr(entry, field.name)
        if value != _DEFAULTS.get(field.encode_name):
            lines.append(f"{field.encode_name} = {_value(value)}")
    return "\n".join(lines) + "\n"


def _value(value: object) -> str:
    """A value in TOML 1.0."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, tuple):
        return "[" + ", ".join(map(_value, value)) + "]"
    text = str(value)
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise UsageError(f"{text!a} is not text", "write it in UTF-8")
    return quoted(text)
