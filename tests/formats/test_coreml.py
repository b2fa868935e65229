from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.budget import Budget
from modelscan.errors import ReadError
from modelscan.formats.coreml import CoremlReader
from modelscan.vocabulary.artifact import BytesArtifact
from modelscan.vocabulary.fact import ActiveContent
from tests.forge import reading
from tests.forge.protobuf import data, number

CLASS = data(10, "Mine")
CUSTOM = data(1, data(1, "layer") + data(500, CLASS))
PLAIN = data(1, data(1, "layer") + data(140, number(1, 3)))
WEIGHTS = "@model_path/weights/weight.bin"


def _found(message: bytes, name: str = "m.mlmodel") -> list[tuple[str, str]]:
    items = CoremlReader().read(BytesArtifact(name, message), Budget())
    return [(item.kind, item.name) for item in items if isinstance(item, ActiveContent)]


def _names(message: bytes) -> list[str]:
    return [name for _, name in _found(message)]


def _blob(path: str) -> bytes:
    """A value in a file."""
    return data(5, data(1, path) + number(2, 64))


def _text(value: str) -> bytes:
    """A value that is text."""
    return data(3, data(1, data(4, data(1, value))))


def _operation(kind: str, *, inside: bytes = b"", **attributes: bytes) -> bytes:
    entries = (data(5, data(1, key) + data(2, value)) for key, value in attributes.items())
    return data(3, data(1, kind) + b"".join(entries) + inside)


def _program(*operations: bytes) -> bytes:
    block = data(2, "out") + b"".join(operations)
    function = data(2, "CoreML6") + data(3, data(1, "CoreML6") + data(2, block))
    return number(1, 7) + data(502, number(1, 1) + data(2, data(1, "main") + data(2, function)))


def _argument(value: bytes) -> bytes:
    """An operation's input that is a constant."""
    return data(2, data(1, "x") + data(2, data(1, data(2, value))))


def _linked(name: str, folders: str = "") -> bytes:
    return data(556, data(1, data(1, data(1, name)) + data(2, data(1, folders))))


@pytest.mark.parametrize(
    "message",
    [
        data(500, CUSTOM),
        data(303, PLAIN + CUSTOM),
        data(403, CUSTOM),
        data(555, CLASS),
        data(202, data(1, data(500, CUSTOM))),
        data(200, data(1, data(1, data(555, CLASS)))),
        data(201, data(1, data(1, data(500, CUSTOM)))),
        data(500, data(1, data(605, data(1, CUSTOM)))),
        data(500, data(1, data(605, data(2, CUSTOM)))),
        data(500, data(1, data(615, data(2, "a name") + data(4, CUSTOM)))),
        _program(_operation("custom_layer", class_name=_text("Mine"))),
        _program(
            _operation("cond", inside=data(4, _operation("custom_layer", class_name=_text("Mine"))))
        ),
    ],
)
def test_custom_code_fails_wherever_it_stands(message: bytes) -> None:
    assert _names(number(1, 4) + message) == ["Mine"]
    assert reading.fails(number(1, 4) + message, "m.mlmodel") == ["coreml-custom-code"]


def test_a_name_is_stated_once() -> None:
    assert _names(data(500, CUSTOM * 3)) == ["Mine"]
    assert _names(data(202, data(1, data(3, "x")) + data(1, data(200, data(7, "x"))))) == []


def test_a_custom_model_without_a_name_is_stated() -> None:
    assert _names(data(555, b"")) == [""]
    assert _names(_program(_operation("custom_layer"))) == ["custom_layer"]


@pytest.mark.parametrize(
    "value",
    [
        _blob("@model_path/../../secret"),
        _blob("/etc/passwd"),
        data(3, data(3, data(1, _blob("/etc/passwd")))),
        data(3, data(2, data(1, _text("a")) + data(1, _blob("../x")))),
        data(3, data(4, data(1, data(1, _text("k")) + data(2, _blob("C:\\x"))))),
        data(3, data(4, data(1, data(1, _blob("//host/x"))))),
    ],
)
@pytest.mark.parametrize("as_input", [True, False])
def test_values_in_a_file_elsewhere_fail(value: bytes, as_input: bool) -> None:
    operation = (
        _operation("const", inside=_argument(value)) if as_input else _operation("const", val=value)
    )
    assert [kind for kind, _ in _found(_program(operation))] == ["include"]
    assert reading.fails(_program(operation), "m.mlmodel") == ["format-reads-other-file"]


