from __future__ import annotations

import json
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import msgspec
import numpy as np
import pytest

from modelscan.errors import ReadError, SourceError
from modelscan.fetcher.local import LocalFile
from modelscan.lineage import numpy_weights
from modelscan.lineage.families import families
from modelscan.lineage.fingerprint import fingerprint, samples_only
from modelscan.lineage.names import Shape
from modelscan.lineage.opening import open_weights, shape_of
from modelscan.lineage.plain import widened
from modelscan.lineage.prints import Skipped
from modelscan.lineage.stored import Stored, runs
from modelscan.lineage.weights import MAX_BLOCK, Part, WeightTensor
from modelscan.vocabulary.artifact import BytesArtifact
from tests.forge import gguf, safetensors
from tests.forge import weights as forge
from tests.forge import weights_files as files
from tests.forge.weights import TINY
from tests.forge.weights_opened import opened, printed


def listed(*names: str) -> list[LocalFile]:
    return [LocalFile(name, name, 10 + at) for at, name in enumerate(names)]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["a.txt", "config.json"], []),
        (["pytorch_model.bin", "model.safetensors"], ["model", "pytorch_model"]),
        (["training_args.bin", "optimizer.pt", "rng_state_0.pth", "m.pt"], ["m"]),
        (["consolidated.safetensors", "model.safetensors"], ["model", "consolidated"]),
        (["model.fp16.safetensors", "model.safetensors"], ["model", "model.fp16"]),
        (["unet/d.safetensors", "a.gguf"], ["a", "unet/d"]),
        (["m-Q4_K_M.gguf", "m-Q8_0.gguf"], ["m-Q8_0", "m-Q4_K_M"]),
        (["adapter_model.safetensors", "w.npz"], ["adapter_model", "w"]),
        (["w.npy", "x.PTH"], ["x", "w"]),
    ],
)
def test_families_come_in_the_order_of_loaders(names: list[str], expected: list[str]) -> None:
    assert [family.name for family in families(listed(*names))] == expected


def test_shards_are_one_family_and_gaps_are_said() -> None:
    names = [f"model-0000{at}-of-00004.safetensors" for at in (1, 2, 4)]
    [family] = families(listed(*names, "model.safetensors.index.json"))
    assert family.files == tuple(names)
    assert family.missing == ("model: shard 3 of 4",)
    assert family.size == 33
    [counted] = families(listed("m-00000-of-00002.gguf", "m-00001-of-00002.gguf"))
    assert counted.missing == ()


def test_parts_of_matrices_in_several_files_are_not_taken_for_whole_ones(tmp_path: Path) -> None:
    [family] = families(listed("consolidated.00.pth", "consolidated.01.pth", "params.json"))
    assert family.files == ("consolidated.00.pth", "consolidated.01.pth")
    half = {"layers.0.attention.wq.weight": np.ones((8, 16), np.float32)}
    for number in (0, 1):
        (tmp_path / f"consolidated.0{number}.pth").write_bytes(files.torch_zip_bytes(half))
    with pytest.raises(SourceError, match="stands twice"):
        printed(tmp_path)


def test_a_missing_shard_is_a_gap_that_matters(tmp_path: Path) -> None:
    folder = files.write_model(tmp_path, forge.llama(1), shards=3)
    (folder / "model-00002-of-00003.safetensors").unlink()
    with opened(folder) as weights:
        assert Skipped("model: shard 2 of 3", "is missing") in weights.skipped
        assert weights.tensors


def test_a_damaged_shard_is_a_gap_that_matters(tmp_path: Path) -> None:
    folder = files.write_model(tmp_path, forge.llama(1), shards=2)
    (folder / "model-00002-of-00002.safetensors").write_bytes(b"xx")
    with opened(folder) as weights:
        [gap] = weights.skipped
        assert gap.name == "model-00002-of-00002.safetensors"
        assert gap.needed


