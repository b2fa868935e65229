from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.engine.catalogue import load
from modelscan.formats.licence_names import LicenceNames, Named, lost

TABLE = load().lists.licences

MANY = " OR ".join(sorted(TABLE.plain, key=len)[:18])
"""More alternatives than anybody offers."""


def resolve(stated: str) -> Named:
    return LicenceNames(TABLE).resolve(stated)


@pytest.mark.parametrize(
    ("stated", "identifier"),
    [
        ("apache-2.0", "Apache-2.0"),
        ("Apache License, Version 2.0", "Apache-2.0"),
        ("Apache 2.0", "Apache-2.0"),
        ("MIT License", "MIT"),
        ("cc-by-nc-4.0", "CC-BY-NC-4.0"),
        ("gpl-3.0", "GPL-3.0-only"),
        ("GPL-3.0-or-later", "GPL-3.0-or-later"),
        ("GPL-2.0+", "GPL-2.0-or-later"),
        ("llama3.1", "llama3.1"),
        ("Llama 3.1 Community License Agreement", "llama3.1"),
        ("llama-3.2", "llama3.2"),
        ("openrail", "openrail"),
        ("openrail++", "openrail++"),
        ("gemma", "gemma"),
        ("mrl", "mrl"),
        ("Zend-2.0", "Zend-2.0"),  # only the library knows it
        ("zlib-acknowledgement", "zlib-acknowledgement"),
        ("Apache-2.0 OR MIT", "Apache-2.0 OR MIT"),
        (
            "(mit or apache-2.0) and cc-by-nc-4.0",
            "CC-BY-NC-4.0 AND MIT OR Apache-2.0 AND CC-BY-NC-4.0",
        ),
        ("llama3.1 AND MIT", "MIT AND llama3.1"),
        ("Apache-2.0 WITH LLVM-exception", "Apache-2.0 WITH LLVM-exception"),
        ("MIT OR MIT", "MIT"),
    ],
)
def test_one_spelling(stated: str, identifier: str) -> None:
    assert resolve(stated).identifier == identifier


@pytest.mark.parametrize(
    "stated",
    [
        "", "other", "unknown", "acme-licence", "my own terms", "MIT/Apache", "(((", "OR", "MIT OR",
        "MIT OR acme", "GPL-2.0-only WITH acme-exception", "acme WITH LLVM-exception", "a" * 10_000,
        "\ud800", "(" * 190, "MIT AND " * 24 + "MIT AND acme",
        " AND ".join(["(MIT OR ISC OR Zlib)"] * 9), " OR ".join(f"CC-BY-{n}.0" for n in range(9)),
        MANY, f"({MANY}) AND MIT",
    ],
)  # fmt: skip
def test_what_is_not_known_is_not_guessed_at(stated: str) -> None:
    assert resolve(stated) == Named("")


def test_a_choice_restricts_what_all_alternatives_do() -> None:
    assert resolve("CC-BY-NC-4.0 OR MIT").restrictions == ()
    assert resolve("CC-BY-NC-4.0 AND MIT").restrictions == ("non-commercial",)
    assert resolve("cc-by-nc-4.0 or cc-by-nc-sa-4.0").restrictions == ("non-commercial",)
    assert resolve("GPL-2.0-only WITH Classpath-exception-2.0").restrictions == ("same-terms",)


def test_parts_leave_out_which_version_of_the_gpl_is_allowed() -> None:
    assert resolve("GPL-3.0-or-later OR MIT").parts == {"GPL-3.0", "MIT"}
    assert resolve("gpl-3.0").parts == {"GPL-3.0"}
    assert Named("").parts == frozenset()


def test_the_terms_of_a_base_are_known_by_its_repository() -> None:
    names = LicenceNames(TABLE)
    assert names.of_base("meta-llama/Llama-3.1-8B-Instruct").identifier == "llama3.1"
    assert names.of_base("google/gemma-2-2b").identifier == "gemma"
    assert names.of_base("google/gemma-4-12b").identifier == ""
    assert names.of_base("acme/llama-3.1-8b").identifier == ""
    assert "use-limits" in names.of_base("meta-llama/Llama-3.1-8B").restrictions


def test_what_a_claim_leaves_out() -> None:
    names = LicenceNames(TABLE)
    other = names.resolve("cc-by-nc-sa-4.0")
    assert lost([names.resolve("mit")], other) == ("non-commercial", "same-terms")
    assert lost([names.resolve("gpl-3.0"), names.resolve("cc-by-nc-4.0")], other) == ()


def test_the_library_is_asked_about_few_names_only() -> None:
    names = LicenceNames(TABLE)
    for number in range(40):
        assert names.resolve(f"acme-{number}") == Named("")
    assert names.resolve("Zend-2.0") == Named("")
    assert names.resolve("mit").identifier == "MIT"


def test_plain_identifiers_need_no_library() -> None:
    code = (
        "import sys; from modelscan.engine.catalogue import load;"
        "from modelscan.formats.licence_names import LicenceNames as L;"
        "assert L(load().lists.licences).resolve('apache-2.0').identifier == 'Apache-2.0';"
        "sys.exit('license_expression' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=80) | st.text("()ORANDWITH mit-2.0+", max_size=60))
def test_any_name_is_resolved_or_unknown(stated: str) -> None:
    found = resolve(stated)
    assert found.identifier or not found.restrictions
