"""What configurations state about the size of a model, and about the words that it can write.

Sources: transformers, `PretrainedConfig` and `GenerationConfig`; PEFT, `LoraConfig`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from modelscan.vocabulary.fact import ConfigGeneration, ConfigShape, Fact, RemoteCode
from modelscan.vocabulary.location import Location

_VOCABULARY: Final = ("vocab_size", "padded_vocab_size", "src_vocab_size", "tgt_vocab_size",
                      "decoder_vocab_size", "n_vocab", "embedding_size")  # fmt: skip
_WIDTH: Final = ("hidden_size", "d_model", "n_embd", "embed_dim", "dim", "embedding_size",
                 "word_embed_proj_dim", "decoder_hidden_size", "hidden_dim")  # fmt: skip
_LAYERS: Final = ("num_hidden_layers", "num_layers", "n_layer", "n_layers", "num_decoder_layers",
                  "encoder_layers", "decoder_layers", "depth")  # fmt: skip
_EXTRA: Final = ("num_nextn_predict_layers", "mtp_num_hidden_layers", "num_mtp_modules")
_KEY_HEADS: Final = ("num_key_value_heads", "num_kv_heads", "n_kv_heads")
_PARTS: Final = 30
_LARGEST: Final = 1 << 40
_SHOWN: Final = 160


def model(root: Mapping[str, Any], where: Location) -> Iterator[Fact]:
    """Sizes of a model and its parts (`text_config` and its like).

    Args:
        root: the document.
        where: the file.
    """
    parts = [root, *(item for item in root.values() if isinstance(item, dict))][:_PARTS]
    vocabulary, widths, layers = (_numbers(parts, keys) for keys in (_VOCABULARY, _WIDTH, _LAYERS))
    method = _table(root.get("quantization_config")).get("quant_method")
    if vocabulary or widths or layers:
        yield ConfigShape(
            location=where,
            status="declared",
            vocabulary=vocabulary,
            widths=widths,
            layers=layers,
            extra=max(_numbers(parts, _EXTRA), default=0),
            quantised=method[:_SHOWN] if isinstance(method, str) else "",
            keys=tuple(sorted({heads * size for heads, size in _heads(parts) if size})),
            key_heads=tuple(sorted({heads for heads, size in _heads(parts) if not size})),
        )


def _heads(parts: list[Any]) -> Iterator[tuple[int, int]]:
    """Heads for keys of each part, and the size of one; 0 where it is left to the library.

    Parts that give other numbers to some layers state lists or further keys of the same kind.
    """
    for part in parts:
        heads = _numbers([part], _KEY_HEADS)
        sizes = _numbers([part], ("head_dim",))
        if len(heads) == 1:
            yield heads[0], sizes[0] if sizes else 0


def adapter(root: Mapping[str, Any], where: Location) -> Iterator[Fact]:
    """Rank and modules of a low-rank adapter."""
    rank = root.get("r")
    if type(rank) is not int or root.get("rank_pattern"):
        return
    yield ConfigShape(
        location=where,
        status="declared",
        rank=rank if 0 < rank < _LARGEST else 0,
        targets=_names(root.get("target_modules")),
        replaces=_names(root.get("modules_to_save")),
    )


def generation(root: Mapping[str, Any], where: Location) -> Iterator[Fact]:
    """Settings that change which words the model can write, and code that would write them."""
    custom = root.get("custom_generate")
    if isinstance(custom, str) and custom:
        repository = custom if "/" in custom and not custom.startswith((".", "/")) else ""
        yield RemoteCode(
            location=where, key="custom_generate", reference=custom, repository=repository
        )
    ends = {end for end in _list(root.get("eos_token_id")) if type(end) is int}
    if any(end < 0 for end in ends):
        yield _setting("no-end", "eos_token_id", root["eos_token_id"], where)
    if ends & {one for one in _list(root.get("suppress_tokens")) if type(one) is int}:
        yield _setting("suppresses-end", "suppress_tokens", root["suppress_tokens"], where)
    if root.get("sequence_bias"):
        yield _setting("biases-words", "sequence_bias", root["sequence_bias"], where)
    words = [word for word in _list(root.get("bad_words_ids")) if isinstance(word, list)]
    if any(len(word) > 1 for word in words):  # a lone token is padding, as Marian's models ban it
        yield _setting("bans-words", "bad_words_ids", root["bad_words_ids"], where)
    elif ends & {word[0] for word in words if word and type(word[0]) is int}:
        yield _setting("suppresses-end", "bad_words_ids", root["bad_words_ids"], where)
    if root.get("force_words_ids"):
        yield _setting("forces-words", "force_words_ids", root["force_words_ids"], where)


def _setting(kind: Any, key: str, value: Any, where: Location) -> ConfigGeneration:
    import json  # lazy: hardly a configuration has such a setting

    return ConfigGeneration(location=where, kind=kind, key=key, value=json.dumps(value)[:_SHOWN])


def _numbers(parts: list[Any], keys: tuple[str, ...]) -> tuple[int, ...]:
    found = {part.get(key) for part in parts for key in keys if type(part.get(key)) is int}
    return tuple(sorted(number for number in found if 0 < number < _LARGEST))


def _table(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _names(value: Any) -> tuple[str, ...]:
    names = {item for item in value if isinstance(item, str)} if isinstance(value, list) else ()
    return tuple(sorted(names))
