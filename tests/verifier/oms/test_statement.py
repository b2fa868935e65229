from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.verifier.oms.failures import BrokenSignatureError
from modelscan.verifier.oms.statement import (
    PREDICATE_TYPE,
    parse_statement,
    predicate_type,
)
from tests.forge import signing
from tests.verifier.oms.test_bundle import json_values, places

HEX = "0" * 64


def parsed(stated: Any) -> Any:
    return parse_statement(json.dumps(stated).encode())


def listed(*names: str, algorithm: str = "sha256") -> list[dict[str, str]]:
    return [{"name": name, "digest": HEX, "algorithm": algorithm} for name in names]


def test_a_statement_about_files() -> None:
    found = parsed(signing.statement(ignore=[".git", "scratch/"]))
    assert (found.subject, found.algorithm, found.sharded) == ("forged", "sha256", False)
    assert list(found.files) == sorted(signing.MODEL)
    assert found.ignores("scratch/x")
    assert found.ignores(".git")
    assert not found.ignores("scratchpad")


@pytest.mark.parametrize("size", [1000, 1000.0])
@pytest.mark.parametrize("suffix", ["", "-sharded-1000"])
def test_a_statement_about_shards(size: float, suffix: str) -> None:
    shards = signing.resources(shard=1000)
    for item in shards:
        item["algorithm"] += suffix
    found = parsed(signing.statement(shards, shard=size))
    assert found.sharded
    assert found.files["model.bin"].ends == (1000, 2000, 2304)
    assert len(found.files["model.bin"].digests) == 3


def test_shards_may_come_in_any_order() -> None:
    shards = signing.resources(shard=1000)[::-1]
    assert parsed(signing.statement(shards, shard=1000)).files["model.bin"].ends[0] == 1000


@pytest.mark.parametrize("name", ["blake2", "blake2b"])
def test_both_names_of_blake2b(name: str) -> None:
    items = signing.resources(algorithm="blake2b")
    for item in items:
        item["algorithm"] = name
    assert parsed(signing.statement(items, algorithm=name)).algorithm == "blake2b"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("/etc/passwd", "plain relative"),
        ("../outside", "plain relative"),
        ("a/../b", "plain relative"),
        ("a//b", "plain relative"),
        ("a/", "plain relative"),
        ("./a", "plain relative"),
        ("C:/a", "plain relative"),
        ("a\\b", "backslash"),
        ("a\0b", "control character"),
        ("", "not a text"),
        ("\udc00", "not Unicode"),
        (7, "not a text"),
    ],
)
def test_names_that_are_refused(name: Any, message: str) -> None:
    items = [{"name": name, "digest": HEX, "algorithm": "sha256"}]
    with pytest.raises(BrokenSignatureError, match=message):
        parsed(signing.statement(items))


@pytest.mark.parametrize(
    "names", [("Model.bin", "model.BIN"), ("caf\u00e9", "cafe\u0301"), ("stra\u00dfe", "STRASSE")]
)
def test_names_that_could_fall_together_are_refused(names: tuple[str, str]) -> None:
    with pytest.raises(BrokenSignatureError, match="one name to file systems"):
        parsed(signing.statement(listed(*names)))


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("a", "a"), "not the name of a shard"),
        (("a:0:10", "a:20:30"), "gaps or overlap"),
        (("a:10:20",), "gaps or overlap"),
        (("a:0:10", "a:0:10"), "gaps or overlap"),
        (("a:0:11",), "gaps or overlap"),
        (("a:0:5", "a:5:10"), "gaps or overlap"),
        (("a:0:0",), "not the name of a shard"),
        (("a:00:10",), "not the name of a shard"),
        (("a:0:99999999999999999999",), "not the name of a shard"),
        (("../a:0:10",), "plain relative"),
    ],
)
def test_shards_that_are_refused(names: tuple[str, ...], message: str) -> None:
    with pytest.raises(BrokenSignatureError, match=message):
        parsed(signing.statement(listed(*names), shard=10))


