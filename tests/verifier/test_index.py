from __future__ import annotations

import hashlib
import mmap
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan import _resources
from modelscan.errors import ModelAssayError, UsageError
from modelscan.verifier import installed
from modelscan.verifier.compiling import compile_manifests, compile_releases
from modelscan.verifier.index import ReleaseIndex
from modelscan.verifier.table import Table, build_table
from tests.forge import releases

contents = st.binary(min_size=1, max_size=6)
algorithms = st.sampled_from(["sha256", "sha384", "sha512", "blake2b"])
some_files = st.dictionaries(
    st.sampled_from(["a.bin", "b.bin", "c/d.json"]), st.tuples(contents, algorithms), min_size=1
)


@settings(deadline=None)
@given(st.lists(some_files, max_size=6), st.lists(contents))
def test_everything_listed_is_found_again_and_nothing_else(
    models: list[dict[str, tuple[bytes, str]]], strangers: list[bytes]
) -> None:
    described = [
        releases.release(
            f"r{number}",
            [
                releases.listed(path, data, algorithm=algorithm, size=True)
                for path, (data, algorithm) in files.items()
            ],
            locations=[f"hf:Org/M{number}"],
        )
        for number, files in enumerate(models)
    ]
    parsed = releases.manifest(*described)
    index = ReleaseIndex(compile_releases([parsed]))
    assert [index.known(n).release for n in range(len(models))] == list(parsed.releases)
    expected: dict[tuple[str, str], list[int]] = {}
    for number, files in enumerate(models):
        assert index.by_location(f"hf:org/m{number}") == [number]
        for data, algorithm in files.values():
            holders = expected.setdefault((algorithm, hashlib.new(algorithm, data).hexdigest()), [])
            if number not in holders:
                holders.append(number)
            if algorithm != "sha256":
                assert algorithm in index.algorithms_for(len(data), "any/name")
    for (algorithm, digest), numbers in expected.items():
        assert index.by_digest(algorithm, digest) == numbers
    for stranger in strangers:
        digest = hashlib.sha256(stranger).hexdigest()
        assert index.by_digest("sha256", digest) == expected.get(("sha256", digest), [])


@settings(deadline=None)
@given(st.lists(st.tuples(st.binary(min_size=3, max_size=3), st.integers(0, 2**32 - 1))))
def test_a_table_is_a_multimap(rows: list[tuple[bytes, int]]) -> None:
    data = b"lead" + build_table(3, rows) + b"trail"
    table = Table(data, 4, len(data) - 9, 3)
    assert table.count == len(set(rows))
    for key, _ in [*rows, (b"\0\0\0", 0), (b"\xff\xff\xff", 0)]:
        assert table.find(key) == sorted({value for other, value in rows if other == key})


def test_a_table_refuses_keys_of_another_width() -> None:
    with pytest.raises(ValueError, match="4 bytes"):
        build_table(3, [(b"1234", 1)])


@pytest.mark.parametrize(("offset", "lacks"), [(0, 17), (1, 1), (0, 1), (0, 8)], ids=str)
def test_a_table_that_is_not_one_is_refused(offset: int, lacks: int) -> None:
    data = build_table(4, [(b"\x80234", 1), (b"\x90234", 2)])
    assert Table(data, 0, len(data), 4).count == 2
    assert len(data) == 4 * 4097 + 2 * 8
    with pytest.raises(ValueError, match="table"):
        Table(data, offset, len(data) - lacks, 4)


def test_an_empty_file_is_in_no_table() -> None:
    empty = releases.listed("__init__.py", b"", algorithm="sha384")
    index = releases.index(releases.manifest(releases.release("x", [empty])))
    assert index.by_digest("sha384", hashlib.sha384(b"").hexdigest()) == []
    assert index.algorithms_for(0, "__init__.py") == ()


def test_a_file_of_unknown_size_is_asked_for_by_name() -> None:
    unsized = releases.listed("lib/net.py", b"x", algorithm="sha384")
    index = releases.index(releases.manifest(releases.release("x", [unsized])))
    assert index.algorithms_for(77, "elsewhere/net.py") == ("sha384",)
    assert index.algorithms_for(77, "other.py") == ()


