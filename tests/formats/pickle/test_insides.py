"""What is done from the inside is seen in large pickles too, of which stretches are not followed."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.forge import pickle_insides as forge
from tests.forge.pickles import Assembler
from tests.forge.reading import found

STRETCHES = {
    "numbers": b"(" + b"K\x01K\x02" * 200_000 + b"l0",
    "items": b"](" + b"K\x01K\x02" * 200_000 + b"e0",
    "texts": (b"\x8c\x10" + b"a" * 16 + b"0") * 50_000,
}
LIST = Assembler().stack_global("builtins", "list").broken()
CORPUS = forge.failing()["methods-of-a-corpus"][len(LIST) + 3 : -3]
OBJECTS = forge.dtype("O8")
STATE = b"(" + b"".join(forge.plain_state(0)) + b"t"
DERIVATIVE = Assembler().stack_global("sympy.core.function", "Derivative").broken()
FRACTION = Assembler().stack_global("fractions", "Fraction").broken()
FILLED = (
    Assembler().stack_global("scipy.interpolate._rbfinterp", "RBFInterpolator")
    .empty_tuple().newobj().broken()
)  # fmt: skip
ARRAY = Assembler().stack_global("numpy", "ndarray").broken()
LAID = b"(K\x01\x85\x8c\x01OC\x08" + b"A" * 8 + b"t"
EVAL = Assembler().short_text("__import__('os')").tuple1().broken()
INDEX = b"cpandas.core.indexes.base\n_new_Index\ncpandas.core.indexes.base\nIndex\n"
BOOSTER = b"cxgboost.core\nBooster\n"
STORAGE = b"(\x8c\x07storagectorch\nFloatStorage\n\x8c\x010\x8c\x03cpuK\x04tQ"
OPTIMISER = b"ctorch.optim.sgd\nSGD\n)\x81"
STEP = b"\x8c\x14_patch_step_function"
PARTIAL = (
    b"cfunctools\npartial\ncultralytics.nn.tasks\nDetectionModel\n\x85R"
    b"(cultralytics.nn.tasks\nDetectionModel\n)}Ntb"
)
POWER = Assembler().short_text("1e999999999").tuple1().broken()

HIDDEN: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "before": ("pickle-method-run", lambda gap: gap + LIST + CORPUS + b"\x85R"),
    "instance": ("pickle-method-run",
                 lambda gap: CORPUS + b"q\x000" + gap + LIST + b"h\x00\x85R"),
    "both": ("pickle-method-run",
             lambda gap: CORPUS + b"q\x000" + LIST + b"q\x010" + gap + b"h\x01h\x00\x85R"),
    "arguments": ("pickle-method-run",
                  lambda gap: CORPUS + b"\x85q\x000" + LIST + b"q\x010" + gap + b"h\x01h\x00R"),
    "between": ("pickle-method-run", lambda gap: LIST + CORPUS + gap + b"\x85R"),
    "again": ("pickle-method-run",
              lambda gap: LIST + b"q\x01(K\x01t\x85R0" + gap + b"h\x01" + CORPUS + b"\x85R"),
    "after-nothing": ("pickle-method-run",
                      lambda gap: LIST + b"q\x01)R0" + gap + b"h\x01" + CORPUS + b"\x85R"),
    "state-of-an-instance": ("pickle-method-run", lambda gap: FILLED + CORPUS + gap + b"b"),
    "instance-as-a-state": ("pickle-method-run",
                            lambda gap: CORPUS + b"q\x000" + gap + FILLED + b"h\x00b"),
    "both-of-them": ("pickle-method-run",
                     lambda gap: FILLED + b"q\x000" + CORPUS + b"q\x010" + gap + b"h\x00h\x01b"),
    "tuple-of-an-instance": ("pickle-method-run", lambda gap: LIST + CORPUS + b"\x85" + gap + b"R"),
    "tuple-over-the-gap": ("pickle-method-run", lambda gap: LIST + b"(" + gap + CORPUS + b"tR"),
    "dictionary-over-the-gap": ("pickle-method-run",
                                lambda gap: INDEX + b"}(" + gap + b"\x8c\x04data" + CORPUS + b"u\x86R"),
    "called-class": ("pickle-unknown-call",
                     lambda gap: BOOSTER + b"\x8c\x01x\x85" + gap + b"R"),
    "called-class-before": ("pickle-unknown-call",
                            lambda gap: BOOSTER + b"q\x000" + gap + b"h\x00)R"),
    "storage": ("pickle-overwritten-state", lambda gap: STORAGE + gap + b"K\x09K\x01s"),
    "method-put-in-its-place": ("pickle-overwritten-state",
                                lambda gap: OPTIMISER + b"}(" + STEP + gap + PARTIAL + b"ub"),
    "method-before-the-gap": ("pickle-overwritten-state",
                              lambda gap: OPTIMISER + b"}(" + STEP + PARTIAL + gap + b"ub"),
    "type": ("pickle-array-of-addresses", lambda gap: OBJECTS + gap + STATE + b"b"),
    "state": ("pickle-array-of-addresses",
              lambda gap: OBJECTS + b"q\x000" + STATE + b"q\x010" + gap + b"h\x00h\x01b"),
    "laid-over": ("pickle-array-of-addresses",
                  lambda gap: LAID + b"q\x000" + gap + ARRAY + b"h\x00R"),
    "text": ("pickle-unknown-call",
             lambda gap: EVAL + b"q\x000" + gap + DERIVATIVE + b"h\x00\x81"),
    "digits": ("pickle-reference-bomb", lambda gap: POWER + b"q\x000" + gap + FRACTION + b"h\x00R"),
}  # fmt: skip


@pytest.mark.parametrize("stretch", STRETCHES)
@pytest.mark.parametrize("name", HIDDEN)
def test_a_long_stretch_hides_nothing(name: str, stretch: str) -> None:
    rule, program = HIDDEN[name]
    assert rule in found(b"\x80\x04" + program(STRETCHES[stretch]) + b".", "m.pkl")


UNLISTED = {
    "numbers": (b"K\x01K\x02\x86", False),
    "containers": (b"(K\x01](K\x02e}t", False),
    "instances": (b"(" + CORPUS + b"K\x01t", False),
    "storage": (b"((\x8c\x07storagectorch\nFloatStorage\n\x8c\x010\x8c\x03cpuK\x01tQt", False),
    "text": (b"(K\x01](\x8c\x03x()et", True),
    "word": (b"(K\x01](\x8c\x07float64et", False),
    "words": (b"(\x8c\x09import ost", True),
    "bytes": (b"(C\x01xt", False),
    "persistent": (b"(\x8c\x01xQt", True),
    "scalar": (b"(cnumpy.core.multiarray\nscalar\n)Rt", True),
    "crowd": (b"(](" + b"K\x01" * 6000 + b"\x8c\x01xet", True),
    "crowd-of-numbers": (b"(](" + b"K\x01" * 6000 + b"et", False),
    "many-arguments": (b"(" + b"K\x01" * 60 + b"\x8c\x03x.yt", True),
    "table": (
        b"(}(" + b"".join(b"K" + bytes([n]) + b"N" for n in range(99)) + b"K\xff\x8c\x01xut",
        True,
    ),
    "deep": (b"(" + b"](" * 5000 + b"e" * 5000 + b"t", True),
}


@pytest.mark.parametrize("name", UNLISTED)
def test_only_texts_may_be_evaluated(name: str) -> None:
    arguments, told = UNLISTED[name]
    rules = found(b"\x80\x04" + DERIVATIVE + arguments + b"\x81.", "m.pkl")
    assert ("pickle-unknown-call" in rules) == told
    assert ("pickle-unlisted-class" in rules) == (not told)


def test_a_base_that_is_initialised_runs_methods() -> None:
    """`_reconstructor(cls, list, state)` calls `list.__init__(obj, state)`."""
    made = b"ccopyreg\n_reconstructor\n(cbox.box_list\nBoxList\nc__builtin__\nlist\n"
    assert "pickle-method-run" in found(b"\x80\x02" + made + CORPUS + b"tR.", "m.pkl")


def test_what_a_call_returned_is_told_as_a_call() -> None:
    computed = b"coperator\nmethodcaller\n\x8c\x01x\x85R)R"
    rules = found(b"\x80\x04" + LIST + computed + b"\x85R.", "m.pkl")
    assert "pickle-dangerous-call" in rules
    assert "pickle-method-run" not in rules


@pytest.mark.parametrize("items", [b"K\x01" * 200_000, b"K\x01q\x01" * 100_000])
def test_sets_of_many_items_are_quiet(items: bytes) -> None:
    """Protocol 2 writes a set as a call with a list, which may be a stretch that is skipped."""
    data = b"\x80\x02c__builtin__\nset\n](" + items + b"e\x85R."
    assert found(data, "m.pkl").keys() <= {"pickle-present"}