CHANGES: list[tuple[str, tuple[str | int, ...], Any]] = [
    ("in-toto statement", ("_type",), "https://in-toto.io/Statement/v0.1"),
    ("another type", ("predicateType",), "https://slsa.dev/provenance/v1"),
    ("unknown name", ("extra",), 1),
    ("subject has 0 items", ("subject",), []),
    ("subject has 2 items", ("subject",), [{}, {}]),
    ("subject's name", ("subject", 0, "name"), ""),
    ("subject's digest is not an object", ("subject", 0, "digest"), None),
    ("root digest", ("subject", 0, "digest"), {"sha512": HEX}),
    ("root digest", ("subject", 0, "digest", "sha256"), HEX),
    ("predicate has an unknown name", ("predicate", "more"), []),
    ("resources has 0 items", ("predicate", "resources"), []),
    ("a resource is not an object", ("predicate", "resources", 0), "x"),
    ("digest of another algorithm", ("predicate", "resources", 0, "algorithm"), "md5"),
    ("the algorithm of", ("predicate", "resources", 0, "algorithm"), []),
    ("hexadecimal", ("predicate", "resources", 0, "digest"), "00"),
    ("hexadecimal", ("predicate", "resources", 0, "digest"), "A" * 64),
    ("not a text", ("predicate", "resources", 0, "digest"), None),
    ("serialization is not an object", ("predicate", "serialization"), []),
    ("unknown name 'salt'", ("predicate", "serialization", "salt"), "x"),
    ("unknown algorithm 'md5'", ("predicate", "serialization", "hash_type"), "md5"),
    ("unknown serialization 'tree'", ("predicate", "serialization", "method"), "tree"),
    ("hashed as wholes", ("predicate", "serialization", "shard_size"), 10),
    ("no size of shards", ("predicate", "serialization", "method"), "shards"),
    ("ignore_paths is not an array", ("predicate", "serialization", "ignore_paths"), "x"),
    ("ignore_paths is not a text", ("predicate", "serialization", "ignore_paths"), [1]),
]


def replaced(document: Any, path: tuple[str | int, ...], value: Any) -> Any:
    copy: Any = json.loads(json.dumps(document))
    if not path:
        return value
    inner = copy
    for part in path[:-1]:
        inner = inner[part]
    inner[path[-1]] = value
    return copy


@pytest.mark.parametrize(("message", "path", "value"), CHANGES)
def test_what_is_refused(message: str, path: tuple[str | int, ...], value: Any) -> None:
    with pytest.raises(BrokenSignatureError, match=message):
        parsed(replaced(signing.statement(), path, value))


@pytest.mark.parametrize(
    ("size", "message"),
    [
        (True, "no size"),
        (0, "no size"),
        (-5, "no size"),
        ("10", "no size"),
        (1e300, "no size"),
        (10.5, "no whole number"),
    ],
)
def test_sizes_of_shards_that_are_refused(size: Any, message: str) -> None:
    stated = signing.statement(listed("a:0:10"), shard=10)
    path = ("predicate", "serialization", "shard_size")
    with pytest.raises(BrokenSignatureError, match=message):
        parsed(replaced(stated, path, size))


def test_files_listed_twice_are_refused() -> None:
    with pytest.raises(BrokenSignatureError, match="listed twice"):
        parsed(signing.statement(listed("a", "a")))


def test_the_kind_of_a_statement() -> None:
    assert predicate_type(json.dumps(signing.statement()).encode()) == PREDICATE_TYPE


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_any_value_at_any_place_is_refused_or_read(data: st.DataObject) -> None:
    stated = signing.statement(signing.resources(shard=1000), shard=1000)
    path = data.draw(st.sampled_from(places(stated)))
    changed = replaced(stated, path, data.draw(json_values))
    with contextlib.suppress(BrokenSignatureError):
        assert parsed(changed).files
