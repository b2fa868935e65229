from __future__ import annotations

import hashlib
from contextlib import suppress
from typing import Any

import pytest

from modelscan.budget import Budget, Limits
from modelscan.errors import BudgetError, ReadError
from modelscan.formats.gguf.cursor import Cursor
from modelscan.formats.gguf.reader import GgufReader
from modelscan.formats.reader import Glimpse
from modelscan.vocabulary.artifact import BytesArtifact
from modelscan.vocabulary.fact import (
    GgufAddress,
    GgufDefect,
    GgufFile,
    ModelClaim,
    TensorHeader,
    Tokenizer,
)
from tests.forge import gguf as forge
from tests.forge.gguf import GGUF, Forge, Raw, Tensor

READER = GgufReader()


def _read(data: bytes, limits: Limits | None = None) -> list[Any]:
    return list(READER.read(BytesArtifact("model.gguf", data), Budget(limits)))


def _stated(data: bytes) -> list[Any]:
    """What is stated up to an error, if there is one."""
    found: list[Any] = []
    with suppress(ReadError):
        for item in READER.read(BytesArtifact("model.gguf", data), Budget()):
            found.append(item)  # noqa: PERF402  # what came before an error must stay
    return found


def _defects(data: bytes) -> list[tuple[str, str]]:
    return [(item.kind, item.name) for item in _stated(data) if isinstance(item, GgufDefect)]


def _claims(*pairs: tuple[str, Any], tensors: tuple[Tensor, ...] = ()) -> set[tuple[str, ...]]:
    facts = _read(GGUF.file(pairs, tensors))
    return {
        (fact.claim, fact.value, fact.relation) for fact in facts if isinstance(fact, ModelClaim)
    }


@pytest.mark.parametrize("version", [1, 2, 3])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("alignment", [32, 64])
def test_an_honest_file_of_any_version(version: int, order: str, alignment: int) -> None:
    tool = Forge(version, order)
    pairs = [*forge.PAIRS, ("general.alignment", alignment)]
    data = tool.file(pairs, forge.TENSORS, alignment=alignment)
    file, header, *claims = _read(data)
    assert isinstance(file, GgufFile)
    assert (file.version, file.byte_order) == (version, "little" if order == "<" else "big")
    assert (file.role, file.architecture, file.split) == ("model", "llama", None)
    assert isinstance(header, TensorHeader)
    assert (header.tensors, header.parameters) == (3, 96 + 5 + 512)
    assert header.dtypes == ("F32", "Q4_0", "Q4_K")
    assert header.metadata[0] == "general.alignment"
    assert all(isinstance(claim, ModelClaim | Tokenizer) for claim in claims)


def test_the_digest_is_over_the_header_as_stored() -> None:
    data = forge.small()
    header = next(fact for fact in _read(data) if isinstance(fact, TensorHeader))
    end = len(data) - header.payload
    ends = range(end - 31, end + 1)
    assert header.digest in {"sha256:" + hashlib.sha256(data[:at]).hexdigest() for at in ends}


@pytest.mark.parametrize(
    ("pairs", "tensors", "role"),
    [
        ([("general.type", "adapter")], forge.TENSORS, "adapter"),
        ([("adapter.type", "lora")], forge.TENSORS, "adapter"),
        ([("general.architecture", "controlvector")], forge.TENSORS, "control-vector"),
        ([("general.type", "mmproj")], forge.TENSORS, "projector"),
        ([("general.architecture", "clip")], forge.TENSORS, "projector"),
        ([("general.type", "imatrix")], forge.TENSORS, "imatrix"),
        ([("general.architecture", "llama")], (), "vocabulary"),
        ([("split.no", 0), ("split.count", 2)], (), "model"),
    ],
)
def test_what_a_file_is_for(pairs: list[Any], tensors: tuple[Tensor, ...], role: str) -> None:
    (file,) = (fact for fact in _read(GGUF.file(pairs, tensors)) if isinstance(fact, GgufFile))
    assert file.role == role


