from __future__ import annotations

import zipfile
from io import BytesIO
from pathlib import Path

import pytest

from modelscan.api import scan
from tests.forge.archives import python_zip
from tests.forge.pickles import Assembler

ORDERED = Assembler(2).global_("collections", "OrderedDict").empty_tuple().reduce().stop()
SOURCE = b"class OrderedDict:\n    pass\n"
RULE = "pickle-packaged-module"


def members(pickled: bytes, **sources: bytes) -> dict[str, bytes]:
    """What `torch.package` writes, with some sources."""
    return {
        "model/model.pkl": pickled,
        ".data/extern_modules": b"torch\n",
        ".data/version": b"6\n",
        ".data/python_version": b"3.11.7",
        **{name.replace("_INIT", "/__init__") + ".py": data for name, data in sources.items()},
    }


def package(pickled: bytes, **sources: bytes) -> bytes:
    found = members(pickled, **sources)
    return python_zip({f"archive/{name}": data for name, data in found.items()})


def judged(target: Path) -> tuple[int, set[str]]:
    report = scan(target, jobs=1)
    return report.decision.exit_code, {found.rule for found in report.models[0].findings}


def of_bytes(folder: Path, data: bytes) -> tuple[int, set[str]]:
    file = folder / "model.pt"
    file.write_bytes(data)
    return judged(file)


def reduced(module: str, name: str, *, numbered: bool = True) -> bytes:
    out = Assembler(2).mark().text("reduce_package")
    if numbered:
        out.number(0)
    return out.global_(module, name).text("x").tuple1().tuple_().binpersid().stop()


@pytest.mark.parametrize("source", ["collections", "collections_INIT"])
def test_a_name_of_a_library_from_the_archive_itself(tmp_path: Path, source: str) -> None:
    code, rules = of_bytes(tmp_path, package(ORDERED, **{source: SOURCE}))
    assert code == 1
    assert RULE in rules


def test_a_folder_is_imported_like_an_archive(tmp_path: Path) -> None:
    for name, data in members(ORDERED, collections=SOURCE).items():
        file = tmp_path / "sub" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    code, rules = judged(tmp_path)
    assert code == 1
    assert RULE in rules
    (tmp_path / "sub" / "collections.py").rename(tmp_path / "collections.py")
    assert judged(tmp_path)[0] == 0


def test_an_archive_inside_another(tmp_path: Path) -> None:
    data = python_zip({"a/inner.pt": package(ORDERED, collections=SOURCE)})
    code, rules = of_bytes(tmp_path, data)
    assert code == 1
    assert RULE in rules


def test_sources_of_other_modules_pass(tmp_path: Path) -> None:
    other = b"import math\n\ndef area(r):\n    return math.pi * r * r\n"
    assert of_bytes(tmp_path, package(ORDERED, helper=other, collectionsx=other))[0] == 0
    assert of_bytes(tmp_path, package(ORDERED))[0] == 0


def test_the_same_sources_in_an_archive_of_another_kind_pass(tmp_path: Path) -> None:
    data = BytesIO()
    with zipfile.ZipFile(data, "w") as out:
        out.writestr("archive/model/model.pkl", ORDERED)
        out.writestr("archive/collections.py", SOURCE)
    assert RULE not in of_bytes(tmp_path, data.getvalue())[1]


@pytest.mark.parametrize("numbered", [True, False])
def test_what_the_importer_is_to_call_is_called(tmp_path: Path, numbered: bool) -> None:
    assert of_bytes(tmp_path, package(reduced("os", "system", numbered=numbered))) == (
        1, {"pickle-dangerous-call", "pickle-present"},
    )  # fmt: skip
    loads = reduced("torch.storage", "_load_from_bytes", numbered=numbered)
    assert of_bytes(tmp_path, package(loads))[0] == 1
    listed = reduced("collections", "OrderedDict", numbered=numbered)
    assert of_bytes(tmp_path, package(listed)) == (0, {"pickle-present"})


def test_a_reference_that_names_nothing_to_call_stays_odd(tmp_path: Path) -> None:
    short = Assembler(2).mark().text("reduce_package").none().tuple_().binpersid().stop()
    assert "pickle-persistent-id" in of_bytes(tmp_path, package(short))[1]
