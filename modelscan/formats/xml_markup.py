"""XML model files (PMML, OpenVINO, and others): what makes a parser fetch, expand or call.

Invariants: no XML library is involved, so nothing is expanded. The part before the first element is
read token by token, as the grammar has it; the rest is searched, since inclusions may stand
anywhere. Text in another encoding is decoded as a parser would.

Sources: XML 1.0, fifth edition, sections 2.8 and 4.2; XInclude 1.1; OWASP, "XML External Entity
Prevention"; PMML 4.4, "Extension Mechanism"; JPMML-Evaluator, user-defined functions (`Apply` with
the name of a Java class); OpenVINO, "Operation Sets".
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Container, Generator, Iterator
from typing import Any, Final

from modelscan.budget import Budget
from modelscan.errors import ReadError
from modelscan.formats.reader import Glimpse
from modelscan.formats.repeated import every
from modelscan.vocabulary.artifact import CHUNK, Artifact, place, stream
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import ActiveContent, Fact
from modelscan.vocabulary.lists import GraphOperators

_EXTENSIONS: Final = frozenset({".xml", ".pmml"})
_OTHERS: Final = frozenset({".svg", ".html", ".htm", ".xhtml", ".plist"})
"""Documents for people and desktops: their document types are part of the format."""
_KNOWN_DOCTYPE: Final = re.compile(r"\s*[\"']-//(?:W3C|Apple|Apple Computer)//")
_START: Final = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:\?xml[\s?]|!DOCTYPE\s|PMML[\s>])")
_BOMS: Final = (
    (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
    (b"<\0?\0", "utf-16-le"), (b"\0<\0?", "utf-16-be"), (b"<\0!\0", "utf-16-le"),
    (b"\0<\0!", "utf-16-be"),
)  # fmt: skip
_PROLOGUE: Final = 1 << 20
"""Bytes before the first element; writers put a few hundred there."""
_ENCODING: Final = re.compile(r"<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([^\"']{0,80})[\"']")
_USUAL: Final = re.compile(
    r"(?:utf-?(?:8|16|32)(?:-?[lb]e)?|us-ascii|ascii|iso-8859-\d+|latin-?1|windows-\d+|gb\w+|big5"
    r"|shift_jis|euc-\w+|koi8-\w)",
    re.IGNORECASE,
)
_SKIPPED: Final = re.compile(r"\s+|<\?.*?\?>|<!--.*?-->", re.DOTALL)
_DOCTYPE: Final = re.compile(r"<!DOCTYPE\s+([^\s>\[]+)\s*(?:(SYSTEM|PUBLIC)\b([^>\[]*))?")
_ENTITY: Final = re.compile(
    r"<!ENTITY\s+(%\s+)?(\S+)\s+(?:(SYSTEM|PUBLIC)\s+([^>]{0,2000})|[\"'])", re.DOTALL
)
_STYLESHEET: Final = re.compile(r"<\?xml-stylesheet\b([^?]{0,500})\?>")
_BODY: Final = re.compile(
    rb"http://www\.w3\.org/(?P<include>200[13]/XInclude)"
    rb"|<(?:\w+:)?Apply\b[^>]{0,300}?\bfunction\s*=\s*[\"'](?P<java>[\w$]+(?:\.[\w$]+)+)[\"']"
    rb"|<(?:\w+:)?Extension\b(?P<extension>[^>]{0,4000}+(?:>[^<]{0,4000}+(?:<!\[CDATA\[[^<]{0,4000}+)?)?)"
    rb"|<layer\s(?P<layer>" + every(rb"[^<>\"']++|\"[^\"]*+\"|'[^']*+'") + rb")"
)
_ATTRIBUTE: Final = re.compile(rb"([\w:.-]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")
_NETWORK: Final = re.compile(rb"<net[\s>]")
"""The root of a model of OpenVINO."""
_OPERATION_SET: Final = re.compile(r"opset\d{1,2}")
_EXTENSION: Final = frozenset({"extension", "custom_opset", "experimental"})
_LONGEST: Final = 1 << 16
"""Bytes of a piece of the document that are looked at again with the next one."""
_STEP: Final = 1000
_SHOWN: Final = 200
_MOST: Final = 100

_Found = tuple[Any, str, str]
"""Kind, name and detail of `format.active`."""


class XmlReader:
    """Any XML document.

    Args:
        operators: names the layers that well-known extensions provide.
    """

    format = "xml"

    def __init__(self, operators: GraphOperators) -> None:
        self._known = operators.classes("openvino")

    def recognises(self, glimpse: Glimpse) -> bool:
        """By extension, or by the declaration that begins a document."""
        if glimpse.extension in _EXTENSIONS:
            return True
        if glimpse.extension in _OTHERS:
            return False
        if _START.match(glimpse.head):
            return True
        return glimpse.head.startswith((b"<\0?\0x\0", b"\0<\0?\0x")) or (
            glimpse.head.startswith((codecs.BOM_UTF16_LE + b"<\0", codecs.BOM_UTF16_BE + b"\0<"))
        )

    def read(self, artifact: Artifact, budget: Budget) -> Iterator[Fact | Coverage | Artifact]:
        """State document types, entities, inclusions and calls.

        Raises:
            ReadError: the first element is not in sight.
        """
        head = artifact.read_at(0, _PROLOGUE)
        encoding = next((name for mark, name in _BOMS if head.startswith(mark)), "utf-8")
        text = head.decode(encoding, "replace").removeprefix("\ufeff")
        for kind, name, detail in _prologue(text, more=artifact.size > _PROLOGUE):
            yield _active(artifact, budget, kind, name, detail)
        body = _Body(artifact, budget, self._known, network=_NETWORK.search(text.encode()))
        if encoding == "utf-8":
            yield from body.searched()
        else:
            yield _active(artifact, budget, "odd-encoding", encoding, "")
            if artifact.size > _PROLOGUE:
                raise ReadError(f"a long document in {encoding}", offset=_PROLOGUE)
            yield from body.matches(text.encode())


def _prologue(text: str, *, more: bool) -> Iterator[_Found]:
    """What stands before the first element: kind, name, detail."""
    stated = _ENCODING.match(text.lstrip())
    if stated and not _USUAL.fullmatch(stated[1]):
        yield "odd-encoding", stated[1], ""
    at = 0
    while at < len(text):
        if found := _STYLESHEET.match(text, at):
            yield "include", "xml-stylesheet", found[1].strip()[:_SHOWN]
        if skipped := _SKIPPED.match(text, at):
            at = skipped.end()
        elif found := _DOCTYPE.match(text, at):
            at = yield from _doctype(text, found)
        elif text.startswith("<", at) and not text.startswith(("<!", "<?"), at):
            return
        else:
            raise ReadError("not XML", offset=at)
    if more:
        raise ReadError("the first element is not in sight", offset=at)


def _doctype(text: str, found: re.Match[str]) -> Generator[_Found, None, int]:
    """The document type and the entities in its internal subset; returns where it ends."""
    if found[2] and not (found[2] == "PUBLIC" and _KNOWN_DOCTYPE.match(found[3])):
        yield "external-entity", found[1][:_SHOWN], " ".join(found[3].split())[:_SHOWN]
    else:
        yield "doctype", found[1][:_SHOWN], ""
    end = text.find(">", found.end())
    subset = text.find("[", found.end(), end if end >= 0 else None)
    if subset >= 0:
        close = re.compile(r"\]\s*>").search(text, subset)
        inner = text[subset : close.end() if close else len(text)]
        for count, entity in enumerate(_ENTITY.finditer(inner)):
            if count >= _MOST:
                break
            external = entity[3] is not None
            detail = " ".join(entity[4].split())[:_SHOWN] if external else ""
            yield "external-entity" if external else "entity", entity[2][:_SHOWN], detail
        end = close.end() - 1 if close else len(text)
    return len(text) if end < 0 else end + 1


class _Body:
    """What stands anywhere in a document.

    Args:
        artifact: the document.
        budget: pays for the search.
        known: layers that well-known extensions provide.
        network: whether the document is a model of OpenVINO.
    """

    def __init__(
        self, artifact: Artifact, budget: Budget, known: Container[str], *, network: object
    ) -> None:
        self._artifact = artifact
        self._budget = budget
        self._known = known
        self._network = network is not None

    def searched(self) -> Iterator[Fact]:
        """All of it, piece by piece."""
        kept = b""
        seen = set[tuple[str, str]]()
        for piece in stream(self._artifact, 0, CHUNK):
            self._budget.step(len(piece) // _STEP)
            for fact in self.matches(kept + piece):
                if (fact.kind, fact.name) not in seen and len(seen) < _MOST:
                    seen.add((fact.kind, fact.name))
                    yield fact
            kept = piece[-_LONGEST:]

    def matches(self, data: bytes) -> Iterator[ActiveContent]:
        """A part of it."""
        for found in _BODY.finditer(data):
            if found["include"]:
                yield _active(self._artifact, self._budget, "include", "XInclude", "")
            elif found["java"]:
                name = found["java"].decode()
                yield _active(self._artifact, self._budget, "code", name, "a Java class")
            elif found["extension"]:
                yield from self._extension(found["extension"])
            else:
                yield from self._layer(found["layer"])

    def _extension(self, raw: bytes) -> Iterator[ActiveContent]:
        """What a producer adds to PMML for its own programs, if it is code."""
        import html  # lazy: hardly a document has extensions

        from modelscan.formats.safetensors_payload import CODE

        text = html.unescape(raw.decode("utf-8", "replace"))
        found = CODE.search(text)
        if found is not None:
            shown = " ".join(text[found.start() :].split())[:_SHOWN]
            yield _active(self._artifact, self._budget, "carried-code", "Extension", shown)

    def _layer(self, tag: bytes) -> Iterator[ActiveContent]:
        """A layer that is of none of OpenVINO's own sets of operations."""
        attributes = {
            match[1].decode("utf-8", "replace"): (match[2] or match[3] or b"").decode(
                "utf-8", "replace"
            )
            for match in _ATTRIBUTE.finditer(tag)
        }
        version = attributes.get("version", "")
        if not version or _OPERATION_SET.fullmatch(version):
            return
        if self._network or version in _EXTENSION:
            name = attributes.get("type") or version
            known = name in self._known
            yield _active(
                self._artifact,
                self._budget,
                "known-layer" if known else "custom-layer",
                name,
                "a layer that an extension provides",
            )


def _active(artifact: Artifact, budget: Budget, kind: Any, name: str, detail: str) -> ActiveContent:
    budget.fact()
    return ActiveContent(
        location=place(artifact), format="xml", kind=kind, name=name[:_SHOWN], detail=detail
    )
