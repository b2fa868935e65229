from __future__ import annotations

from collections.abc import Iterator

import pytest

from modelscan.budget import Budget, Limits
from modelscan.errors import BudgetError, ReadError
from modelscan.formats import sniff
from modelscan.formats.reader import Glimpse
from modelscan.formats.routing import Reading
from modelscan.vocabulary.artifact import Artifact, BytesArtifact, SliceArtifact
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import Fact, FileFormat, FilePolyglot, TorchCheckpoint

SEEN = TorchCheckpoint(layout="zip")


class Probe:
    """A reader that recognises its magic bytes and then does as it is told."""

    def __init__(self, magic: bytes, *does: object, format: str = "probe") -> None:  # noqa: A002  # the protocol's word
        self._magic = magic
        self._does = does
        self.format = format

    def recognises(self, glimpse: Glimpse) -> bool:
        return glimpse.head.startswith(self._magic)

    def read(self, artifact: Artifact, budget: Budget) -> Iterator[Fact | Coverage | Artifact]:
        del budget
        for item in self._does:
            if isinstance(item, Exception):
                raise item
            if isinstance(item, int):
                yield SliceArtifact(artifact, item, 100, f"member{item}")
            else:
                assert isinstance(item, Fact | Coverage)
                yield item


def _items(
    data: bytes, *readers: Probe, name: str = "file.bin", limits: Limits | None = None
) -> list[Fact | Coverage]:
    return list(Reading(BytesArtifact(name, data), readers, Budget(limits)))


def _gaps(items: list[Fact | Coverage]) -> list[tuple[str, bool]]:
    return [(item.status, item.needed) for item in items if isinstance(item, Coverage)]


def test_every_reader_that_recognises_the_bytes_runs() -> None:
    items = _items(b"AB", Probe(b"A", SEEN), Probe(b"AB", SEEN), Probe(b"C", SEEN))
    assert items.count(SEEN) == 2


@pytest.mark.parametrize(
    ("trouble", "status"),
    [
        (ReadError("broken"), "unreadable"),
        (BudgetError("too much"), "truncated"),
        (ZeroDivisionError("a bug"), "unreadable"),
    ],
)
def test_what_a_reader_raises_is_a_needed_gap_and_loses_nothing(
    trouble: Exception, status: str
) -> None:
    items = _items(b"A", Probe(b"A", SEEN, trouble))
    assert SEEN in items
    assert _gaps(items) == [(status, True)]


def test_a_fault_in_recognising_is_a_needed_gap_too() -> None:
    class Faulty(Probe):
        def recognises(self, glimpse: Glimpse) -> bool:
            raise ZeroDivisionError(glimpse.name)

    assert _gaps(_items(b"A", Probe(b"A", SEEN), Faulty(b"A"))) == [("unreadable", True)]


def test_members_go_round_to_a_depth() -> None:
    items = _items(b"AAAA", Probe(b"A", SEEN, 1), limits=Limits(depth=2))
    assert items.count(SEEN) == 3
    assert ("truncated", True) in _gaps(items)


def test_a_reader_can_account_for_itself() -> None:
    own = Coverage(file="file.bin", status="header-only", reason="the rest is data")
    assert _gaps(_items(b"A", Probe(b"A", own))) == [("header-only", False)]


@pytest.fixture
def unheard(monkeypatch: pytest.MonkeyPatch) -> None:
    """A format that no reader will ever handle."""
    monkeypatch.setitem(sniff._BY_EXTENSION, ".unheard", sniff.Unread("unheard", needed=True))
    monkeypatch.setattr(sniff, "_MAGIC", (*sniff._MAGIC, (0, b"UNHEARD", "unheard")))
    monkeypatch.setattr(sniff, "_BY_OFFSET", (*sniff._BY_OFFSET, (0, (b"UNHEARD",))))
    monkeypatch.setattr(sniff, "_FIRST_BYTES", (*sniff._FIRST_BYTES, (slice(1), {b"U"})))


@pytest.mark.usefixtures("unheard")
@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("README.md", b"# words", ("skipped", False)),
        ("data.bin", b"\x01\x02\x03", ("skipped", False)),
        ("model.unheard", b"not really", ("unsupported", True)),
        ("data.bin", b"UNHEARD\0\0", ("unsupported", True)),
        ("data.bin", b"\x7fELF\x02", ("unsupported", True)),
        ("data.bin", b"MZ and more text", ("skipped", False)),
    ],
)
def test_what_nobody_reads_is_accounted_for(
    name: str, data: bytes, expected: tuple[str, bool]
) -> None:
    assert _gaps(_items(data, name=name)) == [expected]


@pytest.mark.usefixtures("unheard")
def test_a_file_that_is_no_model_is_not_recognised() -> None:
    for name, data, expected in (("notes.txt", b"words", False), ("model.unheard", b"", True)):
        reading = Reading(BytesArtifact(name, data), (), Budget())
        list(reading)
        assert reading.recognised is expected


