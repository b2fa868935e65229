"""Harm done from the inside: by methods of what is loaded, and by what numpy is told of its types.

Every name in these is one that the list trusts, or a class of a well-known library that is only
instantiated. Nothing here is unpickled.
"""

from __future__ import annotations

import collections
import decimal
import fractions
import pickle
import struct

from tests.forge.pickles import Assembler

_EXPRESSION = "__import__('os').system('echo hi')"
_ADDRESS = b"A" * 8
_FLAGS = 27
"""Of a numpy type with fields that hold objects; of objects alone, 63."""
_POWER = "1e999999999"


def _made(module: str, name: str) -> Assembler:
    return Assembler(4).stack_global(module, name).empty_tuple().newobj()


def _called(module: str, name: str, *arguments: bytes) -> Assembler:
    return Assembler(4).stack_global(module, name).mark().raw(*arguments).tuple_().reduce()


def _inside(made: Assembler) -> bytes:
    """A value to be put into another pickle."""
    return made.broken()[2:]


def _text(value: str) -> bytes:
    return _inside(Assembler(4).short_text(value))


def _bytes(value: bytes) -> bytes:
    return _inside(Assembler(4).binary(value))


def _number(value: int) -> bytes:
    return _inside(Assembler(4).number(value))


def _tuple(*items: bytes) -> bytes:
    return b"(" + b"".join(items) + b"t"


def _dict(**items: bytes) -> bytes:
    return b"}(" + b"".join(_text(key) + value for key, value in items.items()) + b"u"


def _corpus() -> bytes:
    """A corpus that is read from an address when somebody iterates over it."""
    made = _made("gensim.corpora.bleicorpus", "BleiCorpus")
    return _inside(made.raw(_dict(fname=_text("http://example.com/x"))).build())


def _parameter(state: bytes) -> bytes:
    """A parameter of torch, which its rebuilder sets a state of."""
    data = _called("torch._utils", "_rebuild_parameter", b"N", b"\x88", b"}")
    given = _inside(data), b"\x88", b"}", state
    return _called("torch._utils", "_rebuild_parameter_with_state", *given).stop()


def dtype(code: str, *state: bytes) -> bytes:
    """A type of numpy, with the items of its state."""
    made = _called("numpy", "dtype", _text(code), b"\x89\x88")
    return _inside(made.raw(_tuple(*state)).build() if state else made)


def dtype_of(module: str, name: str, *state: bytes) -> bytes:
    """The type that numpy makes of a class."""
    made = Assembler(4).stack_global("numpy", "dtype").stack_global(module, name)
    return _inside(made.raw(b"\x89\x88\x87").reduce().raw(_tuple(*state)).build())


def record(size: int, flags: int, part: bytes) -> bytes:
    """The same of `numpy.record`, with one field."""
    state = _number(3), _text("|"), b"N", _tuple(_text("a")), _dict(a=_tuple(part, _number(0)))
    return dtype_of("numpy", "record", *state, _number(size), _number(1), _number(flags))


def fields(size: int, flags: int, *parts: tuple[bytes, int]) -> bytes:
    """A type with fields: each a type and where it is."""
    names = [f"f{index}" for index in range(len(parts))]
    places = {
        name: _tuple(part, _number(at)) for name, (part, at) in zip(names, parts, strict=True)
    }
    state = _number(3), _text("|"), b"N", _tuple(*map(_text, names)), _dict(**places)
    return dtype(f"V{size}", *state, _number(size), _number(1), _number(flags))


def over(part: bytes, extent: int, size: int, flags: int = 0) -> bytes:
    """A type whose items are arrays."""
    base = _tuple(part, _tuple(_number(extent)))
    state = _number(3), _text("|"), base, b"NN", _number(size), _number(1), _number(flags)
    return dtype(f"V{size}", *state)


def plain_state(flags: int) -> tuple[bytes, ...]:
    """The state of a type without fields."""
    return (_number(3), _text("|"), b"NNN", _number(-1), _number(-1), _number(flags))


