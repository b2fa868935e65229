"""Shards that hold the same tensor twice, as folders that are scanned whole."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from modelscan import api
from modelscan.budget import Limits
from modelscan.errors import ReadError
from modelscan.formats.repository import shadows
from modelscan.vocabulary.artifact import BytesArtifact
from modelscan.vocabulary.result import ModelReport
from modelscan.vocabulary.snapshot import Access, OpenArtifact
from tests.forge import safetensors
from tests.forge.repository import header

INDEX = "model.safetensors.index.json"
ONE, TWO = "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"
RULE = "index-shadows-tensor"

Tensors = Mapping[str, tuple[str, bytes]]


def _shard(folder: Path, name: str, tensors: Tensors) -> None:
    """Write a file of rows, each with its type and bytes."""
    shapes = {key: (dtype, [len(data) // safetensors.ITEM[dtype]]) for key, (dtype, data)
              in tensors.items()}  # fmt: skip
    payload = b"".join(data for _, data in tensors.values())
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(safetensors.assemble(safetensors.header(shapes), payload))


def _index(folder: Path, names: Mapping[str, str], name: str = INDEX) -> None:
    document: dict[str, Any] = {"metadata": {}, "weight_map": dict(names)}
    (folder / name).write_text(json.dumps(document), encoding="utf-8")


def _scan(folder: Path, limits: Limits | None = None) -> ModelReport:
    (model,) = api.scan(folder, limits=limits).models
    return model


def _shadows(folder: Path) -> list[str]:
    return [one.message for one in _scan(folder).findings if one.rule == RULE]


def _floats(*values: int) -> tuple[str, bytes]:
    return "F32", b"".join(value.to_bytes(4, "little") for value in values)


A, B, C = _floats(1, 2), _floats(3, 4), _floats(5, 6)


@pytest.mark.parametrize(
    "other",
    [_floats(1, 3), _floats(1, 2, 3), ("F16", b"\1\0\2\0"), ("F32", A[1] + bytes(4))],
    ids=["value", "shape", "type", "longer"],
)
def test_a_tensor_in_two_listed_shards(tmp_path: Path, other: tuple[str, bytes]) -> None:
    _shard(tmp_path, ONE, {"a": A, "b": B})
    _shard(tmp_path, TWO, {"c": C, "a": other})
    _index(tmp_path, {"a": ONE, "b": ONE, "c": TWO})
    assert _shadows(tmp_path) == [
        f"{TWO} shadows weights of {INDEX}: a stands in {ONE} as well, and not with the same values"
    ]
    assert _scan(tmp_path).answers.allowed.status == "fail"


def test_the_other_shard_than_the_index_says(tmp_path: Path) -> None:
    _shard(tmp_path, ONE, {"a": A, "c": B})
    _shard(tmp_path, TWO, {"c": C, "b": B})
    _index(tmp_path, {"a": ONE, "b": TWO, "c": TWO})
    assert len(_shadows(tmp_path)) == 1


@pytest.mark.parametrize("extra", ["model.safetensors", "model-00003-of-00002.safetensors"])
def test_a_file_beside_the_index(tmp_path: Path, extra: str) -> None:
    _shard(tmp_path, ONE, {f"{number}": A for number in range(5)})
    _shard(tmp_path, TWO, {"c": C})
    _index(tmp_path, {**{f"{number}": ONE for number in range(5)}, "c": TWO})
    _shard(tmp_path, extra, {f"{number}": B for number in range(5)})
    (message,) = _shadows(tmp_path)
    assert message.startswith(f"{extra} shadows weights of {INDEX}: 0, 1, 2 and 2 more stand in")


@pytest.mark.parametrize("name", ["model-extra.safetensors", "zz.safetensors"])
def test_a_smaller_file_of_any_name_beside_the_index(tmp_path: Path, name: str) -> None:
    _shard(tmp_path, ONE, {"a": A, "b": B})
    _shard(tmp_path, TWO, {"c": C})
    _index(tmp_path, {"a": ONE, "b": ONE, "c": TWO})
    for quiet in ({"a": A}, {"other": B}, {"a": B, "b": A, "c": C}):
        _shard(tmp_path, name, quiet)
        assert _shadows(tmp_path) == []
    _shard(tmp_path, name, {"a": B})
    (message,) = _shadows(tmp_path)
    assert message.startswith(f"{name} shadows weights of {INDEX}: a stands in {ONE} as well")
    (tmp_path / name).rename(tmp_path / "adapter_model.safetensors")
    assert _shadows(tmp_path) == []


def test_shards_without_an_index(tmp_path: Path) -> None:
    _shard(tmp_path, f"unet/{ONE}", {"a": A})
    _shard(tmp_path, f"unet/{TWO}", {"a": B})
    (message,) = _shadows(tmp_path)
    assert message.startswith(f"unet/{TWO} shadows weights of unet/{ONE}: a stands in")


def test_shards_that_bear_any_name(tmp_path: Path) -> None:
    _shard(tmp_path, "parts/x.safetensors", {"a": A})
    _shard(tmp_path, "parts/y.safetensors", {"a": B, "b": B})
    _index(tmp_path, {"a": "parts/x.safetensors", "b": "./parts/y.safetensors"})
    assert len(_shadows(tmp_path)) == 1


def test_the_same_bytes_twice_are_no_shadow(tmp_path: Path) -> None:
    _shard(tmp_path, ONE, {"embed": A, "b": B})
    _shard(tmp_path, TWO, {"c": C, "embed": A})
    _index(tmp_path, {"embed": ONE, "b": ONE, "c": TWO})
    _shard(tmp_path, "model.safetensors", {"embed": A, "b": B, "c": C})
    model = _scan(tmp_path)
    assert RULE not in {one.rule for one in model.findings}
    assert model.answers.allowed.status == "pass"


def test_another_type_of_all_weights_is_no_shadow(tmp_path: Path) -> None:
    _shard(tmp_path, ONE, {"a": A, "b": B})
    _shard(tmp_path, TWO, {"ids": ("I64", bytes(8)), "c": C})
    _index(tmp_path, {"a": ONE, "b": ONE, "ids": TWO, "c": TWO})
    half = {key: ("F16", bytes(4)) for key in "abc"}
    _shard(tmp_path, "model.safetensors", {**half, "ids": ("I64", bytes(8))})
    assert _shadows(tmp_path) == []
    _shard(tmp_path, "model.safetensors", {**half, "a": B})
    assert len(_shadows(tmp_path)) == 1


def test_other_files_of_a_repository_are_no_shadows(tmp_path: Path) -> None:
    _shard(tmp_path, ONE, {"a": A})
    _shard(tmp_path, TWO, {"b": B})
    _index(tmp_path, {"a": ONE, "b": TWO})
    for name in ("model.fp16-00001-of-00002", "model.fp16-00002-of-00002"):
        _shard(tmp_path, f"{name}.safetensors", {name: A, "a" if "1-of" in name else "b": C})
    fp16 = {"a": "model.fp16-00001-of-00002.safetensors",
            "b": "model.fp16-00002-of-00002.safetensors"}  # fmt: skip
    _index(tmp_path, fp16, "model.safetensors.index.fp16.json")
    _shard(tmp_path, "consolidated.safetensors", {"a": C, "b": C})
    _shard(tmp_path, "adapter_model.safetensors", {"a": C})
    _shard(tmp_path, f"text_encoder/{ONE}", {"a": B})
    _shard(tmp_path, f"text_encoder/{TWO}", {"b": B})
    assert _shadows(tmp_path) == []


def test_more_tensors_than_are_compared_are_a_gap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shadows, "_MOST", 2)
    _shard(tmp_path, ONE, {"a": A, "b": B})
    _shard(tmp_path, TWO, {"a": A, "c": C})
    gaps = [one.reason for one in _scan(tmp_path).coverage if one.needed]
    assert gaps == ["shards were not compared: more than 2 tensors in one series of shards"]


def test_tensors_over_each_other_are_a_gap(tmp_path: Path) -> None:
    table = {f"{n}": {"dtype": "U8", "shape": [999], "data_offsets": [0, 999]} for n in range(99)}
    for name in (ONE, TWO):
        (tmp_path / name).write_bytes(safetensors.assemble(table, bytes(999)))
    gaps = [one.reason for one in _scan(tmp_path).coverage if one.needed]
    assert gaps == ["shards were not compared: tensors lie over each other"]


def test_pairs_of_files_are_bounded(tmp_path: Path) -> None:
    for number in range(30):
        _shard(tmp_path, f"model-{number:05}-of-00030.safetensors", {"a": _floats(number)})
    assert len(_shadows(tmp_path)) == 20


class _File(BytesArtifact):
    """A shard as its source opens it."""

    def __init__(self, name: str, tensors: Tensors, access: Access, *, change: bool) -> None:
        shapes = {key: (kind, [len(data) // 4]) for key, (kind, data) in tensors.items()}
        payload = b"".join(data for _, data in tensors.values())
        super().__init__(name, safetensors.assemble(safetensors.header(shapes), payload))
        self.access: Access = access
        self._change = change

    @contextmanager
    def open(self) -> Iterator[OpenArtifact]:
        yield self

    def changed(self) -> bool:
        return self._change


def _directly(
    first: Tensors, second: Tensors, access: Access = "local", *, change: bool = False
) -> tuple[list[str], list[str]]:
    """Details of what is stated, and reasons of gaps."""
    files = [_File(ONE, first, access, change=change), _File(TWO, second, access, change=change)]
    stated, gaps = shadows.shadowed(files, [header(ONE), header(TWO)], Limits())
    return [getattr(one, "detail", "") for one in stated], [one.reason for one in gaps]


def test_of_files_elsewhere_only_headers_are_compared() -> None:
    reason = f"a stands in {ONE} as well, and their bytes were not compared"
    assert _directly({"a": A}, {"a": A}, "ranges") == ([], [reason])
    stated, gaps = _directly({"a": A, "b": B}, {"a": A, "b": _floats(1)}, "ranges")
    assert stated == [f"b stands in {ONE} as well, and not with the same values"]
    assert gaps == []


def test_a_file_that_changes_meanwhile_is_a_gap() -> None:
    reason = "changed while it was compared with other shards"
    assert _directly({"a": A}, {"a": A}, change=True) == ([], [reason])


def test_a_file_that_is_gone_is_a_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(_: Any) -> Any:
        raise ReadError("no longer there")

    monkeypatch.setattr(_File, "open", gone)
    reason = "shards were not compared: no longer there"
    assert _directly({"a": A}, {"a": B}) == ([], [reason])
