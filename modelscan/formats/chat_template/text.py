"""What happens to text: joining, formatting, replacing, splitting, changing its case.

Every operation is followed only as far as its result stays small and its operands are known; the
rest is text that starts with what is known of it. Format strings are filled by hand: Python's own
methods would pad to any width and read attributes.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Sequence

from modelscan.formats.chat_template.values import (
    DATA,
    NOTHING,
    SOME_TEXT,
    Atom,
    Built,
    Const,
    Data,
    Map,
    Seq,
    Values,
    built,
    capped,
    const,
    derived,
    has_text,
    seq,
    star,
)

_MAX_CHOICES = 32
_PRINTF = re.compile(r"%(?:%|\((\w+)\)[sdcr]|[sdcr])")
_BRACES = re.compile(r"\{\{|\}\}|\{(\w*)\}")
TEXT_TO_TEXT: dict[str, Callable[[str], str]] = {
    "capitalize": str.capitalize, "casefold": str.casefold, "e": str, "escape": str,
    "forceescape": str, "lower": str.lower, "lstrip": str.lstrip, "rstrip": str.rstrip,
    "safe": str, "string": str, "strip": str.strip, "swapcase": str.swapcase, "title": str.title,
    "trim": str.strip, "upper": str.upper,
}  # fmt: skip
"""Filters and methods that turn one text into one text."""
_STRIPPERS: dict[str, Callable[[str, str], str]] = {
    "lstrip": str.lstrip, "rstrip": str.rstrip, "strip": str.strip, "trim": str.strip,
}  # fmt: skip


def text_of(atom: Atom) -> str | None:
    """The text that a value prints as, when it is known."""
    if not isinstance(atom, Const) or atom.value is None or isinstance(atom.value, float):
        return None
    return str(atom.value)


def concat(left: Values, right: Values) -> Values:
    """`left ~ right`, and `+` on text."""
    return capped(joined(a, b) for a, b in itertools.product(left, right))


def joined(left: Atom, right: Atom) -> Atom:
    """Two values as one text. Data beside data is text: its parts can come from anywhere."""
    one, other = text_of(left), text_of(right)
    if one is not None and other is not None:
        return const(one + other)
    if one == "":
        return right if isinstance(right, Built | Data) else Built()
    if other == "":
        return left if isinstance(left, Built | Data) else Built()
    if one is not None:
        return built(one + right.lead if isinstance(right, Built) else one)
    return left if isinstance(left, Built) and left.lead else Built()


def printf(template: Atom, arguments: Sequence[Values]) -> Values:
    """`template % arguments`: known when template and arguments are plain, never padded."""
    text = text_of(template)
    if text is None:
        return derived(frozenset({template}), *arguments)
    if len(arguments) == 1 and len(arguments[0]) == 1:
        (only,) = arguments[0]
        if isinstance(only, Seq):
            arguments = only.items
        elif isinstance(only, Map):
            return _filled(_PRINTF, text, [], dict(only.fields))
    return _filled(_PRINTF, text, arguments, {})


def braces(template: Atom, arguments: Sequence[Values], named: dict[str, Values]) -> Values:
    """`template.format(…)`."""
    text = text_of(template)
    if text is None:
        return derived(frozenset({template}), *arguments, *named.values())
    return _filled(_BRACES, text, arguments, named)


def _filled(
    fields: re.Pattern[str],
    text: str,
    arguments: Sequence[Values],
    named: dict[str, Values],
) -> Values:
    """A format string with its plain fields filled; from the first other field on it is unknown."""
    result: Values = frozenset({Const("")})
    position = following = 0
    for field in fields.finditer(text):
        result = concat(result, _literal(text[position : field.start()]))
        position = field.end()
        name = field[1]
        if field[0] in ("%%", "{{", "}}"):
            result = concat(result, _literal(field[0][0]))
            continue
        if name:
            value = named.get(name)
            if value is None and name.isdecimal() and len(name) < 4 and int(name) < len(arguments):  # noqa: PLR2004  # no format string numbers a thousand arguments
                value = arguments[int(name)]
        else:
            value = arguments[following] if following < len(arguments) else None
            following += 1
        if field[0].endswith("c") and value is not None:
            value = frozenset(_character(atom) for atom in value)
        if field[0].endswith("r") and value is not None:
            value = frozenset(_quoted(atom) for atom in value)
        result = concat(result, SOME_TEXT if value is None else value)
    rest = text[position:]
    return concat(result, _literal(rest))


def _literal(text: str) -> Values:
    """Plain text between fields; a field that was not understood makes it unknown from there."""
    odd = re.search(r"[%{]", text)
    return frozenset({Const(text) if odd is None or len(text) == 1 else built(text[: odd.start()])})


def _character(atom: Atom) -> Atom:
    if isinstance(atom, Const) and isinstance(atom.value, int):
        return Const(chr(atom.value)) if 0 <= atom.value < 0x110000 else Built()  # noqa: PLR2004  # the end of Unicode
    return atom if isinstance(atom, Const) else Built()


def _quoted(atom: Atom) -> Atom:
    return Const(repr(atom.value)) if isinstance(atom, Const) else Built()


def join(values: Values, separator: Values) -> Values:
    """`values|join(separator)`, and `separator.join(values)`."""
    found: Values = NOTHING
    for atom in values:
        items: Sequence[Values]
        if isinstance(atom, Seq):
            items = atom.items
        elif isinstance(atom, Map):
            items = [frozenset({Const(name)}) for name, _ in atom.fields]
        elif (
            isinstance(atom, Const)
            and isinstance(atom.value, str)
            and len(atom.value) <= _MAX_CHOICES
        ):
            items = [frozenset({Const(one)}) for one in atom.value]
        else:
            found |= derived(frozenset({atom}), separator)
            continue
        text: Values = frozenset({Const("")})
        for number, item in enumerate(items):
            text = concat(concat(text, separator) if number else text, item)
        found |= text
    return capped(found)


def replaced(values: Values, arguments: Sequence[Values]) -> Values:
    """`values.replace(old, new)`. Data into which no underscore is put stays data."""
    if len(arguments) < 2:  # noqa: PLR2004  # a replacement has two sides
        return derived(values, *arguments)
    found: set[Atom] = set()
    for atom, old, new in itertools.islice(
        itertools.product(values, *arguments[:2]), _MAX_CHOICES * 32
    ):
        texts = (text_of(atom), text_of(old), text_of(new))
        if texts[0] is not None and texts[1] is not None and texts[2] is not None:
            size = (len(texts[0]) + 1) * (len(texts[2]) + 1)
            found.add(const(texts[0].replace(texts[1], texts[2])) if size <= 1 << 20 else Built())
        elif isinstance(atom, Data) and texts[2] is not None and "_" not in texts[2]:
            found.add(DATA)
        else:
            found.add(Built())
    return capped(found)


def changed(name: str, values: Values, arguments: Sequence[Values]) -> Values:
    """A filter or method that turns one text into one text."""
    characters = [text_of(atom) for atom in arguments[0]] if arguments else []
    only = characters[0] if len(characters) == 1 else None
    found: set[Atom] = set()
    for atom in values:
        text = text_of(atom)
        if text is None:
            found.add(Built() if has_text(frozenset({atom})) else DATA)
        elif not arguments:
            found.add(const(TEXT_TO_TEXT[name](text)))
        elif only is not None and name in _STRIPPERS:
            found.add(const(_STRIPPERS[name](text, only)))
        else:
            found.add(Built())
    return capped(found)


def parts(name: str, values: Values, arguments: Sequence[Values]) -> Values:
    """`split` and its kin. Without a limit, the parts of a known text are known."""
    separators = arguments[0] if arguments else frozenset({Const(None)})
    exact = name in ("split", "splitlines") and len(arguments) <= 1
    found: set[Atom] = set()
    for atom, separator in itertools.product(values, separators):
        between = separator.value if isinstance(separator, Const) else ""
        text = text_of(atom)
        if text is None or between == "" or not isinstance(between, str | None):
            found.add(star(derived(frozenset({atom}))))
            continue
        pieces = text.splitlines() if name == "splitlines" else text.split(between)
        if exact:
            found.add(seq(frozenset({Const(piece)}) for piece in pieces))
        else:
            found.add(star(capped([*map(Const, pieces), Built()])))
    return capped(found)
