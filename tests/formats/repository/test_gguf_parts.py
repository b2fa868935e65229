from __future__ import annotations

from pathlib import Path

import pytest

from modelscan import api
from modelscan.formats.repository.gguf_parts import GgufPartsRelator
from modelscan.formats.repository.relator import Facts, RepositoryView
from modelscan.vocabulary.fact import Fact, GgufFile, GgufSeries, TensorHeader
from modelscan.vocabulary.location import Location
from tests.forge import gguf as forge
from tests.forge.repository import view

ONE, TWO = "m/a-00001-of-00002.gguf", "m/a-00002-of-00002.gguf"


def _part(
    path: str, split: int | None, splits: int | None = 2, tensors: int = 3, total: int | None = 6
) -> list[Fact]:
    file = GgufFile(
        location=Location(path), version=3, byte_order="little", role="model", architecture="llama",
        split=split, splits=splits, split_tensors=total,
    )  # fmt: skip
    header = TensorHeader(
        location=Location(path), format="gguf", tensors=tensors, parameters=1, payload=1,
        dtypes=(), digest="", metadata=(),
    )  # fmt: skip
    return [file, header]


def _found(repository: RepositoryView, *parts: list[Fact]) -> list[tuple[str, str, str]]:
    facts = Facts(fact for part in parts for fact in part)
    found = GgufPartsRelator().relate(repository, facts)
    return [(fact.kind, fact.part, fact.detail) for fact in found if isinstance(fact, GgufSeries)]


def test_parts_that_belong_together_have_nothing_to_say() -> None:
    assert _found(view(ONE, TWO), _part(ONE, 0), _part(TWO, 1)) == []
    unsaid = _part(ONE, None, None, total=None), _part(TWO, None, None, total=None)
    assert _found(view(ONE, TWO), *unsaid) == []


def test_a_file_with_another_name_is_no_part() -> None:
    assert _found(view("a.gguf"), _part("a.gguf", 0)) == []
    inside = _part(ONE, 0)[0]
    assert isinstance(inside, GgufFile)


@pytest.mark.parametrize(("split", "splits"), [(0, 2), (1, 3), (7, 2)])
def test_another_number_inside_than_in_the_name(split: int, splits: int) -> None:
    found = _found(view(ONE, TWO), _part(ONE, 0), _part(TWO, split, splits))
    detail = f"part {split} of {splits} inside, counted from 0"
    assert found[0] == ("number-differs", TWO, detail)


def test_parts_that_count_differently() -> None:
    found = _found(view(ONE, TWO), _part(ONE, 0), _part(TWO, 1, 3))
    assert ("count-differs", ONE, "2 and 3") in found


def test_a_missing_part_is_named_once() -> None:
    assert _found(view(ONE), _part(ONE, 0)) == [("missing-part", TWO, "1 of 2 parts")]
    assert _found(view(ONE, folder=False), _part(ONE, 0)) == []


def test_thousands_of_missing_parts_are_no_flood() -> None:
    name = "a-00001-of-99999.gguf"
    found = _found(view(name), _part(name, 0, 99999))
    assert len(found) == 20
    assert found[0][2] == "99,998 of 99,999 parts"


@pytest.mark.parametrize("tensors", [2, 4])
def test_a_tensor_too_many_or_too_few(tensors: int) -> None:
    found = _found(view(ONE, TWO), _part(ONE, 0), _part(TWO, 1, tensors=tensors))
    assert found == [("tensors-differ", ONE, f"6 tensors were split, {3 + tensors} are here")]


def test_a_part_whose_table_could_not_be_read_is_not_counted() -> None:
    assert _found(view(ONE, TWO), _part(ONE, 0), _part(TWO, 1)[:1]) == []


def test_a_real_series(tmp_path: Path) -> None:
    for number in (0, 1):
        pairs = [
            ("general.architecture", "llama"),
            ("split.no", forge.Raw(forge.U16, number.to_bytes(2, "little"))),
            ("split.count", forge.Raw(forge.U16, (2).to_bytes(2, "little"))),
            ("split.tensors.count", forge.Raw(forge.I32, (3).to_bytes(4, "little"))),
        ]
        data = forge.GGUF.file(pairs, [forge.Tensor(f"w{number}", (8,))])
        (tmp_path / f"a-0000{number + 1}-of-00002.gguf").write_bytes(data)
    (model,) = api.scan(tmp_path).models
    found = {finding.rule: finding.message for finding in model.findings}
    assert "3 tensors were split, 2 are here" in found["gguf-parts-disagree"]
