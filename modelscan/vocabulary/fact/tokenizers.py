"""Facts about tokenizers: the tables between text and the numbers that a model reads."""

from __future__ import annotations

from typing import Literal

from modelscan.vocabulary.fact.base import Fact

TokenizerForm = Literal["tokenizers", "sentencepiece", "tiktoken", "vocabulary", "gguf"]
"""The kind of file: `tokenizer.json`, a sentencepiece model, a tiktoken table, a bare list, or the
metadata of a GGUF file."""


class Tokenizer(Fact, frozen=True, kw_only=True, tag="tokenizer"):
    """A vocabulary, as one file has it."""

    form: TokenizerForm
    """The kind of file."""
    algorithm: str
    """How text is cut: `BPE`, `Unigram`, `WordPiece`, `WordLevel`; empty when not said."""
    tokens: int
    """Tokens of the vocabulary itself, without those that were added."""
    largest: int
    """The largest number of any token, added ones included; -1 when there is none."""
    numbered: str
    """`sha256:` over the tokens in the order of their numbers."""
    named: str
    """`sha256:` over sums of the tokens alone: equal when only numbers differ."""


class TokenizerMerges(Fact, frozen=True, kw_only=True, tag="tokenizer.merges"):
    """The merges of a vocabulary, as one file has them."""

    count: int
    """How many there are."""
    digest: str
    """`sha256:` over them in their order, each with a blank between its parts."""


class TokenizerRoles(Fact, frozen=True, kw_only=True, tag="tokenizer.roles"):
    """Which tokens begin and end a text, and the like, as one file says it."""

    roles: tuple[str, ...]
    """`eos_token` and its kin, sorted."""
    tokens: tuple[str, ...]
    """The token of each role, in the same order."""


class TokenizerNames(Fact, frozen=True, kw_only=True, tag="tokenizer.names"):
    """The tokens that one file adds to a vocabulary, with their numbers."""

    source: Literal["added_tokens", "added_tokens_decoder", "added_tokens.json", "gguf"]
    """Where the file says so."""
    names: tuple[str, ...]
    """The tokens."""
    numbers: tuple[int, ...]
    """Their numbers, in the same order."""


class TokenizerDefect(Fact, frozen=True, kw_only=True, tag="tokenizer.defect"):
    """A vocabulary that contradicts itself, or another file of the same model."""

    kind: Literal[
        "duplicate-number",  # two tokens with one number
        "duplicate-token",  # one token with two numbers
        "number-exchanged",  # tokens that stand in each other's place
        "number-taken",  # an added token under the number of another token
        "number-differs",  # an added token that has another number in the vocabulary
        "bad-number",  # no whole number, or none that a vocabulary can have
        "unknown-merge",  # a merge whose parts or result are no tokens
        "files-exchange",  # two files give the same tokens each other's numbers
        "files-shift",  # two files number many of their tokens differently
        "files-rename",  # two files have different tokens under one number
        "files-differ",  # two files have the same tokens, numbered differently
        "merges-differ",  # two files have as many merges, and not the same ones
        "roles-differ",  # two files name different tokens to begin or end a text
        "hole",  # numbers that no token has
        "beyond-vocabulary",  # a number that the embedding of the configuration has no row for
    ]
    """What is wrong."""
    token: str = ""
    """The token concerned."""
    detail: str = ""
    """The figures or tokens that disagree."""


class TokenizerStep(Fact, frozen=True, kw_only=True, tag="tokenizer.step"):
    """A step of a tokenizer that changes what was written, as ordinary ones do not."""

    stage: Literal["normalizer", "pre_tokenizer", "post_processor", "decoder"]
    """`decoder` changes what the model answers, the others what it reads."""
    kind: Literal[
        "rewrites-words",  # puts other words in the place of some
        "rewrites-address",  # puts an address into the text
        "inserts-words",  # adds words
        "removes-words",  # takes words out
        "inserts-other-token",  # says to add one token, and adds the number of another
        "unlisted",  # a step that the library does not have
    ]
    """What it does."""
    name: str
    """The type of the step."""
    pattern: str = ""
    """What it looks for."""
    content: str = ""
    """What it writes instead."""


class TokenizerToken(Fact, frozen=True, kw_only=True, tag="tokenizer.token"):
    """An added token, or one with a role, that is no plain marker or word."""

    kind: Literal[
        "holds-marker",  # markers of the conversation, with other text around them
        "holds-address",
        "holds-sentence",
        "hidden-text",  # characters that models read and people do not see
    ]
    """What is odd about it."""
    token: str
    """The token."""
    number: int
    """Its number; -1 where it is named by a role alone."""