def array(kind: bytes, data: bytes = _ADDRESS) -> bytes:
    """An array of numpy, with its elements in bytes."""
    made = _called(
        "numpy._core.multiarray",
        "_reconstruct",
        _inside(Assembler(4).stack_global("numpy", "ndarray")),
        _tuple(_number(0)),
        _bytes(b"b"),
    )
    state = _number(1), _tuple(_number(1)), kind, b"\x89", _bytes(data)
    return made.raw(_tuple(*state)).build().stop()


def addresses() -> dict[str, bytes]:
    """Arrays whose elements, in bytes of the file, are taken for objects or lie somewhere else."""
    laid = _called("numpy", "ndarray", _tuple(_number(1)), _text("O"), _bytes(_ADDRESS))
    named = Assembler(4).stack_global("numpy", "ndarray").empty_tuple()
    named.raw(_dict(shape=_number(1), buffer=_bytes(_ADDRESS), dtype=_text("O"))).newobj_ex()
    records = _called(
        "numpy", "recarray", _number(1), fields(8, _FLAGS, (dtype("O8"), 0)), _bytes(b"")
    )
    many = [(dtype("f8"), 8 * at) for at in range(30)]
    return {
        "address-flags": array(dtype("O8", *plain_state(0))),
        "address-flags-in-a-list": array(
            _inside(_called("numpy", "dtype", _text("O8")).raw(b"](", *plain_state(0), b"e").build())
        ),
        "address-spelled-out": array(dtype("object", *plain_state(0))),
        "address-class": array(dtype_of("builtins", "object", *plain_state(0))),
        "address-of-any-class": array(
            dtype_of("sklearn.tree._classes", "DecisionTreeClassifier", *plain_state(0))
        ),
        "address-class-of-arrays": array(dtype_of("numpy", "ndarray", *plain_state(0))),
        "address-in-a-record": array(record(8, 0, dtype("O8"))),
        "address-of-a-number": array(dtype("f8", *plain_state(63))),
        "address-field": array(fields(8, 0, (dtype("O8"), 0))),
        "address-last-field": array(fields(248, 0, *many, (dtype("O8"), 240))),
        "address-within": array(fields(8, 0, (fields(8, 0, (dtype("O8"), 0)), 0))),
        "address-subarray": array(over(dtype("O8"), 1, 8)),
        "address-behind": array(fields(8, 0, (dtype("f8"), 1 << 30))),
        "address-before": array(fields(8, 0, (dtype("f8"), -64))),
        "address-wide": array(over(dtype("f8"), 1 << 20, 8)),
        "address-laid-over": laid.stop(),
        "address-laid-over-by-name": named.stop(),
        "address-laid-over-at-second-hand": _called(
            "copyreg", "__newobj_ex__", _inside(Assembler(4).stack_global("numpy", "ndarray")),
            _tuple(_tuple(_number(1)), _text("O"), _bytes(_ADDRESS)), b"}").stop(),
        "address-laid-over-records": records.stop(),
    }  # fmt: skip


