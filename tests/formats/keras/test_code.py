from __future__ import annotations

import base64

import pytest

from modelscan.formats.keras import code
from tests.forge import keras


def test_bytecode_is_told_from_other_text() -> None:
    assert code.is_code(keras.BYTECODE)
    assert code.is_code("\n" + keras.BYTECODE[:76] + "\n" + keras.BYTECODE[76:])


def test_bytecode_of_older_versions_is_told_too() -> None:
    assert code.is_code(base64.b64encode(b"c" + b"\1\0\0\0" * 4 + bytes(40)).decode())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "4wEAAAAA",
        "4w" + "!" * 60,
        "4w" + "é" * 60,
        base64.b64encode(b"\xe3" + b"\xff" * 60).decode(),
        base64.b64encode(b"\xe3\x01\x02").decode() + " " * 60,
        "Ywritten by hand, with many words and nothing that decodes to anything",
        "relu",
    ],
)
def test_other_text_is_no_bytecode(text: str) -> None:
    assert not code.is_code(text)


def test_bytecode_is_found_in_values_and_lists() -> None:
    assert code.holds_code({"a": keras.BYTECODE})
    assert code.holds_code({"a": [None, keras.BYTECODE]})
    assert not code.holds_code({"a": [["deeper, and walked by itself"]], "b": 1})
