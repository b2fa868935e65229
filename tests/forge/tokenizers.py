"""Builds tokenizers: the shapes of well-known families, in small, and what can be done to them."""

from __future__ import annotations

import base64
import itertools
import json
import struct
from typing import Any

from tests.forge.protobuf import data, fixed32, number

Document = dict[str, Any]
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def _pairs(count: int) -> list[tuple[str, str]]:
    return list(itertools.islice(itertools.product(_LETTERS, _LETTERS), count))


def bpe(added: list[str] | None = None, *, pairs: bool = True, **stages: Any) -> Document:
    """Byte-pair encoding with 26 letters and 200 merges, numbered in their order."""
    table = {letter: number for number, letter in enumerate(_LETTERS)}
    merges: list[Any] = []
    for left, right in itertools.islice(itertools.product(_LETTERS, _LETTERS), 200):
        merges.append([left, right] if pairs else f"{left} {right}")
        table[left + right] = len(table)
    return whole({"type": "BPE", "vocab": table, "merges": merges}, added or [], **stages)


def unigram(added: list[str] | None = None, **stages: Any) -> Document:
    """A unigram model: markers with a score of zero, then falling scores."""
    rows: list[list[Any]] = [["<pad>", 0.0], ["</s>", 0.0], ["<unk>", 0.0]]
    rows += [["".join(pair), -2.0 - place / 100] for place, pair in enumerate(_pairs(200))]
    return whole({"type": "Unigram", "unk_id": 2, "vocab": rows}, added or [], **stages)


def wordpiece(**stages: Any) -> Document:
    """BERT's kind."""
    names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *_LETTERS, *map("##{}".format, _LETTERS)]
    table = {name: number for number, name in enumerate(names)}
    model = {"type": "WordPiece", "vocab": table, "continuing_subword_prefix": "##"}
    return whole(model, names[:5], **stages)


def whole(model: Document, added: list[str], **stages: Any) -> Document:
    """A document; added tokens get the numbers of the vocabulary, or the next ones."""
    vocabulary = model["vocab"]
    if isinstance(vocabulary, list):
        vocabulary = {row[0]: number for number, row in enumerate(vocabulary)}
    following = itertools.count(len(vocabulary))
    tokens = [
        {"id": vocabulary[name] if name in vocabulary else next(following), "content": name,
         "special": True, "normalized": False}
        for name in added
    ]  # fmt: skip
    empty = dict.fromkeys(("normalizer", "pre_tokenizer", "post_processor", "decoder"))
    return {"version": "1.0", "added_tokens": tokens, **empty, **stages, "model": model}


def template(**tokens: int) -> Document:
    """A post-processor that writes these tokens before the text."""
    before = [{"SpecialToken": {"id": name, "type_id": 0}} for name in tokens]
    special = {name: {"id": name, "ids": [at], "tokens": [name]} for name, at in tokens.items()}
    single = [*before, {"Sequence": {"id": "A", "type_id": 0}}]
    return {"type": "TemplateProcessing", "single": single, "pair": single,
            "special_tokens": special}  # fmt: skip


def steps(kind: str, *inner: Document) -> Document:
    """A sequence of steps."""
    return {"type": "Sequence", kind: list(inner)}


def replace(pattern: str, content: str, *, regex: bool = False) -> Document:
    """A step that replaces text."""
    looks_for = {"Regex": pattern} if regex else {"String": pattern}
    return {"type": "Replace", "pattern": looks_for, "content": content}


def charsmap(*texts: str) -> bytes:
    """Compiled rules of normalisation that write these texts; the trie is left empty."""
    return struct.pack("<I", 8) + bytes(8) + b"\0".join(text.encode() for text in texts) + b"\0"


_GPT = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
_LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
)
_BYTES = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
_SPLIT = {"type": "Split", "pattern": {"Regex": _LLAMA3}, "behavior": "Isolated", "invert": False}
_MARKED = {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "always", "split": True}
_CHATML = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<tool_call>", "</tool_call>", "<think>"]
_UNMARK = steps(
    "decoders",
    replace("\u2581", " "),
    {"type": "ByteFallback"},
    {"type": "Fuse"},
    {"type": "Strip", "content": " ", "start": 1, "stop": 0},
)
_NFKC = base64.b64encode(charsmap(" ", "viii", "TEL", "hPa", "株式会社", "(10)")).decode()

