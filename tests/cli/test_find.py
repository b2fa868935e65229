from __future__ import annotations

import json
from pathlib import Path

import jsonschema_rs

from tests.cli.conftest import Command
from tests.forge import locks

SCHEMA = Path(__file__).parents[2] / "docs" / "schema" / "find-1.json"


def test_who_has_it(modelassay: Command, tmp_path: Path) -> None:
    locks.write(tmp_path / "service", locks.model())
    ran = modelassay("find", locks.COMMIT, "--in", tmp_path / "service")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == (
        "service/models.lock                                       lock, since 2025-01-11\n"
        "  hf:acme/chat-7b  (revision at line 6)\n"
        "\n"
        f"commit {locks.COMMIT}: found in 1 place, 1 file looked\n"
        "into.\n"
    )


def test_the_document_is_valid(modelassay: Command, tmp_path: Path) -> None:
    path = locks.write(tmp_path, locks.model())
    ran = modelassay("find", "hf:acme/chat-7b", "--in", path, "-f", "json", "--offline")
    document = json.loads(ran.out)
    jsonschema_rs.validator_for(json.loads(SCHEMA.read_text())).validate(document)
    assert document["kind"] == "repository"
    assert document["hits"][0]["model"] == "hf:acme/chat-7b"


def test_not_found_and_not_read(modelassay: Command, tmp_path: Path) -> None:
    (tmp_path / "node_modules").mkdir()
    ran = modelassay("find", "a" * 64, "--in", tmp_path)
    assert ran.code == 4
    assert "not found, 0 files looked into." in " ".join(ran.out.split())
    for number in range(12):
        (tmp_path / f"{number}.json").write_text("{" + "a" * 64)
    ran = modelassay("find", "a" * 64, "--in", tmp_path)
    assert ran.code == 3
    assert "and 2 more (-v shows them)" in ran.out
    assert "left out" in modelassay("find", "a" * 64, "--in", tmp_path, "-v").out


def test_long_lists_are_cut_unless_asked(modelassay: Command, tmp_path: Path) -> None:
    (tmp_path / "many.json").write_text(json.dumps(["a" * 64] * 60))
    assert "and 10 more (-v shows them)" in modelassay("find", "a" * 64, "--in", tmp_path).out
    assert "more" not in modelassay("find", "a" * 64, "--in", tmp_path, "-v").out


def test_usage(modelassay: Command, tmp_path: Path) -> None:
    for wrong in (
        ["find"], ["find", "x/y"], ["find", "", "--in", tmp_path], ["find", "abc", "--in"],
        ["find", "commit:1", "--in", tmp_path],
    ):  # fmt: skip
        assert modelassay(*wrong).code == 2
    assert modelassay("find", "x/y", "--in", tmp_path / "none").code == 3
