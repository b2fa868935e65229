"""`docs/formats/`: a page for every reader, from its docstrings, and what no reader handles yet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from modelscan.engine.fields import KINDS
from modelscan.formats import sniff
from modelscan.formats.reader import Glimpse, Reader
from modelscan.formats.readers import readers_for
from modelscan.formats.repository.relator import Relator
from modelscan.formats.repository.relators import RELATORS
from modelscan.vocabulary.artifact import BytesArtifact
from modelscan.vocabulary.lists import NameLists
from modelscan.vocabulary.rule import Rule
from tools.pages import docstrings, markdown, rules, stated

FOLDER = "docs/formats"
RELATIONS = "relations"
"""The page about what holds between files."""

_INTRODUCTION = """
A reader takes bytes and states facts; it never loads, imports or runs anything. Content decides
which readers a file goes to, and archives are opened: what lies in them goes to every reader in its
turn. What holds *between* the files of a model is on [a page of its own](relations.md).
"""
_UNREAD = """
A usual loader would parse or run these files, so that a scan of one is *incomplete* (exit code 3)
and says so. It is never a pass. Besides the extensions, formats with well-known first bytes are
recognised under any name.
"""
_OTHERS = """
Images, text and data that no loader runs are hashed and listed as *skipped*. They do not make a
scan incomplete.
"""
_RELATIONS = """
Once every file has been read, relators hold the files of a model against each other. They open
nothing: they see which files there are, and the facts that the readers stated.
"""


def pages() -> Iterator[tuple[str, str]]:
    """The table, a page for each reader, and the page of the relators."""
    readers = _readers()
    judged = rules.by_kind()
    yield f"{FOLDER}/index.md", _index(readers)
    for name, reader in readers.items():
        yield f"{FOLDER}/{slug(name)}.md", _page(name, reader, judged)
    yield f"{FOLDER}/{RELATIONS}.md", _relations(judged)


def slug(name: str) -> str:
    """The file name of a format's page."""
    return markdown.anchor(name)


def by_kind() -> dict[str, list[str]]:
    """For each kind of fact, links from `docs/` to the pages of what can state it."""
    readers = _readers()
    found: dict[str, list[str]] = {}
    for name, reader in readers.items():
        for kind in _kinds(reader):
            found.setdefault(kind, []).append(f"[{name}](formats/{slug(name)}.md)")
    for kind in {kind for relator in RELATORS for kind in _kinds(relator)}:
        found.setdefault(kind, []).append(f"[relations](formats/{RELATIONS}.md) between files")
    return found


def _readers() -> dict[str, Reader]:
    """Every reader by the name of its format, in the order of the table of readers."""
    found: dict[str, Reader] = {}
    for reader in readers_for(NameLists()):
        name = reader.format
        if name in found:  # two readers share a format: their rooms tell them apart
            name = f"{name} ({_room(reader)})"
        found[name] = reader
    return found


def _kinds(thing: Reader | Relator) -> list[str]:
    return stated.kinds(thing, (*readers_for(NameLists()), *RELATORS))


def _room(thing: object) -> str:
    """The last part of the module that a reader or relator stands in, in words."""
    name = stated.module_of(thing).__name__.removesuffix(".reader")
    return name.rpartition(".")[2].replace("_", " ")


def _index(readers: Mapping[str, Reader]) -> str:
    read = [(f"[{name}]({slug(name)}.md)", _summary(reader)) for name, reader in readers.items()]
    unread = [
        (name, ", ".join(f"`{extension}`" for extension in extensions))
        for name, extensions in sorted(_unread(readers).items())
    ]
    return markdown.page(
        "Formats",
        [
            _INTRODUCTION,
            markdown.table(("format", "what is read"), read),
            "## Recognised, not read yet",
            _UNREAD,
            markdown.table(("format", "extensions"), unread),
            "## Everything else",
            _OTHERS,
        ],
    )


def _summary(thing: object) -> str:
    """The first paragraph of the docstring of a room's module."""
    return markdown.cell(docstrings.of(stated.module_of(thing)).partition("\n\n")[0])


def _unread(readers: Mapping[str, Reader]) -> dict[str, list[str]]:
    """The extensions of formats that make a scan incomplete, by format."""
    known = {reader.format for reader in readers.values()}
    found: dict[str, list[str]] = {}
    for extension in sorted(sniff._BY_EXTENSION):  # noqa: SLF001  # the page shows the table itself
        glimpse = Glimpse(BytesArtifact("x" + extension, b""))
        other = sniff.unread(glimpse)
        taken = other.format in known or any(each.recognises(glimpse) for each in readers.values())
        if other.needed and not taken:
            found.setdefault(other.format, []).append(extension)
    return found


def _page(name: str, reader: Reader, judged: Mapping[str, Sequence[Rule]]) -> str:
    recognition = docstrings.of(type(reader).recognises)
    table = _facts(_kinds(reader), judged)
    parts = [
        markdown.prose(docstrings.of(stated.module_of(reader))),
        "## What it does",
        markdown.prose(docstrings.of(type(reader))),
    ]
    if recognition:
        parts += ["## How a file is recognised", markdown.prose(recognition)]
    if table:
        parts += ["## Facts it can state", table]
    return markdown.page(name, parts)


def _relations(judged: Mapping[str, Sequence[Rule]]) -> str:
    parts = [_RELATIONS]
    for relator in RELATORS:
        parts += [
            f"## {_room(relator)}",
            markdown.prose(docstrings.of(stated.module_of(relator))),
            _facts(_kinds(relator), judged),
        ]
    return markdown.page("Relations between files", parts)


def _facts(kinds: Sequence[str], judged: Mapping[str, Sequence[Rule]]) -> str:
    """A table of kinds of facts, with the rules that judge each."""
    return markdown.table(
        ("fact", "what it says", "rules that judge it"),
        [
            (
                f"[`{kind}`](../facts.md#{markdown.anchor(kind)})",
                markdown.cell(docstrings.of(KINDS[kind]).partition("\n\n")[0]),
                ", ".join(rules.link(rule, "../rules/") for rule in judged.get(kind, ())),
            )
            for kind in kinds
        ],
    )
