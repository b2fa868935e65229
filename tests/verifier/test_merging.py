from __future__ import annotations

from typing import Any

import msgspec
import pytest

from modelscan.errors import UsageError
from modelscan.verifier.merging import conflicts, merge
from modelscan.verifier.release import Manifest
from tests.forge import releases

CONFIG = ("config.json", b"{}")
WEIGHTS = ("model.bin", b"1")


def stated(*files: tuple[str, bytes], name: str = "acme/m@1", **more: Any) -> Manifest:
    listed = [releases.listed(path, data) for path, data in files]
    return releases.manifest(releases.release(name, listed, **more))


def test_statements_about_one_release_become_one() -> None:
    one = stated(CONFIG, locations=["hf:acme/m"])
    other = stated(WEIGHTS, locations=["hf:mirror/m"], status="revoked", reason="leaked")
    assert conflicts([one, other]) == []
    (release,) = merge([one, other]).releases
    assert [file.path for file in release.files] == ["config.json", "model.bin"]
    assert release.locations == ("hf:acme/m", "hf:mirror/m")
    assert (release.status, release.reason) == ("revoked", "leaked")
    (release,) = merge([other, one]).releases
    assert release.status == "revoked"


def test_digests_of_two_kinds_are_kept() -> None:
    one = stated(CONFIG)
    other = releases.manifest(
        releases.release("acme/m@1", [releases.listed(*CONFIG, algorithm="sha512")])
    )
    (file,) = merge([one, other]).releases[0].files
    assert set(file.digests) == {"sha256", "sha512"}


@pytest.mark.parametrize(
    ("one", "other", "why"),
    [
        (stated(CONFIG), stated(("config.json", b"2")), "config.json: two sha256 digests"),
        (stated(CONFIG, complete=True), stated(CONFIG, WEIGHTS), "model.bin: not in the list"),
        (stated(CONFIG, WEIGHTS), stated(CONFIG, complete=True), "model.bin: not in the list"),
        (stated(CONFIG, revision="a" * 40), stated(CONFIG, revision="b" * 40), "two commits"),
        (
            stated(CONFIG, locations=["hf:acme/m"], revision="a" * 40),
            stated(("config.json", b"2"), name="other", locations=["hf:Acme/M"], revision="a" * 40),
            "other: config.json: two sha256 digests",
        ),
    ],
)
def test_contradictions(one: Manifest, other: Manifest, why: str) -> None:
    assert why in str(conflicts([one, other])[0])
    with pytest.raises(UsageError, match="contradict"):
        merge([one, other])


def test_the_same_name_at_another_commit_is_another_release() -> None:
    one = stated(CONFIG, name="a", locations=["hf:acme/m"], revision="a" * 40)
    other = stated(("config.json", b"2"), name="b", locations=["hf:acme/m"], revision="b" * 40)
    assert conflicts([one, other]) == []
    assert len(merge([one, other]).releases) == 2


def test_the_weakest_assurance_and_the_first_expiry() -> None:
    one = msgspec.structs.replace(stated(CONFIG), expires="2030-01-01", serial=4)
    other = msgspec.structs.replace(
        stated(WEIGHTS, name="x"), expires="2029-01-01", assurance="self-pinned"
    )
    merged = merge([one, other])
    assert (merged.expires, merged.serial, merged.assurance) == ("2029-01-01", 4, "self-pinned")
    with pytest.raises(UsageError):
        merge([])


def test_many_contradictions_are_counted() -> None:
    files = [(f"{number}.bin", b"1") for number in range(5)]
    changed = [(name, b"2") for name, _ in files]
    with pytest.raises(UsageError, match="and 2 more"):
        merge([stated(*files), stated(*changed)])
