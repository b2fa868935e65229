"""Formulas that statsmodels evaluates when a fitted model is loaded."""

from __future__ import annotations

import pytest

from modelscan.formats.pickle.formulas import is_plain
from tests.forge.pickles import Assembler
from tests.formats.pickle.test_special_calls import bad


@pytest.mark.parametrize(
    "formula",
    [
        "y ~ x", "y ~ a + C(s) + np.log(b + 1) + bs(c, df=4)", "y ~ a * b - 1", "y ~ 0 + a:b",
        "Lottery ~ Literacy + Wealth + C(Region)", "np.log(price) ~ I(area ** 2) + open",
        "y ~ C(s, Treatment(reference='a b'))", 'Q("total income") ~ Q("years (all)")',
        "`a b` ~ x", "y ~ numpy.sqrt(x) | g", "y ~ poly(x, 3)\n + 1.5", "~ id + type",
    ],
)  # fmt: skip
def test_formulas_are_plain(formula: str) -> None:
    assert is_plain(formula)


@pytest.mark.parametrize(
    "formula",
    [
        "y ~ __import__('os').system('id')", "y ~ exec('x')", "y ~ eval(x)", "y ~ (exec)('x')",
        "y ~ max(x, key=exec)", "y ~ hashed(x, hash_func=exec)", "y ~ C(x, exec)",
        "y ~ I([f for f in x])", "y ~ np.load(x)", "y ~ np.log.reduce(x)", "y ~ x.system",
        "y ~ I(f'{x}')", 'y ~ I("""x""")', "y ~ C(x)(y)", "y ~ I(lambda: 1)", "y ~ {x}",
        "y ~ x @ z", "y ~ C(x)[0]", "y ~ os . system (x)", "y ~ I(x if y else z)", "y ~ 'a' 'b\\''",
        "y ~ np.log(x) # '", "y ~ \uff45\uff58ec(x)",
    ],
)  # fmt: skip
def test_code_is_no_formula(formula: str) -> None:
    assert not is_plain(formula)


def fitted(formula: Assembler) -> list[str]:
    out = Assembler(2).global_("statsmodels.base.data", "PandasData").empty_tuple().newobj()
    out.empty_dict().text("formula").raw(formula.broken()).setitem()
    return bad(out.text("restore_design_info").true().setitem().build())


def test_a_formula_in_a_fitted_model_is_judged() -> None:
    assert fitted(Assembler().text("y ~ C(x)")) == []
    assert fitted(Assembler().none()) == []
    assert fitted(Assembler().text("y ~ " + " + ".join(f"column_{n}" for n in range(400)))) == []
    denied = ["statsmodels.base.data.PandasData"]
    assert fitted(Assembler().text("y ~ exec(x)")) == denied
    assert fitted(Assembler().text("y ~ x" + " + x" * 400 + " + exec(x)")) == denied
    assert fitted(Assembler().number(1)) == denied
    assert fitted(Assembler().global_("numpy", "str_").text("y ~ x").tuple1().reduce()) == denied


def test_a_formula_behind_many_attributes_is_found() -> None:
    out = Assembler(2).global_("statsmodels.base.data", "PandasData").empty_tuple().newobj()
    out.empty_dict().mark()
    for index in range(400):
        out.text(f"a{index}").number(1)
    out.text("formula").text("y ~ exec(x)").setitems().build()
    assert bad(out) == ["statsmodels.base.data.PandasData"]