def test_a_file_that_shrinks_costs_its_tensors_alone(tmp_path: Path) -> None:
    folder = files.write_model(tmp_path, forge.llama(1), "F32")
    path = folder / "model.safetensors"
    local = LocalFile("model.safetensors", path, path.stat().st_size)
    opened = ExitStack()
    weights = opened.enter_context(open_weights([local]))
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)
    for made in (fingerprint(weights), samples_only(weights)):
        assert made.tensors
        gaps = [gap for gap in made.skipped if gap.needed]
        assert len(gaps) + len(made.tensors) == 39
        assert all("cut off" in gap.reason for gap in gaps)
    with pytest.raises(SourceError, match="changed while"):
        opened.close()


def test_a_file_that_changed_since_it_was_hashed_is_not_read(tmp_path: Path) -> None:
    folder = files.write_model(tmp_path, forge.llama(1), "F32")
    path = folder / "model.safetensors"
    local = LocalFile("model.safetensors", path, path.stat().st_size)
    with local.open():
        pass
    path.write_bytes(path.read_bytes() + b"more")
    with pytest.raises(SourceError, match="changed since it was read first"), open_weights([local]):
        pass


def test_a_file_that_is_cut_off_is_said_to_be(tmp_path: Path) -> None:
    folder = files.write_model(tmp_path, forge.llama(1), "F32")
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-3000])
    with open_weights([LocalFile("model.safetensors", path, path.stat().st_size)]) as weights:
        assert weights.skipped
        assert len(weights.skipped) + len(weights.tensors) == 39
        assert all("not in the file" in gap.reason for gap in weights.skipped)


def test_another_family_can_be_chosen(tmp_path: Path) -> None:
    files.write_model(tmp_path, forge.llama(1))
    (tmp_path / "other.gguf").write_bytes(files.gguf_bytes(forge.as_gguf(forge.llama(2))))
    there = [LocalFile(path.name, path, path.stat().st_size) for path in tmp_path.iterdir()]
    first, second = families(there)
    with open_weights(there, second) as weights:
        assert weights.family == second
        assert weights.architecture == "llama"
    with open_weights(there) as weights:
        assert weights.family == first


CONFIGS = {
    '{"model_type": "llama", "num_attention_heads": 8, "num_key_value_heads": 2}': (8, 2, 0),
    '{"n_head": 12}': (12, 12, 0),
    '{"n_heads": 32, "n_kv_heads": 8}': (32, 8, 0),
    '{"n_head": 71, "multi_query": true}': (71, 1, 0),
    '{"text_config": {"num_attention_heads": 4, "head_dim": 256}}': (4, 4, 256),
    '{"num_attention_heads": "many", "model_type": 7}': (0, 0, 0),
    '{"num_attention_heads": -4, "head_dim": true}': (0, 0, 0),
    "{}": (0, 0, 0),
}


@pytest.mark.parametrize("text", CONFIGS)
def test_a_configuration_says_how_many_heads(text: str) -> None:
    found = shape_of(json.loads(text))
    assert (found.heads, found.kv_heads, found.head_size) == CONFIGS[text]


def test_a_broken_configuration_says_nothing(tmp_path: Path) -> None:
    folder = files.write_model(tmp_path, forge.llama(1))
    for text in ("[]", "{", "x" * (5 << 20)):
        (folder / "config.json").write_text(text)
        with opened(folder) as weights:
            assert (weights.heads, weights.architecture) == (0, "")


def test_types_that_are_not_computed_are_said(tmp_path: Path) -> None:
    (tmp_path / "m.gguf").write_bytes(
        gguf.GGUF.file(
            [("general.architecture", "llama")],
            [
                gguf.Tensor("blk.0.ffn_up.weight", [32, 4], gguf.FLOAT),
                gguf.Tensor("blk.0.ffn_down.weight", [256, 2], 23, size=272),
                gguf.Tensor("out", [256, 2], 39, size=272),
            ],
        )
    )
    with opened(tmp_path) as weights:
        assert set(weights.tensors) == {"layers.0.mlp.up.weight"}
        reasons = {gap.name: gap.reason for gap in weights.skipped}
        assert "IQ4_XS" in reasons["blk.0.ffn_down.weight"]
        assert all(gap.needed for gap in weights.skipped)


