from __future__ import annotations

from typing import Any

from modelscan.lineage.verdict import descends_from
from modelscan.vocabulary.fact import HashCheck, ModelClaim, TorchCheckpoint
from modelscan.vocabulary.location import Location
from tests.forge.repository import claim


def test_no_claim() -> None:
    assert descends_from([TorchCheckpoint(layout="zip"), claim("name", "x")]).status == "unknown"


def test_the_card_with_a_relation_outweighs_the_configuration() -> None:
    facts = [claim("base", "a/old", "config.json"), claim("base", "a/base", relation="finetune")]
    for order in (facts, facts[::-1]):
        lineage = descends_from(order)
        assert (lineage.status, lineage.base, lineage.tier) == ("claimed", "a/base", "declared")
        assert lineage.reason == "finetune of a/base, by README.md (not measured)"


def test_the_card_outweighs_the_configuration() -> None:
    facts = [claim("base", "a/old", "config.json"), claim("base", "a/base")]
    assert descends_from(facts).reason == "a/base, by README.md (not measured)"


def test_what_was_said_outweighs_what_was_concluded() -> None:
    said = claim("base", "a/said", relation="adapter")
    concluded = ModelClaim(
        location=said.location, status="inferred", claim="base", value="a/x", relation="merge"
    )
    assert descends_from([concluded, said]).base == "a/said"


def test_the_bases_of_a_merge_are_listed() -> None:
    facts = [claim("base", f"a/{number}", relation="merge") for number in range(5)]
    lineage = descends_from([*facts, facts[0], claim("base", "a/old", "config.json")])
    assert lineage.base == "a/0"
    assert lineage.reason == "merge of a/0, a/1, a/2 and 2 more, by README.md (not measured)"


def check(file: str, release: str = "acme/base", **changes: Any) -> HashCheck:
    fields = {"outcome": "matches", "assurance": "publisher-stated", "algorithm": "sha256"}
    return HashCheck(
        location=Location(file), release=release, expected="0", found="0", **{**fields, **changes}
    )


def test_published_weights_without_a_claim_are_known_by_their_digest() -> None:
    facts = [check("a.safetensors"), check("b.safetensors"), check("vocab.txt", "other")]
    lineage = descends_from(facts)
    assert (lineage.status, lineage.base, lineage.tier) == ("identical", "acme/base", "proved")
    assert lineage.reason == "2 weight files have their published digest"
    assert descends_from([*facts, claim("base", "a/base")]).status == "claimed"


def test_other_files_and_other_digests_prove_nothing() -> None:
    for fact in (
        check("vocab.txt"),
        check("a.gguf", outcome="differs"),
        check("a.gguf", outcome="hint"),
    ):
        assert descends_from([fact]).status == "unknown"
