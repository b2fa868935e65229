"""What a call gives back: imports by text, text out of text, decoded and downloaded things.

Invariant: a result carries what its arguments and the object it belongs to carry, unless it is a
mere count or a test.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from modelscan.formats.python_code import folding, paths
from modelscan.formats.python_code.access import INSTALLED, PATHS, attribute, named
from modelscan.formats.python_code.names import BEHAVIOURS, canonical
from modelscan.formats.python_code.scopes import add
from modelscan.formats.python_code.values import Plain, Purse, Value, Values, tainted

SOURCE_FILE: Final = "open(*.py)"
"""Stands for an open file whose name ends in `.py`: its text is scanned as a file of its own."""
SENDING: Final = "urllib.request.Request(data)"
"""Stands for a request that has a body."""

_OPAQUE: Final = frozenset(
    {"len", "isinstance", "issubclass", "hasattr", "hash", "id", "bool", "int", "float", "type"}
)
_SAME_PATH: Final = frozenset(
    {"expanduser", "expandvars", "abspath", "realpath", "normpath", "fspath", "resolve", "absolute"}
)
_HIDDEN_CODECS: Final = frozenset({"hex", "base64", "rot13", "rot_13", "zlib", "bz2", "zip"})


class Called(NamedTuple):
    """The arguments of a call."""

    node: int
    """The id of its node."""
    arguments: list[Value]
    named: dict[str, Value]
    purse: Purse

    def get(self, index: int, name: str = "") -> Value:
        """An argument by position or by name; an empty value when it is not given."""
        if index < len(self.arguments):
            return self.arguments[index]
        return self.named.get(name, Value())

    @property
    def all(self) -> Values:
        """Every argument."""
        return (*self.arguments, *self.named.values())


def of_method(receiver: Value, name: str, call: Called) -> Value | None:
    """The result of a method of a text or a path; `None` when it is neither."""
    if receiver.name.startswith(PATHS) and receiver.text is not None:
        if name in _SAME_PATH:
            return receiver
        if name == "joinpath":
            return _path((receiver, *call.arguments), call)
        return None
    if receiver.name or not isinstance(receiver.text, str | bytes):
        return None
    everything = (receiver, *call.all)
    if name == "join":
        return tainted(everything, text=_join(receiver.text, call))
    if name == "format" and isinstance(receiver.text, str):
        text = folding.formatted(receiver.text, call.arguments, call.named, call.purse)
        return tainted(everything, text=text)
    codec = call.get(0, "encoding").text
    hidden = name == "decode" and isinstance(codec, str) and codec.lower() in _HIDDEN_CODECS
    text = folding.method(receiver.text, name, call.arguments, call.purse)
    return tainted(everything, text=text, decoded=hidden)


def of_call(function: Value, receivers: Values, call: Called) -> Values:
    """The results of calling a value."""
    if function.cls is not None:
        call_method = function.cls.method("__call__") if function.made else None
        return (call_method.returns if call_method else ()) or (Value(cls=function.cls, made=True),)
    if function.function is not None:
        return add(function.function.returns, (tainted(call.all),))
    return _of_name(function, canonical(function.name), receivers, call)


def _of_name(function: Value, name: str, receivers: Values, call: Called) -> Values:
    """The results of calling something of a library, or something that is not known."""
    if function.name == "operator.attrgetter()" and isinstance(function.text, str):
        return attribute(call.get(0), function.text)
    made_here = not function.name.endswith("()")  # else it is the result of a call that is called
    handler = _HANDLERS.get(name) if made_here else None
    if handler is not None:
        return handler(name, call)
    if name in folding.DECODERS:
        return (_decoder(name, call),)
    if name in _OPAQUE:
        first = call.get(0).text
        return (Value(text=first if isinstance(first, int) else None),)
    made = tainted(
        (function, *receivers, *call.all),
        name=f"{function.name}()" if function.name else "",
        decoded=name.endswith((".decrypt", ".decompress")) or name.startswith("marshal.load"),
    )
    if BEHAVIOURS.get(name) == "network":
        return (_downloaded(made, call.node),)
    return (made,)


def _join(separator: str | bytes, call: Called) -> Plain:
    first = call.get(0)
    parts = first.items
    if parts is None and isinstance(first.text, str):
        parts = tuple(Value(text=letter) for letter in first.text)
    if parts is None:
        return None
    text = separator if isinstance(separator, str) else ""
    return folding.concatenated(parts, call.purse, text)


def _downloaded(value: Value, node: int) -> Value:
    return Value(
        name=value.name,
        decoded=value.decoded,
        secret=value.secret,
        downloads=value.downloads | {node},
    )


def _decoder(name: str, call: Called) -> Value:
    return tainted(call.all, text=folding.decoded(name, call.get(0).text), decoded=True)


def _codec(_name: str, call: Called) -> Values:
    text = folding.recoded(call.get(0).text, call.get(1, "encoding").text)
    return (tainted(call.all, text=text, decoded=True),)


def _getattr(_name: str, call: Called) -> Values:
    base, key = call.get(0), call.get(1)
    if key.known:
        found = attribute(base, key.known)
        return found if len(call.arguments) < 3 else add(found, (call.arguments[2],))  # noqa: PLR2004  # the default
    return (tainted(call.all, name=f"{base.name}.?" if base.name else ""),)


def _import(name: str, call: Called) -> Values:
    module = call.get(0, "name")
    text = module.known
    if not text:
        return (tainted(call.all, name="?"),)
    top = name == "__import__" and not call.get(3, "fromlist").items
    return (named(text.partition(".")[0] if top else text.replace(":", ".")),)


def _request(name: str, call: Called) -> Values:
    """A request of urllib; with a body, it sends."""
    body = call.get(1, "data") not in (Value(), Value(name="None"))
    return (tainted(call.all, name=SENDING if body else f"{name}()"),)


def _spec(name: str, call: Called) -> Values:
    """`find_spec("os")`, of which `module_from_spec` makes the module."""
    return (Value(name=f"{name}()", text=call.get(0, "name").text),)


def _module_of(_name: str, call: Called) -> Values:
    spec = call.get(0, "spec")
    found = spec.name == "importlib.util.find_spec()" and isinstance(spec.text, str)
    return (named(str(spec.text)) if found else tainted(call.all),)


def _vars(_name: str, call: Called) -> Values:
    return tuple(call.arguments[:1]) or (Value(name="vars()"),)


def _globals(_name: str, _call: Called) -> Values:
    return (Value(name="globals()"),)


def _first(_name: str, call: Called) -> Values:
    return (call.get(0),)


def _reduce(_name: str, call: Called) -> Values:
    """`reduce(getattr, ["a", "b"], x)` is `x.a.b`."""
    found: Values = (call.get(2),)
    if call.get(0).name == "getattr":
        for key in call.get(1).items or ():
            found = attribute(found[0], key.known) if key.known else (tainted(call.all),)
    return found if call.get(0).name == "getattr" else (tainted(call.all),)


def _getter(name: str, call: Called) -> Values:
    return (Value(name=f"{name}()", text=call.get(0).text),)


def _chr(_name: str, call: Called) -> Values:
    text = folding.characters(call.get(0).text, binary=False, purse=call.purse)
    return (tainted(call.all, text=text, decoded=True),)


def _bytes(_name: str, call: Called) -> Values:
    first = call.get(0)
    if isinstance(first.text, bytes):
        return (first,)
    if isinstance(first.text, str):
        return (tainted(call.all, text=folding.recoded(first.text, "utf-8")),)
    text = folding.characters(first.items or None, binary=True, purse=call.purse)
    # numbers that nobody sees here, as from a tensor, are letters of something
    made = text is not None or first.name.endswith((".tolist()", ".numpy()", ".tobytes()"))
    return (tainted(call.all, text=text, decoded=made),)


def _str(_name: str, call: Called) -> Values:
    first = call.get(0)
    text = first.text
    if isinstance(text, bytes):
        text = folding.recoded(text, "utf-8") if call.get(1, "encoding") != Value() else None
    return (tainted(call.all, text=str(text) if isinstance(text, int) else text),)


def _map(_name: str, call: Called) -> Values:
    function, source = call.get(0), call.get(1)
    text = None
    if function.name == "chr":
        text = folding.characters(source.items or None, binary=False, purse=call.purse)
    return (tainted(call.all, text=text, decoded=function.name == "chr"),)


def _reversed(_name: str, call: Called) -> Values:
    first = call.get(0)
    text = first.text[::-1] if isinstance(first.text, str | bytes) else None
    made = tainted((first,), text=text, decoded=text is not None)
    if first.items is None:
        return (made,)
    return (Value(items=first.items[::-1], decoded=made.decoded, downloads=made.downloads),)


def _compile(_name: str, call: Called) -> Values:
    source = call.get(0, "source")
    name = source.name if source.name.startswith(SOURCE_FILE) else "compile()"
    return (tainted((source,), text=source.text, name=name),)


def _join_path(_name: str, call: Called) -> Values:
    return (tainted(call.all, text=_path(tuple(call.arguments), call).text),)


def _same_path(_name: str, call: Called) -> Values:
    return (tainted(call.all, text=call.get(0).text),)


def _parent_path(name: str, call: Called) -> Values:
    """The folder of an installed module; of other paths nothing is known here."""
    path = call.get(0).text
    if isinstance(path, str) and path.startswith(INSTALLED):
        return (Value(name=f"{name}()", text=path.rpartition("/")[0]),)
    return (tainted(call.all, name=f"{name}()"),)


def _make_path(_name: str, call: Called) -> Values:
    return (_path(tuple(call.arguments), call),)


def _installed(_name: str, _call: Called) -> Values:
    """Where packages are installed, as one folder or as a list of them."""
    folder = Value(text=INSTALLED)
    return (Value(text=INSTALLED, items=(folder,)),)


def _home(name: str, _call: Called) -> Values:
    return (Value(name=f"{name}()", text="~"),)


def _variable(_name: str, call: Called) -> Values:
    home = call.get(0).text in {"HOME", "USERPROFILE"}
    return (Value(text="~" if home else None),)


def _path(parts: Values, call: Called) -> Value:
    text = folding.concatenated(parts, call.purse, "/") if parts else "."
    return tainted(parts, text=text, name=f"{PATHS}Path()")


def _open(_name: str, call: Called) -> Values:
    path = call.get(0, "file").text
    name = SOURCE_FILE if isinstance(path, str) and path.endswith(".py") else "open()"
    made = tainted(call.all, name=name)
    if isinstance(path, str) and paths.is_secret(path):
        return (Value(name=name, secret=True),)
    return (made,)


_Handler = Callable[[str, Called], Values]
_HANDLERS: Final[dict[str, _Handler]] = {
    "getattr": _getattr, "inspect.getattr_static": _getattr,
    "__import__": _import, "importlib.import_module": _import, "importlib.__import__": _import,
    "importlib.reload": _first, "pkgutil.resolve_name": _import, "pydoc.locate": _import,
    "urllib.request.Request": _request,
    "importlib.util.find_spec": _spec, "importlib.util.module_from_spec": _module_of,
    "vars": _vars, "globals": _globals, "locals": _globals,
    "functools.reduce": _reduce, "functools.partial": _first, "operator.attrgetter": _getter,
    "operator.methodcaller": _getter,
    "operator.itemgetter": _getter,
    "list": _first, "tuple": _first, "iter": _first, "next": _first,
    "staticmethod": _first, "classmethod": _first, "functools.wraps": _first,
    "chr": _chr, "bytes": _bytes, "bytearray": _bytes, "str": _str, "map": _map,
    "reversed": _reversed, "codecs.decode": _codec, "compile": _compile,
    "os.path.join": _join_path, "os.path.dirname": _parent_path,
    "os.getenv": _variable, "os.environ.get": _variable,
    "site.getsitepackages": _installed, "sysconfig.get_path": _installed,
    "pathlib.Path": _make_path, "pathlib.PosixPath": _make_path, "pathlib.PurePath": _make_path,
    "pathlib.Path.home": _home,
    "open": _open, "io.open": _open, "codecs.open": _open, "os.open": _open,
    **{f"os.path.{name}": _same_path for name in ("expanduser", "expandvars", "abspath")},
    **{f"os.path.{name}": _same_path for name in ("realpath", "normpath")}, "os.fspath": _same_path,
}  # fmt: skip
"""Functions whose result is worth more than a name."""
