"""What operators, filters and methods make of values, without ever costing more than a few steps.

Only operations that build or take apart text, and those that carry values in and out of containers,
are followed. Everything else gives `derived` values: data stays data, and text becomes text that is
not known, which no check lets through where a name is wanted.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from modelscan.formats.chat_template.text import (
    TEXT_TO_TEXT,
    braces,
    changed,
    join,
    joined,
    parts,
    printf,
    replaced,
    text_of,
)
from modelscan.formats.chat_template.values import (
    DATA,
    MAX_TEXT,
    NOTHING,
    SOME_DATA,
    Atom,
    Built,
    Const,
    Data,
    Map,
    Seq,
    Star,
    Values,
    capped,
    children,
    const,
    contents,
    derived,
    has_text,
    mapping,
    seq,
    star,
)

_SPLITTERS = frozenset({"partition", "rpartition", "rsplit", "split", "splitlines"})
_MAX_NUMBER = 10**18
_TO_NUMBER = frozenset({
    "abs", "count", "endswith", "find", "float", "index", "int", "isalnum", "isalpha", "isdecimal",
    "isdigit", "islower", "isnumeric", "isspace", "istitle", "isupper", "length", "rfind", "rindex",
    "round", "startswith", "wordcount",
})  # fmt: skip
_SAME_ITEMS = frozenset({"reject", "rejectattr", "select", "selectattr", "sort", "unique"})
_ONE_ITEM = frozenset({"first", "last", "max", "min", "next", "random"})


def add(left: Values, right: Values) -> Values:
    """`left + right`: numbers, lists or text."""
    return capped(_sum(a, b) for a, b in itertools.product(left, right))


def _sum(left: Atom, right: Atom) -> Atom:
    if isinstance(left, Const) and isinstance(right, Const):
        if isinstance(left.value, str) and isinstance(right.value, str):
            return joined(left, right)
        return arithmetic("+", left, right)
    if isinstance(left, Seq) and isinstance(right, Seq) and len(left.items) + len(right.items) <= 4:  # noqa: PLR2004  # short lists keep their order; growing ones settle
        return seq(left.items + right.items)
    if isinstance(left, Seq | Star) or isinstance(right, Seq | Star):
        return star(children(frozenset({left})) | children(frozenset({right})))
    if is_text(left) or is_text(right):
        return joined(left, right)
    return DATA


def is_text(atom: Atom) -> bool:
    """True for text of the template's own."""
    return isinstance(atom, Built) or (isinstance(atom, Const) and isinstance(atom.value, str))


def arithmetic(operator: str, left: Atom, right: Atom) -> Atom:
    """`- * / // ** %` on two values, and `+` on numbers."""
    if isinstance(left, Const) and isinstance(right, Const):
        one, other = left.value, right.value
        if isinstance(one, int) and isinstance(other, int):
            return _integers(operator, one, other)
        if operator == "*" and isinstance(one, int) and isinstance(other, str):
            one, other = other, one
        if operator == "*" and isinstance(one, str) and isinstance(other, int):
            return const(one * other) if len(one) * max(other, 0) <= MAX_TEXT else Built(one[:1])
    if operator == "*" and (isinstance(left, Seq | Star) or isinstance(right, Seq | Star)):
        return star(children(frozenset({left})) | children(frozenset({right})))
    return Built() if has_text(frozenset({left, right})) else DATA


def _integers(operator: str, one: int, other: int) -> Atom:
    if operator in ("//", "%") and other == 0:
        return DATA
    if operator == "**" and (other < 0 or other > 64 or abs(one) > 1_000):  # noqa: PLR2004  # enough for any size that matters
        return Const(_MAX_NUMBER) if other > 0 else DATA
    operations: dict[str, Callable[[int, int], int]] = {
        "+": int.__add__, "-": int.__sub__, "*": int.__mul__, "//": int.__floordiv__,
        "**": int.__pow__, "%": int.__mod__,
    }  # fmt: skip
    if operator not in operations:
        return DATA
    result = operations[operator](one, other)
    return Const(max(-_MAX_NUMBER, min(result, _MAX_NUMBER)))


def calculate(operator: str, left: Values, right: Values) -> Values:
    """An arithmetic operator on sets of values; `%` also fills in text."""
    found: set[Atom] = set()
    for one, other in itertools.product(left, right):
        if operator == "%" and is_text(one):
            found |= printf(one, (frozenset({other}),))
        else:
            found.add(arithmetic(operator, one, other))
    return capped(found)


def lookup(base: Values, keys: Values) -> Values:
    """`base[key]`, for containers and text."""
    found: set[Atom] = set()
    for atom, key in itertools.product(base, keys):
        found |= _item(atom, key)
    return capped(found)


def _item(atom: Atom, key: Atom) -> Values:
    wanted = key.value if isinstance(key, Const) else None
    if isinstance(atom, Map) and isinstance(wanted, str | int):
        value = dict(atom.fields).get(str(wanted))
        return NOTHING if value is None else value
    if isinstance(wanted, int):
        if isinstance(atom, Seq):
            return atom.items[wanted] if -len(atom.items) <= wanted < len(atom.items) else NOTHING
        if isinstance(atom, Const) and isinstance(atom.value, str):
            return frozenset(map(Const, atom.value[wanted : wanted + 1 or None]))
    if isinstance(wanted, str) and isinstance(atom, Seq | Const):
        return SOME_DATA
    return contents(frozenset({atom}))  # a list of unknown length can be a long mapping