@pytest.mark.parametrize(
    ("name", "formats", "expected"),
    [
        ("model.safetensors", ["pickle"], ("safetensors", "pickle", True)),
        ("model.safetensors", ["safetensors", "pickle"], ("safetensors", "pickle", True)),
        ("model.safetensors", ["safetensors"], None),
        ("model.safetensors", ["safetensors", "zip"], None),
        ("picture.png", ["zip"], ("image", "zip", False)),
        ("pytorch_model.bin", ["pickle"], None),
    ],
)
def test_content_that_is_not_as_named(
    name: str, formats: list[str], expected: tuple[str, str, bool] | None
) -> None:
    items = _items(b"A", *(Probe(b"A", format=form) for form in formats), name=name)
    found = [item for item in items if isinstance(item, FileFormat)]
    assert [(fact.declared, fact.detected, fact.executable) for fact in found] == (
        [expected] if expected else []
    )


@pytest.mark.parametrize(("member", "count"), [("x.pkl.tar.gz", 0), ("y.tar.gz", 1)])
def test_a_member_named_like_its_archive_promises_nothing(member: str, count: int) -> None:
    artifact = BytesArtifact("d/x.pkl.tar.gz", b"A", member=member, depth=1)
    items = list(Reading(artifact, (Probe(b"A", format="pickle"),), Budget()))
    assert sum(isinstance(item, FileFormat) for item in items) == count


def test_what_fails_while_naming_is_a_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: bytes) -> None:
        raise IndexError

    monkeypatch.setattr(sniff, "by_magic", fail)
    for readers in ((), (Probe(b"A"),)):
        (gap,) = Reading(BytesArtifact("x", b"A"), readers, Budget())
        assert isinstance(gap, Coverage)
        assert (gap.status, gap.needed) == ("unreadable", True)


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"\xca\xfe\xba\xbe\0\0\0\x34", ("java bytecode", False)),
        (b"\xca\xfe\xba\xbe\0\0\0\2", ("native code", True)),
        (b"\xca\xfe\xba\xbf\0\0\0\2", ("native code", True)),
        (b"MZ" + bytes(58) + b"\x40\0\0\0PE\0\0", ("native code", True)),
        (b"\x1f\x9d\x90abc", ("unix compress", True)),
        (b"\x1f\x9d\xffabc", ("unknown", False)),
        (b"Rar!\x1a\7\0", ("rar", True)),
    ],
)
def test_first_bytes(head: bytes, expected: tuple[str, bool]) -> None:
    assert sniff.unread(Glimpse(BytesArtifact("file.dat", head))) == expected


@pytest.mark.parametrize(
    ("data", "formats", "expected"),
    [
        (b"12345678{", ["safetensors", "zip"], ("safetensors", "zip")),
        (b"PK\3\4    ", ["safetensors", "zip"], ()),
        (b"", ["pytorch", "zip"], ()),
        (b"", ["pickle", "zip"], ()),
        (b"\x80\x02}.", ["pickle", "zip"], ("pickle", "zip")),
        (b"", ["llamafile", "zip", "gguf"], ()),
        (b"", ["compressed", "tar", "json"], ("compressed", "tar")),
    ],
)
def test_several_formats_at_once(
    data: bytes, formats: list[str], expected: tuple[str, ...]
) -> None:
    assert sniff.polyglot(Glimpse(BytesArtifact("file", data)), formats) == expected


def test_a_polyglot_is_a_fact() -> None:
    data = b"12345678{ and something else"
    items = _items(data, Probe(b"1", format="safetensors"), Probe(b"1", format="tar"))
    assert [item.formats for item in items if isinstance(item, FilePolyglot)] == [
        ("safetensors", "tar")
    ]


def test_first_bytes_without_a_reader_count_beside_readers() -> None:
    gap = ("unsupported", True)
    assert gap in _gaps(_items(b"\x7fELF", Probe(b"\x7f", format="zip")))
    assert gap not in _gaps(_items(b"\x7fELF", Probe(b"\x7f", format="llamafile")))
    assert gap not in _gaps(_items(b"\xca\xfe\xba\xbe\0\0\0\x34", Probe(b"\xca")))


def test_a_file_of_many_bombs_is_given_up() -> None:
    bombs = [*range(50), SEEN]
    items = _items(b"A" * 99, Probe(b"A", *bombs), Probe(b"A", BudgetError("too much")))
    assert len(_gaps(items)) < 40
    assert "given up" in str(items[-1])


def test_what_is_looked_for_in_passing_accounts_for_nothing() -> None:
    class Aside:
        format = "aside"
        aside = True

        def recognises(self, glimpse: Glimpse) -> bool:
            return glimpse.size > 0

        def read(self, artifact: Artifact, budget: Budget) -> Iterator[Fact | Coverage | Artifact]:
            del budget
            yield SEEN
            if artifact.name == "broken":
                raise ReadError("broken")

    for name, entries in (("notes.xyz", ["skipped"]), ("broken", ["skipped", "unreadable"])):
        reading = Reading(BytesArtifact(name, b"x"), (Aside(),), Budget())
        items = list(reading)
        assert [item.status for item in items if isinstance(item, Coverage)] == entries
        assert len(items) == 1 + len(entries)
        assert not reading.recognised
