"""A changed file in a published model: each clause of the definition of `modified`."""

from __future__ import annotations

import hashlib

import pytest

from modelscan.vocabulary.fact import ModelClaim
from modelscan.vocabulary.location import Location
from tests.forge.judgement import CLAIM, differing, judge, judge_entries, one
from tests.forge.releases import MODEL, entries, listed, pinned, release

TAMPERED = b"header|tampered"


def base(value: str, relation: str, file: str = "README.md") -> ModelClaim:
    return ModelClaim(location=Location(file), claim="base", value=value, relation=relation)


def changed(**files: bytes) -> dict[str, bytes]:
    return {**MODEL, **{name.replace("__", "."): data for name, data in files.items()}}


def test_changed_weights_with_the_releases_header_are_modified() -> None:
    official, facts = judge(changed(model__safetensors=TAMPERED), one(pinned()))
    assert (official.status, official.release) == ("modified", "acme/model@1")
    assert official.reason == "of acme/model@1: model.safetensors differs"
    assert differing(facts) == {"model.safetensors": True}
    different = next(fact for fact in facts if fact.outcome == "differs")
    assert different.expected == hashlib.sha256(MODEL["model.safetensors"]).hexdigest()
    assert different.found == hashlib.sha256(TAMPERED).hexdigest()


def test_a_changed_companion_beside_the_releases_weights_is_modified() -> None:
    official, facts = judge(changed(config__json=b"auto_map"), one(pinned()))
    assert official.status == "modified"
    assert differing(facts) == {"config.json": True}


def test_every_changed_file_is_named() -> None:
    files = changed(config__json=b"?", model__safetensors=TAMPERED)
    official, facts = judge(files, one(pinned()))
    assert official.reason == "of acme/model@1: model.safetensors, config.json differ"
    assert differing(facts) == {"config.json": True, "model.safetensors": True}


@pytest.mark.parametrize(
    ("files", "claimed", "status"),
    [
        ({"tokenizer.json": MODEL["tokenizer.json"], "config.json": b"{}"}, "", "modified"),
        ({"tokenizer.json": MODEL["tokenizer.json"]}, "", "unknown"),
        ({"tokenizer.json": MODEL["tokenizer.json"]}, CLAIM, "modified"),
        ({"tokenizer.json": MODEL["tokenizer.json"]}, "hf:Acme/Model", "modified"),
        ({}, CLAIM, "modified"),
        ({}, "hf:other/model", "unknown"),
    ],
    ids=["two-match", "one-matches", "claimed", "claimed-in-another-case", "claim-alone", "other"],
)
def test_two_other_files_or_the_claim_make_it_the_release(
    files: dict[str, bytes], claimed: str, status: str
) -> None:
    official, _ = judge({**files, "model.safetensors": TAMPERED}, one(pinned()), claimed=claimed)
    assert official.status == status


def test_another_header_is_another_model() -> None:
    files = changed(model__safetensors=b"other|weights")
    official, facts = judge(files, one(pinned()), claimed=CLAIM)
    assert official.status == "unknown"
    assert differing(facts) == {"model.safetensors": False}
    assert official.reason == (
        "of acme/model@1: config.json, tokenizer.json, vocab.txt match; model.safetensors differs; "
        "the weights are not known to be its either"
    )


@pytest.mark.parametrize(
    ("tampered", "status"), [(b"header|weighty", "modified"), (b"header|weights+", "unknown")]
)
def test_the_size_counts_where_no_header_is_recorded(tampered: bytes, status: str) -> None:
    files = [listed(path, data, size=True) for path, data in MODEL.items()]
    index = one(release("acme/model@1", files))
    assert len(b"header|weighty") == len(MODEL["model.safetensors"])
    assert judge(changed(model__safetensors=tampered), index)[0].status == status


def test_the_size_does_not_stand_in_for_a_recorded_header() -> None:
    described = pinned()
    described["files"][0]["size"] = len(MODEL["model.safetensors"])
    files = changed(model__safetensors=b"HEADER|weights")
    assert judge(files, one(described))[0].status == "unknown"