def cut(base: Values, bounds: tuple[Values, Values, Values]) -> Values:
    """`base[start:stop:step]`."""
    known = [_bound(bound) for bound in bounds]
    found: set[Atom] = set()
    for atom in base:
        exact = "?" not in known and known[2] != 0
        part = slice(*known) if exact else slice(None)
        if isinstance(atom, Seq):
            found.add(seq(atom.items[part]) if exact else star(children(frozenset({atom}))))
        elif isinstance(atom, Const) and isinstance(atom.value, str):
            found.add(Const(atom.value[part]) if exact else Built())
        elif isinstance(atom, Built):
            found.add(Built())
        else:
            found.add(atom)
    return capped(found)


def _bound(bound: Values) -> Any:
    """A number, or `None` when it is left out; "?" when it is not known."""
    if not bound:
        return None
    (only, *others) = bound
    if (
        not others
        and isinstance(only, Const)
        and (only.value is None or isinstance(only.value, int))
    ):
        return only.value
    return "?"


def entries(values: Values) -> Values:
    """The pairs of a mapping."""
    return capped(
        seq(seq_of(frozenset({const(name)}), value) for name, value in atom.fields)
        if isinstance(atom, Map)
        else star(children(frozenset({atom})))
        for atom in values
    )


def seq_of(*items: Values) -> Values:
    """A list of these items, as the only value."""
    return frozenset({seq(items)})


def listed(values: Values) -> Values:
    """`values|list`."""
    return capped(atom if isinstance(atom, Seq | Star) else _as_list(atom) for atom in values)


def _as_list(atom: Atom) -> Atom:
    if isinstance(atom, Map):
        return seq(frozenset({const(name)}) for name, _ in atom.fields)
    if isinstance(atom, Const) and isinstance(atom.value, str):
        return seq(frozenset({Const(one)}) for one in atom.value)
    return star(children(frozenset({atom})))


def backwards(values: Values) -> Values:
    """`values|reverse`."""
    return capped(
        Seq(atom.items[::-1], atom.size)
        if isinstance(atom, Seq)
        else Const(atom.value[::-1])
        if isinstance(atom, Const) and isinstance(atom.value, str)
        else atom
        for atom in values
    )


def apply(
    name: str, values: Values, arguments: Sequence[Values], named: dict[str, Values]
) -> Values:
    """A filter or method by its name, on what stands in front of it."""
    special = _SPECIAL.get(name)
    if special is not None:
        return special(values, arguments)
    if name in _TO_NUMBER:
        return SOME_DATA
    if name in _SAME_ITEMS:
        return _unordered(values)
    if name in _ONE_ITEM:
        return _one(name, values)
    if name in TEXT_TO_TEXT:
        return changed(name, values, arguments)
    if name in _SPLITTERS:
        return parts(name, values, arguments)
    if name == "format":
        return capped(atom for value in values for atom in braces(value, arguments, named))
    return derived(values, *arguments, *named.values())


def _default(values: Values, arguments: Sequence[Values]) -> Values:
    return capped(values.union(*arguments[:1]))


def _get(values: Values, arguments: Sequence[Values]) -> Values:
    if not arguments:
        return contents(values)
    return capped(lookup(values, arguments[0]).union(*arguments[1:]))


def _values_of(values: Values, arguments: Sequence[Values]) -> Values:
    del arguments
    return frozenset({star(contents(values))})


def _joiner(values: Values, arguments: Sequence[Values]) -> Values:
    return join(values, arguments[0] if arguments else frozenset({Const("")}))


_SPECIAL: dict[str, Callable[[Values, Sequence[Values]], Values]] = {
    "copy": lambda values, _: values,
    "d": _default,
    "default": _default,
    "dictsort": lambda values, _: _unordered(entries(values)),
    "get": _get,
    "items": lambda values, _: entries(values),
    "join": _joiner,
    "keys": lambda values, _: listed(values),
    "list": lambda values, _: listed(values),
    "pop": _get,
    "replace": replaced,
    "reverse": lambda values, _: backwards(values),
    "setdefault": _get,
    "values": _values_of,
}


def _unordered(values: Values) -> Values:
    return capped(
        atom if isinstance(atom, Data | Star) else star(children(frozenset({atom})))
        for atom in values
    )


def _one(name: str, values: Values) -> Values:
    found: set[Atom] = set()
    for atom in values:
        at = {"first": 0, "last": -1}.get(name)
        if at is not None and isinstance(atom, Seq) and atom.items:
            found |= atom.items[at]
        elif at is not None and isinstance(atom, Const) and isinstance(atom.value, str):
            found.update(map(Const, atom.value[at : at + 1 or None]))
        else:
            found |= children(frozenset({atom}))
    return capped(found)


def namespace(arguments: Sequence[Values], named: dict[str, Values]) -> Values:
    """`namespace(…)` and `dict(…)`: a mapping of the keywords, over the mappings given."""
    fields = list(named.items())
    for argument in arguments:
        for atom in argument:
            if isinstance(atom, Map):
                fields.extend(atom.fields)
            elif isinstance(atom, Seq | Star):
                fields.extend(_pairs(atom))
    return frozenset({mapping(fields)})


def _pairs(atom: Seq | Star) -> Iterable[tuple[str, Values]]:
    for pair in children(frozenset({atom})):
        if isinstance(pair, Seq) and len(pair.items) == 2:  # noqa: PLR2004  # a key and its value
            for key in pair.items[0]:
                yield text_of(key) or "", pair.items[1]
