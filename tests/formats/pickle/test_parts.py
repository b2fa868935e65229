"""Distributed checkpoints: the places that their table names, plainly or by tricks."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from modelscan.api import scan
from modelscan.budget import Budget, Limits
from modelscan.errors import BudgetError
from modelscan.formats.pickle.reader import PickleReader
from modelscan.vocabulary.artifact import BytesArtifact
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import PickleOddity, TorchParts
from modelscan.vocabulary.lists import PickleGlobals
from tests.forge import pickles
from tests.forge.archives import python_zip, torch_zip
from tests.forge.pickles import Assembler
from tests.forge.reading import rules

CHECKPOINT = "torch.distributed.checkpoint"
PAYLOAD = pickles.call("os", "system", "echo hi").stop()
PART = torch_zip()
HIDING = torch_zip({"data/0": b"\0" * 999 + PAYLOAD + b"\0" * 999})
RULE = "pickle-misplaced-part"


def instance(out: Assembler, module: str, name: str) -> Assembler:
    return out.global_(module, name).empty_tuple().newobj()


def place(out: Assembler, path: str, offset: int, length: int) -> Assembler:
    """A dictionary that says where a part is."""
    out.empty_dict().mark().text("relative_path").text(path)
    return out.text("offset").number(offset).text("length").number(length).setitems()


def record(path: str = "__0_0.distcp", offset: int = 0, length: int = len(PART)) -> Assembler:
    """A record as torch writes it."""
    return place(
        instance(Assembler(2), f"{CHECKPOINT}.filesystem", "_StorageInfo"), path, offset, length
    ).build()


def namespace() -> Assembler:
    return instance(Assembler(2), "argparse", "Namespace")


def table(*records: Assembler) -> bytes:
    """A table of records, each under a key of its own."""
    out = instance(Assembler(2), f"{CHECKPOINT}.metadata", "Metadata").empty_dict()
    out.text("storage_data").empty_dict()
    for index, one in enumerate(records):
        instance(out, f"{CHECKPOINT}.metadata", "MetadataIndex").empty_dict().mark()
        out.text("fqn").text(f"w{index}").text("offset").global_("torch", "Size").number(0).tuple1()
        out.tuple1().reduce().text("index").none().setitems().build()
        out.raw(one.broken()[2:]).setitem()
    return out.setitem().build().stop()


def read(data: bytes, name: str = ".metadata") -> list[object]:
    reader = PickleReader(rules().lists.pickle_globals)
    return list(reader.read(BytesArtifact(name, data), Budget()))


def odd(out: Assembler) -> list[str]:
    return [item.kind for item in read(table(out)) if isinstance(item, PickleOddity)]


def judged(folder: Path, **files: bytes) -> tuple[int, list[str]]:
    for name, data in files.items():
        (folder / name.replace("metadata", ".metadata").replace("distcp", ".distcp")).write_bytes(
            data
        )
    report = scan(folder, jobs=1)
    return report.decision.exit_code, [
        found.rule for found in report.models[0].findings if found.severity in {"high", "critical"}
    ]


def test_the_places_are_stated() -> None:
    [parts] = [
        item
        for item in read(table(record(), record("a/b.distcp", 7, 9)), "x/__3.metadata")
        if isinstance(item, TorchParts)
    ]
    assert parts.side == "asked"
    assert parts.files == ("__0_0.distcp", "a/b.distcp")
    assert (parts.offsets, parts.lengths) == ((0, 7), (len(PART), 9))
    assert not [item for item in read(table(record()), "m.pkl") if isinstance(item, TorchParts)]


@pytest.mark.parametrize(
    ("out", "kind"),
    [
        (record("../x.distcp"), "outside-file"),
        (record("/x.distcp"), "outside-file"),
        (namespace().empty_dict().text("relative_path").text("x").setitem().build(), ""),
        (namespace().empty_dict().text("length").number(3).setitem().build(), ""),
        (namespace().empty_dict().text("offset").number(3).setitem().build(), ""),
        (record().empty_dict().text("offset").number(3).setitem().build(), ""),
        (record().empty_dict().mark().text("offset").global_("builtins", "int").number(3).tuple1()
         .reduce().text("fqn").text("x").setitems().build(), ""),
        (place(namespace().none().empty_dict().text("__dict__"), "x", 0, 9).setitem().tuple2()
         .build(), ""),
        (namespace().global_("collections", "OrderedDict").empty_tuple().reduce().build(), ""),
        (namespace().none().global_("collections", "OrderedDict").empty_tuple().reduce().tuple2()
         .build(), ""),
        (namespace().empty_dict().global_("numpy.core.multiarray", "scalar").text("x").tuple1()
         .reduce().number(3).setitem().build(), ""),
        (instance(Assembler(2), "functools", "partial").mark().global_("argparse", "Namespace")
         .empty_tuple().empty_dict().empty_dict().put(0).tuple_().build().get(0)
         .text("offset").number(9).setitem().pop(), ""),
        (Assembler(2).global_("torch.storage", "_load_from_bytes").raw(b"C\x02N.").tuple1()
         .reduce(), ""),
    ],
)  # fmt: skip
def test_a_place_that_is_not_plainly_written(out: Assembler, kind: str) -> None:
    assert (kind or "misplaced-part") in odd(out)


def test_a_place_among_many_attributes_or_arguments_is_seen() -> None:
    crowded = namespace().empty_dict().mark()
    for index in range(20):
        crowded.text(f"a{index}").none()
    crowded.text("relative_path").text("x").text("offset").number(1).text("length").number(2)
    given = place(Assembler(2).global_("types", "SimpleNamespace"), "x", 1, 2).tuple1().reduce()
    for out in (crowded.setitems().build(), given):
        [parts] = [item for item in read(table(out)) if isinstance(item, TorchParts)]
        assert (parts.files, parts.offsets, parts.lengths) == (("x",), (1,), (2,))


def test_parts_that_are_changed_before_they_are_read_are_a_gap() -> None:
    out = instance(Assembler(2), f"{CHECKPOINT}.filesystem", "_StorageInfo").empty_dict().mark()
    out.text("relative_path").text("x").text("offset").number(0).text("length").number(2)
    out.text("transform_descriptors").empty_list().text("stream.zstd/1").raw(b"a").setitems()
    items = read(table(out.build()))
    gaps = [item for item in items if isinstance(item, Coverage)]
    assert [(gap.status, gap.needed) for gap in gaps] == [("unsupported", True)]
    assert not [item for item in items if isinstance(item, TorchParts)]


def test_compressed_archives_are_read_and_a_gap_says_that_their_places_were_not(
    tmp_path: Path,
) -> None:
    out = instance(Assembler(2), f"{CHECKPOINT}.filesystem", "_StorageInfo").empty_dict().mark()
    out.text("relative_path").text("__0_0.distcp").text("offset").number(0).text("length")
    out.number(2).text("transform_descriptors").empty_list().text("stream.gz/1").raw(b"a")
    files = {"metadata": table(out.setitems().build())}
    packed = gzip.compress(PART, mtime=0) + gzip.compress(PART, mtime=0)
    assert judged(tmp_path, **files, __0_0distcp=packed) == (3, [])
    bad = gzip.compress(PART, mtime=0) + gzip.compress(torch_zip({"data.pkl": PAYLOAD}), mtime=0)
    assert judged(tmp_path, **files, __0_0distcp=bad) == (1, ["pickle-dangerous-call"])


def test_a_state_of_many_parts_is_odd() -> None:
    tree = b"N\x85"
    for _ in range(3):
        tree = b"(" + tree * 16 + b"t"
    assert odd(namespace().raw(tree).build()) == ["misplaced-part"]


def test_too_many_parts_end_the_reading() -> None:
    reader = PickleReader(PickleGlobals())
    artifact = BytesArtifact(".metadata", table(*[record()] * 40))
    with pytest.raises(BudgetError, match="parts"):
        list(reader.read(artifact, Budget(Limits(values=30))))


def test_what_torch_writes_passes(tmp_path: Path) -> None:
    second = torch_zip({"data/0": b"x" * 500})
    both = (record(), record(offset=len(PART), length=len(second)))
    assert judged(tmp_path, metadata=table(*both), __0_0distcp=PART + second) == (0, [])


@pytest.mark.parametrize(
    ("out", "part"),
    [
        (record(offset=HIDING.index(PAYLOAD), length=len(PAYLOAD)), HIDING),
        (record(offset=1, length=len(HIDING) - 1), HIDING),
        (record(offset=0, length=len(HIDING) - 1), HIDING),
        (record(), b"\x80\x04B\x00\x10\x00\x00" + PAYLOAD.ljust(4096, b"\0") + b"."),
        (record(offset=HIDING.index(PAYLOAD), length=len(PAYLOAD)),
         torch_zip({"data/0": HIDING + python_zip({"a": b"b"}) * 20})),
    ],
)  # fmt: skip
def test_a_table_that_points_elsewhere_fails(tmp_path: Path, out: Assembler, part: bytes) -> None:
    code, found = judged(tmp_path, metadata=table(record(), out), __0_0distcp=part)
    assert code == 1
    assert RULE in found


def test_a_file_of_another_format_holds_no_part(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_bytes(b"some words\n" * 90)
    files = {"metadata": table(record(), record("notes.txt", 11, 40)), "__0_0distcp": PART}
    assert judged(tmp_path, **files) == (1, [RULE])


def test_a_whole_file_is_a_part_and_a_missing_one_is_not_spoken_of(tmp_path: Path) -> None:
    (tmp_path / "w.pt").write_bytes(PART)
    asked = (record("w.pt"), record("missing.distcp", 5, 5))
    assert judged(tmp_path, metadata=table(*asked)) == (0, [])


def test_a_table_on_its_own_passes(tmp_path: Path) -> None:
    file = tmp_path / ".metadata"
    file.write_bytes(table(record(offset=5)))
    assert scan(file, jobs=1).decision.exit_code == 0