@pytest.mark.parametrize(
    ("claim", "status"),
    [
        (base("acme/model", "finetune"), "unknown"),
        (base("Acme/Model", "quantized"), "unknown"),
        (base("acme/model", ""), "unknown"),
        (base("acme/model", "adapter", "adapter_config.json"), "unknown"),
        (base("acme/other", "finetune"), "modified"),
        (base("acme/model", "", "config.json"), "modified"),
    ],
    ids=["finetune", "other-case", "card", "adapter", "other-base", "name-or-path"],
)
def test_a_declared_relation_is_for_lineage(claim: ModelClaim, status: str) -> None:
    files = changed(model__safetensors=TAMPERED)
    official, facts = judge(files, one(pinned()), facts=(claim,))
    assert official.status == status
    assert differing(facts) == {"model.safetensors": status == "modified"}
    assert ("declares that it derives" in official.reason) == (status == "unknown")


def test_a_genuine_copy_elsewhere_does_not_hide_a_changed_file() -> None:
    files = {**changed(model__safetensors=TAMPERED), "backup/x.bin": MODEL["model.safetensors"]}
    official, facts = judge(files, one(pinned()))
    assert official.status == "modified"
    assert differing(facts) == {"model.safetensors": True}


def test_a_later_revision_explains_the_difference() -> None:
    later = {**MODEL, "config.json": b"later"}
    second = release("acme/model@2", [listed(path, data) for path, data in later.items()])
    official, facts = judge(dict(later), one(pinned(), second))
    assert (official.status, official.release) == ("matches-known-release", "acme/model@2")
    assert differing(facts) == {}


def test_a_mixture_of_two_releases_is_explained_by_neither() -> None:
    other = {"model.safetensors": b"other|weights", "config.json": b"other"}
    second = release("acme/other@1", [listed(path, data) for path, data in other.items()])
    official, _ = judge({**MODEL, "config.json": b"other"}, one(pinned(), second))
    assert (official.status, official.release) == ("modified", "acme/model@1")


def test_another_commit_of_the_claimed_name_is_another_release() -> None:
    index = one(pinned(revision="1" * 40))
    files = {"model.safetensors": TAMPERED}
    assert judge(files, index, claimed=f"{CLAIM}@{'1' * 40}")[0].status == "modified"
    assert judge(files, index, claimed=f"{CLAIM}@{'2' * 40}")[0].status == "unknown"


def test_a_nested_file_taken_out_of_its_folder_is_compared_when_claimed() -> None:
    described = release(
        "x@1",
        [listed("onnx/model.onnx", b"genuine", size=True), listed("config.json", b"1")],
        locations=[CLAIM],
    )
    assert judge({"model.onnx": b"changed"}, one(described), claimed=CLAIM)[0].status == "modified"
    assert judge({"model.onnx": b"changed"}, one(described))[0].status == "unknown"
    beside = {"model.onnx": b"changed", "notes.txt": b"2"}
    assert judge(beside, one(described), claimed=CLAIM)[0].status == "unknown"


def test_being_another_known_model_does_not_make_up_for_a_false_claim() -> None:
    other = release("acme/other@1", [listed("model.safetensors", b"other|weights")])
    files = {"model.safetensors": b"other|weights"}
    index = one(pinned(), other)
    assert judge(files, index)[0].status == "matches-known-release"
    official, facts = judge(files, index, claimed=CLAIM)
    assert official.status == "unknown"
    assert differing(facts) == {"model.safetensors": False}


def test_a_size_that_differs_needs_no_digest() -> None:
    parts = [listed(f"{n}.bin", n.encode(), algorithm="sha384", size=True) for n in "abc"]
    files = entries({"a.bin": b"a", "b.bin": b"b"}, algorithms=("sha256", "sha384"))
    files += entries({"c.bin": b"longer"})
    official, facts = judge_entries(files, one(release("x@1", parts)))
    assert official.status == "modified"
    different = next(fact for fact in facts if fact.outcome == "differs")
    assert (different.found, different.note) == ("", "6 bytes, not 1")