def failing() -> dict[str, bytes]:
    """Pickles that the default policy must fail."""
    corpus = _corpus()
    hollow = _made("collections", "UserList").raw(_dict(data=corpus)).build()
    unlisted = _made("gensim.corpora.mmcorpus", "MmCorpus").raw(_dict(input=_text("x"))).build()
    evaluated = Assembler(4).stack_global("sympy.core.function", "Derivative")
    nested = Assembler(4).stack_global("sympy.core.function", "Lambda").empty_list().mark()
    mapped = Assembler(4).stack_global("numpy._core.memmap", "memmap").short_text("/x").tuple1()
    other = _made("statsmodels.sandbox.distributions.extras", "SkewNorm_gen")
    imports = _made("datasets.packaged_modules.csv.csv", "Csv")
    pairs = [_text("ab")] * 64
    product = _inside(_called("itertools", "product", *pairs))
    repeated = _inside(
        Assembler(4)
        .stack_global("itertools", "product")
        .short_text("ab")
        .tuple1()
        .raw(_dict(repeat=_number(64)))
        .newobj_ex()
    )
    return {
        "methods-of-a-corpus": _called("builtins", "list", corpus).stop(),
        "methods-as-text": _called("builtins", "str", corpus).stop(),
        "methods-of-an-array": _called("numpy", "float64", corpus).stop(),
        "methods-of-what-is-inside": _called("collections", "deque", _inside(hollow)).stop(),
        "methods-of-a-state": _made("scipy.interpolate._rbfinterp", "RBFInterpolator")
        .raw(corpus).build().stop(),
        "methods-of-an-unlisted-state": _made("scipy.interpolate._rbfinterp", "RBFInterpolator")
        .raw(_inside(unlisted)).build().stop(),
        "methods-of-a-parameter": _parameter(corpus),
        "methods-of-the-slots-of-a-parameter": _parameter(_tuple(b"N", corpus)),
        "methods-unlisted": _called("builtins", "tuple", _inside(unlisted)).stop(),
        "made-of-text": evaluated.short_text(_EXPRESSION).tuple1().newobj().stop(),
        "made-of-text-within": nested.short_text(_EXPRESSION).raw(b"e").tuple1().newobj().stop(),
        "made-of-text-later": Assembler(4).stack_global("sympy.core.function", "Derivative")
        .raw(_inside(_called("builtins", "str", _bytes(b"1"), _text("ascii"))))
        .tuple1().newobj().stop(),
        "made-of-a-file": mapped.newobj().stop(),
        "text-that-another-library-runs": other.raw(
            _dict(_parse_arg_template=_text("import os"))).build().stop(),
        "state-that-imports": imports.raw(_dict(__module__=_text("antigravity"))).build().stop(),
        "endless-product": _called("builtins", "list", product).stop(),
        "endless-product-of-itself": _called("builtins", "list", repeated).stop(),
        "endless-digits": _called("fractions", "Fraction", _text(_POWER)).stop(),
        "endless-digits-of-a-decimal": _called(
            "builtins", "int", _inside(_called("decimal", "Decimal", _text(_POWER)))).stop(),
        **addresses(),
    }  # fmt: skip


def passing() -> dict[str, bytes]:
    """What the same names write that is honest."""
    many = [(dtype("f8"), 8 * at) for at in range(90)]
    view = _called("numpy", "ndarray", _tuple(_number(1)), _text("f8"), _bytes(_ADDRESS))
    return {
        "filled-from-containers": pickle.dumps(
            [{1, 2}, frozenset({3}), collections.deque([4], 9), collections.Counter("ab")], 2
        ),
        "filled-from-bytes": pickle.dumps([bytearray(b"abc"), b"abc", complex(1, 2)], 2),
        "filled-from-itself": _made("statsmodels.tools.tools", "Bunch").raw(
            b"\x94", _dict(a=b"K\x01")[1:], b"h\x00").build().stop(),
        "filled-from-a-dictionary": _made("sklearn.utils._bunch", "Bunch").raw(
            _inside(_called("collections", "OrderedDict")), _dict(a=b"K\x01")[1:]).build().stop(),
        "filled-parameter": _parameter(_tuple(_dict(a=b"K\x01"), b"N")),
        "filled-slice": _called("builtins", "slice", _corpus(), _number(3)).stop(),
        "filled-error": _called("builtins", "ValueError", _corpus()).stop(),
        "filled-list": _made("collections", "UserList").raw(_dict(data=b"]")).build().stop(),
        "numbers-with-many-digits": pickle.dumps(
            [decimal.Decimal(_POWER), fractions.Fraction(3, 4), 1e300, 10**60], 2
        ),
        "product-kept": _called("itertools", "product", _text("ab"), _text("cd")).stop(),
        "address-not-taken": _called("numpy", "dtype", _text("O8")).raw(
            _tuple(*plain_state(63))).build().stop(),
        "address-fields": array(fields(16, 0, (dtype("f8"), 0), (over(dtype("i1"), 8, 8), 8)),
                                _ADDRESS * 2),
        "address-many-fields": array(fields(720, 0, *many), bytes(720)),
        "address-objects-in-fields": _inside(Assembler(4)).join((
            b"\x80\x04", fields(16, _FLAGS, (dtype("O8"), 0), (dtype("i4"), 8)), b".")),
        "address-view": view.stop(),
        "address-small": array(dtype("f8", *plain_state(0)), struct.pack("<d", 1.5)),
    }  # fmt: skip
