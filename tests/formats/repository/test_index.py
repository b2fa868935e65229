from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from modelscan import api
from modelscan.formats.repository.index import IndexRelator
from modelscan.formats.repository.relator import Facts, RepositoryView
from modelscan.vocabulary.fact import Fact, IndexCheck, WeightIndex
from modelscan.vocabulary.location import Location
from tests.forge import safetensors
from tests.forge.repository import INDEX, header, index, view

ONE, TWO = "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"


def _relate(repository: RepositoryView, *facts: Fact) -> list[tuple[str, str, str]]:
    found = IndexRelator().relate(repository, Facts(facts))
    return [(fact.kind, fact.shard, fact.detail) for fact in found if isinstance(fact, IndexCheck)]


def _kinds(repository: RepositoryView, *facts: Fact) -> list[tuple[str, str]]:
    return [(kind, shard) for kind, shard, _ in _relate(repository, *facts)]


def test_a_good_index_has_nothing_to_say() -> None:
    repository = view(INDEX, ONE, TWO, "consolidated.safetensors", "README.md")
    facts = [index(ONE, TWO, total_size=16), header(ONE), header(TWO)]
    assert _relate(repository, *facts) == []


def test_shards_in_folders_of_their_own_are_found() -> None:
    repository = view(f"unet/{INDEX}", f"unet/{ONE}", "unet/parts/x.safetensors")
    facts = [index(f"./{ONE}", "parts/x.safetensors", file=f"unet/{INDEX}")]
    assert _relate(repository, *facts) == []


@pytest.mark.parametrize(
    "shard",
    ["../x.safetensors", "a/../../x.safetensors", "/etc/passwd", "C:\\x.safetensors", "..\\x",
     "\\\\host\\share\\x", "c:x.bin", "x.safetensors\0.bin"],
)  # fmt: skip
@pytest.mark.parametrize("folder", [True, False])
def test_names_that_lead_out_of_the_folder(shard: str, folder: bool) -> None:
    repository = view(INDEX, ONE, folder=folder)
    assert _kinds(repository, index(ONE, shard)) == [("escapes-folder", shard)]


@pytest.mark.parametrize("shard", ["..x.safetensors", "a..b/x.safetensors"])
def test_names_that_only_look_like_it(shard: str) -> None:
    assert _kinds(view(INDEX, shard), index(shard)) == []


@pytest.mark.parametrize("shard", ["x.bin", "x.safetensors.pt", "x", "x.SAFETENSORS", "x.pkl"])
def test_an_index_of_safetensors_that_names_something_else(shard: str) -> None:
    for folder in (True, False):
        found = _kinds(view(INDEX, shard, folder=folder), index(shard))
        assert found == [("pickle-shard", shard)]


def test_an_index_of_pickles_may_name_pickles() -> None:
    name = "pytorch_model.bin.index.json"
    assert _kinds(view(name, "x.bin"), index("x.bin", file=name)) == []


def test_missing_shards() -> None:
    assert _relate(view(INDEX, ONE), index(ONE, TWO)) == [("missing-shard", TWO, "1 of 2 shards")]
    assert _relate(view(INDEX, folder=False), index(ONE, TWO)) == []


def test_a_shard_that_was_left_out_is_not_missing() -> None:
    repository = RepositoryView(files={}, names=frozenset({INDEX, ONE}), folder=True)
    assert _relate(repository, index(ONE)) == []


@pytest.mark.parametrize(
    ("extra", "detail"),
    [
        ("model-00003-of-00002.safetensors", "numbered like the shards"),
        ("model.safetensors", "loaders prefer a single file to the index"),
    ],
)
def test_a_shadow_shard(extra: str, detail: str) -> None:
    repository = view(INDEX, ONE, TWO, extra)
    assert _relate(repository, index(ONE, TWO)) == [("unlisted-shard", extra, detail)]


@pytest.mark.parametrize(
    "extra",
    ["consolidated-00001-of-00002.safetensors", "model.fp16-00001-of-00002.safetensors",
     "model-00001-of-00002.fp16.safetensors", f"other/{ONE}", "model-extra.safetensors",
     "model-00001-of-00002.bin", "modelx.safetensors", "tokenizer.json"],
)  # fmt: skip
def test_other_files_of_a_repository_are_no_shadows(extra: str) -> None:
    assert _relate(view(INDEX, ONE, TWO, extra), index(ONE, TWO)) == []


def test_what_another_index_names_is_no_shadow() -> None:
    variant = "model.safetensors.index.fp16.json"
    extra = "model-00003-of-00003.safetensors"
    facts = [index(ONE), index(extra, file=variant)]
    assert _relate(view(INDEX, variant, ONE, extra), *facts) == []


def test_figures_that_disagree() -> None:
    facts = [index(ONE, TWO, counts=(1, 5), total_size=99), header(ONE), header(TWO, 6)]
    assert _relate(view(INDEX, ONE, TWO), *facts) == [
        ("tensors-differ", TWO, "5 tensors in the index, 6 in the file"),
        ("size-differs", "", "99 bytes stated, 16 found"),
    ]


def test_the_size_of_what_is_not_known_is_not_judged() -> None:
    assert _relate(view(INDEX, ONE, TWO), index(ONE, TWO, total_size=99), header(ONE)) == []
    assert _relate(view(INDEX, ONE), index(ONE), header(ONE)) == []


def test_disagreements_of_one_kind_are_bounded() -> None:
    assert len(_relate(view(INDEX), index(*(f"{n}.safetensors" for n in range(500))))) == 20


def test_an_index_inside_an_archive_is_left() -> None:
    inside = WeightIndex(
        location=Location("a.zip", INDEX), tensors=1, shards=("../x",), counts=(1,), total_size=None
    )
    assert _relate(view("a.zip"), inside) == []


def test_tensors_that_changed_places() -> None:
    stated = msgspec.structs.replace(index(ONE, TWO), names=("a", "b"))
    same = msgspec.structs.replace(header(ONE), names="a")
    other = msgspec.structs.replace(header(TWO), names="c")
    assert _relate(view(INDEX, ONE, TWO), stated, same, other) == [
        ("tensors-swapped", TWO, "1 tensors, and their names differ")
    ]
    assert _relate(view(INDEX, ONE, TWO), stated, same, header(TWO)) == []


def test_shards_whose_tensors_were_swapped(tmp_path: Path) -> None:
    (tmp_path / ONE).write_bytes(safetensors.assemble(safetensors.header({"b": ("U8", [1])})))
    (tmp_path / TWO).write_bytes(safetensors.assemble(safetensors.header({"a": ("U8", [1])})))
    for first, second, rules in (("a", "b", {"index-swaps-tensors"}), ("b", "a", set())):
        document = {"metadata": {"total_size": 2}, "weight_map": {first: ONE, second: TWO}}
        (tmp_path / INDEX).write_text(json.dumps(document), encoding="utf-8")
        (model,) = api.scan(tmp_path).models
        assert {one.rule for one in model.findings if one.rule.startswith("index")} == rules
