from __future__ import annotations

from pathlib import Path

import pytest

from modelscan import api
from modelscan.formats.repository.graph_files import GraphFileRelator
from modelscan.formats.repository.relator import Facts, RepositoryView
from modelscan.vocabulary.fact import (
    Fact,
    GraphFile,
    GraphFileCheck,
    SharedFile,
    SpecialFile,
)
from modelscan.vocabulary.location import Location
from tests.forge import onnx as forge
from tests.forge.repository import view


def _file(path: str, extent: int = 1, model: str = "onnx/model.onnx") -> GraphFile:
    return GraphFile(
        location=Location(model), framework="onnx", kind="inside", path=path, extent=extent
    )


def _found(repository: RepositoryView, *facts: Fact) -> list[tuple[str, str, str]]:
    found = GraphFileRelator().relate(repository, Facts(facts))
    return [
        (fact.kind, fact.path, fact.detail) for fact in found if isinstance(fact, GraphFileCheck)
    ]


@pytest.mark.parametrize("path", ["w.bin", "./w.bin", "sub/../w.bin"])
def test_data_beside_the_model_is_as_it_should_be(path: str) -> None:
    assert _found(view("onnx/model.onnx", "onnx/w.bin"), _file(path)) == []


def test_data_in_another_folder_is_missing() -> None:
    assert _found(view("onnx/model.onnx", "w.bin"), _file("w.bin")) == [
        ("missing", "onnx/w.bin", "")
    ]


def test_around_a_single_file_nothing_is_missing() -> None:
    assert _found(view("onnx/model.onnx", folder=False), _file("w.bin")) == []


def test_ranges_past_the_end() -> None:
    found = _found(view("onnx/model.onnx", "onnx/w.bin"), _file("w.bin", 1000))
    assert found == [("too-short", "onnx/w.bin", "1,000 bytes needed, 1 there")]


def test_data_that_was_left_out_is_not_judged() -> None:
    repository = RepositoryView(files={}, names=frozenset({"onnx/w.bin"}), folder=True)
    assert _found(repository, _file("w.bin", 1000)) == []


def test_a_link_out_of_the_model_is_no_data() -> None:
    link = SpecialFile(location=Location("onnx/w.bin"), kind="link-outside", target="/etc/passwd")
    found = _found(view("onnx/model.onnx"), _file("w.bin"), link)
    assert found == [("no-plain-file", "onnx/w.bin", "link-outside")]


def test_a_second_name_of_the_data_alone_is_a_link() -> None:
    data = SharedFile(location=Location("onnx/w.bin"))
    model = SharedFile(location=Location("onnx/model.onnx"))
    folder = view("onnx/model.onnx", "onnx/w.bin")
    assert _found(folder, _file("w.bin"), data) == [("no-plain-file", "onnx/w.bin", "hard link")]
    assert _found(folder, _file("w.bin"), data, model) == []


def test_a_hard_link_on_the_disk_fails(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    tensor = forge.tensor(external=[("location", "w.bin"), ("length", "8")])
    (folder / "model.onnx").write_bytes(forge.model(forge.graph(initializers=[tensor])))
    (tmp_path / "secret").write_bytes(bytes(8))
    (folder / "w.bin").hardlink_to(tmp_path / "secret")
    (report,) = api.scan(folder).models
    assert "onnx-external-data-no-plain-file" in {one.rule for one in report.findings}
    (tmp_path / "model.onnx").hardlink_to(folder / "model.onnx")  # a store links all of a model
    (report,) = api.scan(folder).models
    assert "onnx-external-data-no-plain-file" not in {one.rule for one in report.findings}


def test_what_leads_elsewhere_is_judged_as_written() -> None:
    away = GraphFile(
        location=Location("m.onnx"), framework="onnx", kind="traversal", path="../w.bin"
    )
    inside = GraphFile(
        location=Location("a.zip", "m.onnx"), framework="onnx", kind="inside", path="w.bin"
    )
    assert _found(view("m.onnx"), away, inside) == []


def test_hundreds_of_missing_files_are_no_flood() -> None:
    assert len(_found(view("onnx/model.onnx"), *(_file(f"{n}.bin") for n in range(99)))) == 20


def test_a_real_model_whose_data_was_cut_off(tmp_path: Path) -> None:
    tensor = forge.tensor("w", [4], external=forge.place("w.bin", offset="0", length="16"))
    (tmp_path / "model.onnx").write_bytes(forge.model(forge.graph(initializers=[tensor])))
    data = tmp_path / "w.bin"
    for content, rule in (
        (None, "onnx-external-data-missing"),
        (b"short", "onnx-external-data-too-short"),
        (bytes(16), None),
    ):
        if content is not None:
            data.write_bytes(content)
        (model,) = api.scan(tmp_path).models
        found = {finding.rule for finding in model.findings if "onnx" in finding.rule}
        assert found == ({rule} if rule else set())
