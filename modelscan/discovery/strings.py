"""A weaker reading of code: words, texts and brackets, without a grammar.

It serves JavaScript and TypeScript, and Python that this Python cannot parse. Comments and
documentation are left out, constants of the file are put in, and calls and keys are known by their
names alone: no imports are followed.

Invariants: one regular expression without nested repetition passes over the text once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from modelscan.budget import Budget
from modelscan.discovery import hosted, keys, naming
from modelscan.discovery.mention import Mention
from modelscan.discovery.naming import Usual
from modelscan.vocabulary.reference import Certainty

_JAVASCRIPT: Final = re.compile(
    r"""(?P<skip>//[^\n]*|/\*.*?(?:\*/|\Z)|[ \t\r\n]+)
      | (?P<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`)
      | (?P<name>[A-Za-z_$][\w$]*)
      | (?P<sign>=>|[^\w\s])
      | (?P<other>\w+)
    """,
    re.VERBOSE | re.DOTALL,
)
_PYTHON: Final = re.compile(
    r'''(?P<skip>\#[^\n]*|[ \t\r]+|\\\n)
      | (?P<doc>(?<=\n)[ \t]*[rRuU]?(?:"""(?:[^\\]|\\.)*?"""|\'\'\'(?:[^\\]|\\.)*?\'\'\'))
      | (?P<text>[rRuUfFbB]{0,2}(?:"""(?:[^\\]|\\.)*?"""|\'\'\'(?:[^\\]|\\.)*?\'\'\'
          |"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'))
      | (?P<name>[A-Za-z_]\w*)
      | (?P<sign>[^\w\s]|\n)
      | (?P<other>\w+)
    ''',
    re.VERBOSE | re.DOTALL,
)
_FIELD: Final = re.compile(r"\$?\{(\w+)\}")
_QUOTES: Final = re.compile(r"""^[a-zA-Z]{0,2}("{3}|'{3}|["'`])""")
_BATCH: Final = 10_000
_FAR: Final = 40
"""Tokens of a call that are looked at for its arguments."""

_CALLS: Final[dict[str, tuple[Usual, int]]] = {
    "from_pretrained": ("hub", 0), "fromPretrained": ("hub", 0), "from_hub": ("hub", 0),
    "pipeline": ("hub", 1), "hf_hub_download": ("hub", 0), "snapshot_download": ("hub", 0),
    "SentenceTransformer": ("sentence-transformers", 0), "CrossEncoder": ("hub", 0),
    "from_single_file": ("hub", 0), "load_lora_weights": ("hub", 0), "LLM": ("hub", 0),
    "downloadFile": ("hub", 0), "CreateMLCEngine": ("hub", 0), "getGenerativeModel": ("hosted", 0),
    "createModelDownloader": ("hub", 0), "resolveModelFile": ("hub", 0), "openai": ("hosted", 0),
    "anthropic": ("hosted", 0), "google": ("hosted", 0), "ollama": ("ollama", 0),
    "GenerativeModel": ("hosted", 0), "YOLO": ("ultralytics", 0),
}  # fmt: skip
"""What a call's argument names, and which argument it is."""
_KEY_SIGNS: Final = frozenset({":", "="})
_FILES: Final = frozenset({"torch", "joblib", "pickle", "InferenceSession"})


class _Token(NamedTuple):
    kind: str
    text: str
    line: int


def javascript(text: str, budget: Budget) -> Iterator[Mention]:
    """Models that JavaScript or TypeScript names."""
    yield from _mentions(list(_tokens(_JAVASCRIPT, text, budget)), budget)


def python(text: str, budget: Budget) -> Iterator[Mention]:
    """Models that text which should have been Python names: all of them marked as inferred."""
    for mention in _mentions(list(_tokens(_PYTHON, text, budget)), budget):
        yield mention.weaker()


def _tokens(grammar: re.Pattern[str], text: str, budget: Budget) -> Iterator[_Token]:
    line = 1
    for index, found in enumerate(grammar.finditer(text)):
        if index and not index % _BATCH:
            budget.step(_BATCH)
        kind = found.lastgroup or "skip"
        if kind not in {"skip", "doc"} and found[0] != "\n":
            yield _Token(kind, found[0], line)
        line += found[0].count("\n")


def _mentions(tokens: list[_Token], budget: Budget) -> Iterator[Mention]:
    constants = _constants(tokens)
    local = any(token.kind == "text" and "11434" in token.text for token in tokens)
    for index, token in enumerate(tokens):
        if index and not index % _BATCH:
            budget.step(_BATCH)
        following = tokens[index + 1].text if index + 1 < len(tokens) else ""
        if token.kind == "text":
            text = _unquoted(token, constants)[0]
            if following in _KEY_SIGNS:
                yield from _keyed(tokens, index, text, constants, local=local)
            elif naming.is_download(text):
                yield Mention(text, token.line, "url")
        elif token.kind == "name" and following == "(":
            yield from _called(tokens, index, constants)
        elif token.kind == "name" and following in _KEY_SIGNS:
            yield from _keyed(tokens, index, token.text, constants, local=local)


