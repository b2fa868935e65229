from __future__ import annotations

import pytest

from modelscan.lineage.claims import Claims, claims_of, identity_of, plain, standing
from tests.forge.repository import claim


def test_claims_of_a_model() -> None:
    facts = [
        claim("base", "acme/base", "config.json"),
        claim("base", "acme/base", relation="finetune"),
        claim("name", "acme/own"),
        claim("safeguards-removed", "abliterated"),
    ]
    assert claims_of(facts) == Claims(("acme/base",), "finetune", unguarded=True)
    assert claims_of([], alone=True) == Claims((), "", unguarded=False, alone=True)


@pytest.mark.parametrize(
    ("names", "identity", "label", "expected"),
    [
        ((), "acme/base", "base", "nothing"),
        (("acme/base",), "acme/base", "hf:acme/base", "this-base"),
        (("acme/Base-7B",), "mirror/base-7b", "x", "this-base"),
        (("acme/base-7b",), "", "base-7b", "this-base"),
        (("acme/base-7b",), "acme/base-7b-bf16", "x", "this-base"),
        (("acme/base-7b",), "acme/other", "x", "other-base"),
        (("acme/base-7b",), "", "folder", "some-base"),
        (("acme/a", "acme/b"), "acme/b", "x", "this-base"),
    ],
)
def test_how_claims_relate_to_a_base(
    names: tuple[str, ...], identity: str, label: str, expected: str
) -> None:
    assert standing(Claims(names, "", unguarded=False), identity, label) == expected


def test_a_single_file_has_no_room_for_a_claim() -> None:
    alone = Claims((), "", unguarded=False, alone=True)
    assert standing(alone, "acme/base", "base") == "single-file"


def test_names() -> None:
    assert plain("hf:acme/Base-GGUF@main") == plain("pkg:huggingface/acme/base@abc") == "base"
    assert identity_of("hf:acme/base@0123") == "acme/base"
    assert identity_of("./models/base") == identity_of("base") == identity_of("a/b/c") == ""
