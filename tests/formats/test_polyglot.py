"""Disguises from one end to the other: what the gate decides about one file of a model."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import pickle
import shutil
import struct
import subprocess
import tarfile
import zipfile
import zlib
from pathlib import Path

import pytest

from modelscan import api
from modelscan.vocabulary.result import ModelReport
from tests.forge import archives as forge
from tests.forge import safetensors, sevenzip
from tests.forge.archives import INERT_PICKLE, Zip, python_tar, python_zip, torch_zip

EVIL = b"\x80\x02cposix\nsystem\nX\x04\0\0\0echotq\0R."
"""Would run `echo` if anything loaded it. Nothing here does."""
EVIL_TORCH = torch_zip({"data.pkl": EVIL})
WEIGHTS = safetensors.small()
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20
ELF = b"\x7fELF\2\1\1" + bytes(range(256)) * 20
ZF = b"ZF" + hex(len(EVIL)).encode().ljust(19) + zlib.compress(EVIL)
LISTED = {"name": b"e.pkl", "extra": b"", "flags": 0, "method": 0, "crc": zlib.crc32(EVIL),
          "packed": len(EVIL), "size": len(EVIL), "mode": 0, "system": 3}  # fmt: skip


APPLE = (b"\0\5\x16\7\0\2\0\0" + b"Mac OS X        " + b"\0\2\0\0\0\x09\0\0\0\x32\0\0\0\x64"
         + bytes(200))  # fmt: skip
"""What a Mac notes beside a file that carries attributes (AppleDouble)."""


def _binary_cpio(order: str) -> bytes:
    fields = (0o070707, 0, 0, 0o100644, 0, 0, 1, 0, 0, 0, 2, 0, 0)
    return struct.pack(f"{order}13H", *fields) + b"x\0" + bytes(90)


def _gate(folder: Path, name: str, data: bytes) -> tuple[int, ModelReport]:
    path = folder / "model" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    (folder / "model" / "honest.safetensors").write_bytes(WEIGHTS)
    report = api.scan(folder / "model")
    return report.decision.exit_code, report.models[0]


def _window_zlib(data: bytes, bits: int) -> bytes:
    compressor = zlib.compressobj(9, zlib.DEFLATED, bits)
    return compressor.compress(data) + compressor.flush()


def _two_directories() -> bytes:
    """The same name at the same place, stored in one directory and deflated in the other."""
    fields = LISTED | {"offset": 0}
    packed = _window_zlib(b"harmless", -15)
    body = Zip().member("e.pkl", EVIL).body
    lying = Zip(bytes(body)).list(fields | {"method": 8, "packed": len(packed)})
    return Zip(lying.build()).list(fields).build()


HOSTILE: dict[str, tuple[str, bytes]] = {
    "pickle as gguf": ("model.gguf", EVIL),
    "pickle as safetensors": ("model.safetensors", EVIL),
    "pickle as json": ("config.json", EVIL),
    "pickle as picture": ("a.png", EVIL),
    "pickle as text": ("README.md", EVIL),
    "pickle without extension": (".hidden", EVIL),
    "archive behind weights": ("model.safetensors", WEIGHTS + EVIL_TORCH),
    "harmless archive behind weights": ("model.safetensors", WEIGHTS + python_zip({"a": b"1"})),
    "archive behind a pickle": ("model.pkl", INERT_PICKLE + EVIL_TORCH),
    "harmless archive behind a pickle": ("model.pkl", INERT_PICKLE + python_zip({"a": b"1"})),
    "archive behind a picture": ("a.png", PNG + EVIL_TORCH),
    "archive behind a tar": ("a.nemo", python_tar({"x": b"1"}) + python_zip({"a": b"1"})),
    "archive behind a program": ("tool", ELF + python_zip({"a": b"1"})),
    "archive behind junk": ("model.pt", b"junk" * 3000 + EVIL_TORCH),
    "archive between junk": ("model.pt", b"junk" * 3000 + EVIL_TORCH + b"junk" * 9000),
    "end record of several disks": (
        "model.pt", b"junk" + EVIL_TORCH.replace(b"PK\5\6\0\0\0\0", b"PK\5\6\1\0\1\0")),
    "end record that counts nothing": (
        "model.pt", b"junk" + python_zip({"a.pkl": EVIL}).replace(
            b"PK\5\6\0\0\0\0\1\0\1\0", b"PK\5\6\0\0\0\0\0\0\0\0")),
    "two directories": ("m.zip", _two_directories()),
    "pickle in a gap": ("m.zip", Zip().member("a", b"1").raw(EVIL).member("b", b"2").build()),
    "pickle behind an archive": ("m.zip", Zip().member("a", b"1").build(after=EVIL)),
    "pickle behind a stream": ("m.zip", forge.slack_zip(b"harmless", EVIL)),
    "tar in a gap": (
        "m.zip", Zip().member("a", b"1").raw(python_tar({"e": EVIL})).member("b", b"").build()),
    "longer than it says": (
        "m.zip", Zip().member("a", bytes(5 << 20) + EVIL, deflate=True, size=5 << 20).build()),
    "second name": (
        "m.zip",
        Zip().member("a.txt", b"1", extra=forge.unicode_path(b"a.txt", b"e.pkl")).build()),
    "name with a NUL": ("m.zip", Zip().member("e.pkl\0.txt", b"1").build()),
    "stated encrypted": ("m.zip", Zip().member("e.pkl", EVIL, flags=1).build()),
    "really encrypted": ("m.zip", Zip().member("e", b"\xa7" * 50, flags=1, size=38).build()),
    "unknown method": ("m.zip", Zip().member("e.pkl", EVIL, method=97).build()),
    "drive letter": ("m.zip", Zip().member("C:\\x", b"1").build()),
    "climbing name": ("m.zip", Zip().member("../x", b"1").build()),
    "link": ("m.zip", Zip().member("l", b"../../etc", mode=0o120777).build()),
    "through a link": (
        "m.zip", Zip().member("l", b"b", mode=0o120777).member("l/x", b"1").build()),
    "climbing tar": ("m.tar", forge.tar_member("../x", b"1") + forge.TAR_END),
    "two links": (
        "m.tar",
        forge.tar_member("a/b/l", type=tarfile.SYMTYPE, linkname="../..")
        + forge.tar_member("m", type=tarfile.SYMTYPE, linkname="a/b/l/..") + forge.TAR_END),
    "device": ("m.tar", forge.tar_member("d", type=tarfile.BLKTYPE) + forge.TAR_END),
    "name in the prefix": (
        "m.tar", forge.sealed(bytearray(
            forge.tar_member("x")[:345] + b"../..".ljust(155, b"\0") + bytes(12)))
        + forge.TAR_END),
    "behind the end of a tar": ("m.tar", python_tar({"a": b"1"}) + python_tar({"e": EVIL})),
    "compressed": ("m.joblib", gzip.compress(EVIL)),
    "compressed in two parts": ("m.joblib", gzip.compress(EVIL[:20]) + gzip.compress(EVIL[20:])),
    "zeros between parts": (
        "m.bin", gzip.compress(b"") + bytes(99) + gzip.compress(EVIL)),
    "pickle behind gzip": ("m.bin", gzip.compress(INERT_PICKLE) + EVIL),
    "bz2": ("m.joblib", bz2.compress(EVIL)),
    "xz": ("m.joblib", lzma.compress(EVIL)),
    "lzma": ("m.joblib", lzma.compress(EVIL, lzma.FORMAT_ALONE)),
    "zlib": ("m.joblib", zlib.compress(EVIL)),
    "zlib of a small window": ("m.data", _window_zlib(EVIL, 9)),
    "zlib in two parts": ("m.joblib", zlib.compress(EVIL[:20]) + zlib.compress(EVIL[20:])),
    "old joblib": ("m.joblib", ZF),
    "zstd": ("m.pkl", b"\x28\xb5\x2f\xfd" + b"\xff" * 30),
    "skippable zstd": ("m.pkl", b"\x50\x2a\x4d\x18\4\0\0\0abcd\x28\xb5\x2f\xfd\xff\xff"),
    "lz4": ("m.pkl", b"\x04\x22\x4d\x18" + b"\xff" * 30),
    "7z": ("model.pt", sevenzip.seven_zip(sevenzip.Group({"data.pkl": EVIL}))),
    "closed 7z": (
        "m.7z", sevenzip.seven_zip(sevenzip.Group({"a": b"1"}, (sevenzip.PPMD,)))),
    "rar": ("m.rar", b"Rar!\x1a\7\1\0" + bytes(90)),
    "cab": ("m.dat", b"MSCF\0\0\0\0" + bytes(90)),
    "unix compress": ("m.Z", b"\x1f\x9d\x90" + bytes(90)),
    "archive in a text": ("a.txt", b"words\n" * 99 + EVIL_TORCH + b"words\n" * 99),
    "archive in a pickle": ("m.dat", pickle.dumps([EVIL_TORCH, "behind"])),
    "archive in a Mac's notes": ("._m.keras", APPLE + python_zip({"e.pkl": EVIL}) + b"x"),
    "two names": (
        "m.tar", forge.tar_member("././@LongLink", b"/etc/x\0", type=b"L")
        + forge.tar_member("x", forge.pax(("path", "good")), type=b"x")
        + forge.tar_member("a", b"1") + forge.TAR_END),
    "deb": ("m.pt", b"!<arch>\ndebian-binary   1" + bytes(90)),
    "rpm": ("m.rpm", b"\xed\xab\xee\xdb\3\0" + bytes(90)),
    "cpio": ("m.dat", b"070701" + b"0" * 104 + b"x\0"),
    "cpio of old": ("m.dat", b"070707" + b"0" * 70 + b"x\0"),
    "binary cpio": ("m.dat", _binary_cpio("<")),
    "binary cpio of another machine": ("m.dat", _binary_cpio(">")),
    "msi": ("m.msi", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(90)),
    "disc image": ("m.dat", bytes(32768) + b"\1CD001\1\0" + bytes(2000)),
    "a Mac's disk image": ("m.dat", bytes(9000) + b"koly\0\0\0\4\0\0\2\0".ljust(512, b"\0")),
    "disc image that starts a computer": ("m.iso", b"\x45\x52" * 16384 + b"\1CD001\1\0" + bytes(99)),
    "7z behind junk": ("m.dat", b"junk" * 9 + b"7z\xbc\xaf'\x1c\0\4" + bytes(90)),
    "rar behind junk": ("m.dat", b"junk" * 9 + b"Rar!\x1a\7\1\0" + bytes(90)),
    "wim": ("m.dat", b"MSWIM\0\0\0" + bytes(90)),
    "lha": ("m.dat", b"\x1e\0-lh5-" + bytes(13) + b"\1" + bytes(90)),
    "arj": ("m.dat", b"\x60\xea\x28\0\x22\x0b\1\0\0\0\2" + bytes(90)),
    "nested": ("a.zip", gzip.compress(python_zip({"b.zip": python_zip({"c.txt": EVIL})}))),
    "NeMo": ("m.nemo", gzip.compress(python_tar({"c.yaml": b"a: 1", "w.ckpt": EVIL_TORCH}))),
    "TorchServe": ("m.mar", python_zip({"MAR-INF/MANIFEST.json": b"{}", "m.pt": EVIL_TORCH})),
    "layer of an image": ("blobs/sha256/" + "a" * 64, gzip.compress(python_tar({"m": EVIL}))),
    "wheel": ("a-1-py3-none-any.whl", python_zip({"a/w.bin": EVIL, "a-1.dist-info/RECORD": b""})),
}  # fmt: skip
"""A label, and a file that must not pass: its name and its bytes."""


@pytest.mark.parametrize("label", HOSTILE)
def test_does_not_pass(tmp_path: Path, label: str) -> None:
    code, report = _gate(tmp_path, *HOSTILE[label])
    assert code in {1, 3}, report.coverage


def _class_file() -> bytes:
    return b"\xca\xfe\xba\xbe\0\0\0\x34" + bytes(90)


HONEST: dict[str, tuple[str, bytes]] = {
    "checkpoint": ("model.pt", torch_zip()),
    "document": (
        "a.docx", python_zip({"[Content_Types].xml": b"<a/>", "word/document.xml": b"<a/>"})),
    "jar": ("a.jar", python_zip({"META-INF/MANIFEST.MF": b"a: 1", "A.class": _class_file()})),
    "wheel": ("a-1.whl", python_zip({"a/__init__.py": b"x = 1", "a-1.dist-info/RECORD": b"a,,"})),
    "TorchServe": (
        "m.mar",
        python_zip({"MAR-INF/MANIFEST.json": b"{}", "h.py": b"x = 1", "m.pt": torch_zip()})),
    "NeMo": ("m.nemo", gzip.compress(python_tar({"c.yaml": b"a: 1", "w.ckpt": torch_zip()}))),
    "layer of an image": (
        "blobs/sha256/" + "a" * 64, gzip.compress(python_tar({"etc/os-release": b"ID=x"}))),
    "MLflow": ("MLmodel", b"flavors:\n  python_function:\n    loader_module: mlflow.sklearn\n"),
    "TensorFlow checkpoint": ("ckpt.data-00000-of-00001", struct.pack("<9f", *range(9))),
    "zarr": ("params/0.0", gzip.compress(bytes(4096))),
    "macOS": (
        "a.zip",
        python_zip({"a.txt": b"1", "__MACOSX/._a.txt": b"\0\5\x16\7\0\2\0\0" + bytes(90)})),
    "a Mac's notes on weights": ("._model.safetensors", APPLE),
    "a Mac's notes on a configuration": ("sub/._config.json", APPLE),
    "a Mac's notes in an archive": (
        "a.zip", python_zip({"m/c.json": b"{}", "__MACOSX/m/._c.json": APPLE,
                             "__MACOSX/m/._model.keras": APPLE, "__MACOSX/m/._a.py": APPLE})),
    "application": ("a.pyz", b"#!/usr/bin/python3\n" + python_zip({"__main__.py": b"x = 1"})),
    "archive in a pickle": ("m.dat", pickle.dumps([python_zip({"a.txt": b"1"}), "behind"])),
    "checkpoint in a pickle": ("m.bin", pickle.dumps([torch_zip(), "behind"])),
    "archive in a document": ("a.pdf", b"%PDF-1.7\n" + python_zip({"a": b"1"}) + b"\n%%EOF\n"),
    "text like cpio": ("a.csv", b"070701,12.5,070707\n" * 300),
    "two bytes like compress": ("a.dat", b"\x1f\x9d"),
    "four bytes like arj": ("a.dat", b"\x60\xea\x28\0"),
    "lha without a header": ("a.dat", b"\x1e\0-lh5-"),
    "bytes like cpio": ("a.dat", b"\xc7\x71" + bytes(range(1, 250)) * 9),
    "Windows": ("a.zip", Zip().member("folder\\a.txt", b"1", system=0).build()),
    "archive in an archive": (
        "a.zip", python_zip({"b.zip": python_zip({"c.txt": b"1"})}, zipfile.ZIP_STORED)),
    "archive at the end of a tar": ("a.tar", python_tar({"b.zip": python_zip({"c.txt": b"1"})})),
    "7z": ("a.7z", sevenzip.seven_zip(sevenzip.Group({"a.txt": b"1"}))),
    "picture with zeros behind": ("a.png", PNG + bytes(900)),
    "text like opcodes": ("a.txt", b"I am.\nS tring.\n(Parenthesis).\n" * 50),
    "text like zlib": ("a.txt", b"x^2 + y^2 = z^2\n" * 300),
    "text like tar": ("a.csv", b"00001234,00004321\n" * 300),
    "program text": ("a.txt", b"MZ is how it begins, PK\5\6 is how it ends"),
}  # fmt: skip
"""A label, and a file that must pass without a word: its name and its bytes."""


@pytest.mark.parametrize("label", HONEST)
def test_passes_quietly(tmp_path: Path, label: str) -> None:
    code, report = _gate(tmp_path, *HONEST[label])
    assert code == 0, report.coverage
    assert _about_files(report) == []


def _about_files(report: ModelReport) -> list[str]:
    """Rules of findings above info that are not about the missing model card and licence."""
    return [
        finding.rule
        for finding in report.findings
        if finding.severity != "info" and finding.answer == "load_hazards"
    ]


@pytest.mark.parametrize("length", [0x128, 0x178, 0x280, 0x480, 0x5D0, 0x9C78, 0xDA78, 0x8B1F])
def test_weights_whose_length_looks_like_another_format(tmp_path: Path, length: int) -> None:
    table = {"t": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}
    text = json.dumps(table).encode().ljust(length)
    data = struct.pack("<Q", length) + text + bytes(4)
    code, report = _gate(tmp_path, "model.safetensors", data)
    assert code == 0
    assert _about_files(report) == []


def test_a_polyglot_is_named(tmp_path: Path) -> None:
    _, report = _gate(tmp_path, *HOSTILE["harmless archive behind weights"])
    assert "polyglot-file" in _about_files(report)
    found = next(finding for finding in report.findings if finding.rule == "polyglot-file")
    assert found.evidence["formats"] == ["safetensors", "zip"]


def test_a_program_with_an_archive_is_a_gap(tmp_path: Path) -> None:
    _, report = _gate(tmp_path, *HOSTILE["archive behind a program"])
    assert [gap.reason for gap in report.coverage if gap.needed] == [
        "native code: no reader for this format yet"
    ]


# -- archives as others make them --------------------------------------------------------------


def _folder(path: Path) -> Path:
    (path / "sub").mkdir(parents=True)
    (path / "a.txt").write_text("hello " * 100)
    (path / "sub" / "b.bin").write_bytes(bytes(range(1, 200)))
    (path / "sub" / "w.pt").write_bytes(torch_zip())
    (path / "link").symlink_to("a.txt")
    return path


def _made(folder: Path, *command: str) -> bytes:
    subprocess.run(command, cwd=_folder(folder), check=True, stdout=subprocess.DEVNULL)
    return (folder / "made.out").read_bytes()


@pytest.mark.skipif(not shutil.which("zip"), reason="Info-ZIP is not installed")
@pytest.mark.parametrize("options", ["-qr", "-qry", "-q0r", "-qrfz", "-qrfd", "-qrX"])
def test_what_info_zip_makes(tmp_path: Path, options: str) -> None:
    data = _made(tmp_path / "made", "zip", options, "made.out", ".")
    code, report = _gate(tmp_path, "a.zip", data)
    assert code == 0, report.coverage
    assert _about_files(report) == []


@pytest.mark.skipif(not shutil.which("zip"), reason="Info-ZIP is not installed")
def test_what_info_zip_reads_from_a_pipe(tmp_path: Path) -> None:
    command = ["zip", "-q", "-", "-"]
    made = subprocess.run(command, input=b"hello", check=True, stdout=subprocess.PIPE)
    code, report = _gate(tmp_path, "a.zip", made.stdout)
    assert code == 0
    assert _about_files(report) == []


@pytest.mark.skipif(not shutil.which("7z"), reason="7-Zip is not installed")
@pytest.mark.parametrize(
    "options",
    [("-t7z",), ("-tzip",), ("-tzip", "-mm=LZMA"), ("-tzip", "-mm=BZip2"), ("-ttar",),
     ("-t7z", "-mx=9", "-mhc=off"), ("-tzip", "-mx=0")],
)  # fmt: skip
def test_what_7_zip_makes(tmp_path: Path, options: tuple[str, ...]) -> None:
    data = _made(tmp_path / "made", "7z", "a", "-bd", *options, "made.out", "a.txt", "sub")
    code, report = _gate(tmp_path, "archive", data)
    assert code == 0, report.coverage
    assert _about_files(report) == []


@pytest.mark.parametrize("mode", ["w:", "w:gz", "w:bz2", "w:xz"])
def test_what_python_makes(tmp_path: Path, mode: str) -> None:
    buffer = io.BytesIO()
    folder = _folder(tmp_path / "made")
    with tarfile.open(fileobj=buffer, mode=mode) as archive:  # type: ignore[call-overload]  # any of them
        archive.add(folder, "model")
    code, report = _gate(tmp_path, "model.nemo", buffer.getvalue())
    assert code == 0, report.coverage
    assert _about_files(report) == []