def test_a_header_of_lies_costs_its_tensors_alone(tmp_path: Path) -> None:
    table = safetensors.header({"a": ("F32", [2]), "b": ("F32", [3]), "c": ("F32", [4])})
    table["b"]["shape"] = [300]
    table["c"]["dtype"] = "F4"
    (tmp_path / "m.safetensors").write_bytes(safetensors.assemble(table))
    with opened(tmp_path) as weights:
        assert set(weights.tensors) == {"a"}
        assert {gap.name for gap in weights.skipped} == {"b", "c"}


def test_integers_and_eight_bits_are_digested(tmp_path: Path) -> None:
    data = bytes(range(256))
    header = {
        "q": {"dtype": "I32", "shape": [4, 4], "data_offsets": [0, 64]},
        "e": {"dtype": "F8_E4M3", "shape": [8, 8], "data_offsets": [64, 128]},
        "g": {"dtype": "F8_E5M2", "shape": [8, 8], "data_offsets": [128, 192]},
        "b": {"dtype": "U8", "shape": [64], "data_offsets": [192, 256]},
    }
    (tmp_path / "m.safetensors").write_bytes(safetensors.assemble(header, data))
    made = printed(tmp_path)
    assert set(made.tensors) == set("qegb")
    assert all(each.digest for each in made.tensors.values())
    assert made.tensors["q"].samples == b""
    assert made.tensors["e"].sample_dtype == "f32"
    assert made.tensors["e"].sum_squares > 0


def test_eight_bit_floats_are_the_published_ones() -> None:
    codes = np.array([0, 0x01, 0x08, 0x38, 0x7E, 0x7F, 0xB8, 0x80], np.uint8)
    found = widened(codes, "f8_e4m3")
    assert found[:5].tolist() == [0, 2**-9, 2**-6, 1, 448]
    assert np.isnan(found[5])
    assert found[6] == -1
    assert np.signbit(found[7])
    codes = np.array([0x01, 0x3C, 0x7B, 0x7C, 0x7D, 0xFC], np.uint8)
    found = widened(codes, "f8_e5m2")
    assert found[:3].tolist() == [2**-16, 1, 57344]
    assert found[3] == np.inf
    assert np.isnan(found[4])
    assert found[5] == -np.inf


def npy(array: np.ndarray, name: str = "w") -> Stored | Skipped:
    import io

    out = io.BytesIO()
    np.save(out, array)
    return numpy_weights.array(BytesArtifact(f"{name}.npy", out.getvalue()))


def test_numpy_arrays_are_read_in_any_order() -> None:
    values = np.arange(12, dtype=np.float32).reshape(3, 4)
    plain = npy(values)
    assert isinstance(plain, Stored)
    assert (plain.name, plain.dtype, plain.shape) == ("w", "f32", (3, 4))
    turned = npy(np.asfortranarray(values))
    assert isinstance(turned, Stored)
    assert turned.column_major
    big = npy(values.astype(">f4"))
    assert isinstance(big, Stored)
    tensor = WeightTensor(name="w", role="", shape=(3, 4), parts=(Part(big),))
    assert np.array_equal(np.concatenate(list(tensor.blocks())), values)
    assert tensor.values_at([5]).tolist() == [5]
    deep = npy(np.asfortranarray(np.zeros((2, 2, 2), np.float32)))
    assert isinstance(deep, Skipped)
    for odd in (np.array(["a"]), np.zeros(2, complex), np.array([None])):
        assert isinstance(npy(odd), Skipped)


def test_numpy_files_that_lie_are_said() -> None:
    import io

    out = io.BytesIO()
    np.save(out, np.zeros(100, np.float32))
    cut = numpy_weights.array(BytesArtifact("w.npy", out.getvalue()[:-8]))
    assert isinstance(cut, Skipped)
    assert isinstance(numpy_weights.array(BytesArtifact("w.npy", b"\x93NUMPY")), Skipped)


