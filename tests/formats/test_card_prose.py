from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.budget import Budget
from modelscan.formats.card_prose import statements
from modelscan.formats.model_card import ModelCardReader
from modelscan.vocabulary.artifact import BytesArtifact
from modelscan.vocabulary.fact import ModelClaim

COMMIT = "c" * 40
TEMPLATE = """
# Model Card for Model ID

<!-- Provide a quick summary of what the model is/does. -->

## Model Details

- **Developed by:** [More Information Needed]
- **Shared by [optional]:** [More Information Needed]
- **Finetuned from model [optional]:** [More Information Needed]

## Training Details

### Training Data

<!-- This should link to a Dataset Card -->

[More Information Needed]

### Training Procedure

#### Training Hyperparameters

- **Training regime:** [More Information Needed] <!--fp32, fp16 mixed precision-->

## Model Card Authors [optional]

[More Information Needed]

## Model Card Contact

[More Information Needed]
"""
"""The layout of the hub's template, as a library writes it for whoever uploads a model."""


def said(text: str) -> dict[str, str]:
    return {found.what: found.words for found in statements(text.encode())}


def test_a_template_that_nobody_filled_in_says_nothing() -> None:
    assert said(TEMPLATE) == {}


def test_a_template_that_somebody_filled_in() -> None:
    text = TEMPLATE.replace("**Developed by:** [More Information Needed]", "**Developed by:** Acme")
    text = text.replace(
        "**Training regime:** [More Information Needed]", "**Training regime:** bf16"
    )
    text = text.replace("Contact\n\n[More Information Needed]", "Contact\n\nml@acme.example")
    found = said(text)
    assert found["author"] == "Acme"
    assert found["contact"] == "ml@acme.example"
    assert "bf16" in found["method"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("## Training procedure\n\nThis model was trained with SFT.", ("method", "This model was trained with SFT.")),
        ("## Training procedure\n\n### Training hyperparameters\n\n- learning_rate: 2e-05", ("method", "- learning_rate: 2e-05")),
        ("## Merge Details\n### Merge Method\n\nmerged using TIES", ("method", "merged using TIES")),
        ("## Fine-tuning details\nLoRA, r = 16", ("method", "LoRA, r = 16")),
        ("# Contact us\nwrite to us", ("contact", "write to us")),
        ("- **Point of Contact:** Jane", ("contact", "Jane")),
        ("Contact: jane@acme.example", ("contact", "jane@acme.example")),
        ("| Developed by | Acme Labs |", ("author", "Acme Labs |")),
        ("- **Developed by:** unsloth-user", ("author", "unsloth-user")),
        ("## Authors\n\n* Jane Doe", ("author", "* Jane Doe")),
        (f"made from https://huggingface.co/acme/base/tree/{COMMIT}.", ("base-revision", f"acme/base@{COMMIT}")),
        (f"made from `acme/base@{COMMIT}`", ("base-revision", f"acme/base@{COMMIT}")),
    ],
)  # fmt: skip
def test_what_a_card_says(text: str, expected: tuple[str, str]) -> None:
    assert said(text) == dict([expected])


@pytest.mark.parametrize(
    "text",
    [
        "", "Contact: TBD", "## Contact\n\n## Licence\n\nmit", "## Training\n\nTODO\n\n# Use\nlike so",
        "## Training procedure\n\n```python\n```\n", "Author:", "## Contact\n\n<!-- whom to ask -->",
        "method", "## Contact lenses\n\nthe task", "acme/base@main", f"commit {COMMIT}",
        "## Contact\n\nN/A",
    ],
)  # fmt: skip
def test_what_a_card_does_not_say(text: str) -> None:
    assert said(text) == {}


def test_a_section_ends_with_the_next_of_its_level() -> None:
    text = "## Contact\n\n### By mail\n\n"
    assert said(text + "ml@acme.example")["contact"] == "ml@acme.example"
    assert said(text + "# Use\n\nlike so") == {}


def claims(text: str) -> set[tuple[str, str]]:
    artifact = BytesArtifact("README.md", text.encode())
    found = ModelCardReader().read(artifact, Budget())
    return {(fact.claim, fact.value) for fact in found if isinstance(fact, ModelClaim)}


def test_a_card_claims_what_its_prose_says() -> None:
    text = (
        "---\nbase_model: Acme/Base\nauthors: [Jane]\ntags: [SFT, chat]\n---\n"
        f"# A model\n\nFrom acme/base@{COMMIT} and other/model@{'d' * 40}.\n\n## Contact\nml@acme.example\n"
    )
    assert claims(text) == {
        ("base", "Acme/Base"), ("author", "Jane"), ("method", "SFT"), ("base-revision", COMMIT),
        ("contact", "ml@acme.example"),
    }  # fmt: skip
    other = text.replace(f"acme/base@{COMMIT} and ", "")
    assert not any(claim == "base-revision" for claim, _ in claims(other))
    assert ("base-revision", "v2") in claims("---\nbase_model_revision: v2\n---\n")
    assert claims("---\nlicense: mit\nunclosed\n# Contact\nme") == set()


@settings(max_examples=200, deadline=None)
@given(
    st.binary(max_size=400) | st.text("# *-:|\n<>![]ContactTraining", max_size=200).map(str.encode)
)
def test_any_bytes_are_read(data: bytes) -> None:
    kinds = [found.what for found in statements(data)]
    assert len(kinds) == len(set(kinds)) <= 4
