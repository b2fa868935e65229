"""From weights and claims to answer, facts and findings."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import numpy as np
import pytest

from modelscan.budget import Limits
from modelscan.engine.evaluate import Engine
from modelscan.lineage.asked import Ancestry, Base
from modelscan.lineage.descent import NOT_COMPARED, Descent, descent
from modelscan.lineage.prints import Fingerprint, Skipped
from modelscan.vocabulary.fact import Fact, LineageCompanion, LineageComparison, LineageSearch
from tests.forge import kinship
from tests.forge.kinship_prints import HeldFile, base, base_print, files, print_of
from tests.forge.reading import rules
from tests.forge.repository import claim
from tests.forge.weights import Array

OURS = Base("hf:acme/base-0", "acme/base-0", base_print(), asked=True)
OTHER = Base("hf:acme/base-1", "acme/base-1", base_print(1))
NAMED = [claim("base", "acme/base-0", relation="finetune")]


def measured(
    tensors: Mapping[str, Array],
    facts: Sequence[Fact] = (),
    bases: Sequence[Base] = (OURS,),
    *,
    dtype: str = "BF16",
    searched: bool = False,
    samples: bool = False,
) -> Descent:
    ancestry = Ancestry(tuple(bases), searched=searched, samples=samples)
    return descent(files(tensors, dtype), list(facts), ancestry, Limits())


def findings(found: Descent) -> dict[str, str]:
    engine = Engine(rules().rules.values())
    return {finding.rule: finding.severity for finding in engine.evaluate(found.facts)}


def answer(found: Descent) -> tuple[str, str, str | None]:
    return found.lineage.status, found.lineage.tier, found.lineage.base


def test_without_a_base_the_claim_is_repeated() -> None:
    found = descent([], NAMED, Ancestry(), Limits())
    assert answer(found) == ("claimed", "declared", "acme/base-0")
    assert not found.picture


def test_the_official_weights() -> None:
    found = measured(base(), NAMED)
    assert answer(found) == ("identical", "proved", "hf:acme/base-0")
    assert found.lineage.reason.startswith("proved: all 39 tensors")
    assert not findings(found)


def test_a_declared_fine_tune_raises_nothing() -> None:
    found = measured(kinship.finetuned(base()), NAMED)
    assert answer(found)[:2] == ("finetune", "measured")
    assert not findings(found)


def test_an_undeclared_fine_tune() -> None:
    found = measured(kinship.finetuned(base()), [claim("base", "nobody/else")])
    assert findings(found) == {"lineage-undeclared-finetune": "medium"}
    assert findings(measured(kinship.finetuned(base()))) == {
        "lineage-undeclared-finetune": "medium"
    }


def test_a_single_file_cannot_declare_anything() -> None:
    assert not findings(measured(kinship.finetuned(base()), dtype="Q8_0"))


def test_a_false_claim() -> None:
    found = measured(base(2), NAMED)
    assert answer(found)[:2] == ("unrelated", "measured")
    assert found.lineage.reason.endswith("the files claim acme/base-0")
    assert findings(found) == {"lineage-claim-false": "high"}


def test_a_base_that_the_user_named_and_that_it_is_not() -> None:
    assert findings(measured(base(2))) == {"lineage-base-unrelated": "high"}


def test_a_projection() -> None:
    changed = kinship.ablated(base())
    assert findings(measured(changed, NAMED)) == {"lineage-abliteration-like": "high"}
    announced = [*NAMED, claim("safeguards-removed", "abliterated")]
    assert not findings(measured(changed, announced))
    on_top = measured(kinship.ablated(kinship.adapted(base())), NAMED)
    assert findings(on_top) == {"lineage-abliteration-like": "high"}


def test_a_disguised_copy() -> None:
    changed = kinship.rotated(base())
    assert findings(measured(changed)) == {"lineage-obfuscated": "high"}
    assert not findings(measured(changed, NAMED))


def test_a_quantised_file_that_is_not_what_it_claims() -> None:
    claims = [claim("base", "acme/base-0", relation="quantized")]
    assert not findings(measured(base(), claims, dtype="Q4_0"))
    changed = kinship.adapted(base(), 8, 0.05, roles=kinship.PROJECTIONS)
    found = measured(changed, claims, dtype="Q4_0")
    assert findings(found) == {"lineage-quantisation-differs": "high"}
    comparison = next(fact for fact in found.facts if isinstance(fact, LineageComparison))
    assert comparison.quantisation == "outside-bound"
    assert "layers.0.attention.o.weight" in comparison.outside


def test_a_merge() -> None:
    mix = kinship.mixed((0.6, base()), (0.4, base(1)))
    found = measured(mix, bases=[OURS, OTHER])
    assert answer(found) == ("merge", "measured", "hf:acme/base-0, hf:acme/base-1")
    assert found.picture["merge"] == [
        {"base": "hf:acme/base-0", "weight": 0.6},
        {"base": "hf:acme/base-1", "weight": 0.4},
    ]
    assert findings(found) == {"lineage-undeclared-merge": "medium"}
    declared = [claim("base", f"acme/base-{n}", relation="merge") for n in (0, 1)]
    assert not findings(measured(mix, declared, [OURS, OTHER]))


def test_a_search_names_the_closest() -> None:
    known = [OTHER, Base("two", "", base_print(2)), msgspec.structs.replace(OURS, asked=False)]
    found = measured(kinship.finetuned(base()), NAMED, known, searched=True)
    assert answer(found) == ("finetune", "measured", "hf:acme/base-0")
    assert [entry["relation"] for entry in found.picture["candidates"]] == [
        "finetune", "unrelated", "unrelated",
    ]  # fmt: skip


def test_a_search_that_finds_nothing() -> None:
    known = [OTHER, msgspec.structs.replace(OURS, asked=False)]
    found = measured(base(3), bases=known, searched=True)
    assert answer(found)[::2] == ("unrelated", None)
    assert findings(found) == {"lineage-base-unknown": "info"}
    assert [f.compared for f in found.facts if isinstance(f, LineageSearch)] == [2]


def with_beside(**differing: dict[str, str]) -> Base:
    return msgspec.structs.replace(OURS, print=msgspec.structs.replace(base_print(), **differing))


def test_another_tokenizer_and_template_beside_the_same_weights() -> None:
    config = b'{"chat_template": "{{ messages }}", "tokenizer_class": "X"}'
    mine = [
        *files(base()),
        HeldFile("tokenizer_config.json", config),
        HeldFile("vocab.json", b'{"a": 0}'),
    ]
    plain = descent(mine, NAMED, Ancestry((OURS,)), Limits())
    assert not [fact for fact in plain.facts if isinstance(fact, LineageCompanion)]
    theirs = with_beside(
        templates={"default": "0" * 64}, tokenizer={"vocab.json": "0" * 64, "vocab": "0" * 64}
    )
    found = descent(mine, NAMED, Ancestry((theirs,)), Limits())
    assert answer(found)[:2] == ("identical", "proved")
    assert "lineage-template-differs" in findings(found)


def test_a_look_at_samples_alone() -> None:
    for tensors, relation in (
        (base(), "identical"),
        (kinship.finetuned(base()), "derived"),
        (base(1), "unrelated"),
    ):
        found = measured(tensors, samples=True)
        assert answer(found)[:2] == (relation, "hint")
        assert not findings(found)


def test_no_weights_is_a_gap_and_the_claim_stays() -> None:
    found = descent([HeldFile("config.json", b"{}")], NAMED, Ancestry((OURS,)), Limits())
    assert answer(found) == ("claimed", "declared", "acme/base-0")
    assert NOT_COMPARED in found.lineage.reason
    assert [gap.needed for gap in found.coverage] == [True]


def test_a_damaged_tensor_and_other_copies_are_said() -> None:
    whole = files(base())
    (quantised,) = files(base(), "Q8_0")
    cut = HeldFile("model.gguf", quantised._data[:-3000])
    found = descent([cut], NAMED, Ancestry((OURS,)), Limits())
    assert [gap.needed for gap in found.coverage]
    assert all(gap.reason.startswith(NOT_COMPARED) for gap in found.coverage)
    second = HeldFile("pytorch_model.bin", b"PK")
    found = descent([*whole, second], NAMED, Ancestry((OURS,)), Limits())
    assert [(gap.file, gap.needed) for gap in found.coverage] == [("pytorch_model.bin", False)]


@pytest.mark.parametrize("change", [kinship.finetuned, kinship.adapted, kinship.ablated])
def test_the_picture_has_a_cell_for_each_matrix(change: object) -> None:
    assert callable(change)
    found = measured(change(base()), NAMED)
    cells = found.picture["layers"]
    matrices = [cell for cell in cells if "rank" in cell or cell["change"]]
    assert {cell["layer"] for cell in matrices} >= {0, 1, 2, 3}
    assert {"attention.q", "mlp.down"} <= {cell["role"] for cell in cells}
    assert any(cell["change"] > 0 for cell in cells)
    quiet = [cell for cell in measured(base(), NAMED).picture["layers"] if cell["change"]]
    assert not quiet


def test_prints_of_every_kind_of_file_agree() -> None:
    known: Fingerprint = print_of(base(), "gguf BF16")
    assert known.root == base_print().root


def test_gaps_of_a_base_are_gaps_of_the_answer() -> None:
    gap = Skipped("blk.0.ffn_up.weight", "iq2_xs is not supported")
    broken = msgspec.structs.replace(base_print(), skipped=(gap,))
    found = measured(base(), NAMED, [msgspec.structs.replace(OURS, print=broken)])
    assert [(entry.needed, "iq2_xs" in entry.reason) for entry in found.coverage] == [(True, True)]


def test_numbers_that_end_a_decomposition_are_a_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise np.linalg.LinAlgError

    monkeypatch.setattr("modelscan.lineage.answer.compare", broken)
    found = measured(base(), NAMED)
    assert answer(found)[:2] == ("claimed", "declared")
    assert [gap.reason for gap in found.coverage] == ["not compared: LinAlgError"]


def test_a_default_scan_imports_no_numpy() -> None:
    code = (
        "import sys, modelscan.api as api; api.scan(sys.argv[1]); "
        "sys.exit(any(name in sys.modules for name in ('numpy', 'huggingface_hub', 'sigstore')))"
    )
    folder = Path(__file__).parent
    ran = subprocess.run(
        [sys.executable, "-c", code, str(folder)], check=False, capture_output=True
    )
    assert ran.returncode == 0, ran.stderr
