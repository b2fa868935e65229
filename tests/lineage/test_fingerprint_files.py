from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load

from modelscan.errors import ReadError, SourceError
from modelscan.lineage.fingerprint import choose_k
from modelscan.lineage.fingerprint_layout import BUDGET, filled, pattern
from modelscan.lineage.fingerprint_reading import decode, read
from modelscan.lineage.fingerprint_writing import digest, encode
from modelscan.lineage.names import Shape, canonical
from modelscan.lineage.prints import Fingerprint, Skipped, TensorPrint
from modelscan.lineage.root import model_root
from modelscan.lineage.signs import Seed, positions
from modelscan.lineage.sketch import sketched
from modelscan.lineage.stored import Stored
from modelscan.lineage.weights import Weights
from modelscan.vocabulary.artifact import BytesArtifact
from tests.forge import weights as forge
from tests.forge import weights_files as files
from tests.forge.weights import Config
from tests.forge.weights_opened import printed, sampled

SMALL = Config(layers=2, width=32, heads=4, kv_heads=2, inner=64, vocabulary=64)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Fingerprint:
    folder = tmp_path_factory.mktemp("model")
    tensors = forge.rounded(forge.llama(1, SMALL), "BF16")
    return printed(files.write_model(folder, tensors, "BF16", config=SMALL.hub()), source="hf:a/b")


def taken_apart(data: bytes) -> tuple[dict[str, Any], dict[str, Any], bytes]:
    """The header, the document in it, and the payload."""
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    return header, json.loads(header["__metadata__"]["modelassay"]), data[8 + length :]


def put_together(header: dict[str, Any], document: Any, payload: bytes) -> bytes:
    header["__metadata__"]["modelassay"] = json.dumps(document)
    raw = json.dumps(header).encode()
    return len(raw).to_bytes(8, "little") + raw + payload


def test_a_fingerprint_that_nobody_would_read_again_is_not_written(made: Fingerprint) -> None:
    one = next(iter(made.tensors.values()))
    many = {f"t{n}": msgspec.structs.replace(one, name=f"t{n}") for n in range(50_001)}
    huge = {"t": msgspec.structs.replace(one, samples=bytes(17 << 20))}
    for tensors in (many, huge):
        with pytest.raises(SourceError, match="too many"):
            encode(msgspec.structs.replace(made, tensors=tensors))


def test_a_fingerprint_survives_its_file(made: Fingerprint) -> None:
    data = encode(made)
    again = decode(data)
    assert again == made
    assert encode(again) == data
    assert digest(data).startswith("sha256:")
    assert again.source == "hf:a/b"
    assert again.schema == "modelassay-fingerprint/1"


def test_it_is_an_ordinary_safetensors_file(made: Fingerprint) -> None:
    columns = load(encode(made))
    assert columns["sketch"].shape == (2 * 6, made.k, made.k)  # keys and values have too few rows
    assert columns["digest"].shape == (len(made.tensors), 32)
    assert columns["invariants"].shape == (2 * 4, 16, 16)
    assert "bf16" not in columns
    assert "low" not in columns
    header, document, _ = taken_apart(encode(made))
    assert header["__metadata__"]["format"] == document["schema"] == "modelassay-fingerprint/1"


def test_equal_weights_give_equal_files(made: Fingerprint, tmp_path: Path) -> None:
    tensors = forge.rounded(forge.llama(1, SMALL), "BF16")
    again = files.write_model(tmp_path / "m", tensors, "BF16", config=SMALL.hub(), shards=2)
    assert encode(printed(again, source="hf:a/b")) == encode(made)


def test_quantised_and_sampled_ones_survive_too(tmp_path: Path) -> None:
    data = files.gguf_bytes(forge.as_gguf(forge.llama(1, SMALL), SMALL), "Q8_0", SMALL)
    (tmp_path / "m.gguf").write_bytes(data)
    quantised = printed(tmp_path)
    assert decode(encode(quantised)) == quantised
    assert load(encode(quantised))["low"].size == 128 * 16
    few = sampled(tmp_path)
    assert decode(encode(few)) == few
    assert {tensor.sample_dtype for tensor in few.tensors.values()} == {"f32"}


def test_a_private_fingerprint_says_so(tmp_path: Path) -> None:
    folder = files.write_model(tmp_path, forge.llama(1, SMALL), config=SMALL.hub())
    seed = Seed.private(b"a secret of some length")
    private, public = printed(folder, seed=seed), printed(folder)
    assert decode(encode(private)).seed == seed.name
    assert private.root == public.root
    name = "layers.0.mlp.up.weight"
    assert private.tensors[name].sketch != public.tensors[name].sketch
    assert private.tensors[name].samples != public.tensors[name].samples


