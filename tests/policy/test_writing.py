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
