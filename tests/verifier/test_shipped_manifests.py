"""The manifests in this repository, against the files they are about."""

from __future__ import annotations

from modelscan.verifier.installed import shared_index
from modelscan.vocabulary.result import FileEntry
from tests.forge import releases
from tests.forge.judgement import differing, judge_entries

PINS = {
    "model.safetensors": (
        90_868_376,
        "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    ),
    "tokenizer.json": (466_247, "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"),
    "config.json": (612, "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41"),
}
MINILM_HEADER = "2291ac9b8d5083595cd6a1787e01d694a893af92bc706faf1511231affe822e8"
MINILM = "hf:sentence-transformers/all-MiniLM-L6-v2@1110a243fdf4706b3f48f1d95db1a4f5529b4d41"


def minilm(**changes: str) -> list[FileEntry]:
    return [
        FileEntry(
            path=path,
            size=size,
            digests={"sha256": changes.get(path.partition(".")[0], sha256)},
            format="unknown",
        )
        for path, (size, sha256) in PINS.items()
    ]


def test_the_genuine_minilm_matches() -> None:
    official, facts = judge_entries(minilm(), shared_index())
    assert (official.status, official.release) == ("matches-known-release", MINILM)
    assert official.assurance == "third-party-recorded"
    assert [fact.outcome for fact in facts] == [*["matches"] * 3, "newest"]


def test_a_minilm_with_one_changed_tensor_is_modified() -> None:
    files = minilm(model="0" * 64)
    official, facts = judge_entries(
        files,
        shared_index(),
        facts=(releases.header_fact("model.safetensors", MINILM_HEADER),),
    )
    assert (official.status, official.release) == ("modified", MINILM)
    assert official.reason == (
        "of hf:sentence-transformers/all-MiniLM-L6-v2@1110a243fdf4: model.safetensors differs"
    )
    assert differing(facts) == {"model.safetensors": True}


def test_a_guardrail_stripped_model_is_denied_although_a_gallery_lists_it() -> None:
    index = shared_index()
    sha256 = "a64a5e5464d7d0ea7ffcbc937cf28f8a7bc9b0a6e87be6034e6b854418d5abd5"
    assert len(index.by_digest("sha256", sha256)) == 2
    file = FileEntry(path="x.gguf", size=1, digests={"sha256": sha256}, format="gguf")
    official, _ = judge_entries([file], index)
    assert official.status == "denied"


def test_a_whisper_checkpoint_is_verified_under_any_name() -> None:
    sha256 = "65147644a518d12f04e32d6f3b26facc3f8dd46e5390956a9424a650c0ce22b9"
    file = FileEntry(path="speech.pt", size=1, digests={"sha256": sha256}, format="torch")
    official, _ = judge_entries([file], shared_index())
    assert official.status == "verified-official"
    assert official.release == "openai/whisper@c0d2f624c09d:tiny"
