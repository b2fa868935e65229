"""Pickles that are spelt as text in JSON: agents of Stable-Baselines3, experiments of Ray Tune."""

from __future__ import annotations

import base64
import io
import json
import pickle
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.api import scan
from modelscan.budget import Budget
from modelscan.errors import BudgetError, ReadError
from modelscan.formats.pickled_json import PickledJsonReader
from modelscan.vocabulary.artifact import BytesArtifact
from modelscan.vocabulary.coverage import Coverage
from tests.forge import code_objects
from tests.forge.pickles import Assembler, call
from tests.forge.reading import found

PAYLOAD = call("os", "system", "echo hi").stop()
BAD = "pickle-dangerous-call"
SCHEDULE = "stable_baselines3.common.utils"


def serialised(data: bytes) -> dict[str, str]:
    return {":type:": "<class 'x'>", ":serialized:": base64.b64encode(data).decode()}


def agent(**values: Any) -> bytes:
    """A zip as `BaseAlgorithm.save` writes it, without its tensors."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        archive.writestr("data", json.dumps({"verbose": 1, "gamma": 0.99, **values}))
        archive.writestr("_stable_baselines3_version", "2.3.2")
        archive.writestr("system_info.txt", "- OS: Linux")
    return whole.getvalue()


def fallback(data: bytes) -> dict[str, str]:
    return {"_type": "CLOUDPICKLE_FALLBACK", "value": data.hex()}


def schedule() -> bytes:
    """An instance as version 2.9 keeps it."""
    made = Assembler(4).stack_global(SCHEDULE, "FloatSchedule").empty_tuple().newobj()
    made.empty_dict().short_text("value_schedule")
    made.stack_global(SCHEDULE, "ConstantSchedule").empty_tuple().newobj()
    return made.empty_dict().short_text("val").number(3).setitem().build().setitem().build().stop()


def function(code: bytes = b"\x88\0S\0") -> bytes:
    """The function that versions before kept, as Python 3.8 wrote it."""
    arguments = (1, 0, 0, 1, 1, 19, code, (None,), (), ("_",), "/x/utils.py", "func", 150, b"\0\1")
    names = code_objects.Name("cloudpickle.cloudpickle", "_builtin_type")
    kind, maker = (code_objects.Made(names, (name,)) for name in ("CodeType", "LambdaType"))
    made = code_objects.Made(kind, (*arguments, ("val",), ()))
    scope = {"__package__": "stable_baselines3.common", "__name__": SCHEDULE, "__file__": "/x.py"}
    cell = code_objects.cell(0.0003)
    whole = code_objects.Made(maker, (made, scope, None, None, (cell,)))
    setter = code_objects.Name("cloudpickle.cloudpickle_fast", "_function_setstate")
    state: Any = ({}, code_objects.cloud_state(__closure__=(cell,)))
    calls = (code_objects.Made(setter, (code_objects.Again(), state)),)
    return code_objects.pickled(code_objects.Then(whole, calls))


@pytest.mark.parametrize("key", ["policy_class", "lr_schedule", "a/b", ""])
def test_a_setting_that_is_a_pickle_is_read(tmp_path: Path, key: str) -> None:
    (tmp_path / "agent.zip").write_bytes(agent(**{key: serialised(PAYLOAD)}))
    report = scan(tmp_path / "agent.zip", jobs=1)
    assert report.decision.exit_code == 1
    [finding] = [item for item in report.models[0].findings if item.severity != "info"]
    assert (finding.rule, finding.location.file) == (BAD, "agent.zip")
    assert finding.location.member is not None
    assert finding.location.member.startswith("data!")
    assert "os.system" in finding.message


@pytest.mark.parametrize(
    "text",
    [
        '{"x": {"\\u003aserialized:": "%s"}}',
        '\n{"x": {":serialized:": "%s", ":serialized:": ""}}',
        '{"x": {":serialized:": "", ":serialized:": "%s"}}',
        '{"x": {"y": [{":serialized:": "%s"}]}}',
        '\ufeff{"x": {":serialized:": "%s"}}',
    ],
    ids=["escaped", "shadowed", "shadowing", "deeper", "marked"],
)
def test_a_pickle_is_found_however_it_is_spelt(text: str) -> None:
    data = text % base64.b64encode(PAYLOAD).decode()
    assert BAD in found(data.encode(), "data")


def test_spaces_in_the_text_hide_nothing() -> None:
    spelt = " \n".join(base64.b64encode(PAYLOAD).decode())
    assert BAD in found(json.dumps({"x": {":serialized:": spelt}}).encode(), "data")
    values = {"x": {"_type": "CLOUDPICKLE_FALLBACK", "value": PAYLOAD.hex(" ")}}
    assert BAD in found(json.dumps(values).encode(), "params.json")


@pytest.mark.parametrize(
    "value",
    [
        {"a": fallback(PAYLOAD)},
        {"trials": [[json.dumps({"config": fallback(PAYLOAD)}), "{}"]]},
        {"trials": [json.dumps({"a": [fallback(pickle.dumps(1)), fallback(PAYLOAD)]})]},
    ],
)
def test_an_experiment_of_ray_is_read(value: object) -> None:
    assert BAD in found(json.dumps(value).encode(), "experiment_state-2024.json")


def test_a_large_table_is_read_piece_by_piece() -> None:
    values: dict[str, Any] = {"last": [[index] for index in range(300_000)]}
    values["policy_class"] = serialised(PAYLOAD)
    reader, budget = PickledJsonReader(), Budget()
    [item] = reader.read(BytesArtifact("data", json.dumps(values).encode()), budget)
    assert isinstance(item, BytesArtifact)
    assert item.read_at(0, 99) == PAYLOAD
    values["trials"] = json.dumps({"a": fallback(PAYLOAD)})
    with pytest.raises(BudgetError):
        list(reader.read(BytesArtifact("data", json.dumps(values).encode()), budget))


def test_agents_as_they_are_saved_pass(tmp_path: Path) -> None:
    space = Assembler(4).stack_global("gymnasium.spaces.discrete", "Discrete").empty_tuple()
    space.newobj().empty_dict().short_text("n").number(2).setitem().build()
    policy = Assembler(4).stack_global("stable_baselines3.common.policies", "ActorCriticPolicy")
    (tmp_path / "agent.zip").write_bytes(
        agent(
            policy_class=serialised(policy.stop()),
            action_space=serialised(space.stop()),
            lr_schedule=serialised(schedule()),
            clip_range=serialised(function()),
        )
    )
    report = scan(tmp_path / "agent.zip", jobs=1)
    assert report.decision.exit_code == 0
    assert {item.severity for item in report.models[0].findings} <= {"info"}


def test_a_function_with_other_code_fails() -> None:
    assert BAD in found(agent(lr_schedule=serialised(function(b"\x88\1S\0"))), "agent.zip")


@pytest.mark.parametrize("value", [1, None, "A", [], {"a": 1}])
def test_what_cannot_be_decoded_is_a_gap(value: object) -> None:
    data = json.dumps({"x": {":serialized:": value}}).encode()
    [gap] = PickledJsonReader().read(BytesArtifact("data", data), Budget())
    assert isinstance(gap, Coverage)
    assert (gap.status, gap.needed) == ("unreadable", True)


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b'{"a": 1}', "data"),
        (json.dumps({"a": {":serialized:": "gASVAAAA"}}).encode(), "config.json"),
        (json.dumps({"note": "CLOUDPICKLE_FALLBACK", "_type": "x"}).encode(), "notes.json"),
        (b"{}", "data"),
    ],
)
def test_other_documents_are_quiet(data: bytes, name: str) -> None:
    assert not found(data, name).keys() - {"json-not-utf8"}


@pytest.mark.parametrize("data", [b"[1]", b"plain", b"", b"\x80\x04N.", b'"{}"'])
def test_other_files_of_that_name_are_not_recognised(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "data").write_bytes(data)
    formats = [item.format for item in scan(tmp_path / "data", jobs=1).models[0].files]
    assert "json with pickles" not in formats


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_end(data: bytes) -> None:
    with suppress(ReadError):
        list(PickledJsonReader().read(BytesArtifact("data", b"{" + data), Budget()))