@pytest.mark.parametrize(
    "message",
    [_linked("../other.mlmodelc"), _linked("m.mlmodelc", ".:/tmp/models"), _linked("/m.mlmodelc")],
)
def test_a_linked_model_elsewhere_fails(message: bytes) -> None:
    assert [kind for kind, _ in _found(number(1, 4) + message)] == ["include"]


@pytest.mark.parametrize(
    "message",
    [
        data(500, PLAIN), data(402, PLAIN), data(2, CUSTOM), data(202, data(2, CUSTOM)),
        _program(_operation("const", name=_text("w"), val=_blob(WEIGHTS)), _operation("relu")),
        _linked("other.mlmodelc", "."), _linked("other.mlmodelc"), data(502, data(2, data(1, "f"))),
    ],
)  # fmt: skip
def test_an_honest_model_is_quiet(message: bytes) -> None:
    assert reading.quiet(number(1, 4) + message, "m.mlmodel")


MIL = """program(1.0)
[buildInfo = dict<tensor<string, []>, tensor<string, []>>({{"coremlc-version", "1.0"}})]
{
    func main<ios16>(tensor<fp16, [1, 4]> x) {
        tensor<string, []> pad = const()[name = tensor<string, []>("pad"), val = "custom"];
        tensor<fp16, [4]> w = const()[name = tensor<string, []>("w"), val = tensor<fp16, [4]>(
            BLOBFILE(path = tensor<string, []>("@model_path/weights/weight.bin"), offset = 64))];
        tensor<fp16, [1, 4]> y = relu(x = x)[name = tensor<string, []>("y")];
    } -> (y);
}
"""


def test_a_compiled_model_is_read_as_text() -> None:
    own = 'y = custom_layer(x = x)[name = tensor<string, []>("a;b"), class_name = "Mine"];'
    anonymous = "y = custom_layer (x = x);"
    assert _found(MIL.encode(), "model.mil") == []
    assert _found(MIL.replace("relu(", "custom_layer(").encode(), "model.mil") == [
        ("custom-layer", "custom_layer")
    ]
    assert _found(own.encode(), "model.mil") == [("custom-layer", "Mine")]
    assert _found(anonymous.encode(), "Model.MIL") == [("custom-layer", "custom_layer")]
    elsewhere = MIL.replace("weights/weight", "../../weight").encode()
    assert [kind for kind, _ in _found(elsewhere, "model.mil")] == ["include"]
    assert reading.fails(elsewhere, "model.mil") == ["format-reads-other-file"]


def test_what_two_pieces_share_is_found() -> None:
    text = b"#" * ((1 << 20) - 10) + b'y = custom_layer(x = x)[class_name = "Mine"];'
    assert ("custom-layer", "Mine") in _found(text, "model.mil")


def test_layers_of_a_compiled_network_are_read() -> None:
    layers = b'{"layers": [{"type": "%s", "name": "a"}]}'
    assert _found(layers % b"custom", "model.espresso.net") == [("custom-layer", "custom")]
    assert reading.quiet(layers % b"convolution", "model.espresso.net")


def test_a_package_whose_parts_lie_elsewhere_fails() -> None:
    text = b'{"itemInfoEntries": {"A": {"path": "%s", "name": "m"}}, "rootModelIdentifier": "A"}'
    assert reading.fails(text % b"..\\/..\\/x", "Manifest.json") == ["format-reads-other-file"]
    assert reading.quiet(text % b"com.apple.CoreML/model.mlmodel", "Manifest.json")
    assert reading.quiet(b'{"path": "/x"}', "Manifest.json")
    assert reading.gaps(text % b"x" + b" " * (1 << 20), "Manifest.json")


@given(st.binary(max_size=200), st.sampled_from(["m.mlmodel", "model.mil"]))
@settings(max_examples=200, deadline=None)
def test_any_bytes_end_in_facts_or_a_read_error(message: bytes, name: str) -> None:
    try:
        _found(message, name)
    except ReadError:
        return
