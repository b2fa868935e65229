from __future__ import annotations

import json
import pickle
import random
import struct
import sysconfig
from pathlib import Path

import pytest

from modelscan.formats.pickle.reader import PickleReader
from modelscan.formats.reader import Glimpse
from modelscan.vocabulary.artifact import BytesArtifact
from modelscan.vocabulary.lists import PickleGlobals
from tests.forge import pickles as forge

READER = PickleReader(PickleGlobals())


def recognised(data: bytes, name: str = "file") -> bool:
    return READER.recognises(Glimpse(BytesArtifact(name, data)))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b".",
        b"# A model\n\nIt is good.\n",
        b"(dp0\nis what old pickles begin with.\n",
        b"(lp1\n",
        b"Introduction\n============\n\nThis is text.\n",
        b"I like numbers.\n1 2 3\n",
        b"12,34\n56,78\n",
        b"N.B. this is a note.\n",
        b"Name,Value\na,1\n",
        b"case\nclosed\n(and so on)\nRight.\n",
        b"import os\nos.system('echo hi')\n",
        b"(import\nos\nsystem\n",
        b"}\n]\n",
        b"]",
        b"Version: 1\nLicense: MIT\n\nPlease read.\n",
        b"License\n\nCopyright\n",
        b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00",
        b"\x80\x02\x00\x00\x00\x00\x00\x00" + b'{"a":{}}',
        b"\x80\x04\x00\x00\x00\x00\x00\x00" + b'{"a":{}}',
        b"\x80\x02.\x00\x00\x00\x00\x00" + b'{"a":{}}',
        b"\x80",
        b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n",
        json.dumps({"a": [1, 2]}).encode(),
        b"V" + b"ery long text " * 1000,
        b"Pure text without a newline " * 300,
    ],
)
def test_look_alikes_are_quiet(data: bytes) -> None:
    assert not recognised(data)


def test_the_standard_library_is_quiet() -> None:
    folder = Path(sysconfig.get_path("stdlib"))
    sources = [*folder.glob("*.py"), *folder.glob("json/*.py"), *folder.glob("test/*.txt")]
    assert len(sources) > 100
    assert not [path.name for path in sources if recognised(path.read_bytes())]


def test_random_weights_are_quiet() -> None:
    rng = random.Random(7)  # noqa: S311  # repeatable, not secret
    noise = [rng.randbytes(8192) for _ in range(4000)]
    floats = [struct.pack("<2048f", *(rng.gauss(0, 1) for _ in range(2048))) for _ in range(50)]
    assert sum(map(recognised, noise)) == 0
    assert sum(map(recognised, floats)) == 0


def test_safetensors_of_every_short_header_length_are_quiet() -> None:
    for length in range(0x28, 0x8000, 8):
        head = struct.pack("<Q", length) + b'{"__metadata__":{"format":"pt"},"a":{"dtype":"F32"'
        assert not recognised(head + b" " * length, "model.pkl")


@pytest.mark.parametrize("protocol", range(6))
def test_pickles_are_recognised_under_any_name(protocol: int) -> None:
    for value in ({"weights": list(range(40))}, ["a" * 10_000, 1], list(range(5000))):
        assert recognised(pickle.dumps(value, protocol), "README.md")


@pytest.mark.parametrize("name", forge.malicious())
def test_a_payload_followed_by_garbage_is_recognised(name: str) -> None:
    data = forge.malicious()[name]
    assert recognised(data[:-1] + b"\xff\x00garbage" * 1000)


PAYLOAD = forge.call("os", "system", "echo hi").stop()
LONG = bytes(17 << 20)


@pytest.mark.parametrize(
    "data",
    [
        b"\x80\x02B" + struct.pack("<I", len(LONG)) + LONG + b"0" + PAYLOAD[2:],
        b"\x80\x04\x8e" + struct.pack("<Q", len(LONG)) + LONG + b"0" + PAYLOAD[2:],
        b"\x80\x05\x96" + struct.pack("<Q", len(LONG)) + LONG + b"0" + PAYLOAD[2:],
        b"B" + struct.pack("<I", len(LONG)) + LONG + b"0" + PAYLOAD[2:],
        (b"B" + struct.pack("<I", len(LONG)) + LONG + b"0") * 2 + PAYLOAD[2:],
        b"V" + b"a" * 70_000 + b"\n0" + PAYLOAD[2:] + bytes(70_000),
        b"V" + b"a" * 70_000 + b"\n0" + PAYLOAD[2:-1] + b"V" + b"a" * 70_000 + b"\n0.",
    ],
    ids=["bytes", "long-bytes", "array", "no-protocol", "twice", "line", "between-lines"],
)
def test_a_pickle_behind_a_long_literal_is_recognised(data: bytes) -> None:
    assert recognised(data, "weights.dat")


@pytest.mark.parametrize(
    "data",
    [
        b"B" + struct.pack("<I", len(LONG)) + LONG + b"no opcodes",
        b"B" + struct.pack("<I", len(LONG)) + LONG,
        b"X" + struct.pack("<I", len(LONG) * 2) + LONG,
        b"Verses " * 20_000 + b"\nand a second line.\n",
        b"Verses " * 3_000_000,
        b"I" + b"1" * 4095 + b"\nSome numbers, and no pickle.\n" * 2,
    ],
    ids=["text-behind", "nothing-behind", "too-long", "prose", "one-line", "exactly"],
)
def test_a_long_literal_alone_is_quiet(data: bytes) -> None:
    assert not recognised(data, "weights.dat")


@pytest.mark.parametrize(
    "data", [b"N." + PAYLOAD[2:], b"S'hi'\n." + PAYLOAD[2:], b"S'hi'\np0\n." * 700 + PAYLOAD[2:]]
)
def test_a_pickle_behind_small_ones_is_recognised(data: bytes) -> None:
    assert recognised(data, "notes.txt")


def test_what_overwrites_without_a_call_is_recognised() -> None:
    changed = b"cbuiltins\n__dict__\n(Vprint\ncos\nsystem\nu."
    assert recognised(changed + b"and text behind it\n" * 9, "notes.txt")


@pytest.mark.parametrize("data", [b"N.\n.\n", b"N.B. this", b"N.\nN.\nSo it goes.\n"])
def test_small_pickles_before_text_are_quiet(data: bytes) -> None:
    assert not recognised(data, "notes.txt")


@pytest.mark.parametrize(
    "name",
    ["m.pkl", "m.PT", "m.joblib", "pytorch_model-00001-of-00002.bin", "training_args.bin"],
)
def test_a_name_that_loaders_unpickle_suffices(name: str) -> None:
    assert recognised(b"\x00\x01\x02 no pickle", name)
    assert not recognised(b"", name)


@pytest.mark.parametrize(
    "head", [b"PK\x03\x04", b"\x1f\x8b\x08", b"\x89HDF\r\n", b"\x78\x9c", b"a" * 257 + b"ustar"]
)
def test_other_formats_speak_for_themselves(head: bytes) -> None:
    assert not recognised(head, "m.pt")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"./src\n", False),
        (b"# ours\n/opt/lib\nimport os\n", False),
        (b"cposix\nsystem\n(S'id'\ntR.", True),
        (b"None of this\n", True),
        (b"./src\n\0", True),
        (b"./src\n" * 1000, True),
        (b".\xff", True),
    ],
)
def test_lines_for_site_are_no_checkpoint(data: bytes, expected: bool) -> None:
    assert recognised(data, "x.pth") is expected
