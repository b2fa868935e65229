from __future__ import annotations

import json
import re
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import msgspec
import pytest

from modelscan import _neighbour, _resources
from modelscan._about import VERSION
from modelscan._cli import doctor, examination
from modelscan.engine import catalogue
from modelscan.verifier import installed
from tests.cli.conftest import Command

REQUIRES = ["click>=8.1", "rich>=13.7", "numpy>=2; extra == 'weights'", "ruff; extra == 'dev'"]
SOUND = _neighbour.Surroundings(
    VERSION, editable=False, neighbours=(), missing=(), changed=(), elsewhere=None, folders=()
)


@pytest.fixture
def around(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Sets what the neighbourhood looks like: a sound wheel with its libraries, unless told."""
    versions = {"click": "8.2", "rich": "13.7.0"}

    def version(name: str) -> str:
        if name not in versions:
            raise metadata.PackageNotFoundError(name)
        return versions[name]

    def put(libraries: dict[str, str] | None = None, **fields: Any) -> None:
        versions.update(libraries or {})
        monkeypatch.setattr(_neighbour, "look", lambda: SOUND._replace(**fields))

    monkeypatch.setattr(metadata, "requires", lambda _: REQUIRES)
    monkeypatch.setattr(metadata, "version", version)
    for name in (*examination._SHOWN, *examination._HIDDEN):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PYTHONUTF8", "1")
    put()
    return put


def problems(modelassay: Command) -> list[tuple[str, str]]:
    found = json.loads(modelassay("doctor", "-f", "json").out)["problems"]
    return [(problem["level"], problem["what"]) for problem in found]


@pytest.mark.usefixtures("around")
def test_a_sound_installation_exits_with_0(modelassay: Command) -> None:
    ran = modelassay("doctor")
    assert ran.code == 0
    assert ran.err == ""
    assert ran.out.endswith("No problems found.\n")
    assert ran.out.startswith(f"modelassay {VERSION}\n  installed as        wheel\n")
    assert re.search(r"\n  rules +[\d,]+ rules\n +sha256:[0-9a-f]{64}\n", ran.out)
    assert re.search(r"\n  manifests +[\d,]+ releases, [\d,]+ files\n", ran.out)
    assert "numpy               not installed, needs >=2, optional" in ran.out
    assert "ruff" not in ran.out


@pytest.mark.usefixtures("around")
def test_json_names_its_schema(modelassay: Command) -> None:
    found = json.loads(modelassay("doctor", "-f", "json").out)
    assert found["schema"] == "modelassay-doctor/1"
    assert found["data"][0]["digest"] == _resources.source_digest(
        _resources.folder("rules"), ".yaml"
    )
    assert found["problems"] == []


def test_this_installation_can_be_examined(modelassay: Command) -> None:
    found = json.loads(modelassay("doctor", "-f", "json").out)
    assert [item["kind"] for item in found["data"]] == ["rules", "manifests"]


@pytest.mark.usefixtures("around")
def test_no_secret_is_shown(modelassay: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in examination._HIDDEN:
        monkeypatch.setenv(name, "http://me:hunter2@proxy")
    for form in ("terminal", "json"):
        out = modelassay("doctor", "-f", form).out
        assert "HF_TOKEN" in out
        assert "hunter2" not in out
        assert "proxy\n" not in out


@pytest.mark.usefixtures("around")
def test_hostile_values_stay_inert(
    modelassay: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path) + "\x1b[31m\u202e")
    for form in ("terminal", "json"):
        out = modelassay("doctor", "-f", form).out
        assert "\x1b" not in out
        assert "\u202e" not in out


def test_damaged_files_are_broken(modelassay: Command, around: Any) -> None:
    changed = tuple(f"modelscan/{letter}.py" for letter in "bcde")
    around(missing=("modelscan/a.py",), changed=changed)
    assert problems(modelassay) == [
        ("broken", "files of this installation are missing: modelscan/a.py"),
        (
            "broken",
            f"files of this installation are not as installed: {', '.join(changed[:3])}, …",
        ),
    ]
    ran = modelassay("doctor")
    assert ran.code == 2
    assert "Fix: install modelassay again" in ran.out


@pytest.mark.parametrize(
    ("libraries", "what"),
    [
        ({"rich": "13.6.9"}, "rich 13.6.9 is too old: >=13.7 is needed"),
        ({"click": "8"}, "click 8 is too old: >=8.1 is needed"),
        ({"numpy": "1.26"}, "numpy 1.26 is too old: >=2 is needed"),
        ({"click": "unknown"}, "click unknown is too old: >=8.1 is needed"),
    ],
)
def test_old_libraries_are_broken(
    modelassay: Command, around: Any, libraries: dict[str, str], what: str
) -> None:
    around(libraries)
    assert problems(modelassay) == [("broken", what)]


def test_new_enough_libraries_are_fine(modelassay: Command, around: Any) -> None:
    around({"numpy": "2.0.0", "click": "10.0rc1"})
    assert problems(modelassay) == []


@pytest.mark.usefixtures("around")
def test_a_missing_library_is_broken(modelassay: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata, "requires", lambda _: ["lost[all]>=1", "=broken line"])
    assert problems(modelassay) == [("broken", "lost is not installed")]
    monkeypatch.setattr(metadata, "requires", lambda _: None)
    assert problems(modelassay) == []


def test_a_folder_that_is_not_installed(
    modelassay: Command, around: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def requires(name: str) -> list[str]:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "requires", requires)
    around(version=None)
    ran = modelassay("doctor")
    assert ran.code == 0
    assert "installed as        folder" in ran.out
    assert "is not installed: run from its folder" in ran.out


def test_neighbours_and_what_is_odd_about_them(modelassay: Command, around: Any) -> None:
    around(neighbours=(_neighbour.Neighbour("modelscan", "0.8.8", 28),), editable=True)
    ran = modelassay("doctor")
    assert ran.code == 0
    assert "modelscan 0.8.8, beside us: 28 files" in ran.out
    assert "installed as        editable" in ran.out
    around(neighbours=(_neighbour.Neighbour("modelscan", "0.8.8", 0),))
    ((level, what),) = problems(modelassay)
    assert level == "note"
    assert "editable install of another modelscan" in what


@pytest.mark.parametrize(
    ("fields", "part"),
    [
        ({"elsewhere": Path("/opt/modelscan")}, "not the installed one"),
        ({"version": "0.0.1"}, "installed metadata says 0.0.1"),
        ({"folders": (Path("one"), Path("two"))}, "spread over several folders: one, two"),
    ],
)
def test_other_oddities_are_notes(
    modelassay: Command, around: Any, fields: dict[str, Any], part: str
) -> None:
    around(**fields)
    ((level, what),) = problems(modelassay)
    assert level == "note"
    assert part in what


@pytest.mark.usefixtures("around")
def test_damaged_data_is_broken(modelassay: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone() -> None:
        raise OSError("the index is gone")

    stale = msgspec.structs.replace(catalogue.load(), digest="0" * 64)
    monkeypatch.setattr(catalogue, "load", lambda: stale)
    monkeypatch.setattr(installed, "shared_index", gone)
    assert problems(modelassay) == [
        ("broken", "the compiled rules do not belong to the rule files beside them"),
        ("broken", "the index is gone"),
    ]
    assert modelassay("doctor").code == 2


@pytest.mark.usefixtures("around")
def test_a_cache_that_cannot_be_written_is_noted_where_it_is_needed(
    modelassay: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setattr(examination, "_cache", lambda: tmp_path / "file" / "cache")
    ((level, what),) = problems(modelassay)
    assert level == "note"
    assert "cannot be written" in what
    monkeypatch.setattr(examination, "_prebuilt", lambda _: True)
    assert problems(modelassay) == []


@pytest.mark.usefixtures("around")
def test_a_console_without_unicode(monkeypatch: pytest.MonkeyPatch) -> None:
    class Console:
        encoding = "cp1252"

        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdout", Console())
    monkeypatch.setenv("HF_HOME", "/home/日本")
    found = examination.examine()
    assert [problem.level for problem in found.problems] == ["note"]
    page = "\n".join(doctor._page(found))
    page.encode("cp1252")
    assert "cp1252, a terminal" in page


@pytest.mark.usefixtures("around")
def test_the_home_folder_is_shortened(
    modelassay: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    assert "~/hub" in modelassay("doctor").out

    def homeless() -> Path:
        raise RuntimeError

    monkeypatch.setattr(Path, "home", homeless)
    assert str(tmp_path / "hub") in modelassay("doctor").out