def test_odd_names_survive() -> None:
    names = ["layers.3.a{}b.weight", "{}", "x.{{}}.y", "layers.3.q.3.w", "é\0\n", "a" * 300]
    prints = {
        name: TensorPrint(
            name=name, stored=name, role="", shape=(2, 3), dtype="f32", digest=bytes([at + 1]) * 32,
            layer=3 if name.startswith("layers.3.") else None,
        )
        for at, name in enumerate(sorted(names))
    }  # fmt: skip
    root = model_root({name: each.digest for name, each in prints.items()}, ())
    whole = Fingerprint(k=16, tensors=prints, root=root, skipped=(Skipped("a", "b", needed=False),))
    assert decode(encode(whole)) == whole


@given(st.text(alphabet="{}.a1", max_size=12), st.one_of(st.none(), st.integers(0, 11)))
@settings(max_examples=200, deadline=None)
def test_a_pattern_gives_its_name_back(name: str, layer: int | None) -> None:
    assert filled(pattern(name, layer), layer) == name


class Parts(NamedTuple):
    header: dict[str, Any]
    document: dict[str, Any]


DAMAGE: dict[str, Callable[[Parts], object]] = {
    "an unknown field": lambda at: at.document.update(extra=1),
    "another schema": lambda at: at.document.update(schema="modelassay-fingerprint/2"),
    "another k": lambda at: at.document.update(k=8),
    "an impossible k": lambda at: at.document.update(k=64),
    "a root of nothing": lambda at: at.document.update(root="sha256:" + "0" * 64),
    "no root": lambda at: at.document.update(root=""),
    "a seed of another shape": lambda at: at.document.update(seed="private:x"),
    "a group twice": lambda at: at.document["groups"].append(at.document["groups"][0]),
    "a group less": lambda at: at.document["groups"].pop(),
    "layers twice": lambda at: at.document["groups"][1].update(layers=[0, 0]),
    "millions of layers": lambda at: at.document["groups"][1].update(layers=list(range(60_000))),
    "more samples than are kept": lambda at: at.document["groups"][1].update(samples=999),
    "fewer samples": lambda at: at.document["groups"][1].update(samples=1),
    "a smaller shape": lambda at: at.document["groups"][0].update(shape=[2, 2]),
    "a huge shape": lambda at: at.document["groups"][0].update(shape=[1 << 60]),
    "rows of nothing": lambda at: at.document["groups"][0].update(rows=7),
    "bounds of nothing": lambda at: at.document["groups"][0].update(
        bounds=True, sample_dtype="f64"
    ),
    "invariants twice": lambda at: at.document["invariants"].append(at.document["invariants"][0]),
    "an unknown invariant": lambda at: at.document["invariants"][0].__setitem__(1, ["zz"]),
    "an invariant less": lambda at: at.document["invariants"].pop(),
    "an unknown column": lambda at: at.header.update(more=at.header.pop("sums")),
    "a column of another type": lambda at: at.header["sums"].update(dtype="I64"),
    "a column of another shape": lambda at: at.header["sums"].update(shape=[1, 5]),
    "no sketches": lambda at: at.header.pop("sketch"),
    "no digests": lambda at: at.header.pop("digest"),
    "no description": lambda at: at.header["__metadata__"].clear(),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_fingerprint_is_refused(damage: str, made: Fingerprint) -> None:
    header, document, payload = taken_apart(encode(made))
    DAMAGE[damage](Parts(header, document))
    if damage == "no description":
        raw = json.dumps(header).encode()
        data = len(raw).to_bytes(8, "little") + raw + payload
    else:
        data = put_together(header, document, payload)
    with pytest.raises(ReadError):
        decode(data)


def test_a_changed_digest_is_refused(made: Fingerprint) -> None:
    data = encode(made)
    header, document, payload = taken_apart(data)
    at = header["digest"]["data_offsets"][0]
    changed = payload[:at] + bytes([payload[at] ^ 1]) + payload[at + 1 :]
    with pytest.raises(ReadError, match="root"):
        decode(put_together(header, document, changed))


@pytest.mark.parametrize("number", [math.inf, math.nan, -1.0])
def test_sums_that_no_tensor_has_are_refused(number: float, made: Fingerprint) -> None:
    first = next(iter(made.tensors))
    broken = {
        name: each if name != first else _with_sum(each, number)
        for name, each in made.tensors.items()
    }
    whole = _with_tensors(made, broken)
    with pytest.raises(ReadError, match=r"finite|sums"):
        decode(encode(whole))


def _with_sum(each: TensorPrint, number: float) -> TensorPrint:
    return msgspec.structs.replace(each, sum_squares=number)


def _with_tensors(made: Fingerprint, tensors: dict[str, TensorPrint]) -> Fingerprint:
    return msgspec.structs.replace(made, tensors=tensors)


def test_what_is_no_fingerprint_is_refused() -> None:
    with pytest.raises(ReadError):
        decode(b"")
    with pytest.raises(ReadError, match="not a fingerprint"):
        decode(files.safetensors_bytes(forge.llama(1, SMALL)))
    with pytest.raises(ReadError, match="too many for a fingerprint"):
        read(_Huge("x", b""))


class _Huge(BytesArtifact):
    def __init__(self, name: str, data: bytes) -> None:
        super().__init__(name, data)
        self.size = 1 << 40


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_any_bytes_are_read_or_refused(made: Fingerprint, data: st.DataObject) -> None:
    good = bytearray(encode(made))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(good) - 1))
        good[at] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(good))) if data.draw(st.booleans()) else len(good)
    try:
        decode(bytes(good[:cut]))
    except ReadError:
        return


