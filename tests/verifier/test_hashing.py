from __future__ import annotations

import hashlib
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.errors import ModelAssayError
from modelscan.verifier import hashing
from modelscan.verifier.hashing import (
    GIT_BLOB,
    GIT_BLOB_LIMIT,
    Digester,
    algorithms_for,
    available,
    digest_bytes,
    new_hash,
)
from tests.forge import releases

ALGORITHMS = ("git-blob", "sha384", "sha512", "blake2b")


def test_git_blob_is_what_git_computes() -> None:
    # `printf 'test content\n' | git hash-object --stdin`, Pro Git, chapter 10.2
    found = digest_bytes(b"test content\n", [GIT_BLOB])
    assert found[GIT_BLOB] == "d670460b4b4aece5915caf5c68d12f560a9fe3e4"


def test_sha256_is_always_there() -> None:
    assert digest_bytes(b"abc") == {"sha256": hashlib.sha256(b"abc").hexdigest()}
    assert Digester(0).result() == {"sha256": hashlib.sha256().hexdigest()}


@settings(deadline=None)
@given(st.lists(st.binary(max_size=40)))
def test_pieces_and_whole_agree(pieces: list[bytes]) -> None:
    data = b"".join(pieces)
    digester = Digester(len(data), ALGORITHMS)
    for piece in pieces:
        digester.update(piece)
    assert digester.result() == digest_bytes(data, ALGORITHMS)
    assert digester.result()["sha384"] == hashlib.sha384(data).hexdigest()


def test_no_git_blob_when_the_length_was_untrue() -> None:
    digester = Digester(4, [GIT_BLOB])
    digester.update(b"abc")
    assert set(digester.result()) == {"sha256"}


def test_no_git_blob_for_a_large_file() -> None:
    assert set(Digester(GIT_BLOB_LIMIT, [GIT_BLOB])._hashes) == {"sha256", GIT_BLOB}
    assert set(Digester(GIT_BLOB_LIMIT + 1, [GIT_BLOB])._hashes) == {"sha256"}
    assert GIT_BLOB in algorithms_for(GIT_BLOB_LIMIT, "x.bin")
    assert GIT_BLOB not in algorithms_for(GIT_BLOB_LIMIT + 1, "x.bin")
    assert set(digest_bytes(bytes(GIT_BLOB_LIMIT + 1), [GIT_BLOB])) == {"sha256"}


@pytest.mark.parametrize("algorithm", ["md5", "sha1", "shake_128", "nonsense"])
def test_weak_and_unknown_algorithms_are_refused(algorithm: str) -> None:
    with pytest.raises(ValueError, match=algorithm):
        Digester(0, [algorithm])
    with pytest.raises(ValueError, match=algorithm):
        digest_bytes(b"", [algorithm])


def test_sha384_is_wanted_where_a_release_needs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    needs = releases.listed("a.bin", b"12345", algorithm="sha384", size=True)
    index = releases.index(releases.manifest(releases.release("x", [needs])))
    monkeypatch.setattr(hashing, "shared_index", lambda: index)
    assert algorithms_for(5, "renamed.bin") == (GIT_BLOB, "sha384")
    assert algorithms_for(6, "a.bin") == (GIT_BLOB,)


def test_hashing_goes_on_without_an_index(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise ModelAssayError("damaged")

    monkeypatch.setattr(hashing, "shared_index", fail)
    assert algorithms_for(5, "a.bin") == (GIT_BLOB,)


def test_blake3_needs_its_library(monkeypatch: pytest.MonkeyPatch) -> None:
    assert new_hash("blake3").hexdigest().startswith("af1349b9")
    assert available("blake3")
    monkeypatch.setitem(sys.modules, "blake3", None)
    assert not available("blake3")
    with pytest.raises(ValueError, match="extra"):
        new_hash("blake3")
