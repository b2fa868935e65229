"""Large vocabularies are read a little at a time, and say the same as if they were held whole."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from modelscan.budget import Budget
from modelscan.errors import BudgetError, ReadError
from modelscan.formats import hub_config, json_parts
from modelscan.formats.gguf import vocabulary as gguf_vocabulary
from modelscan.formats.gguf.reader import GgufReader
from modelscan.formats.hub_config import HubConfigReader
from modelscan.formats.reader import Glimpse
from modelscan.formats.tokenizer import (
    charsmap,
    lines,
    merges,
    orders,
    plain,
    sentencepiece,
    vocabulary,
)
from modelscan.formats.tokenizer import reader as whole
from modelscan.formats.tokenizer.plain import VocabularyReader
from modelscan.formats.tokenizer.reader import TokenizerReader
from modelscan.formats.tokenizer.sentencepiece import SentencepieceReader
from modelscan.formats.tokenizer.vocabulary import Batch, Vocabulary
from modelscan.vocabulary.artifact import BytesArtifact
from modelscan.vocabulary.fact import Fact, RemoteCode, Tokenizer, TokenizerDefect
from modelscan.vocabulary.location import Location
from tests.forge import gguf
from tests.forge import tokenizers as forge

READERS = (TokenizerReader(), VocabularyReader(), SentencepieceReader(), GgufReader())


def _little(patch: pytest.MonkeyPatch) -> None:
    """Hold so little that every vocabulary is a large one."""
    patch.setattr(json_parts, "_WINDOW", 600)
    patch.setattr(whole, "_HELD", 0)
    patch.setattr(lines, "_WINDOW", 64)
    patch.setattr(vocabulary, "HELD", 4_000)
    patch.setattr(vocabulary, "_PART", 9_000)
    patch.setattr(vocabulary, "_APART", 60)
    patch.setattr(vocabulary, "_FAR", 90)
    patch.setattr(sentencepiece, "_BATCH", 30)
    patch.setattr(gguf_vocabulary, "_WINDOW", 200)


def _read(data: bytes, name: str) -> list[Any]:
    artifact = BytesArtifact(name, data)
    (chosen,) = [one for one in READERS if one.recognises(Glimpse(artifact))]
    return list(chosen.read(artifact, Budget()))


def _defects(facts: list[Fact]) -> list[tuple[str, str]]:
    return [(one.kind, one.token) for one in facts if isinstance(one, TokenizerDefect)]


def _swapped(document: forge.Document, *names: str) -> None:
    table = document["model"]["vocab"]
    if isinstance(table, dict):
        one, other = names
        table[one], table[other] = table[other], table[one]
    else:
        at = [[row[0] for row in table].index(name) for name in names]
        table[at[0]], table[at[1]] = table[at[1]], table[at[0]]


def _repeated(document: forge.Document) -> None:
    table = document["model"]["vocab"]
    if isinstance(table, dict):
        table |= {'a":1': 3, "b": -2, "c": 1 << 70, "d": table["e"], "hole": 5_000}
    else:
        table.append(list(table[7]))


def _unknown(document: forge.Document) -> None:
    merged = document["model"].get("merges")
    if merged:
        merged += ["zz yy", "a qqq", "zzz zzz"] if isinstance(merged[0], str) else [["zz", "a"]]


def _shuffled(document: forge.Document) -> None:
    table = document["model"]["vocab"]
    if isinstance(table, dict):
        document["model"]["vocab"] = dict(sorted(table.items(), reverse=True))


CHANGES: dict[str, Callable[[forge.Document], None]] = {
    "as-it-is": lambda _: None,
    "swapped": lambda document: _swapped(document, "ad", "gh"),
    "repeated": _repeated,
    "unknown": _unknown,
    "shuffled": _shuffled,
}


@pytest.mark.parametrize("family", ["llama-2", "llama-3", "deepseek", "t5", "bert"])
@pytest.mark.parametrize("change", CHANGES)
def test_the_same_is_stated_however_little_is_held(
    family: str, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = copy.deepcopy(forge.FAMILIES[family])
    if change != "swapped" or "ad" in str(document["model"]["vocab"]):
        CHANGES[change](document)
    data = json.dumps(document, indent=1, ensure_ascii=False).encode()
    expected = _read(data, "tokenizer.json")
    table = document["model"]["vocab"]
    bare = json.dumps(table if isinstance(table, dict) else {}).encode()
    listed = _read(bare, "vocab.json")
    _little(monkeypatch)
    assert _read(data, "tokenizer.json") == expected
    assert _read(bare, "vocab.json") == listed


@pytest.mark.parametrize("name", ["vocab.txt", "merges.txt", "a.tiktoken", "tokenizer.model"])
def test_so_do_the_other_files(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = [f"token{number}" for number in range(300)]
    written = {
        "vocab.txt": "\r\n".join(tokens).encode(),
        "merges.txt": "\n".join(["#version: 0.2", *(f"{one} {one}" for one in tokens)]).encode(),
        "a.tiktoken": forge.tiktoken(),
        "tokenizer.model": forge.sentencepiece([*forge.PIECES, ("ab", -300.0, 1)]),
    }
    expected = _read(written[name], name)
    assert expected
    _little(monkeypatch)
    assert _read(written[name], name) == expected


def _gguf(names: list[str], joined: list[str]) -> bytes:
    lists = [("tokenizer.ggml.tokens", names), ("tokenizer.ggml.merges", joined)]
    return gguf.GGUF.file([("general.architecture", "llama"), *lists], gguf.TENSORS)


@pytest.mark.parametrize("swapped", [False, True])
def test_and_gguf_files(*, swapped: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    model = forge.FAMILIES["llama-3"]["model"]
    names = list(model["vocab"])
    if swapped:
        one, other = names.index("ad"), names.index("gh")
        names[one], names[other] = names[other], names[one]
    joined = [one if isinstance(one, str) else " ".join(one) for one in model["merges"]]
    data = _gguf(names, joined)
    expected = _read(data, "a.gguf")
    assert _defects(expected) == [("number-exchanged", name) for name in ("ad", "gh") if swapped]
    _little(monkeypatch)
    assert _read(data, "a.gguf") == expected


def test_a_token_of_a_gguf_file_is_no_longer_than_a_window(monkeypatch: pytest.MonkeyPatch) -> None:
    data = _gguf(["a", "b" * 300], [])
    monkeypatch.setattr(gguf_vocabulary, "_WINDOW", 200)
    with pytest.raises(BudgetError, match="longer than any"):
        _read(data, "a.gguf")
    monkeypatch.setattr(gguf_vocabulary, "_MOST", 1)
    with pytest.raises(BudgetError, match="2 tokens"):
        _read(data, "a.gguf")


def test_a_document_that_says_a_part_twice_is_refused() -> None:
    with pytest.raises(ReadError, match=r"'model\.vocab' is in it twice"):
        _read(b'{"model":{"vocab":{},"vocab":{"a":0}}}', "tokenizer.json")
    with pytest.raises(ReadError, match="its merges are no list"):
        _read(b'{"model":{"vocab":{},"merges":null}}', "tokenizer.json")


def test_sizes_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whole, "_LONGEST_PART", 10)
    with pytest.raises(BudgetError, match="a normalizer of"):
        _read(b'{"model":{},"normalizer":{"type":"NFKC"}}', "tokenizer.json")
    monkeypatch.setattr(plain, "_LARGEST_TABLE", 10)
    with pytest.raises(BudgetError, match="a table of tokens"):
        _read(b'{"a": 1, "b": 2}', "added_tokens.json")
    monkeypatch.setattr(plain, "_MOST_LETTERS", 3)
    with pytest.raises(BudgetError, match="one character"):
        _read(b"a\nb\n##c\nd\n", "vocab.txt")
    monkeypatch.setattr(lines, "_LONGEST", 100)
    with pytest.raises(BudgetError, match="a line of"):
        _read(b"a" * 200, "vocab.txt")
    monkeypatch.setattr(merges, "_MOST_BLANKS", 3)
    with pytest.raises(BudgetError, match="lines of nothing"):
        _read(b"#version\n" + b"\n" * 9, "merges.txt")
    monkeypatch.setattr(sentencepiece, "_LONGEST_PIECE", 100)
    with pytest.raises(BudgetError, match="a piece of"):
        _read(forge.sentencepiece([*forge.PIECES, ("a" * 120, -300.0, 1)]), "tokenizer.model")
    monkeypatch.setattr(charsmap, "LARGEST", 4)
    with pytest.raises(BudgetError, match="rules of normalisation"):
        _read(forge.sentencepiece(rules=forge.charsmap("a")), "tokenizer.model")


def test_vocabularies_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    def numbered(numbers: list[int]) -> Vocabulary:
        names = [f"t{number}" for number in range(len(numbers))]
        return Vocabulary(lambda: [Batch(names, numbers)])

    where = Location("a")
    monkeypatch.setattr(vocabulary, "_FAR", 4)
    with pytest.raises(BudgetError, match="stand twice"):
        numbered([1] * 9).described("vocabulary", "", where)
    with pytest.raises(BudgetError, match="out of reach"):
        numbered([1 << 40 << step for step in range(6)])
    monkeypatch.setattr(vocabulary, "MOST", 5)
    with pytest.raises(BudgetError, match="more than 5 tokens"):
        numbered(list(range(6)))


def test_merges_in_parts_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    _little(monkeypatch)
    monkeypatch.setattr(merges, "_MOST_IN_PARTS", 5)
    with pytest.raises(BudgetError, match="more than 5 merges"):
        _read(forge.raw(forge.bpe()), "tokenizer.json")


def test_tokens_in_no_order_are_sorted_up_to_a_size(monkeypatch: pytest.MonkeyPatch) -> None:
    document = forge.unigram()
    _swapped(document, "ad", "gh")
    monkeypatch.setattr(orders, "_MOST", 50)
    with pytest.raises(BudgetError, match="not in their order"):
        _read(forge.raw(document), "tokenizer.json")


def test_of_many_that_stand_twice_some_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vocabulary, "_MOST_TWICE", 2)
    document = forge.unigram()
    document["model"]["vocab"] += document["model"]["vocab"][5:50]
    kinds = [kind for kind, _ in _defects(_read(forge.raw(document), "tokenizer.json"))]
    assert kinds.count("duplicate-token") == 2
    monkeypatch.setattr(vocabulary, "_MOST_TWICE", 1000)
    kinds = [kind for kind, _ in _defects(_read(forge.raw(document), "tokenizer.json"))]
    assert kinds.count("duplicate-token") == vocabulary.MOST_SHOWN


def test_blank_lines_of_merges_count_between_others_alone() -> None:
    written = ["#version: 1", "a b", "", "c d", "", ""]
    for batches in ([written], [[one] for one in written]):
        assert [one for batch in merges.lines(batches) for one in batch] == written[1:4]
    assert list(merges.lines([["a b", ""], ["c d"], [""]])) == [["a b"], ["c d"]]
    assert _read(b"\n\n", "merges.txt") == []


def test_a_vocabulary_with_gaps_is_told_from_one_with_others() -> None:
    def numbered(table: dict[str, int]) -> Tokenizer:
        found = _read(json.dumps(table).encode(), "vocab.json")
        return next(one for one in found if isinstance(one, Tokenizer))

    one, other = numbered({"a": 0, "b": 5}), numbered({"a": 5, "b": 0})
    assert one.named == other.named
    assert one.numbered != other.numbered
    assert numbered({"b": 1, "a": 0}).numbered == numbered({"a": 0, "b": 1}).numbered


def _claims(data: bytes, name: str) -> list[Any]:
    return list(HubConfigReader().read(BytesArtifact(name, data), Budget()))


def test_what_a_large_document_asks_for_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_config, "_HELD", 100)
    monkeypatch.setattr(hub_config, "_SMALL", 60)
    filler = ',"x":"' + "y" * 200 + '"}'
    asked = ('{"auto_map":{"AutoModel":"o/r--m.C"}' + filler).encode()
    assert [type(one) for one in _claims(asked, "config.json")] == [RemoteCode]
    (template,) = _claims(('{"chat_template":"{{ a }}"' + filler).encode(), "tokenizer.json")
    assert template.member == "chat_template.jinja"
    assert _claims(b"[" + b"1," * 200 + b"1]", "a.json") == []
    for data, error in (
        ('{"auto_map":"' + "z" * 90 + '"' + filler, BudgetError),
        ('{"auto_map":{1}' + filler, ReadError),
        ('{"auto_map":' + filler, ReadError),
    ):
        with pytest.raises(error):
            _claims(data.encode(), "config.json")


def test_a_large_vocabulary_may_have_the_words_that_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_config, "_HELD", 100)
    monkeypatch.setattr(json_parts, "_MOST_PARTS", 10)
    table = json.dumps({f"t{number}": number for number in range(90)})
    assert _claims((table[:-1] + ',"auto_map":90}').encode(), "vocab.json") == []
    with pytest.raises(BudgetError):
        _claims((table[:-1] + ',"auto_map":{"A":"b.C"}}').encode(), "vocab.json")