def test_what_a_file_claims() -> None:
    found = _claims(
        ("general.architecture", "llama"),
        ("general.license", "other"),
        ("general.license.name", "acme-terms"),
        ("general.source.repo_url", "https://huggingface.co/acme/tiny"),
        ("general.base_model.count", 2),
        ("general.base_model.0.repo_url", "https://huggingface.co/acme/base"),
        ("general.base_model.0.url", "https://huggingface.co/acme/other"),
        ("general.base_model.1.name", "A Name With Spaces"),
        ("general.datasets", ["acme/text"]),
        ("general.dataset.count", 2),
        ("general.dataset.0.repo_url", "https://huggingface.co/datasets/acme/more"),
        ("general.dataset.1.name", "Words"),
        tensors=forge.TENSORS,
    )
    assert found == {
        ("architecture", "llama", ""),
        ("licence", "acme-terms", ""),
        ("base", "acme/tiny", "quantized"),
        ("base", "acme/base", ""),
        ("dataset", "acme/text", ""),
        ("dataset", "https://huggingface.co/datasets/acme/more", ""),
        ("dataset", "Words", ""),
    }


def test_an_adapter_names_its_base() -> None:
    found = _claims(
        ("general.type", "adapter"),
        ("general.license", "other"),
        ("general.base_model.count", 1),
        ("general.base_model.0.repo_url", "https://huggingface.co/acme/base"),
    )
    assert ("base", "acme/base", "adapter") in found
    assert ("licence", "other", "") in found


def test_programs_among_the_values_go_on_their_own_way() -> None:
    data = forge.small(
        ("tokenizer.chat_template", "{{ messages }}"),
        ("tokenizer.chat_template.tools", "{{ tools }}" * 1000),
        ("tokenizer.chat_templates", ["tools"]),
        ("x.chat_template", ["rag", "{{ listed }}", "{{ long }}" * 1000]),
        ("tokenizer.huggingface.json", '{"auto_map": {}}'),
    )
    members = {item.member: item.read_at(0, 14) for item in _read(data) if hasattr(item, "member")}
    assert members == {
        "tokenizer.chat_template.jinja": b"{{ messages }}",
        "tokenizer.chat_template.tools.jinja": b"{{ tools }}{{ ",
        "x.chat_template.1.jinja": b"{{ listed }}",
        "x.chat_template.2.jinja": b"{{ long }}{{ l",
        "tokenizer.huggingface.json": b'{"auto_map": {',
    }


def test_addresses_are_stated() -> None:
    data = forge.small(
        ("acme.source", "see https://models.example/a?b=c, and"), ("acme.x", "a://" + "y" * 5000)
    )
    found = [fact for fact in _read(data) if isinstance(fact, GgufAddress)]
    assert [(fact.key, fact.address) for fact in found] == [
        ("acme.source", "https://models.example/a?b=c,")
    ]