FAMILIES: dict[str, Document] = {
    "llama-2": bpe(
        ["<unk>", "<s>", "</s>"],
        pairs=False,
        normalizer=steps("normalizers", {"type": "Prepend", "prepend": "\u2581"}, replace(" ", "\u2581")),
        post_processor=template(**{"<s>": 227}),
        decoder=_UNMARK,
    ),
    "llama-3": bpe(
        ["<|begin_of_text|>", "<|eot_id|>", *(f"<|reserved_special_token_{n}|>" for n in range(50))],
        pre_tokenizer=steps("pretokenizers", _SPLIT, _BYTES),
        post_processor=steps("processors", _BYTES, template(**{"<|begin_of_text|>": 226})),
        decoder=_BYTES,
    ),
    "qwen": bpe(
        [*_CHATML, "<|vision_start|>", "<|fim_prefix|>"],
        normalizer={"type": "NFC"},
        pre_tokenizer=steps("pretokenizers", _SPLIT, _BYTES),
        post_processor=_BYTES,
        decoder=_BYTES,
    ),
    "mistral": bpe(
        ["<unk>", "<s>", "</s>", "[INST]", "[/INST]", "[TOOL_CALLS]", "[AVAILABLE_TOOLS]"],
        pre_tokenizer=_MARKED,
        post_processor=template(**{"<s>": 227}),
        decoder=_UNMARK,
    ),
    "gemma": bpe(
        ["<pad>", "<eos>", "<bos>", "<start_of_turn>", "<end_of_turn>", "\n\n\n", "\u2581\u2581", "</h1>"],
        normalizer=replace(" ", "\u2581"),
        pre_tokenizer={"type": "Split", "pattern": {"String": " "}, "behavior": "MergedWithPrevious"},
        post_processor=template(**{"<bos>": 228}),
        decoder=steps("decoders", replace("\u2581", " "), {"type": "ByteFallback"}, {"type": "Fuse"}),
    ),
    "deepseek": bpe(
        ["<\uff5cbegin\u2581of\u2581sentence\uff5c>", "<\uff5cUser\uff5c>", "<\uff5ctool\u2581calls\u2581begin\uff5c>"],
        normalizer=steps("normalizers"),
        pre_tokenizer=steps(
            "pretokenizers",
            {"type": "Split", "pattern": {"Regex": "\\p{N}{1,3}"}, "behavior": "Isolated"},
            {"type": "Digits", "individual_digits": True},
            _BYTES,
        ),
        decoder=_BYTES,
    ),
    "phi": bpe(["<|endoftext|>", "<|assistant|>", "<|placeholder1|>", "<|end|>"], decoder=_UNMARK),
    "glm": bpe(["[gMASK]", "<sop>", "<|user|>", "<|observation|>", "<|begin_of_image|>"]),
    "command": bpe(
        ["<PAD>", "<BOS_TOKEN>", "<|START_OF_TURN_TOKEN|>", "<|CHATBOT_TOKEN|>"],
        normalizer={"type": "NFC"},
        post_processor=template(**{"<BOS_TOKEN>": 227}),
    ),
    "granite": bpe(["<|end_of_text|>", "<fim_prefix>", "<|start_of_role|>", "<|tool_call|>"]),
    "whisper": bpe(
        ["<|startoftranscript|>", "<|en|>", "<|transcribe|>", "<|notimestamps|>", "<|0.00|>"],
        post_processor=template(
            **{"<|startoftranscript|>": 226, "<|en|>": 227, "<|notimestamps|>": 229}
        ),
    ),
    "clip": bpe(
        ["<|startoftext|>", "<|endoftext|>"],
        normalizer=steps("normalizers", {"type": "NFC"}, replace(r"\s+", " ", regex=True), {"type": "Lowercase"}),
        pre_tokenizer={"type": "Split", "pattern": {"Regex": _GPT}, "behavior": "Removed", "invert": True},
        post_processor={"type": "RobertaProcessing", "sep": ["<|endoftext|>", 227], "cls": ["<|startoftext|>", 226]},
    ),
    "bert": wordpiece(
        normalizer={"type": "BertNormalizer", "lowercase": True},
        pre_tokenizer={"type": "BertPreTokenizer"},
        post_processor=template(**{"[CLS]": 2, "[SEP]": 3}),
        decoder={"type": "WordPiece", "prefix": "##", "cleanup": True},
    ),
    "t5": unigram(
        ["<pad>", "</s>", "<unk>", "<extra_id_0>"],
        normalizer=steps(
            "normalizers",
            {"type": "Precompiled", "precompiled_charsmap": _NFKC},
            replace(" {2,}", " ", regex=True),
            replace("``", '"'),
        ),
        pre_tokenizer=steps("pretokenizers", {"type": "WhitespaceSplit"}, _MARKED),
        post_processor=template(**{"</s>": 1}),
        decoder=_MARKED,
    ),
    "nllb": unigram(["</s>", "eng_Latn", "zho_Hans"], post_processor=template(**{"</s>": 1, "eng_Latn": 203})),
}  # fmt: skip
"""What `tokenizer.json` looks like in well-known families."""


def raw(document: Document) -> bytes:
    """A document as bytes."""
    return json.dumps(document).encode()


def sentencepiece(
    pieces: list[tuple[str, float, int]] | None = None, rules: bytes = b"", *, algorithm: int = 2
) -> bytes:
    """A sentencepiece model: text, score and type of each piece."""
    chosen = PIECES if pieces is None else pieces
    found = b"".join(data(1, piece(*each)) for each in chosen)
    normalizer = data(1, "nmt_nfkc") + (data(2, rules) if rules else b"") + number(3, 1)
    return found + data(2, number(3, algorithm) + number(4, len(chosen))) + data(3, normalizer)


def piece(text: str, score: float, kind: int = 1) -> bytes:
    """One piece; an ordinary one does not say its type."""
    plain = data(1, text) + fixed32(2, struct.pack("<f", score))
    return plain if kind == 1 else plain + number(3, kind)


PIECES: list[tuple[str, float, int]] = [
    ("<unk>", 0.0, 2), ("<s>", 0.0, 3), ("</s>", 0.0, 3), ("<0x0A>", 0.0, 6),
    *(("".join(pair), -1.0 - place, 1) for place, pair in enumerate(_pairs(200))),
]  # fmt: skip


def tiktoken(tokens: list[bytes] | None = None) -> bytes:
    """A table of tiktoken."""
    found = [bytes([33 + place]) for place in range(94)] if tokens is None else tokens
    lines = (base64.b64encode(token) + b" %d" % rank for rank, token in enumerate(found))
    return b"\n".join(lines) + b"\n"