def test_a_single_array_is_a_model(tmp_path: Path) -> None:
    np.save(tmp_path / "w.npy", np.ones((20, 20), np.float32))
    assert set(printed(tmp_path / "w.npy").tensors) == {"w"}


def test_runs_cover_what_is_asked_for() -> None:
    assert runs([]) == []
    assert [tuple(run) for run in runs([0, 1, 2, 60, 500])] == [(0, 61), (500, 1)]
    assert [tuple(run) for run in runs([5, 4])] == [(5, 1), (4, 1)]


class Zeros:
    """An artifact of zeros of any size, which counts what is read at once."""

    def __init__(self, size: int) -> None:
        self.name = "m"
        self.member: str | None = None
        self.depth = 0
        self.size = size
        self.largest = 0

    def read_at(self, offset: int, length: int) -> bytes:
        self.largest = max(self.largest, length)
        return bytes(max(0, min(length, self.size - offset)))


@pytest.mark.parametrize(
    "shape", [(3, 3 * MAX_BLOCK), (5 * MAX_BLOCK,), (1 << 20, 3), (300, 70_000)]
)
def test_blocks_of_any_shape_are_bounded(shape: tuple[int, ...]) -> None:
    size = int(np.prod(shape))
    held = Zeros(2 * size)
    source = Stored("w", "bf16", shape, held, 0, width=2)
    tensor = WeightTensor(name="w", role="", shape=shape, parts=(Part(source),))
    blocks = [block.size for block in tensor.blocks()]
    assert sum(blocks) == size
    assert max(blocks) <= MAX_BLOCK
    assert held.largest <= 2 * MAX_BLOCK


def turned(rows: int, columns: int, held: Zeros) -> WeightTensor:
    source = Stored("w", "bf16", (rows, columns), held, 0, width=2)
    return WeightTensor(
        name="w", role="", shape=(columns, rows), parts=(Part(source, turned=True),)
    )


def test_large_tensors_are_turned_in_strips() -> None:
    held = Zeros(2 * 5000 * 4000)
    blocks = [block.shape for block in turned(5000, 4000, held).blocks()]
    assert sum(rows for rows, _ in blocks) == 4000
    assert held.largest <= 2 * MAX_BLOCK
    with pytest.raises(ReadError, match="to be turned round"):
        list(turned(1 << 15, 1 << 14, Zeros(1 << 30)).blocks())
    with pytest.raises(ReadError, match="rearranged"):
        list(turned(2 * MAX_BLOCK, 2, Zeros(1 << 30)).blocks())


def test_a_remote_file_is_read_in_small_pieces() -> None:
    from modelscan.lineage.fingerprint import samples_only
    from modelscan.lineage.names import canonical

    held = Zeros(2 * 4096 * 4096)
    source = Stored("model.layers.0.mlp.up_proj.weight", "bf16", (4096, 4096), held, 0, width=2)
    made = samples_only(canonical([source], Shape()))
    assert len(made.tensors["layers.0.mlp.up.weight"].values()) == 128
    assert held.largest == 64


def test_looking_at_samples_imports_no_numpy(tmp_path: Path) -> None:
    folder = files.write_model(tmp_path, forge.llama(1), config=TINY.hub())
    script = (
        "import sys\n"
        "from modelscan.fetcher.sources import take\n"
        "from modelscan.vocabulary.ref import ModelRef\n"
        "from modelscan.lineage.opening import open_weights\n"
        "from modelscan.lineage.fingerprint import samples_only\n"
        "from modelscan.lineage.fingerprint_writing import encode\n"
        "from modelscan.lineage.fingerprint_reading import decode\n"
        "with open_weights(take(ModelRef.parse(sys.argv[1])).files) as weights:\n"
        "    made = samples_only(weights)\n"
        "assert decode(encode(made)) == made and made.tensors\n"
        "print([name for name in sys.modules if name.split('.')[0] == 'numpy'])\n"
    )
    out = subprocess.run(
        [sys.executable, "-c", script, str(folder)], capture_output=True, text=True, check=True,
        cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert out.stdout.strip() == "[]"


def test_numpy_comes_with_one_thread() -> None:
    script = (
        "import os\n"
        "os.environ['OMP_NUM_THREADS'] = '3'\n"
        "import modelscan.lineage.numerics\n"
        "print(os.environ.get('OPENBLAS_NUM_THREADS'), os.environ['OMP_NUM_THREADS'])\n"
    )
    out = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True,
        cwd=Path(__file__).parents[2], env={"PATH": ""},
    )  # fmt: skip
    assert out.stdout.split() == ["None", "3"]


