"""TorchScript archives: what honest ones hold passes, and what reaches files fails."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.budget import Budget
from modelscan.formats import torchscript
from modelscan.formats.reader import Glimpse
from modelscan.vocabulary.artifact import BytesArtifact
from modelscan.vocabulary.fact import GraphOperator
from tests.forge import pickles
from tests.forge.archives import torch_zip
from tests.forge.pickles import Assembler
from tests.forge.reading import fails, quiet

HEADER = "class M(Module):\n  __parameters__ = []\n  def forward(self: __torch__.M,\n    x: Tensor)"
RULE = "torchscript-operator-touches-files"


def script(body: str, **members: bytes) -> bytes:
    """A TorchScript archive whose model runs `body`."""
    code = f"{HEADER} -> Tensor:\n    {body}\n    return x\n"
    data = Assembler(2).global_("__torch__", "M").empty_tuple().newobj().empty_dict().build()
    records = {
        "data.pkl": data.stop(),
        "constants.pkl": Assembler(2).empty_tuple().stop(),
        "code/__torch__.py": code.encode(),
        "code/__torch__.py.debug_pkl": debug_table(),
    }
    extra = {name.replace("__", "."): value for name, value in members.items()}
    return torch_zip({**records, **extra})


def debug_table() -> bytes:
    """Where each line of the code comes from, as torch writes it."""
    out = Assembler(2).global_("torch.jit._pickle", "build_intlist").empty_list().mark()
    out.number(1).number(2).raw(b"e").tuple1().reduce()
    return out.global_("torch.jit._pickle", "restore_type_tag").empty_list().stop()


def seen(code: str) -> list[tuple[str, str]]:
    found = torchscript.operators(code, BytesArtifact("m", b""), Budget())
    return [(f.operator, f.argument) for f in found if isinstance(f, GraphOperator)]


def test_an_honest_script_is_quiet() -> None:
    assert quiet(script("x = torch.relu(x)"), "model.pt")


@pytest.mark.parametrize(
    ("body", "operator", "argument"),
    [
        ('y = torch.from_file("/etc/passwd", False, 100, dtype=0)', "aten::from_file",
         "/etc/passwd"),
        ('torch.save(x, "/home/app/.bashrc")', "aten::save", "/home/app/.bashrc"),
        ("ops.aten.save(x, '/home/app/a')", "aten::save", "/home/app/a"),
        ('torch . save (x, "a\\"b")', "aten::save", 'a\\"b'),
        ("t = torch\n    t.save(x, p)", "aten::save", ""),
        ('y = "#"; torch.save(x, f("a"))', "aten::save", ""),
        ("f = torch.from_file", "aten::from_file", ""),
    ],
)  # fmt: skip
def test_a_script_that_reaches_files_fails(body: str, operator: str, argument: str) -> None:
    assert seen(body) == [(operator, argument)]
    assert RULE in fails(script(body), "model.pt")


@pytest.mark.parametrize(
    "body",
    [
        '_0 = "torch.save(x, 1)"',
        "# torch.save(x, 'a')",
        '_0 = (self.store).save(x, "a")',
        "_0 = (self).from_file(x)",
        "_0 = __torch__.tools.save(x, )",
        "_0 = torch.save_mask(x)",
        "_0 = items[0].save(x)",
    ],
)
def test_what_merely_has_such_a_name(body: str) -> None:
    assert seen(body) == []


def test_code_beside_that_of_the_model() -> None:
    member = "archive/code/other/mod.py"
    assert torchscript.is_source(member)
    assert not torchscript.is_source("archive/data.pkl")
    assert not torchscript.is_source("code.py")


@pytest.mark.parametrize(("name", "bad"), [("save", True), ("from_file", True), ("relu", False)])
def test_operators_of_a_model_for_phones(name: str, bad: bool) -> None:
    table = Assembler(2).empty_list().text(f"aten::{name}").raw(b"a").stop()
    assert (RULE in fails(script("pass", bytecode__pkl=table), "model.ptl")) == bad


def test_a_name_across_two_pieces() -> None:
    data = b"\0" * ((1 << 20) - 6) + b"aten::save\0"
    reader = torchscript.BytecodeReader()
    artifact = BytesArtifact("bytecode.pkl", data)
    assert reader.format == "torchscript bytecode"
    assert reader.recognises(Glimpse(artifact))
    assert len(list(reader.read(artifact, Budget()))) == 1


def test_types_of_a_script_mean_nothing_elsewhere() -> None:
    own = Assembler(2).global_("__torch__", "M").empty_tuple().newobj().stop()
    assert fails(own, "model.pkl") == ["pickle-own-class"]
    assert fails(torch_zip({"other.pkl": own}), "model.pt") == ["pickle-own-class"]
    assert quiet(torch_zip({"data.pkl": own, "constants.pkl": own}), "model.pt")


@pytest.mark.parametrize("member", ["data.pkl", "constants.pkl", "code/__torch__.py.debug_pkl"])
def test_pickles_of_a_script_are_pickles(member: str) -> None:
    payload = pickles.call("os", "system", "echo hi").stop()
    members = {"constants.pkl": b"\x80\x02).", "data.pkl": b"\x80\x02).", member: payload}
    assert "pickle-dangerous-call" in fails(torch_zip(members), "model.pt")


@pytest.mark.parametrize("function", ["restore_type_tag", "build_intlist"])
def test_a_name_handed_through_is_still_that_name(function: str) -> None:
    through = Assembler(2).global_("torch.jit._pickle", function)
    called = through.global_("torch", "Tensor").tuple1().reduce()
    listed = Assembler(2).global_("torch.jit._pickle", function).empty_tuple().reduce()
    assert quiet(listed.stop(), "m.pkl")
    overwritten = called.empty_dict().text("a").none().setitem().build().stop()
    assert "pickle-overwritten-state" in fails(overwritten, "m.pkl")
    unknown = Assembler(2).global_("torch.jit._pickle", function).global_("acme", "f").tuple1()
    assert fails(unknown.reduce().text("x").tuple1().reduce().stop(), "m.pkl")


@given(st.text(alphabet="torchsavefm_il.()\"'#\\ \n", max_size=60))
@settings(max_examples=200, deadline=None)
def test_any_code(code: str) -> None:
    seen(code)
