"""A planted application: everything is found, and nothing is invented."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelscan.discovery.inventory import take
from modelscan.vocabulary.reference import Inventory, Reference
from tests.forge import codebases
from tests.forge.codebases import COMMIT, DIGEST


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Inventory:
    return take([codebases.application(tmp_path_factory.mktemp("app"))])


def _one(found: Inventory, ref: str, file: str = "") -> Reference:
    same = [each for each in found.references if each.ref == ref]
    return next(each for each in same if each.where.file.startswith(file))


def test_every_reference_is_found_and_none_is_invented(found: Inventory) -> None:
    got = {(each.where.file, each.ref) for each in found.references}
    assert got - codebases.EXPECTED == set()
    assert codebases.EXPECTED - got == set()


def test_nothing_is_left_unread(found: Inventory) -> None:
    assert found.coverage == ()
    assert found.artifacts == ()
    assert found.exit_code == 0


@pytest.mark.parametrize(
    ("ref", "line"),
    [
        ("hf:acme/chat-7b", 16),
        ("hf:acme/run-42b", 8),
        ("hf:acme/heredoc-43b", 14),
        ("ollama:qwen2:7b", 10),
        ("hf:acme/kserve-62b", 25),
        ("hf:acme/helm-63b", 3),
        ("hf:acme/toml-72b", 2),
        ("hf:acme/ci-89b", 10),
        ("hf:Xenova/js-101", 5),
        ("hf:acme/notebook-110", 3),
        ("ollama:nomic-embed-text", 5),
        ("hf:acme/clone-81b", 6),
    ],
)
def test_each_is_at_its_line(found: Inventory, ref: str, line: int) -> None:
    assert _one(found, ref).where.line == line


def test_a_notebook_names_the_cell(found: Inventory) -> None:
    assert _one(found, "hf:acme/notebook-110").where.member == "cell 3"
    assert _one(found, "hf:acme/cell-111").where.member == "cell 2"


@pytest.mark.parametrize(
    ("ref", "certainty"),
    [
        ("hf:acme/chat-7b", "declared"),
        ("hf:acme/argparse-8b", "inferred"),
        ("hf:BAAI/bge-small-en-v1.5", "inferred"),
        ("hf:acme/default-3b", "inferred"),
        ("hf:acme/broken-30b", "inferred"),
        ("hf:acme/arg-40b", "inferred"),
        ("hf:acme/env-41b", "declared"),
        ("hf:acme/default-84b", "inferred"),
        ("hf:acme/template-64b", "inferred"),
        ("hf:acme/yes-16b", "inferred"),
        ("hf:acme/loop-9b", "declared"),
        ("os.environ['SOME_MODEL']", "unresolved"),
        ("$UNKNOWN_MODEL", "unresolved"),
    ],
)
def test_how_sure_each_is(found: Inventory, ref: str, certainty: str) -> None:
    assert _one(found, ref).certainty == certainty


@pytest.mark.parametrize(
    "ref",
    [
        "hf:acme/chat-7b", "hf:acme/options-11b", "hf:acme/compose-50b", "hf:acme/helm-63b",
        "hf:acme/yaml-70b", "hf:acme/run-42b", "hf:acme/wget-82b", "hf:acme/mlflow-91b",
    ],
)  # fmt: skip
def test_a_full_commit_pins_and_makes_a_purl(found: Inventory, ref: str) -> None:
    one = _one(found, ref)
    assert one.pinned
    assert one.revision == COMMIT
    assert one.purl == f"pkg:huggingface/{ref[3:]}@{COMMIT}"


def test_a_digest_pins_an_image(found: Inventory) -> None:
    one = _one(found, f"oci:registry.example/acme/weights@{DIGEST}")
    assert one.pinned
    assert one.purl is not None
    assert one.purl.startswith("pkg:oci/weights@sha256%3Aabab")


def test_a_checksum_pins_a_download(found: Inventory) -> None:
    one = _one(found, "hf:acme/added-45b")
    assert one.pinned
    assert one.purl is None


def test_a_branch_or_a_tag_pins_nothing(found: Inventory) -> None:
    for ref, revision in (("hf:acme/tokenizer-1", "main"), ("torchhub:pytorch/vision", "v0.10.0")):
        one = _one(found, ref)
        assert (one.revision, one.pinned, one.purl) == (revision, False, None)


def test_options_are_recorded(found: Inventory) -> None:
    assert _one(found, "hf:acme/chat-7b").options == {"trust_remote_code": True}
    assert _one(found, "weights/state.pt").options == {
        "loader": "torch.load",
        "weights_only": True,
    }
    assert _one(found, "hf:acme/files-1").options == {
        "filename": "model.gguf",
        "loader": "torch.load",
        "fetched": True,
        "weights_only": False,
    }
    assert _one(found, "hf:acme/tokenizer-1").options == {"use_safetensors": True}
    assert _one(found, "torchhub:pytorch/vision").options == {"model": "resnet18"}
    assert _one(found, "hosted:gpt-4o-mini").options == {"hosted": True, "provider": "openai"}


def test_the_order_is_stable(found: Inventory, tmp_path: Path) -> None:
    again = take([codebases.application(tmp_path / "again")])
    assert again.references == found.references


def test_several_paths_are_told_apart(tmp_path: Path) -> None:
    for name in ("one", "two/one"):
        codebases.write(tmp_path, f"{name}/.env", "MODEL_ID=acme/m-1\n")
    found = take([tmp_path / "one", tmp_path / "two" / "one"])
    assert [each.where.file for each in found.references] == ["one/.env", "one~2/.env"]