def test_weak_digests_are_in_no_table_of_proofs() -> None:
    weak = [
        {"path": "a", "digests": {"md5": hashlib.md5(b"1", usedforsecurity=False).hexdigest()}},
        {"path": "b", "digests": {"sha256_prefix": hashlib.sha256(b"1").hexdigest()[:8]}},
    ]
    index = releases.index(releases.manifest(releases.release("x", weak)))
    sha256 = hashlib.sha256(b"1").hexdigest()
    assert index.by_digest("sha256", sha256) == []
    assert index.by_digest("md5", hashlib.md5(b"1", usedforsecurity=False).hexdigest()) == []
    assert index.by_prefix(sha256) == [0]
    assert index.summary.files == 0


def test_the_same_manifests_give_the_same_bytes() -> None:
    root = Path(__file__).parents[2] / "manifests"
    assert compile_manifests(root) == compile_manifests(root)


def test_one_release_has_one_description() -> None:
    parsed = releases.manifest(releases.pinned())
    with pytest.raises(UsageError, match="acme/model@1"):
        compile_releases([parsed, parsed])


def test_a_broken_manifest_is_named(tmp_path: Path) -> None:
    (tmp_path / "acme").mkdir()
    (tmp_path / "acme" / "bad.json").write_text("{}")
    with pytest.raises(UsageError, match=r"acme/bad\.json"):
        compile_manifests(tmp_path)


def everything(index: ReleaseIndex) -> list[Any]:
    found: list[Any] = [index.by_location("hf:acme/model"), index.algorithms_for(5, "x")]
    found += [index.known(number) for number in range(index.summary.releases)]
    found += [index.by_digest("sha256", hashlib.sha256(d).hexdigest()) for d in DATA]
    return found


DATA = releases.MODEL.values()
SMALL = compile_releases([releases.manifest(releases.pinned())])


@settings(max_examples=200, deadline=None)
@given(st.integers(0, len(SMALL) - 1), st.integers(1, 255))
def test_a_flipped_byte_is_an_error_and_never_an_unknown_file(at: int, change: int) -> None:
    damaged = bytearray(SMALL)
    damaged[at] ^= change
    with pytest.raises(ModelAssayError, match="damaged"):
        everything(ReleaseIndex(bytes(damaged)))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300) | st.integers(0, len(SMALL) - 1).map(lambda end: SMALL[:end]))
def test_other_bytes_are_an_error(data: bytes) -> None:
    with pytest.raises(ModelAssayError, match="damaged"):
        ReleaseIndex(data)


def test_it_works_in_a_mapped_file(tmp_path: Path) -> None:
    path = tmp_path / "index.bin"
    path.write_bytes(SMALL)
    with path.open("rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    assert everything(ReleaseIndex(mapped)) == everything(ReleaseIndex(SMALL))


def test_a_release_survives_the_trip(tmp_path: Path) -> None:
    path = tmp_path / "one.json"
    path.write_bytes(msgspec.json.encode(releases.document(releases.pinned(complete=True))))
    known = ReleaseIndex(compile_manifests(tmp_path)).known(0)
    assert known.release.complete
    assert known.release.files[0].header_sha256 == releases.HEADER
    assert (known.assurance, known.publisher) == ("publisher-stated", "Acme")


@pytest.mark.parametrize(
    "error", [OSError("no disk"), ValueError("empty"), ModelAssayError("lacks its manifests")]
)
def test_an_index_that_does_not_open_is_one_kind_of_error(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def fail(*_: object) -> bytes:
        calls.append(1)
        raise error

    installed._open.cache_clear()
    monkeypatch.setattr(_resources, "compiled", fail)
    for _ in range(2):
        with pytest.raises(ModelAssayError, match=str(error)):
            installed.shared_index()
    assert calls == [1]
    installed._open.cache_clear()