def _constants(tokens: list[_Token]) -> dict[str, str]:
    """Names that are given a text, once; a name that is given two is no constant."""
    found: dict[str, str] = {}
    twice: set[str] = set()
    for index in range(len(tokens) - 2):
        name, sign, value = tokens[index : index + 3]
        if name.kind == "name" and sign.text == "=" and value.kind == "text":
            text, known = _unquoted(value, found)
            if name.text in found and found[name.text] != text:
                twice.add(name.text)
            if known:
                found[name.text] = text
    return {name: text for name, text in found.items() if name not in twice}


def _unquoted(token: _Token, constants: dict[str, str]) -> tuple[str, bool]:
    """The text without its quotes, constants put in; false when a part is not known."""
    quotes = _QUOTES.match(token.text)
    if quotes is None:
        return token.text, False
    inner = token.text[quotes.end() : -len(quotes[1])]
    formatted = quotes[1] == "`" or "f" in token.text[: quotes.start(1)].lower()
    if not formatted or "{" not in inner:
        return inner, True
    filled = _FIELD.sub(lambda found: constants.get(found[1], found[0]), inner)
    return filled, "{" not in filled


def _value(token: _Token, constants: dict[str, str]) -> tuple[str, Certainty] | None:
    """A text, or the name of a constant; unresolved for any other name."""
    if token.kind == "text":
        text, known = _unquoted(token, constants)
        return text, "declared" if known else "unresolved"
    if token.kind != "name":
        return None
    if token.text in constants:
        return constants[token.text], "inferred"
    return token.text, "unresolved"


def _called(tokens: list[_Token], index: int, constants: dict[str, str]) -> Iterator[Mention]:
    """`pipeline("task", "org/name")`, `AutoModel.from_pretrained(MODEL)`."""
    name = tokens[index].text
    spec = _CALLS.get(name)
    holder = tokens[index - 2].text if index > 1 and tokens[index - 1].text == "." else ""
    if spec is None and holder in _FILES and name in {"load", "create"}:
        spec = ("path", 0)
    if spec is None or (index and tokens[index - 1].text in {"def", "function", "class"}):
        return
    usual, position = spec
    argument = _argument(tokens, index + 2, position)
    if argument is None or argument.text in {"self", "cls", "this", "new", "await", "null"}:
        return
    value = _value(argument, constants)
    if value is None:
        return
    text, certainty = value
    if certainty == "unresolved" and usual in {"hosted", "ollama"}:
        return
    revision, options = _around(tokens, index, constants)
    yield Mention(text, tokens[index].line, usual, certainty, revision, options)


def _argument(tokens: list[_Token], start: int, position: int) -> _Token | None:
    """A positional argument, when it is one token."""
    depth, at = 0, 0
    for index in range(start, min(len(tokens), start + _FAR)):
        token = tokens[index]
        if token.text in {"(", "[", "{"}:
            depth += 1
        elif token.text in {")", "]", "}"}:
            depth -= 1
            if depth < 0:
                return None
        elif token.text == "," and not depth:
            at += 1
        elif at == position and not depth:
            ends = tokens[index + 1].text in {",", ")"} if index + 1 < len(tokens) else False
            return token if ends else None
    return None


def _around(
    tokens: list[_Token], index: int, constants: dict[str, str]
) -> tuple[str | None, dict[str, object]]:
    """Revision and options among the next tokens, up to the end of the call."""
    revision: str | None = None
    options: dict[str, object] = {}
    depth = 0
    for at in range(index + 1, min(len(tokens) - 2, index + _FAR)):
        depth += tokens[at].text in {"(", "{"}
        depth -= tokens[at].text in {")", "}"}
        if depth <= 0:
            break
        if tokens[at + 1].text not in _KEY_SIGNS:
            continue
        value = _value(tokens[at + 2], constants)
        known = value is not None and value[1] != "unresolved"
        text = value[0] if value is not None and known else tokens[at + 2].text
        if keys.is_revision(tokens[at].text) and known:
            revision = text
        option = keys.option(tokens[at].text)
        if option:
            options[option] = keys.truth(text)
    return revision, options


def _keyed(
    tokens: list[_Token], index: int, key: str, constants: dict[str, str], *, local: bool
) -> Iterator[Mention]:
    """`model: "gpt-4o"`, `repo_id="org/name"`: a key beside a text."""
    if index + 2 >= len(tokens) or tokens[index + 2].kind != "text":
        return
    text, known = _unquoted(tokens[index + 2], constants)
    role = keys.role(key)
    if role is None or not known:
        return
    line = tokens[index].line
    if hosted.provider_of(text):
        yield Mention(text, line, "hosted")
    elif role.usual == "ollama" or (local and keys.plain(key) == "model" and "/" not in text):
        yield Mention(text, line, "ollama", "inferred")
    else:
        yield Mention(text, line, role.usual, "inferred", strict=True)
