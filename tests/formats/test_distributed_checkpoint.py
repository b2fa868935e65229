"""The checkpoints of `torch.distributed.checkpoint`: many archives in one file, and their table."""

from __future__ import annotations

import pytest

from modelscan.budget import Budget
from modelscan.formats import zip_stack
from modelscan.vocabulary.artifact import BytesArtifact
from tests.forge import pickles
from tests.forge.archives import python_zip, torch_zip
from tests.forge.pickles import Assembler
from tests.forge.reading import fails, found, quiet, read

PAYLOAD = pickles.call("os", "system", "echo hi").stop()
BAD = torch_zip({"data.pkl": PAYLOAD})
CHECKPOINT = "torch.distributed.checkpoint"


def table() -> bytes:
    """What `.metadata` says of one tensor."""
    out = Assembler(2).global_(f"{CHECKPOINT}.metadata", "Metadata").empty_tuple().newobj()
    out.empty_dict().text("storage_data").empty_dict()
    out.global_(f"{CHECKPOINT}.metadata", "MetadataIndex").empty_tuple().newobj()
    out.empty_dict().text("fqn").text("w").setitem().build()
    out.global_(f"{CHECKPOINT}.filesystem", "_StorageInfo").empty_tuple().newobj()
    out.empty_dict().text("relative_path").text("__0_0.distcp").setitem()
    out.text("offset").number(0).setitem().text("length").number(9).setitem().build()
    out.setitem().setitem().text("properties")
    out.global_(f"{CHECKPOINT}.metadata", "_MEM_FORMAT_ENCODING").number(0).tuple1().reduce()
    return out.setitem().build().stop()


def segments(data: bytes, name: str = "__0_0.distcp") -> list[tuple[int, bytes]]:
    artifact = BytesArtifact(name, data)
    if not zip_stack.is_stack(artifact):
        return []
    cut = zip_stack.archives(artifact, Budget())
    return [(int(str(one.member)[1:]), one.read_at(0, one.size)) for one in cut]


def test_what_torch_writes_is_quiet() -> None:
    honest = [torch_zip(), torch_zip({"data/0": b"x" * 5000}), python_zip({"a/data.pkl": b"N."})]
    assert [data for _, data in segments(b"".join(honest))] == honest
    assert quiet(b"".join(honest), "__0_0.distcp")
    assert quiet(table(), ".metadata")


def test_the_table_is_a_pickle_like_any_other() -> None:
    assert fails(table()[:-1] + b"0" + PAYLOAD[2:], ".metadata") == ["pickle-dangerous-call"]
    called = Assembler(2).global_(f"{CHECKPOINT}.metadata", "Metadata").text("x").tuple1().reduce()
    assert fails(called.stop(), ".metadata")
    other = Assembler(2).global_(f"{CHECKPOINT}.filesystem", "FileSystemReader").text("/").tuple1()
    assert fails(other.reduce().stop(), ".metadata")


@pytest.mark.parametrize("place", [0, 1, 2])
def test_every_archive_is_read(place: int) -> None:
    parts = [torch_zip(), torch_zip(), torch_zip()]
    parts[place] = BAD
    assert fails(b"".join(parts), "__0_0.distcp") == ["pickle-dangerous-call"]


def test_an_archive_inside_another_is_read() -> None:
    inside = torch_zip({"data/0": b"some" * 9 + BAD + b"more" * 9})
    data = torch_zip() + inside
    assert len(segments(data)) == 3
    assert "pickle-dangerous-call" in fails(data, "__0_0.distcp")
    crowd = torch_zip({"data/0": b"some" * 9 + python_zip({"a": b"b"}) * 20})
    assert segments(crowd) == []


@pytest.mark.parametrize(
    "data",
    [torch_zip() + b"junk" + torch_zip(), torch_zip() + torch_zip() + b"junk",
     torch_zip() + torch_zip()[9:], torch_zip() + b"PK\5\6"],
)  # fmt: skip
def test_what_is_no_row_of_archives_is_judged_as_one(data: bytes) -> None:
    assert segments(data) == []
    assert found(data, "__0_0.distcp").keys() & {"archive-views-disagree", "archive-hidden-data"}


def test_other_names_promise_no_row() -> None:
    data = torch_zip() + torch_zip()
    assert segments(data, "model.pt") == []
    assert "archive-views-disagree" in fails(data, "model.pt")
    _, coverage = read(python_zip({"x.distcp": data}), "outer.zip")
    assert coverage


def test_what_begins_with_no_archive_is_a_gap() -> None:
    _, coverage = read(b"\xff" * 99 + b"\x80\x04N.", "__0_0.distcp")
    assert [(gap.status, gap.needed) for gap in coverage] == [("unsupported", True)]