_TWO = (Tensor("a", [8]), Tensor("b", [8]))


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (GGUF.file([("k", 1), ("k", 2)]), ("duplicate-key", "k")),
        (GGUF.file((), (Tensor("a", [8]), Tensor("a", [8]))), ("duplicate-tensor", "a")),
        (GGUF.file((), (Tensor("a", [8]), Tensor("b", [8], offset=0))), ("overlap", "b")),
        (GGUF.file((), (Tensor("a", [9], size=32),)), ("out-of-bounds", "a")),
        (GGUF.file((), (Tensor("a", [8], offset=1 << 63),)), ("out-of-bounds", "a")),
        (GGUF.file((), (Tensor("a", [8], 99, offset=96),)), ("out-of-bounds", "a")),
        (GGUF.file((), (Tensor("a", [2]), Tensor("b", [2], offset=16))), ("unaligned", "b")),
        (GGUF.file((), (Tensor("a", [33], forge.Q4_0),)), ("size-mismatch", "a")),
        (GGUF.file((), (Tensor("a", [], forge.Q4_0),)), ("size-mismatch", "a")),
        (GGUF.file((), (Tensor("a", [1 << 40, 1 << 40], size=0),)), ("bad-shape", "a")),
        (GGUF.file((), (Tensor("a", [0, 1 << 63], size=0),)), ("bad-shape", "a")),
        (GGUF.file((), (Tensor("a", [1] * 9),)), ("bad-shape", "a")),
        (GGUF.file((), (Tensor("a", [1] * 5),)), ("extra-dimension", "a")),
        (GGUF.file((), (Tensor("a", [0]),)), ("empty-tensor", "a")),
        (GGUF.file((), (Tensor("a" * 65, [8]),)), ("long-name", "a" * 65)),
        (GGUF.file((), (Tensor("a" * 300, [8]),)), ("bad-name", "a" * 255)),
        (GGUF.file((), (Tensor("a\0b", [8]),)), ("bad-name", "a\0b")),
        (GGUF.file((), (Tensor(b"\xff", [8]),)), ("not-text", "\ufffd")),
        (GGUF.file((), (Tensor("a", [8], 99),)), ("unknown-tensor-type", "a")),
        (GGUF.file([("a\0b", 1)]), ("bad-name", "a\0b")),
        (GGUF.file([(b"\xff", 1)]), ("not-text", "\ufffd")),
        (GGUF.file([("k", Raw(13, b""))]), ("unknown-value-type", "k")),
        (GGUF.file([("k", Raw(forge.ARRAY, GGUF.array(13, 1, b"")))]), ("unknown-value-type", "k")),
        (GGUF.file([("k", [[1], [2]])]), ("nested-array", "k")),
        (GGUF.file([("general.alignment", 0)]), ("bad-alignment", "general.alignment")),
        (GGUF.file([("general.alignment", 24)]), ("bad-alignment", "general.alignment")),
        (GGUF.file([("general.alignment", "32")]), ("bad-alignment", "general.alignment")),
        (
            GGUF.file([("general.alignment", Raw(forge.U64, GGUF.pack("Q", 32)))]),
            ("bad-alignment", "general.alignment"),
        ),
        (GGUF.file([("split.no", 3), ("split.count", 3)]), ("split-mismatch", "split.no")),
        (GGUF.file([("split.no", 0)]), ("split-mismatch", "split.no")),
        (
            GGUF.file(
                [("tokenizer.ggml.tokens", ["a", "b"]), ("tokenizer.ggml.scores", [0.0])], _TWO
            ),
            ("array-mismatch", "tokenizer.ggml.scores"),
        ),
        (GGUF.file((), (Tensor("a", [8], size=64), Tensor("b", [8]))), ("hole", "a")),
        (
            GGUF.file((), (Tensor("a", [8], offset=32), Tensor("b", [8], offset=0))),
            ("out-of-order", "b"),
        ),
        (GGUF.file((), _TWO, behind=b"\0" * 31 + b"x"), ("trailing-data", "b")),
        (GGUF.file((), _TWO, behind=b"\0" * 4096), ("gap", "b")),
        (GGUF.file([("k", 1)], (), behind=b"x" * 100), ("trailing-data", "")),
        (GGUF.file((), (Tensor("a", [5]), Tensor("b", [8])), padding=b"x"), ("padding-data", "a")),
        (GGUF.file((), (Tensor("a", [5]),), padding=b"x"), ("padding-data", "a")),
    ],
)
def test_each_broken_promise_is_named(data: bytes, expected: tuple[str, str]) -> None:
    assert expected in _defects(data)


@pytest.mark.parametrize(
    "data",
    [
        GGUF.header((), 1 << 62, b""),
        GGUF.header((), 5, b""),
        b"GGUF" + GGUF.pack("IQQ", 3, 0, 1 << 63) + bytes(64),
        b"GGUF" + GGUF.pack("IQQ", 3, 0, 1) + GGUF.count(1 << 40) + bytes(64),
        b"GGUF" + GGUF.pack("IQQ", 3, 0, 1) + GGUF.count(1 << 16) + bytes(1 << 17),
        GGUF.file([("k", Raw(forge.STRING, GGUF.count((1 << 64) - 1)))]),
        GGUF.file([("k", Raw(forge.ARRAY, GGUF.array(forge.U32, 1 << 62, b"")))]),
        GGUF.file([("k", Raw(forge.ARRAY, GGUF.array(forge.STRING, 1 << 62, b"")))]),
        GGUF.file([("k", Raw(forge.ARRAY, GGUF.array(forge.STRING, 2, GGUF.count(1 << 40))))]),
        GGUF.file([("k", Raw(forge.ARRAY, GGUF.array(forge.STRING, 1, GGUF.count(1 << 40))))]),
    ],
)
def test_a_count_that_has_no_room_is_a_defect_and_a_gap(data: bytes) -> None:
    assert ("impossible-length", "the header") in _defects(data)
    with pytest.raises(ReadError):
        _read(data)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"GGUF",
        b"GGU",
        b"not a model at all",
        b"GGUF" + bytes(40),
        b"GGUF" + GGUF.pack("I", 4) + bytes(40),
        GGUF.file([("k", Raw(forge.ARRAY, GGUF.array(9, 1, GGUF.array(9, 1, b"") * 9)))]),
    ],
)
def test_what_is_no_header_is_an_error(data: bytes) -> None:
    with pytest.raises(ReadError):
        _read(data)


