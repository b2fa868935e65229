"""Reads one configuration file: TOML, checked against the schema, every error with file and line.

Invariants: a file is read up to `LONGEST` bytes; an unknown key is an error, never passed over,
since a misspelt `deny` would be a silent permission; nothing of the file is run.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from pathlib import Path
from typing import Any, NamedTuple, get_args

import msgspec

from modelscan._about import NAME
from modelscan.errors import UsageError, did_you_mean
from modelscan.lineage import configured as lineage
from modelscan.policy import configuration, entries, lines
from modelscan.policy.configuration import Configuration
from modelscan.policy.contradictions import contradictions
from modelscan.policy.discovery import LONGEST, PROJECT
from modelscan.policy.lines import Where
from modelscan.policy.profile import REQUIREMENTS
from modelscan.verifier import own_manifests, trust_document
from modelscan.vocabulary.ancestry import Relation
from modelscan.vocabulary.evidence import OfficialStatus, SignedStatus
from modelscan.vocabulary.fact import Restriction
from modelscan.vocabulary.rule import CONFIDENCES, SEVERITIES

IN_PROJECT: Where = ("tool", NAME)

_PLACE = re.compile(r"(?P<what>.*?)(?: - at `(?:key` in `)?\$?(?P<path>[^`]*)`)?", re.DOTALL)
_UNKNOWN = re.compile(r"Object contains unknown field `(?P<word>.*)`", re.DOTALL)
_ENUM = re.compile(r"Invalid enum value '(?P<word>.*)'", re.DOTALL)
_SHAPE = "Expected `str` matching regex"
_SHAPES: dict[str | int, str] = {
    "subject": "sha256:<64 digits>, or a purl glob such as pkg:huggingface/acme/*",
    "remote-code": "sha256:<64 digits>, or owner/name@<40 digits of a commit>",
    "pickled-name": "module.qualname",
    "sha256": "64 hexadecimal digits in lower case",
}
"""How texts with a shape are written, by their key."""
_DOTTED = "Expected `str`, got `object`"
"""What becomes of a name with a dot and without quotes: a table."""
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]|\[(\.\.\.)\]")
_TOML_PLACE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)")

_TABLES: dict[str, type[msgspec.Struct]] = {
    "fail-on": configuration.FailOn,
    "answers": configuration.Answers,
    "load-hazards": configuration.HazardStatuses,
    "official-bytes": configuration.OfficialStatuses,
    "signed": configuration.SignedStatuses,
    "descends-from": configuration.DescentStatuses,
    "env": configuration.Environment,
    "extends": configuration.Source,
    "floor": configuration.Source,
    "override": entries.Override,
    "waiver": entries.Waiver,
    "approval": entries.Approval,
    "consent": entries.Consent,
    "pin": entries.Pin,
    "trust": trust_document.TrustTable,
    "signer": trust_document.SignerEntry,
    "rule": trust_document.RuleEntry,
    "sigstore": trust_document.SigstoreEntry,
    "manifests": own_manifests.ManifestsTable,
    "lineage": lineage.LineageTable,
}
"""The tables with keys of their own, by the name they go by."""
_WORDS: tuple[str, ...] = (
    *REQUIREMENTS, *SEVERITIES, *CONFIDENCES, *get_args(OfficialStatus), *get_args(SignedStatus),
    *get_args(Relation), *get_args(Restriction), *get_args(entries.Justification),
    "allow", "warn", "deny", "fail", "off", "regular", "pedantic", "auditor", "none", "read", "act",
    "default", "strict", "production", "audit", "safeguards-removed",
)  # fmt: skip
"""Every word that is a value somewhere, for suggestions."""


class Document(NamedTuple):
    """A file that is in order."""

    path: Path
    configuration: Configuration
    digest: str
    """Hexadecimal SHA-256 of the file."""
    lines: dict[Where, int]

    def origin(self, *places: Where) -> str:
        """`file:line` of the first of these places that the file has, or of the first's table."""
        found = next((place for place in places if place in self.lines), places[0])
        return f"{self.path}:{lines.nearest(self.lines, found)}"


def read(path: Path) -> Document:
    """Read and check a configuration.

    Args:
        path: the file; of a `pyproject.toml`, the table `[tool.modelassay]` counts.

    Raises:
        UsageError: it cannot be read, is not TOML, or says what a configuration cannot say.
    """
    data = _bytes(path)
    return parse(path, data)


