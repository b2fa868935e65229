"""A default scan with a library: the confusion table again, on a few values of each tensor."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.budget import Limits
from modelscan.engine.evaluate import Engine
from modelscan.lineage.asked import Ancestry, Base
from modelscan.lineage.authority import Authority
from modelscan.lineage.descent import Descent, descent
from modelscan.lineage.fingerprint_writing import encode
from modelscan.lineage.glance import glances
from modelscan.lineage.opening import open_weights
from modelscan.lineage.safetensors_weights import header_digests
from modelscan.lineage.signs import Seed
from modelscan.vocabulary.fact import Fact, HashCheck
from modelscan.vocabulary.location import Location
from tests.forge import kinship, weights
from tests.forge.kinship_prints import SHAPE, HeldFile, base, base_print, files, print_of
from tests.forge.reading import rules
from tests.forge.repository import claim
from tests.forge.weights import Tensors
from tests.forge.weights_codes import coded_bytes, int8_rows

Change = Callable[[Tensors], Tensors]
LIBRARY = tuple(Base(f"hf:acme/base-{n}", f"acme/base-{n}", base_print(n)) for n in range(3))
NAMED = [claim("base", "acme/base-0", relation="finetune")]


def scanned(
    tensors: Tensors,
    facts: Sequence[Fact] = (),
    dtype: str = "BF16",
    bases: Sequence[Base] = LIBRARY,
) -> Descent:
    ancestry = Ancestry(tuple(bases), searched=True, glance=True)
    return descent(files(tensors, dtype), list(facts), ancestry, Limits())


def answer(found: Descent) -> tuple[str, str, str | None]:
    return found.lineage.status, found.lineage.tier, found.lineage.base


def findings(found: Descent) -> dict[str, str]:
    engine = Engine(rules().rules.values())
    return {finding.rule: finding.severity for finding in engine.evaluate(found.facts)}


ALIKE: list[tuple[str, Change, str, str]] = [
    ("the same file", dict, "BF16", "identical"),
    ("widened", dict, "F32", "identical"),
    ("GGUF in bfloat16", dict, "gguf BF16", "identical"),
]
RELATED: list[tuple[str, Change]] = [
    ("fine-tune", lambda t: kinship.finetuned(t, 0.05)),
    ("heavy fine-tune", lambda t: kinship.finetuned(t, 0.6)),
    ("last layer", lambda t: kinship.finetuned(t, only=lambda n: kinship.layer_of(n) == 3)),
    ("adapter", kinship.adapted),
    ("adapter on everything", lambda t: kinship.adapted(t, 16, roles=kinship.PROJECTIONS)),
    ("projection", kinship.ablated),
    ("pruned", kinship.pruned),
    ("noise", kinship.noisy),
    ("DARE", lambda t: kinship.dropped(t, kinship.finetuned(t, 0.05))),
    ("longer vocabulary", kinship.widened),
    ("scaled", kinship.scaled),
]
HIDDEN: list[tuple[str, Change]] = [
    ("rotated", kinship.rotated),
    ("another model", lambda _: base(7)),
]


@pytest.mark.parametrize(
    ("change", "dtype", "relation"), [row[1:] for row in ALIKE], ids=[row[0] for row in ALIKE]
)
def test_equal_values_are_a_hint_and_no_more(change: Change, dtype: str, relation: str) -> None:
    found = scanned(change(base()), dtype=dtype)
    assert answer(found) == (relation, "hint", "hf:acme/base-0")
    assert not findings(found)
    claimed = scanned(change(base()), NAMED, dtype)
    assert answer(claimed) == ("claimed", "declared", "acme/base-0")
    assert "hint: all" in claimed.lineage.reason


@pytest.mark.parametrize("dtype", ["BF16", "F16", "gguf F16"])
def test_rounded_values_are_a_hint_of_a_cast(dtype: str) -> None:
    wide = weights.llama(0, SHAPE)
    known = msgspec.structs.replace(LIBRARY[0], print=print_of(wide, "F32"))
    found = scanned(wide, dtype=dtype, bases=[known, *LIBRARY[1:]])
    assert answer(found)[:2] == ("cast", "hint")
    kind = "bf16" if dtype == "BF16" else "f16"
    assert f"are the base's, rounded to {kind}, which proves nothing" in found.lineage.reason


@pytest.mark.parametrize("change", [row[1] for row in RELATED], ids=[row[0] for row in RELATED])
def test_relatives_are_measured(change: Change) -> None:
    found = scanned(change(base()), NAMED)
    assert answer(found) == ("derived", "measured", "hf:acme/base-0")
    assert found.lineage.reason.endswith("the files claim acme/base-0")
    assert not findings(found)
    assert findings(scanned(change(base()))) == {"lineage-undeclared-finetune": "medium"}


@pytest.mark.parametrize("change", [row[1] for row in HIDDEN], ids=[row[0] for row in HIDDEN])
def test_no_resemblance_is_no_answer(change: Change) -> None:
    found = scanned(change(base()), NAMED)
    assert answer(found) == ("claimed", "declared", "acme/base-0")
    assert "hint: sampled values do not resemble those of hf:acme/base-0" in found.lineage.reason
    assert not findings(found)
    assert answer(scanned(change(base()))) == ("unknown", "none", None)
    assert "nothing alike among 3 fingerprints" in scanned(change(base())).lineage.reason


def test_strangers_with_a_mean_and_a_scale_in_common_stay_strangers() -> None:
    def shifted(tensors: Tensors) -> Tensors:
        return kinship.each(tensors, lambda _, v: v + 2 * v.std() if v.ndim > 1 else v)

    known = Base("base", "", print_of(shifted(base(1))))
    assert answer(scanned(shifted(base(2)), bases=[known]))[:2] == ("unknown", "none")


@pytest.mark.parametrize("dtype", ["Q8_0", "Q4_0", "Q5_1"])
def test_quantised_tensors_are_computed_around_the_samples(dtype: str) -> None:
    assert answer(scanned(base(), dtype=dtype)) == ("derived", "measured", "hf:acme/base-0")
    assert answer(scanned(base(7), dtype=dtype))[:2] == ("unknown", "none")


def test_scales_of_their_own_are_not_applied_to_a_few_values() -> None:
    data = coded_bytes(base(), int8_rows)
    coded = [files(base())[0], HeldFile("model.safetensors", data)]
    found = descent(coded, [], Ancestry(LIBRARY, searched=True, glance=True), Limits())
    assert answer(found)[:2] == ("unknown", "none")


def test_other_values_behind_the_same_header_are_a_hint() -> None:
    with open_weights(files(base(7))) as opened:
        headers = header_digests(opened)
    known = msgspec.structs.replace(LIBRARY[0].print, headers=headers)
    found = scanned(base(7), bases=[msgspec.structs.replace(LIBRARY[0], print=known)])
    assert answer(found)[:2] == ("unknown", "none")
    assert "hint: its header is that of hf:acme/base-0" in found.lineage.reason


def test_another_architecture_has_nothing_to_compare() -> None:
    other = Base("other", "", print_of(weights.rounded(weights.bert(0), "BF16")))
    assert answer(scanned(base(), bases=[other]))[:2] == ("unknown", "none")
    assert "nothing alike among 1 fingerprint," in scanned(base(), bases=[other]).lineage.reason


def test_a_weak_resemblance_is_a_hint() -> None:
    mixed = {name: 0.38 * v + base(9)[name] for name, v in base().items()}
    found = scanned(mixed)
    assert answer(found) == ("derived", "hint", "hf:acme/base-0")
    assert not findings(found)


def test_bytes_of_the_release_whose_fingerprint_it_is() -> None:
    behind = Authority("acme/base-0@1", "hf:acme/base-0", "Acme", "publisher-stated")
    known = msgspec.structs.replace(LIBRARY[0], authority=behind)
    matches = HashCheck(
        location=Location("model.safetensors"),
        status="verified",
        outcome="matches",
        algorithm="sha256",
        expected="0" * 64,
        found="0" * 64,
        release="acme/base-0@1",
        assurance="publisher-stated",
    )
    found = scanned(base(), [*NAMED, matches], bases=[known])
    assert answer(found) == ("identical", "proved", "acme/base-0@1")
    tuned = scanned(kinship.finetuned(base()), NAMED, bases=[known])
    assert "fingerprint of acme/base-0@1, publisher-stated by Acme" in tuned.lineage.reason
    assert tuned.picture["fingerprint_of"]["assurance"] == "publisher-stated"


def test_tables_and_short_or_constant_tensors_count_for_nothing() -> None:
    some = {n: t for n, t in base_print().tensors.items() if n.startswith("layers.0.")}
    odd = msgspec.structs.replace(
        some["layers.0.mlp.up.weight"],
        name="embedding.position.weight",
        role="embedding.position",
    )
    flat = msgspec.structs.replace(
        some["layers.0.mlp.up.weight"], name="flat", samples=bytes(512), sample_dtype="f32"
    )
    short = msgspec.structs.replace(
        some["layers.0.mlp.up.weight"], name="short", samples=bytes(8), sample_dtype="f32"
    )
    tensors = {**some, odd.name: odd, "flat": flat, "short": short}
    model = msgspec.structs.replace(base_print(), tensors=tensors)
    (found,) = glances(model, [Base("base", "", model)])
    assert (found.matrices, found.correlation, found.alike) == (7, 1.0, True)
    assert abs(found.coverage - 7 / 9) < 1e-9


def test_what_cannot_be_read_or_is_far_away_is_said() -> None:
    ancestry = Ancestry(LIBRARY, searched=True, glance=True)
    broken = descent([HeldFile("model.safetensors", b"no")], NAMED, ancestry, Limits())
    assert [(gap.needed, "library" in gap.reason) for gap in broken.coverage] == [(False, True)]
    far = files(base())
    far[1].access = "ranges"  # type: ignore[assignment]  # as of a hub
    found = descent(far, NAMED, ancestry, Limits())
    assert [("far away" in gap.reason, gap.needed) for gap in found.coverage] == [(True, False)]
    assert answer(descent([], NAMED, ancestry, Limits()))[0] == "claimed"


def test_fingerprints_of_another_seed_are_left_out() -> None:
    secret = msgspec.structs.replace(base_print(), seed="private:" + "0" * 32)
    assert (
        answer(scanned(base(), bases=[msgspec.structs.replace(LIBRARY[0], print=secret)]))[0]
        == "unknown"
    )


def test_a_private_seed_reaches_the_samples() -> None:
    from modelscan.lineage.descent import weigh

    seed = Seed.private(b"only its owner knows this")
    secret = weigh(files(base()), "", Limits(), None, seed)
    ancestry = Ancestry(
        (msgspec.structs.replace(LIBRARY[0], print=secret),), glance=True, seed=seed
    )
    found = descent(files(kinship.finetuned(base())), [], ancestry, Limits())
    assert answer(found)[:2] == ("derived", "measured")


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(width=32), min_size=128, max_size=128))
def test_hostile_values_end_in_a_number(values: list[float]) -> None:
    wild = np.array(values, "<f4").tobytes()
    known = base_print()
    tensors = {
        name: msgspec.structs.replace(tensor, samples=wild, sample_dtype="f32")
        for name, tensor in known.tensors.items()
        if name.startswith("layers.0.") and len(tensor.shape) > 1
    }
    hostile = msgspec.structs.replace(known, tensors=tensors)
    known = msgspec.structs.replace(known, tensors={n: known.tensors[n] for n in tensors})
    for one, other in ((hostile, known), (known, hostile), (hostile, hostile)):
        for glance in glances(one, [Base("base", "", other)]):
            assert -1 <= glance.correlation <= 1


def test_a_scan_with_a_library_imports_no_numpy(tmp_path: Path) -> None:
    model, library = tmp_path / "model", tmp_path / "library"
    model.mkdir()
    library.mkdir()
    for file in files(kinship.finetuned(base())):
        with file.open() as held:
            (model / file.name).write_bytes(held.read_at(0, held.size))
    (library / "0.fp.safetensors").write_bytes(encode(base_print()))
    config = tmp_path / "modelassay.toml"
    config.write_text('[lineage]\nlibrary = ["library"]\n')
    code = (
        "import sys, pathlib, modelscan.api as api\n"
        "policy = api.load_policy(sys.argv[1:2], config=pathlib.Path(sys.argv[2]))\n"
        "found = api.scan(sys.argv[1], policy=policy).models[0].answers.descends_from\n"
        "assert (found.status, found.tier) == ('derived', 'measured'), found\n"
        "sys.exit('numpy' in sys.modules)"
    )
    command = [sys.executable, "-c", code, str(model), str(config)]
    ran = subprocess.run(command, check=False, capture_output=True)
    assert ran.returncode == 0, ran.stderr
