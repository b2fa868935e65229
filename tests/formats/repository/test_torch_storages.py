from __future__ import annotations

from pathlib import Path

import pytest

from modelscan.api import scan
from modelscan.formats.repository.relator import Facts
from modelscan.formats.repository.torch_storages import StorageRelator
from modelscan.vocabulary.fact import PickleOddity, TorchStorages
from modelscan.vocabulary.location import Location
from tests.forge import pickles
from tests.forge.archives import torch_zip
from tests.forge.pickles import Assembler
from tests.forge.repository import view

RULE = "pickle-storage-mismatch"


def _storages(side: str, member: str = "a/data.pkl", **sizes: int) -> TorchStorages:
    return TorchStorages(
        location=Location("m.pt", member),
        side="asked" if side == "asked" else "held",
        keys=tuple(sizes),
        sizes=tuple(sizes.values()),
    )


def _details(*facts: TorchStorages) -> list[str]:
    found = StorageRelator().relate(view("m.pt"), Facts(facts))
    return [fact.detail for fact in found if isinstance(fact, PickleOddity)]


def test_both_sides_are_compared() -> None:
    held = _storages("held", x=40, y=8)
    assert _details(held, _storages("asked", x=40, y=8, z=9)) == []
    assert _details(held, _storages("asked", x=1, y=1)) == []
    assert _details(held, _storages("asked", "b/data.pkl", x=400)) == []
    assert _details(_storages("asked", x=400)) == []
    assert _details(held, _storages("asked", x=400)) == [
        "storage x is to have 400 bytes and has 40"
    ]
    assert _details(held, _storages("asked", x=400, y=9)) == [
        "storage x is to have 400 bytes and has 40, and 1 more like it"
    ]


@pytest.mark.parametrize(("elements", "code"), [(4, 0), (512, 0), (513, 1), (1 << 40, 1)])
def test_a_checkpoint_is_scanned(tmp_path: Path, elements: int, code: int) -> None:
    file = tmp_path / "model.pt"
    file.write_bytes(torch_zip({"data.pkl": pickles.tensor(4, 1, elements)}))  # data/0: 2,048 bytes
    report = scan(file, jobs=1)
    assert report.decision.exit_code == code
    assert (RULE in {found.rule for found in report.models[0].findings}) == bool(code)


def test_one_storage_of_two_lengths(tmp_path: Path) -> None:
    def asked(out: Assembler, elements: int) -> Assembler:
        out.mark().text("storage").global_("torch", "FloatStorage").text("0").text("cpu")
        return out.number(elements).tuple_().binpersid()

    file = tmp_path / "model.pt"
    same = asked(asked(Assembler(2), 4).pop(), 4).stop()
    file.write_bytes(torch_zip({"data.pkl": same}))
    assert scan(file, jobs=1).decision.exit_code == 0
    differs = asked(asked(Assembler(2), 4).pop(), 500).stop()
    file.write_bytes(torch_zip({"data.pkl": differs}))
    report = scan(file, jobs=1)
    assert [f.rule for f in report.models[0].findings if f.severity == "high"] == [RULE]
