"""Who stands behind a fingerprint, and what a configuration says of lineage."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from modelscan.errors import UsageError
from modelscan.lineage.authority import Authority, authority
from modelscan.lineage.configured import Library, LineageTable, Placed, library_of
from modelscan.lineage.fingerprint_writing import digest, encode
from modelscan.lineage.prints import SCHEMA
from modelscan.verifier.compiling import compile_releases
from modelscan.verifier.index import ReleaseIndex
from modelscan.verifier.release import (
    Assurance,
    ListedFile,
    Manifest,
    Origin,
    Publisher,
    Release,
    ReleaseStatus,
)
from tests.forge.kinship_prints import base_print

DATA = encode(base_print())
SOURCE = "hf:acme/base-0@" + "1" * 40


def stated(
    assurance: Assurance = "publisher-stated",
    *,
    value: str = "",
    scheme: str = SCHEMA,
    status: ReleaseStatus = "current",
    expires: str | None = None,
    number: int = 0,
) -> Manifest:
    release = Release(
        id=f"acme/base-0@{number}",
        files=(ListedFile("model.safetensors", {"sha256": f"{number + 1}" * 64}),),
        locations=("hf:acme/base-0",),
        status=status,
        fingerprints={scheme: value or digest(DATA)},
    )
    return Manifest(
        schema="modelassay-manifest/1",
        serial=1,
        issued="2026-01-01",
        expires=expires,
        publisher=Publisher(id=f"acme{number}", name="Acme", verified_how="asked"),
        assurance=assurance,
        evidence=(Origin(path="manifest.json"),),
        releases=(release,),
    )


def behind(*manifests: Manifest, source: str = SOURCE) -> Authority | None:
    return authority(DATA, source, ReleaseIndex(compile_releases(list(manifests))))


def test_a_release_that_states_the_digest_stands_behind_it() -> None:
    found = behind(stated())
    assert found == Authority("acme/base-0@0", "hf:acme/base-0", "Acme", "publisher-stated")
    assert found.words == "fingerprint of acme/base-0@0, publisher-stated by Acme"


def test_the_strongest_statement_counts() -> None:
    found = behind(stated("self-pinned"), stated("publisher-signed", number=1))
    assert found is not None
    assert found.assurance == "publisher-signed"


@pytest.mark.parametrize(
    "manifest",
    [
        stated(value="sha256:" + "0" * 64),
        stated(scheme="another/1"),
        stated(status="withdrawn"),
        stated(status="revoked"),
        stated(expires="2020-01-01"),
    ],
    ids=["another digest", "another scheme", "withdrawn", "revoked", "expired"],
)
def test_nothing_else_does(manifest: Manifest) -> None:
    assert behind(manifest) is None


def test_a_claim_alone_leads_nowhere() -> None:
    assert behind(stated(), source="") is None
    assert behind(stated(), source="hf:acme/other") is None


def placed(path: Path, **table: object) -> Placed:
    return Placed(path, msgspec.convert(table, LineageTable))


def test_libraries_of_all_files_are_searched() -> None:
    one = placed(Path("a/modelassay.toml"), library=["prints"], seed="seed")
    other = placed(Path("b/floor.toml"), library=["prints", "../a/prints"])
    found = library_of([one, other])
    assert found.folders == (Path("a/prints"), Path("b/prints"), Path("b/../a/prints"))
    assert found.seed == Path("a/seed")
    assert library_of([]) == Library()


def test_two_seeds_are_one_too_many() -> None:
    with pytest.raises(UsageError, match=r"a/1, b/1"):
        library_of([placed(Path("a/x"), seed="1"), placed(Path("b/x"), seed="1")])
