"""The fingerprints that come with the tool: recognised without being asked for."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from modelscan import _resources
from modelscan.budget import Limits
from modelscan.errors import ModelAssayError
from modelscan.lineage import shipped
from modelscan.lineage.asked import Ancestry
from modelscan.lineage.bases import shipped as all_shipped
from modelscan.lineage.descent import Descent, descent
from modelscan.lineage.fingerprint_layout import BUDGET
from modelscan.lineage.fingerprint_writing import encode
from modelscan.lineage.shipped import About, alike, every, text_of
from modelscan.vocabulary.fact import Fact, HashCheck, ModelClaim, TensorHeader
from modelscan.vocabulary.location import Location
from tests.forge import kinship
from tests.forge.kinship_prints import base, base_print, files
from tests.forge.weights import Tensors

FILE = "model.safetensors"
ABOUT = About(source="hf:acme/base-0@1", parameters=(1234,), headers=(), measured="by numpy")


def header(parameters: int = 1234, digest: str = "sha256:00") -> TensorHeader:
    return TensorHeader(
        location=Location(FILE),
        format="safetensors",
        tensors=39,
        parameters=parameters,
        payload=0,
        dtypes=("BF16",),
        digest=digest,
        metadata=(),
    )


CLAIM = ModelClaim(
    location=Location("config.json"), claim="base", value="acme/other", relation="finetune"
)


@pytest.fixture(autouse=True)
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation with one fingerprint."""
    folder = tmp_path / "fingerprints"
    folder.mkdir()
    (folder / "base.fingerprint").write_text(text_of(ABOUT, encode(base_print())))
    monkeypatch.setattr(_resources, "folder", lambda _kind: tmp_path)
    return folder / "base.fingerprint"


def scanned(tensors: Tensors, *facts: Fact) -> Descent:
    return descent(files(tensors), facts, Ancestry(), Limits())


def test_what_is_shipped_can_be_read() -> None:
    (found,) = every()
    assert found.about == ABOUT
    assert found.base().print == base_print()
    assert [each.label for each in all_shipped()] == ["hf:acme/base-0@1"]


def test_a_fine_tune_without_a_claim_is_recognised() -> None:
    found = scanned(kinship.finetuned(base(), 0.05), header()).lineage
    assert (found.status, found.tier, found.base) == ("derived", "measured", "hf:acme/base-0@1")


def test_nothing_is_found_against_the_model() -> None:
    assert not scanned(kinship.finetuned(base(), 0.05), header()).facts


def test_a_copy_is_a_hint() -> None:
    assert scanned(base(), header()).lineage.status == "identical"
    assert scanned(base(), header()).lineage.tier == "hint"


def test_a_distant_relative_may_be_a_sibling() -> None:
    far = {name: values + 2 * base(9)[name] for name, values in base().items()}
    found = scanned(far, header()).lineage
    assert (found.status, found.tier) == ("unknown", "none")
    assert "or both from a third" in found.reason


def test_a_claim_stays_the_answer() -> None:
    found = scanned(kinship.finetuned(base(), 0.05), header(), CLAIM).lineage
    assert (found.status, found.base) == ("claimed", "acme/other")
    assert "hint: sampled values look like those of hf:acme/base-0" in found.reason


@pytest.mark.parametrize("facts", [(), (header(99),), (header(0),)])
def test_models_of_other_sizes_are_not_looked_at(
    facts: tuple[TensorHeader, ...], installation: Path
) -> None:
    line, *_ = installation.read_text().splitlines()
    installation.write_text(line + "\nnothing that could be read\n")
    assert scanned(base(), *facts).lineage.status == "unknown"


def test_strangers_of_the_same_size_stay_unknown() -> None:
    found = scanned(base(7), header())
    assert (found.lineage.status, found.picture) == ("unknown", {})
    assert found.lineage.reason == "no file of the model names a base"


def test_a_release_by_its_digest_needs_no_look() -> None:
    check = HashCheck(
        location=Location(FILE), outcome="matches", release="acme/base-0@1",
        assurance="publisher-stated", algorithm="sha256", expected="00", found="00",
    )  # fmt: skip
    found = scanned(base(), header(), check).lineage
    assert (found.status, found.tier) == ("identical", "proved")


def test_weights_that_cannot_be_opened_are_the_pass_s_to_say() -> None:
    broken = [file for file in files(base()) if file.name == "config.json"]
    facts = (header(),)
    assert descent(broken, facts, Ancestry(), Limits()).lineage.status == "unknown"


def test_headers_and_sums_of_shards_are_known_too() -> None:
    known = shipped.Shipped(Path(), msgspec.structs.replace(ABOUT, headers=("sha256:11",)))
    assert alike([header(600), header(634)], lambda: [known]) == [known]
    assert alike([header(5, "sha256:11")], lambda: [known]) == [known]
    assert alike([header(5)], lambda: [known]) == []


@pytest.mark.parametrize("text", ["", "{}", "not json\n", "\xff"])
def test_a_damaged_first_line_is_an_error(text: str, installation: Path) -> None:
    installation.write_text(text)
    with pytest.raises(ModelAssayError, match="damaged fingerprint"):
        every()


@pytest.mark.parametrize("text", ["", "\x7f", "c$@$"])
def test_a_damaged_fingerprint_is_an_error(text: str, installation: Path) -> None:
    line, *_ = installation.read_text().splitlines()
    installation.write_text(f"{line}\n{text}\n")
    with pytest.raises(ModelAssayError, match="damaged fingerprint"):
        every()[0].base()


def test_the_one_that_is_shipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    found = {each.path.name: each for each in every()}
    known = found["all-MiniLM-L6-v2.fingerprint"]
    assert known.about.source.startswith("hf:sentence-transformers/all-MiniLM-L6-v2@")
    assert len(encode(known.base().print)) <= BUDGET
    assert known.path.stat().st_size < 200_000
    assert known.base().identity == "sentence-transformers/all-MiniLM-L6-v2"