def parse(path: Path, data: bytes) -> Document:
    """The same for bytes that are at hand; `path` is how messages name them."""
    try:
        text = data.decode()
        whole: Any = tomllib.loads(text)
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: not UTF-8, at byte {error.start}", "save it as UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        found = _TOML_PLACE.search(str(error))
        line = found[1] if found and found[1] else text.count("\n") + 1
        what = _TOML_PLACE.sub("", str(error))
        raise UsageError(f"{path}:{line}: not valid TOML: {what}") from error
    except RecursionError as error:
        raise UsageError(f"{path}: nested too deeply to be a configuration") from error
    prefix = IN_PROJECT if path.name == PROJECT else ()
    table = lines.of(text, prefix)
    for part in prefix:
        whole = whole.get(part) if isinstance(whole, dict) else None
    if whole is None:
        name = f"[{IN_PROJECT[0]}.{IN_PROJECT[1]}]"
        raise UsageError(f"{path} has no table {name}", "add it, or name another file")
    try:
        made = msgspec.convert(whole, Configuration)
    except msgspec.ValidationError as error:
        raise _invalid(path, table, whole, str(error)) from error
    for where, what in contradictions(made):
        name = ".".join(map(str, where))
        raise UsageError(
            f"{path}:{lines.nearest(table, where)}: {name}: {what}", "keep one of them"
        )
    return Document(path, made, hashlib.sha256(data).hexdigest(), table)


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(LONGEST + 1)
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise UsageError(f"{path} cannot be read: {why}", "check the path") from error
    if len(data) > LONGEST:
        raise UsageError(f"{path} is longer than {LONGEST >> 20} MiB, too long for a configuration")
    return data


def _invalid(path: Path, table: dict[Where, int], whole: Any, text: str) -> UsageError:
    """The same complaint in our words, at its line, with a suggestion."""
    found = _PLACE.fullmatch(text)
    what, at = (found["what"], found["path"] or "") if found else (text, "")
    where = _where(whole, at, text)
    unknown, value = _UNKNOWN.fullmatch(what), _ENUM.fullmatch(what)
    hint = ""
    if unknown:
        named = [part for part in where if isinstance(part, str) and part in _TABLES]
        struct = _TABLES[named[-1]] if named else Configuration
        known = [field.encode_name for field in msgspec.structs.fields(struct)]
        hint = did_you_mean(unknown["word"], known) or f"known keys: {', '.join(known)}"
        where, what = (*where, unknown["word"]), f"unknown key {unknown['word']!r}"
    elif value:
        hint = did_you_mean(value["word"], _WORDS)
        if (*where, value["word"]) in table:  # the key is what is wrong
            where = (*where, value["word"])
        what = f"{value['word']!r} is not one of the values that may stand here"
    elif what.startswith(_SHAPE) and where and where[-1] in _SHAPES:
        what, hint = "this is not how it is written", f"write {_SHAPES[where[-1]]}"
    elif what == _DOTTED:
        hint = 'a name with a dot needs quotes: "apache-2.0" = "allow"'
    name = ".".join(str(part) for part in where) if where and not unknown else ""
    line = lines.nearest(table, where)
    return UsageError(f"{path}:{line}: {f'{name}: ' if name else ''}{what}", hint)


def _where(whole: Any, at: str, complaint: str) -> Where:
    """The keys that lead to a complaint. msgspec names no keys of open tables: they are tried."""
    where: list[str | int] = []
    for name, index, any_key in _STEP.findall(at):
        if any_key:
            where.append(_guilty(whole, tuple(where), complaint))
        else:
            where.append(int(index) if index else name)
    return tuple(where)


def _guilty(whole: Any, where: Where, complaint: str) -> str:
    """The first key of an open table that alone draws the complaint."""
    table = whole
    for part in where:
        table = table[part]
    return next((key for key in table if _draws(where, {key: table[key]}, complaint)), "")


def _draws(where: Where, alone: Any, complaint: str) -> bool:
    """True when a table with one key, at its place in an otherwise empty file, is complained of."""
    for part in reversed(where):
        alone = {part: alone}
    try:
        msgspec.convert(alone, Configuration)
    except msgspec.ValidationError as error:
        return str(error) == complaint
    return False
