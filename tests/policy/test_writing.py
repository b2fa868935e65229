from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.errors import UsageError
from modelscan.policy import document, writing
from tests.forge import policies
from tests.forge.policies import configure

WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=50).filter(str.strip)

MORE = f"""
# more
[[approval]]
subject = "sha256:{"0" * 64}"
owner = "x"
reason = "y"
until = 2027-01-01
"""


@settings(max_examples=200, deadline=None)
@given(reason=WORDS, owner=WORDS)
def test_what_is_written_is_read_back(reason: str, owner: str) -> None:
    waiver = policies.waiver(reason=reason, owner=owner, even_if_proven_malicious=True)
    data = writing.with_entry(Path("no-such-folder/x.toml"), waiver)
    assert document.parse(Path("x.toml"), data).configuration.waiver == (waiver,)


def test_an_entry_is_one_block_at_the_end(tmp_path: Path) -> None:
    before = '# our policy\npolicy = "strict"'
    path = configure(tmp_path, before)
    data = writing.with_entry(path, policies.waiver(path="*.pkl")).decode()
    assert data == before + (
        '\n\n[[waiver]]\nrule = "pickle-own-class"\n'
        f'subject = "{policies.sha256("model.pkl")}"\npath = "*.pkl"\n'
        'justification = "vulnerable_code_not_in_execute_path"\n'
        'reason = "loaded with our own class"\nowner = "ml-platform"\nexpires = 2027-03-01\n'
    )
    path.write_text(data)
    again = writing.with_entry(path, policies.approval("sha256:" + "0" * 64)).decode()
    assert again.startswith(data + "\n[[approval]]\n")


def test_in_a_project_file_it_goes_into_our_table(tmp_path: Path) -> None:
    path = configure(tmp_path, "[tool.modelassay]\n", "pyproject.toml")
    data = writing.with_entry(path, policies.waiver())
    assert b"\n[[tool.modelassay.waiver]]\n" in data


def test_a_file_that_is_broken_or_would_be_is_left(tmp_path: Path) -> None:
    for text in ("reqire = 1", "waiver = []"):
        path = configure(tmp_path, text)
        with pytest.raises(UsageError, match=r"modelassay\.toml:"):
            writing.with_entry(path, policies.waiver())


def test_what_is_not_text_is_refused() -> None:
    with pytest.raises(UsageError, match="is not text"):
        writing.with_entry(Path("x.toml"), policies.waiver(reason="bad\udcff"))


def test_consents_and_pins_are_written_and_read_back(tmp_path: Path) -> None:
    consent = policies.consent(remote_code="sha256:" + "0" * 64, model="m")
    pin = policies.pin(signer='"me"', templates=("sha256:" + "1" * 64, "sha256:" + "2" * 64))
    path = configure(tmp_path, 'policy = "strict"\n')
    path.write_bytes(writing.with_entry(path, consent))
    path.write_bytes(writing.with_pin(path, pin, replace=False))
    found = document.read(path).configuration
    assert (found.consent, found.pin) == ((consent,), (pin,))
    assert writing.end_of(consent) == ("consent", consent.until)


@pytest.mark.parametrize(
    "text",
    [
        "",
        'policy = "strict"\n',
        '[[pin]]\nmodel = "a"\nowner = "x"\nsince = 2026-01-01\n\n',
        '[requirements]\nsigned = "warn"\n\n# ours\n',
    ],
)
@pytest.mark.parametrize("after", ["", MORE])
def test_a_pin_is_replaced_and_nothing_else_changes(tmp_path: Path, text: str, after: str) -> None:
    path = configure(tmp_path, text)
    path.write_bytes(writing.with_pin(path, policies.pin(signer="old"), replace=False))
    path.write_text(path.read_text() + after)
    before = document.read(path).configuration
    with pytest.raises(UsageError, match=r"toml:\d+: m is pinned"):
        writing.with_pin(path, policies.pin(signer="new"), replace=False)
    path.write_bytes(writing.with_pin(path, policies.pin(signer="new"), replace=True))
    found = document.read(path).configuration
    assert [each.signer for each in found.pin if each.model == "m"] == ["new"]
    assert [each for each in found.pin if each.model != "m"] == [*before.pin[:-1]]
    assert found.approval == before.approval
    assert found.policy == before.policy
    assert found.requirements == before.requirements


def test_a_pin_on_one_line_is_left_for_a_person(tmp_path: Path) -> None:
    path = configure(tmp_path, 'pin = [{model = "m", owner = "x", since = 2026-01-01}]\n')
    with pytest.raises(UsageError, match="cannot be replaced"):
        writing.with_pin(path, policies.pin(), replace=True)


def test_a_pin_goes_into_a_new_file(tmp_path: Path) -> None:
    data = writing.with_pin(tmp_path / "new.toml", policies.pin(), replace=True)
    assert data == b'[[pin]]\nmodel = "m"\nowner = "ml-platform"\nsince = 2026-11-01\n'


def test_a_pin_that_is_all_a_project_file_says(tmp_path: Path) -> None:
    path = configure(tmp_path, "[project]\nname = 'x'\n", "pyproject.toml")
    path.write_text(path.read_text() + "[tool.modelassay]\n")
    first = writing.with_pin(path, policies.pin(signer="old"), replace=False)
    path.write_bytes(first.replace(b"[tool.modelassay]\n", b""))
    after = writing.with_pin(path, policies.pin(signer="new"), replace=True)
    assert after.startswith(b"[project]\nname = 'x'\n")
    assert document.parse(path, after).configuration.pin[0].signer == "new"
