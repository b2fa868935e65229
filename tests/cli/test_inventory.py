from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from modelscan import api
from modelscan.errors import UsageError
from modelscan.vocabulary.reference import Inventory, Place, Reference
from tests.cli.conftest import Command
from tests.forge import codebases, models

SCHEMA = Path(__file__).parents[2] / "docs" / "schema" / "inventory-1.json"


@pytest.fixture
def application(tmp_path: Path) -> Path:
    return codebases.application(tmp_path / "app")


def test_models_are_listed_with_a_summary(modelassay: Command, application: Path) -> None:
    ran = modelassay("inventory", application)
    assert (ran.code, ran.err) == (0, "")
    assert "hf:acme/chat-7b" in ran.out
    assert "app/main.py:16  python  @1110a243fdf4  trust_remote_code=True" in ran.out
    assert "notebook.ipynb!cell 2:2" in ran.out
    flat = " ".join(ran.out.split())
    assert flat.endswith("2 unresolved, 0 model files on disk, everything read.")
    assert max(map(len, ran.out.splitlines())) <= 80
    assert ran.out.index("hf:acme/yes-16b") < ran.out.index("$UNKNOWN_MODEL")


def test_the_summary_alone(modelassay: Command, application: Path) -> None:
    ran = modelassay("inventory", "-q", application)
    assert len(ran.out.splitlines()) == 2


def test_the_document_is_valid(modelassay: Command, application: Path) -> None:
    models.plain(application / "model")
    ran = modelassay("inventory", application, "-f", "json", "--offline")
    document: Any = json.loads(ran.out)
    jsonschema_rs.validator_for(json.loads(SCHEMA.read_text())).validate(document)
    assert list(document) == ["schema", "references", "artifacts", "coverage"]
    assert document["schema"] == "modelassay-inventory/1"
    one = next(each for each in document["references"] if each["ref"] == "hf:acme/chat-7b")
    assert one == {
        "ref": "hf:acme/chat-7b",
        "purl": f"pkg:huggingface/acme/chat-7b@{codebases.COMMIT}",
        "revision": codebases.COMMIT,
        "pinned": True,
        "certainty": "declared",
        "kind": "python",
        "where": {"file": "app/main.py", "line": 16},
        "options": {"trust_remote_code": True},
    }
    (artifact,) = document["artifacts"]
    assert set(artifact) == {"path", "format", "size", "digest", "ref"}
    assert str(application) not in ran.out


def test_files_and_printing_at_once(modelassay: Command, application: Path, tmp_path: Path) -> None:
    file = tmp_path / "found.json"
    ran = modelassay("inventory", application, "-f", f"json={file}", "-f", "terminal")
    assert "hf:acme/chat-7b" in ran.out
    assert json.loads(file.read_text())["references"]


def test_exit_codes(modelassay: Command, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    ran = modelassay("inventory", empty)
    assert ran.code == 4
    assert "Nothing found" in ran.out
    broken = codebases.write(tmp_path, "broken/a.ipynb", "from_pretrained").parent
    ran = modelassay("inventory", broken)
    assert ran.code == 3
    assert "not read: a.ipynb" in ran.out
    assert modelassay("inventory", tmp_path / "missing").code == 3
    assert "no such file" in modelassay("inventory", tmp_path / "missing").err


@pytest.mark.parametrize(
    "options",
    [["-f", "jsn"], ["-f", "json="], ["-f", "json", "-f", "terminal"], ["-q", "-v"], ["--what"]],
)
def test_usage_errors(modelassay: Command, tmp_path: Path, options: list[str]) -> None:
    assert modelassay("inventory", tmp_path, *options).code == 2


def test_no_path_is_an_error(modelassay: Command) -> None:
    assert modelassay("inventory").code == 2
    with pytest.raises(UsageError):
        api.inventory()


def test_files_on_disk_are_shown(modelassay: Command, tmp_path: Path) -> None:
    for number in range(9):
        models.plain(tmp_path / f"copy{number}")
    (tmp_path / "node_modules").mkdir()
    ran = modelassay("inventory", tmp_path)
    assert "and in 2 more places" in ran.out
    assert "node_modules" not in ran.out
    ran = modelassay("inventory", tmp_path, "-v", "--hash-limit", "0")
    assert "not hashed" in ran.out
    assert "left out: node_modules" in ran.out


def test_long_lists_are_cut_unless_asked(modelassay: Command, tmp_path: Path) -> None:
    rows = "".join(f"MODEL_ID=org/m-{number // 10}\n" for number in range(20))
    codebases.write(tmp_path, ".env", rows)
    for number in range(12):
        codebases.write(tmp_path, f"{number}.ipynb", "from_pretrained")
    ran = modelassay("inventory", tmp_path)
    assert "and 4 more places" in ran.out
    assert "and 2 more (-v shows them)" in ran.out
    assert "more" not in modelassay("inventory", tmp_path, "-v").out


def test_hostile_text_stays_inert(modelassay: Command, tmp_path: Path) -> None:
    code = "import torch\ntorch.load('\\x1b[31m\\u202e.pt')\ntorch.load('[bold]x.pt')\n"
    codebases.write(tmp_path, "a\x1b[0m.py", code)
    for form in ("terminal", "json"):
        out = modelassay("inventory", tmp_path, "-f", form).out
        assert "[bold]x.pt" in out
        assert "\x1b" not in out
        assert "\u202e" not in out


def test_the_public_door(application: Path) -> None:
    found = api.inventory(application, exclude=["*.py"])
    assert {each.where.file for each in found.references}.isdisjoint({"app/main.py"})


def test_what_an_inventory_means() -> None:
    one = Reference(ref="x", certainty="unresolved", kind="python", where=Place("x.py", 1))
    assert Inventory().exit_code == 4
    assert Inventory(references=(one,)).exit_code == 0
