from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from modelscan.verifier.oms.compare import Comparison, compare
from modelscan.verifier.oms.statement import parse_statement
from modelscan.vocabulary.result import FileEntry
from tests.forge import signing
from tests.forge.releases import entries

MODEL = dict(signing.MODEL)


def held(
    files: Mapping[str, bytes] = MODEL,
    stated: Mapping[str, Any] | None = None,
    **options: Any,
) -> Comparison:
    statement = parse_statement(json.dumps(stated or signing.statement()).encode())
    return compare(statement, entries(files), lambda _: None, **options)


def test_the_signed_model() -> None:
    found = held()
    assert found.whole
    assert sorted(found.same) == sorted(MODEL)


def without(*names: str) -> dict[str, bytes]:
    return {name: data for name, data in MODEL.items() if name not in names}


@pytest.mark.parametrize(
    ("files", "differing", "missing", "added"),
    [
        (MODEL | {"config.json": b"{}"}, ["config.json"], [], []),
        (MODEL | {"config.json": b""}, ["config.json"], [], []),
        (without("config.json"), [], ["config.json"], []),
        (MODEL | {"extra.pkl": b"1"}, [], [], ["extra.pkl"]),
        (MODEL | {"sub/extra.pkl": b"1"}, [], [], ["sub/extra.pkl"]),
        (MODEL | {"Config.json": b"1"}, [], [], ["Config.json"]),
        (
            without("config.json") | {"CONFIG.JSON": MODEL["config.json"]},
            [],
            ["config.json"],
            ["CONFIG.JSON"],
        ),
        (
            without("config.json") | {"renamed.json": MODEL["config.json"]},
            [],
            ["config.json"],
            ["renamed.json"],
        ),
        (
            MODEL | {"config.json": MODEL["model.bin"], "model.bin": MODEL["config.json"]},
            ["config.json", "model.bin"],
            [],
            [],
        ),
    ],
)
def test_every_file_is_named(
    files: Mapping[str, bytes], differing: list[str], missing: list[str], added: list[str]
) -> None:
    found = held(files)
    assert found.broken
    assert (list(found.differing), list(found.missing), list(found.added)) == (
        differing,
        missing,
        added,
    )


@pytest.mark.parametrize(
    "name",
    [".gitattributes", ".github/x.yml", ".git/hooks/post-checkout", ".git/config", "notes/a.txt"],
)
def test_what_the_signer_leaves_out_is_named_and_not_signed(name: str) -> None:
    found = held(MODEL | {name: b"1"}, signing.statement(ignore=["notes"]))
    assert found.left_out == (name,)
    assert not found.broken
    assert not found.whole


def test_a_left_out_name_that_hides_a_signed_one_is_no_excuse() -> None:
    stated = signing.statement(ignore=["Config.json"])
    assert held(MODEL | {"Config.json": b"1"}, stated).added == ("Config.json",)


def test_a_link_out_of_the_model_is_not_signed() -> None:
    found = held(without("config.json"), specials=["config.json", "other"])
    assert (found.missing, found.added) == (("config.json",), ("other",))


def test_a_file_that_was_not_read_is_neither_same_nor_different() -> None:
    unread = FileEntry(path="config.json", size=1, digests={}, format="unknown")
    statement = parse_statement(json.dumps(signing.statement()).encode())
    found = compare(statement, [*entries(without("config.json")), unread], lambda _: None)
    assert found.unread == ("config.json",)
    assert not found.broken
    assert not found.whole


def test_only_what_is_asked_can_be_missing() -> None:
    found = held({"model.bin": MODEL["model.bin"]}, asked=lambda path: path == "model.bin")
    assert found.whole
    assert found.same == ("model.bin",)


@pytest.mark.parametrize("lone", [True, False])
def test_a_model_of_one_file_goes_by_any_name(lone: bool) -> None:
    stated = signing.about({".": b"bytes"})
    assert held({"any.bin": b"bytes"}, stated, lone=lone).whole
    assert held({"any.bin": b"other"}, stated, lone=lone).differing == ("any.bin",)


def test_a_file_out_of_its_folder_goes_by_its_base_name() -> None:
    assert held({"vocab.txt": MODEL["sub/vocab.txt"]}, lone=True).same == ("vocab.txt",)
    assert held({"vocab.txt": b"changed"}, lone=True).differing == ("vocab.txt",)
    assert held({"other.txt": MODEL["sub/vocab.txt"]}, lone=True).added == ("other.txt",)
    twice = signing.about({"a/x": b"1", "b/x": b"1"})
    assert held({"x": b"1"}, twice, lone=True).added == ("x",)
    assert held({"vocab.txt": MODEL["sub/vocab.txt"]}).broken


def shards_of(data: bytes, size: int) -> Sequence[str]:
    return [hashlib.sha256(data[at : at + size]).hexdigest() for at in range(0, len(data), size)]


def test_shards_decide_where_shards_are_signed() -> None:
    statement = parse_statement(
        json.dumps(signing.statement(signing.resources(shard=1000), shard=1000)).encode()
    )
    digests = {name: tuple(shards_of(data, 1000)) for name, data in MODEL.items()}
    empty = entries({"empty.txt": b""})
    found = compare(statement, [*entries(MODEL), *empty], digests.get)
    assert found.whole
    assert "empty.txt" not in found.same
    assert compare(statement, entries(MODEL), lambda _: None).differing == tuple(MODEL)
    truncated = entries(MODEL | {"config.json": b""})
    digests["config.json"] = ()
    assert compare(statement, truncated, digests.get).differing == ("config.json",)
