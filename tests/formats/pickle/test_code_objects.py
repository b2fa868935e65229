"""Functions that a pickle holds as code: those that are known pass, and nothing like them does."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.budget import Budget
from modelscan.formats.pickle.code_digest import Digest, code_digest
from modelscan.formats.pickle.reader import PickleReader
from modelscan.vocabulary.artifact import Artifact, BytesArtifact
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import Fact, PickleCall, PickleImport, PickleOddity
from tests.forge import code_objects as forge
from tests.forge.code_objects import Made, Name, Set

SYSTEM = Name("os", "system")
RUN = Made(SYSTEM, ("id",))


def read(data: bytes, disposition: str = "nested") -> list[Fact | Artifact | Coverage]:
    reader = PickleReader(forge.names(disposition))
    return list(reader.read(BytesArtifact("model.pkl", data), Budget()))


def bad(data: bytes, disposition: str = "nested") -> list[str]:
    """What the default policy fails."""
    found = []
    for item in read(data, disposition):
        if isinstance(item, PickleCall):
            found += [item.callable] if item.disposition in {"denied", "unknown"} else []
        elif isinstance(item, PickleImport):
            found += [item.callable] if item.disposition == "denied" and not item.called else []
        elif isinstance(item, PickleOddity):
            found.append(item.kind)
        elif isinstance(item, Coverage):
            found.append(item.status)
    return found


@pytest.mark.parametrize("data", [forge.cloud(), forge.dilled()])
def test_known_code_is_the_function_that_it_is_of(data: bytes) -> None:
    assert bad(data) == []
    nested = [item for item in read(data) if isinstance(item, BytesArtifact)]
    assert [item.read_at(0, 9) for item in nested] == [b"\x80\x04N."]


@pytest.mark.parametrize("disposition", ["unknown", "denied", "data-class"])
@pytest.mark.parametrize("data", [forge.cloud(), forge.dilled()])
def test_the_list_decides_about_known_functions(data: bytes, disposition: str) -> None:
    assert f"{forge.MODULE}.{forge.FUNCTION}" in bad(data, disposition)


def test_known_code_may_come_from_any_file_and_line() -> None:
    moved = forge.arguments(filename="/other/saving.py", line=99)
    assert bad(forge.cloud(moved)) == bad(forge.dilled(moved)) == []


@pytest.mark.parametrize(
    "changed",
    [
        {"argcount": 1}, {"posonly": 1}, {"kwonly": 1}, {"nlocals": 2}, {"stacksize": 5},
        {"flags": 67}, {"argcount": True},
        {"code": forge.CODE[:-1] + b"\1"}, {"code": forge.CODE[:-1]}, {"code": "text"},
        {"code": b"\x97\x00" * 40_000},
        {"consts": (None, 0, True, "1", b"1", (1, ("safe_mod",)))},
        {"consts": (None, 0, 1, "1", b"1", (1, ("safe_mode",)))},
        {"consts": (None, False, True, "1", b"1", (1, ("safe_mode",)))},
        {"consts": (None, 0, True, b"1", b"1", (1, ("safe_mode",)))},
        {"consts": (None, 0, True, "1", "1", (1, ("safe_mode",)))},
        {"consts": (None, 0, True, "1", b"1", (1.0, ("safe_mode",)))},
        {"consts": (None, 0, True, "1", b"1", [1, ("safe_mode",)])},
        {"consts": (None, 0, True, "1", b"1", 1, ("safe_mode",))},
        {"consts": (*forge.CONSTANTS, None)}, {"consts": forge.CONSTANTS[:-1]}, {"consts": None},
        {"consts": (*forge.CONSTANTS[:-1], RUN)}, {"consts": (*forge.CONSTANTS[:-1], SYSTEM)},
        {"consts": ((((((((((1,),),),),),),),),),)}, {"consts": (("x",) * 100,) * 100},
        {"names": tuple(f"part{n}" for n in (*range(19), 18))}, {"names": ("x",) * 3000},
        {"varnames": ("cls", "file", "os")}, {"freevars": ("os",)}, {"cellvars": ("os",)},
        {"name": "_restored"}, {"qualname": "_restore"}, {"lines": b""}, {"exceptions": b"\0"},
        {"filename": b"saving.py"}, {"line": None},
    ],
)  # fmt: skip
def test_other_code_is_denied(changed: dict[str, object]) -> None:
    code = forge.arguments(**changed)
    assert "types.CodeType" in bad(forge.cloud(code))
    assert "dill._dill._create_code" in bad(forge.dilled(code))


def test_code_with_a_name_that_is_no_text_is_denied() -> None:
    data = forge.cloud()
    assert bad(data.replace(b"_restore", b"_rest\xffre")) != []
    assert bad(data.replace(b"X\x05\0\0\0part7", b"X\x05\0\0\0par\xff7")) != []


def test_code_with_too_few_or_too_many_parts_is_denied() -> None:
    for code in (forge.arguments()[:-1], (*forge.arguments(), ()), (), (*forge.arguments(),) * 9):
        assert "types.CodeType" in bad(forge.cloud(code or (1,)))


DICT = Made(Name("collections", "OrderedDict"), ())
EVIL = {"__import__": SYSTEM}


@pytest.mark.parametrize(
    "scope",
    [
        {**forge.SCOPE, "__builtins__": EVIL}, {**forge.SCOPE, "lib": SYSTEM},
        {**forge.SCOPE, "__name__": DICT}, DICT, Name("library.models", "__dict__"), Name("builtins", "__dict__"),
        Name(forge.MODULE, "Saveable"), None, [], SYSTEM,
        {f"name{n}": "x" for n in range(200)}, {1: "x"},
    ],
)  # fmt: skip
def test_functions_with_other_globals_are_denied(scope: object) -> None:
    assert "cloudpickle.cloudpickle._make_function" in bad(forge.cloud(scope=scope))
    assert "dill._dill._create_function" in bad(forge.dilled(scope=scope))


@pytest.mark.parametrize(
    "rest",
    [
        (SYSTEM, None, None), (1, None, None), (None, (SYSTEM,), None), (None, (1,), None),
        (None, None, (RUN,)), (None, None, None, {"x": SYSTEM}), (None, None, None, None, {"a": 1}),
        (None, RUN, None), (),
    ],
)  # fmt: skip
def test_functions_with_defaults_or_a_closure_are_denied(rest: tuple[object, ...]) -> None:
    assert "cloudpickle.cloudpickle._make_function" in bad(forge.cloud(rest=rest))
    assert "dill._dill._create_function" in bad(forge.dilled(rest=rest))


@pytest.mark.parametrize("value", [(), (1,), (2.5,), (None,), (True,), ("text",)])
def test_a_closure_of_constants_is_harmless(value: tuple[object, ...]) -> None:
    closed = (forge.cell(*value),)
    slots = forge.cloud_state(__closure__=closed)
    assert bad(forge.cloud(rest=("_restore", None, closed), slots=slots)) == []
    assert bad(forge.older(closed)) == []


def test_a_closure_may_hold_another_known_function() -> None:
    inner = forge.older()[2:-1]
    data = forge.older((forge.cell("text"),))
    text = forge.pickled("text")[2:-1]
    assert text in data
    assert bad(data.replace(text, inner)) == []


@pytest.mark.parametrize("value", [(SYSTEM,), (RUN,), (forge.MODEL,), ((1,),), (1, 2)])
def test_a_closure_of_anything_else_is_denied(value: tuple[object, ...]) -> None:
    assert "cloudpickle.cloudpickle._make_cell" in bad(forge.older((forge.cell(*value),)))


def test_what_a_cell_holds_is_not_changed_later() -> None:
    cell = Set(forge.cell(1), (None, {"cell_contents": forge.MODEL}))
    assert "overwritten-state" in bad(forge.older((cell,)))


def test_a_closure_is_made_of_cells() -> None:
    for closure in ((1,), (forge.MODEL,), (Made(Name("collections", "OrderedDict"), ()),)):
        assert "types.FunctionType" in bad(forge.older(closure))


def test_other_code_is_denied_in_old_layouts_too() -> None:
    assert "types.CodeType" in bad(forge.older(code=b"\x97\x00"))


@pytest.mark.parametrize(
    ("types", "quiet"),
    [({"a": Name("builtins", "bytes")}, True), ({"a": SYSTEM}, False), ({"a": RUN}, False),
     ({"a": "text"}, False), (1, False)],
)  # fmt: skip
def test_annotations_name_classes(types: object, *, quiet: bool) -> None:
    assert (bad(forge.cloud(slots=forge.cloud_state(__annotations__=types))) == []) == quiet


@pytest.mark.parametrize(
    "slots",
    [
        {"__code__": RUN}, {"__defaults__": (SYSTEM,)}, {"__kwdefaults__": {"a": SYSTEM}},
        {"__closure__": (RUN,)}, {"__globals__": {"lib": SYSTEM}}, {"__annotations__": {"a": RUN}},
        {"__wrapped__": SYSTEM}, {"__name__": SYSTEM}, {"__doc__": 1}, {1: 2},
        {"_cloudpickle_submodules": [SYSTEM]}, {f"x{n}": 1 for n in range(99)},
    ],
)  # fmt: skip
def test_functions_with_other_attributes_are_denied(slots: dict[Any, Any]) -> None:
    changed = {**forge.cloud_state(), **slots}
    assert "cloudpickle.cloudpickle._function_setstate" in bad(forge.cloud(slots=changed))
    state: Any = ({}, {"__annotations__": {}, **slots})
    assert "overwritten-state" in bad(forge.dilled(state=state))


@pytest.mark.parametrize("state", [{"x": SYSTEM}, {"__call__": 1}, 1, None, ({},), ({}, None)])
def test_functions_with_a_state_of_their_own_are_denied(state: object) -> None:
    assert "overwritten-state" in bad(forge.dilled(state=state))
    if isinstance(state, dict):
        assert bad(forge.cloud(attributes=state))


def test_attributes_are_set_on_known_functions_alone() -> None:
    setter = Name("cloudpickle.cloudpickle", "_function_setstate")
    for target in (forge.MODEL, SYSTEM, None):
        data = forge.pickled(Made(setter, (target, ({}, forge.cloud_state()))))
        assert "cloudpickle.cloudpickle._function_setstate" in bad(data)


@pytest.mark.parametrize("instance", [SYSTEM, Name("thing", "Model"), None, RUN])
def test_methods_of_known_code_belong_to_listed_classes(instance: object) -> None:
    assert bad(forge.cloud(instance=instance))


def test_a_method_of_a_denied_function_stays_denied() -> None:
    data = forge.pickled(Made(Made(forge.METHOD, (SYSTEM, forge.MODEL)), ("id",)))
    assert "os.system" in bad(data)


def test_code_is_made_by_its_maker_alone() -> None:
    """Not by something that was handed the same arguments, nor by a type under a computed name."""
    assert bad(forge.cloud(type_=SYSTEM))
    assert bad(forge.cloud(type_=Made(Name("builtins", "getattr"), (SYSTEM, "CodeType"))))


def test_a_maker_that_is_kept_is_stated() -> None:
    """Called in a harmless way before, it would be no less useful to whoever finds it later."""
    keeps = {"model": forge.MODEL, "maker": Name("cloudpickle.cloudpickle", "_make_function")}
    both = forge.cloud()[:-1] + forge.pickled(keeps)
    assert "cloudpickle.cloudpickle._make_function" in bad(both)


def test_bytes_of_protocol_2_are_known_as_well() -> None:
    encoded = Made(Name("_codecs", "encode"), (forge.CODE.decode("latin-1"), "latin1"))
    empty = Made(Name("builtins", "bytes"), ())
    assert bad(forge.cloud(forge.arguments(code=encoded, exceptions=empty))) == []
    other = Made(Name("builtins", "bytes"), (3,))
    assert bad(forge.cloud(forge.arguments(code=encoded, exceptions=other)))
    hidden = forge.pickled(other)[2:-1]
    computed = Made(Name("collections", "OrderedDict"), (b"\0",))
    data = forge.cloud(forge.arguments(exceptions=other))
    assert hidden in data
    starred = b"".join(forge.pickled(part)[2:-1] for part in (other.function, computed)) + b"R"
    assert bad(data.replace(hidden, starred))


_CONSTANTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=4).map(tuple),
    max_leaves=8,
)


def _typed(value: object) -> object:
    return (
        (type(value), tuple(map(_typed, value)))
        if isinstance(value, tuple)
        else (type(value), value)
    )


@settings(max_examples=200, deadline=None)
@given(_CONSTANTS, _CONSTANTS)
def test_digests_differ_as_constants_do(first: object, second: object) -> None:
    digests = [code_digest(forge.arguments(consts=consts)) for consts in (first, second)]
    assert (digests[0] == digests[1]) == (_typed(first) == _typed(second))


def test_a_code_object_inside_counts_by_its_digest() -> None:
    inner = code_digest(forge.arguments())
    with_inner = code_digest(forge.arguments(consts=(Digest(inner),)))
    assert with_inner not in {inner, code_digest(forge.arguments(consts=(inner,)))}