def dense(layers: int, width: int, inner: int, keys: int, vocabulary: int) -> Weights:
    """The tensors of a model of that size; nobody reads their values."""
    empty = BytesArtifact("m", b"")

    def tensor(name: str, *shape: int) -> Stored:
        return Stored(f"model.{name}.weight", "bf16", shape, empty, 0, width=2)

    tensors = [tensor("embed_tokens", vocabulary, width), tensor("norm", width)]
    tensors.append(tensor("embed_tokens", vocabulary, width)._replace(name="lm_head.weight"))
    for at in range(layers):
        before = f"layers.{at}."
        tensors += [
            tensor(f"{before}self_attn.q_proj", width, width),
            tensor(f"{before}self_attn.k_proj", keys, width),
            tensor(f"{before}self_attn.v_proj", keys, width),
            tensor(f"{before}self_attn.o_proj", width, width),
            tensor(f"{before}mlp.gate_proj", inner, width),
            tensor(f"{before}mlp.up_proj", inner, width),
            tensor(f"{before}mlp.down_proj", width, inner),
            tensor(f"{before}input_layernorm", width),
            tensor(f"{before}post_attention_layernorm", width),
        ]
    return canonical(tensors, Shape(architecture="llama", heads=64, kv_heads=8))


def unread(weights: Weights, k: int) -> Fingerprint:
    """A fingerprint of the right size, whose numbers are zeros."""
    prints: dict[str, TensorPrint] = {}
    for at, (name, tensor) in enumerate(weights.tensors.items()):
        side = k if sketched(tensor.rows, tensor.columns, k) else 0
        by_rows = tensor.role in {"embedding", "output"}
        prints[name] = TensorPrint(
            name=name,
            stored=tensor.stored,
            role=tensor.role,
            layer=tensor.layer,
            shape=tensor.shape,
            dtype="bf16",
            digest=at.to_bytes(32, "big") if at else b"\1" * 32,
            f16=b"\2" * 32,
            rows=(b"\3" * 32,) * -(-tensor.rows // 1024) if by_rows else (),
            sketch=bytes(4 * side * side),
            samples=bytes(2 * len(positions(tensor.shape))),
            sample_dtype="bf16",
        )
    root = model_root({name: each.digest for name, each in prints.items()}, ())
    kinds = dict.fromkeys(("qk", "ov", "gu", "ud"), bytes(512))
    invariants = dict.fromkeys(range(weights.layers), kinds)
    return Fingerprint(k=k, layers=weights.layers, tensors=prints, root=root, invariants=invariants)


@pytest.mark.parametrize(
    ("size", "k"),
    [
        ((80, 8192, 28672, 1024, 128_256), 16),  # 70 billion parameters
        ((32, 4096, 14336, 1024, 128_256), 16),  # 8 billion
        ((16, 2048, 8192, 512, 128_256), 32),  # 1 billion
        ((126, 16384, 53248, 1024, 128_256), 8),  # 405 billion
    ],
)
def test_a_fingerprint_stays_below_a_megabyte(size: tuple[int, int, int, int, int], k: int) -> None:
    weights = dense(*size)
    assert choose_k(weights) == k
    whole = unread(weights, k)
    data = encode(whole)
    assert len(data) <= BUDGET
    assert decode(data) == whole