def test_no_weights_at_all_is_an_error() -> None:
    with pytest.raises(SourceError, match="no weights found"), open_weights(listed("a.txt")):
        pass
    assert msgspec.structs.fields(WeightTensor)


def test_the_other_byte_order_is_read_where_it_can_be(tmp_path: Path) -> None:
    values = np.arange(64, dtype=">f4").reshape(2, 32)
    forge_big = gguf.Forge(order=">")
    table = forge_big.tensor(gguf.Tensor("a.weight", [32, 2], gguf.FLOAT), 0)
    table += forge_big.tensor(gguf.Tensor("b.weight", [32, 2], gguf.Q4_0), 256)
    table += forge_big.tensor(gguf.Tensor("c.weight", [32, 2], gguf.FLOAT), 1 << 20)
    head = forge_big.header([("general.architecture", "llama")], 3, table)
    data = head + bytes(-len(head) % 32) + values.tobytes() + bytes(36)
    (tmp_path / "m.gguf").write_bytes(data)
    with opened(tmp_path) as weights:
        tensor = weights.tensors["a.weight"]
        assert np.array_equal(np.concatenate(list(tensor.blocks())), values)
        assert {gap.name for gap in weights.skipped} == {"b.weight", "c.weight"}
    assert printed(tmp_path).tensors["a.weight"].values()[:3] == [0, 1, 2]


def test_a_print_without_a_sketch_says_so(tmp_path: Path) -> None:
    made = printed(files.write_model(tmp_path, forge.llama(1), "F16"), k=8)
    assert made.tensors["layers.0.mlp.up.weight"].matrix(4).shape == (4, 4)
    assert len(made.tensors["layers.0.mlp.up.weight"].values()) == 128
    with pytest.raises(ValueError, match="has a sketch of 8, not 16"):
        made.tensors["layers.0.mlp.up.weight"].matrix(16)
    with pytest.raises(ValueError, match="has a sketch of 0"):
        made.tensors["norm.weight"].matrix()
    assert made.tensors["norm.weight"].size == TINY.width


def test_a_turned_fused_matrix_is_read_in_parts(tmp_path: Path) -> None:
    large = {"h.0.attn.c_attn.weight": np.arange(300 * 900, dtype=np.float32).reshape(300, 900)}
    folder = files.write_model(tmp_path, large, config={"model_type": "gpt2", "n_head": 4})
    with opened(folder) as weights:
        tensor = weights.tensors["layers.0.attention.v.weight"]
        whole = np.concatenate(list(tensor.blocks()))
        assert np.array_equal(whole, large["h.0.attn.c_attn.weight"].T[600:])


def test_half_of_mixed_parts_is_widened() -> None:
    first = Stored("a", "bf16", (1, 2), BytesArtifact("m", b"\x80\x3f\0\x40"), 0, width=2)
    second = Stored("b", "f32", (1, 2), BytesArtifact("m", bytes(8)), 0, width=4)
    tensor = WeightTensor(name="w", role="", shape=(2, 2), parts=(Part(first), Part(second)))
    assert tensor.dtype == "bf16+f32"
    assert np.concatenate(list(tensor.blocks())).tolist() == [[1, 2], [0, 0]]
    assert tensor.values_at([3, 1]).tolist() == [0, 2]
