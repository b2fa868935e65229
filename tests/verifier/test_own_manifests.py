from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from modelscan.errors import UsageError
from modelscan.verifier import own_manifests
from modelscan.verifier.installed import shared_index
from modelscan.verifier.own_manifests import Library, Member, OwnSets, members, read_set
from tests.forge import releases


def test_several_indexes_are_searched_as_one() -> None:
    mine = releases.manifest(
        releases.pinned(),
        releases.release("acme/hint@1", [{"path": "x.bin", "digests": {"sha256_prefix": "0" * 8}}]),
        releases.release(
            "acme/long@1", [releases.listed("y.bin", b"y", algorithm="sha512", size=True)]
        ),
    )
    theirs = releases.manifest(releases.release("other@1", [releases.listed("config.json", b"{}")]))
    library = Library(
        (Member(releases.index(theirs)), Member(releases.index(mine), "ours", "too old"))
    )
    digest = hashlib.sha256(b"{}").hexdigest()
    found = [library.known(number) for number in library.by_digest("sha256", digest)]
    assert [(k.release.id, k.source, k.void) for k in found] == [
        ("other@1", "", ""),
        ("acme/model@1", "ours", "too old"),
    ]
    (located,) = library.by_location("hf:Acme/Model")
    assert library.known(located).release.id == "acme/model@1"
    (hinted,) = library.by_prefix("0" * 64)
    assert library.known(hinted).release.id == "acme/hint@1"
    assert library.algorithms_for(1, "y.bin") == ("sha512",)
    assert library.summary.releases == 4


def test_none_of_ones_own_costs_nothing() -> None:
    sets = OwnSets()
    assert not sets
    assert sets.algorithms_for(1, "y.bin") == ()
    assert sets.index() is shared_index()
    mine = OwnSets([Member(releases.index(releases.manifest(releases.pinned())), "ours")])
    assert mine
    assert mine.index() is mine.index()
    assert mine.algorithms_for(1, "y.bin") == ()


def test_what_is_no_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="gone"):
        read_set(tmp_path / "gone.json")
    path = tmp_path / "one.json"
    path.write_text(json.dumps(releases.document(releases.pinned())))
    (tmp_path / "two.json").write_text(path.read_text())
    with pytest.raises(UsageError, match="two manifests"):
        members([tmp_path])
    monkeypatch.setattr(own_manifests, "_MOST_FILES", 1)
    with pytest.raises(UsageError, match="more than 1"):
        read_set(tmp_path)
    monkeypatch.setattr(own_manifests, "LIMIT", 10)
    with pytest.raises(UsageError, match="too large"):
        read_set(path)