def test_what_was_found_before_an_error_stays() -> None:
    template = ("tokenizer.chat_template", "{{ x }}")
    data = GGUF.file([("general.name", "Tiny"), template, ("k", Raw(99, b""))])
    kinds = [type(item).__name__ for item in _stated(data)]
    assert kinds == ["GgufFile", "ModelClaim", "GgufDefect", "SliceArtifact"]


@pytest.mark.parametrize(
    "data",
    [
        GGUF.file((), [Tensor("a", [8], offset=0)] * 200),
        GGUF.file([("k", 1)] * 200),
    ],
)
def test_a_file_of_defects_stays_bounded(data: bytes) -> None:
    assert 20 <= len(_defects(data)) <= 60
    with pytest.raises(BudgetError):
        _read(data, Limits(facts=5))


@pytest.mark.parametrize(
    ("data", "limits"),
    [
        (GGUF.file([(f"tokenizer.chat_template.{n}", "x") for n in range(65)]), Limits()),
        (GGUF.file([("k", "x" * 3000)]), Limits(header_bytes=1000)),
        (GGUF.file([("k", "x" * 9000)]), Limits(header_bytes=1000)),
        (GGUF.file([("k", ["x" * 9000] * 9)]), Limits(header_bytes=20_000)),
        (GGUF.file([("k", ["x"] * 1000)]), Limits(steps=500)),
        (GGUF.file([("k" * 60_000 + str(n), 1) for n in range(300)]), Limits()),
        (b"GGUF" + GGUF.pack("IQQ", 3, 0, 70_000) + bytes(1 << 20), Limits()),
        (GGUF.header((), 140_000, bytes(1 << 22)), Limits()),
    ],
)
def test_more_than_any_real_file_has_is_refused(data: bytes, limits: Limits) -> None:
    with pytest.raises(BudgetError):
        _read(data, limits)


def test_a_long_list_of_words_is_stepped_over() -> None:
    words = [f"word {number}" for number in range(60_000)]
    data = forge.small(("k", words), ("general.tags", ["x" * 5000, *words[:100]]))
    assert len(data) > 1 << 20
    assert not _defects(data)


def test_data_that_hides_in_a_file_goes_on_its_own_way() -> None:
    data = GGUF.file((), forge.TENSORS, behind=b"\x80\x04hidden")
    (span,) = (item for item in _read(data) if hasattr(item, "member"))
    assert span.read_at(0, 99) == b"\x80\x04hidden"


def test_unknown_types_leave_room_until_the_next_tensor() -> None:
    tensors = (Tensor("a", [8], 99, size=64), Tensor("b", [8]), Tensor("c", [8], 99, size=640))
    assert _defects(GGUF.file((), tensors)) == [
        ("unknown-tensor-type", "a"),
        ("unknown-tensor-type", "c"),
    ]


def test_more_zeros_than_are_looked_at_are_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modelscan.formats.gguf.tensors._LOOKED_AT", 1000)
    assert ("trailing-data", "b") in _defects(GGUF.file((), _TWO, behind=bytes(4096)))


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("sha256-00", forge.small(), True),
        ("model.gguf", b"", True),
        ("model.gguf", b"anything", True),
        ("model.gguf", b"GGUF models are", True),
        ("notes.txt", b"GGUF models are", False),
        ("model.bin", b"\0GGUF", False),
        ("model.gguf", b"\x7fELF" + bytes(60), False),
    ],
)
def test_content_decides_unless_nothing_else_does(name: str, data: bytes, expected: bool) -> None:
    assert READER.recognises(Glimpse(BytesArtifact(name, data))) is expected


def test_a_file_that_shrinks_is_an_error() -> None:
    artifact = BytesArtifact("x", b"1234")
    artifact.size = 100
    with pytest.raises(ReadError, match="shorter"):
        Cursor(artifact, Budget()).take(50)
    with pytest.raises(ReadError, match="breaks off"):
        Cursor(artifact, Budget(), 3).skip_strings(2)


@pytest.mark.parametrize("names", [["{{ a }}"] * 70, ["a"] * 70])
def test_more_templates_in_a_list_than_are_read_are_a_gap(names: list[str]) -> None:
    data = forge.small(("tokenizer.chat_templates", names))
    with pytest.raises(BudgetError, match="70 chat templates in one list"):
        list(READER.read(BytesArtifact("a.gguf", data), Budget()))
