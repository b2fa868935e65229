"""What instances are given is seen in large pickles too, and told as one cause."""

from __future__ import annotations

import pytest

from tests.forge import pickle_given as forge
from tests.forge.pickles import Assembler
from tests.forge.reading import fails, found

GAP = b"(" + b"K\x01K\x02" * 100_000 + b"l0"
BAD = forge.failing()
FRAME = Assembler(4).stack_global("pandas.core.frame", "DataFrame").empty_tuple().newobj().broken()
DATA = (
    Assembler(4).stack_global("torch_geometric.data.data", "Data").empty_tuple().newobj().broken()
)
CALLED = b"cultralytics.nn.tasks\nDetectionModel\n"
KERNEL = Assembler(4).stack_global("sklearn.gaussian_process.kernels", "RBF").empty_tuple()
OPENED = KERNEL.newobj().broken()


@pytest.mark.parametrize("name", BAD)
def test_a_stretch_before_it_hides_nothing(name: str) -> None:
    assert fails(b"\x80\x04" + GAP + BAD[name][2:], "m.pkl") == fails(BAD[name], "m.pkl")


@pytest.mark.parametrize(
    ("rule", "data"),
    [
        ("pickle-method-run", DATA + b"q\x000" + GAP + b"h\x00K\x01K\x01s."),
        ("pickle-method-run", DATA + GAP + b"K\x01K\x01s."),
        ("pickle-method-run", DATA + b"(" + GAP + b"K\x01K\x01u."),
        ("pickle-method-run", DATA + b"K\x01K\x01s" + GAP + b"0."),
        ("pickle-method-run", FRAME + b"q\x000" + GAP + b"h\x00" + CALLED + b"K\x01s."),
        ("pickle-method-run", FRAME + GAP + CALLED + b"K\x01s."),
        ("pickle-method-run", CALLED + b"q\x010" + FRAME + GAP + b"h\x01K\x01s."),
        ("pickle-method-run", FRAME + CALLED + GAP + b"K\x01s."),
        ("pickle-overwritten-state", OPENED + b"N}\x8c\x05thetaK\x01s\x86" + GAP + b"b."),
        ("pickle-overwritten-state", OPENED + b"q\x000" + GAP + b"h\x00N}\x8c\x05thetaK\x01s\x86b."),
        ("pickle-overwritten-state", OPENED + b"N}\x8c\x05thetaK\x01sq\x01" + GAP + b"\x86b."),
    ],
    ids=["fetched", "items", "many", "before", "calls", "named", "kept", "key", "state", "instance", "slots"],
)  # fmt: skip
def test_a_stretch_within_it_hides_nothing(rule: str, data: bytes) -> None:
    assert rule in found(data, "m.pkl")


@pytest.mark.parametrize(
    "state",
    [
        b"N}\x86",  # no slots
        b"N]\x8c\x05thetaa\x86",  # no dictionary
        b"K\x01}\x8c\x05thetaK\x01s\x86",  # no attributes
        b"N}\x8c\x05thetaK\x01sN\x87",  # no pair
        b"}\x8c\x05thetaK\x01s",  # attributes alone
    ],
)
def test_other_states_are_no_slots(state: bytes) -> None:
    assert not fails(OPENED + state + b"b.", "m.pkl")


def test_slots_of_what_nobody_knows_are_left_alone() -> None:
    own = Assembler(4).stack_global("acme", "Model").empty_tuple().newobj().broken()
    told = found(own + b"N}\x8c\x05thetaK\x01s\x86b.", "m.pkl")
    assert "pickle-overwritten-state" not in told


def test_a_hash_of_other_classes_is_left_alone() -> None:
    metric = BAD["given-as-a-key"][2:].partition(b"}")[2]
    keys = Assembler(4).empty_dict().raw(metric[:-4]).pop()
    assert not fails(keys.number(1).number(2).tuple2().number(1).setitem().stop(), "m.pkl")


def test_a_metric_in_a_list_is_not_hashed() -> None:
    made = b"ctorchmetrics.aggregation\nSumMetric\n)\x81}b"
    assert not fails(b"\x80\x02](" + made + b"K\x01e.", "m.pkl")
    nested = b"}(K\x01" + made + b"K\x02](" + made + b"eu."
    assert not fails(b"\x80\x02" + nested, "m.pkl")
