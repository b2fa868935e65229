"""The reader of pickles: bare ones, stacked ones, and the layouts of torch (before 1.6) and joblib.

Invariants:

* every byte of the artifact is either an opcode, an argument, an array or storage that a layout
  gives a place to, or is spoken of;
* what was found before a stream breaks is stated, and so is the break.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from modelscan.budget import Budget
from modelscan.errors import BudgetError, ReadError
from modelscan.formats.pickle import bombs, suspicion
from modelscan.formats.pickle.ledger import NESTED, Ledger
from modelscan.formats.pickle.opcodes import CODES, FRAME, INVALID, NAMES, PROTO, SHAPES, STARTS
from modelscan.formats.pickle.probe import (
    comes_to_something,
    hidden_pickles,
    looks_like_pickle,
    shortened,
)
from modelscan.formats.pickle.shelves import BLOCK, inner_values, is_shelf
from modelscan.formats.pickle.skip import LOOK, WORTH_IT, skip_inert
from modelscan.formats.pickle.tensors import ITEM_SIZES
from modelscan.formats.pickle.window import WHOLE, Window
from modelscan.formats.reader import HEAD, Glimpse
from modelscan.vocabulary.artifact import Artifact, SliceArtifact, base_name, place
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import Fact, TorchCheckpoint, TorchStorages
from modelscan.vocabulary.lists import PickleGlobals

if TYPE_CHECKING:
    from modelscan.formats.pickle.machine import Machine

_EXTENSIONS: Final = frozenset(
    {".pkl", ".pickle", ".pt", ".pth", ".ckpt", ".joblib", ".dill", ".p", ".pk", ".pckl"}
)
_NAMES: Final = frozenset(
    {"adapter_model.bin", "training_args.bin", "optimizer.bin", "scheduler.bin"}
)
_OTHER_FORMATS: Final = (
    b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd",
    b"\x04\x22\x4d\x18", b"\x02\x21\x4c\x18", b"\x5d\x00\x00", b"\x78\x01", b"\x78\x5e",
    b"\x78\x9c", b"\x78\xda", b"\x89HDF", b"7z\xbc\xaf", b"Rar!", b"\x93NUMPY",
    b"GGUF", b"\xce\xfa\xed\xfe",
    b"\x7fELF",
)  # fmt: skip
"""Beginnings of other formats: their readers speak for such a file, whatever its name."""
_TABLE: Final = b"\0\x57\xfb\x80\x8b\x24\x75\x47\xdb"
"""The first byte and the last ones of a checkpoint of TensorFlow's first format: `.ckpt`, too."""
_TAR_AT: Final = 257
_PATHS: Final = ".pth"
"""Checkpoints are called so, and the files by which Python finds packages."""
_PRINTABLE: Final = bytes((*b"\t\n\r", *range(0x20, 0x7F)))
_TORCH_MAGIC: Final = bytes.fromhex("8a0a6cfc9c46f9206aa85019")
"""`LONG1` of 0x1950a86a20f9469cfc6c, which begins a checkpoint of torch before 1.6."""
_TORCH_PICKLES: Final = 5
"""Magic, protocol, system, object, keys of the storages (`torch.serialization._legacy_save`)."""
_COUNT: Final = 8
"""Bytes of a storage's number of elements."""
_FOLLOWING: Final = 64 << 10
"""Bytes looked at to tell what follows a pickle."""
_CHECKPOINT: Final = "data.pkl"
"""The pickle in a checkpoint of torch 1.6 or later; its storages are other members."""
_PROTO: Final = bytes([PROTO])
_FRAME: Final = bytes([FRAME])
_LEAD: Final = 12
"""Bytes of a protocol, a frame and the first opcode."""
_TAKES: Final = frozenset(
    CODES[name]
    for name in (
        "STOP", "POP", "POP_MARK", "DUP", "GET", "BINGET", "LONG_BINGET", "PUT", "BINPUT",
        "LONG_BINPUT", "MEMOIZE", "APPEND", "APPENDS", "SETITEM", "SETITEMS", "ADDITEMS", "BUILD",
        "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "LIST", "DICT", "FROZENSET", "REDUCE", "NEWOBJ",
        "NEWOBJ_EX", "OBJ", "STACK_GLOBAL", "BINPERSID",
    )
)  # fmt: skip
"""Opcodes that take something off the stack, or out of the memo."""


class PickleReader:
    """Reads pickles.

    Args:
        names: what the list says of each importable name.
    """

    format: Final = "pickle"

    def __init__(self, names: PickleGlobals) -> None:
        self._names = names
        self._walked = 0  # bytes so far: compiling the fast skipper pays only after some

    def recognises(self, glimpse: Glimpse) -> bool:
        """True for a pickle by its content, or by a name that every loader unpickles."""
        head = glimpse.head
        if looks_like_pickle(head, glimpse.size, tail=lambda: glimpse.tail):
            return _named_like_pickle(glimpse) or head[:1] != _PROTO or comes_to_something(head)
        if glimpse.size > HEAD and head[0] in STARTS:
            head, size = shortened(head, glimpse.size, glimpse.artifact.read_at)
            if head is not glimpse.head and looks_like_pickle(head, size):
                return head[:1] != _PROTO or comes_to_something(head)
        return bool(head) and _named_like_pickle(glimpse) and not _other_format(glimpse)

    def read(self, artifact: Artifact, budget: Budget) -> Iterator[Fact | Coverage | Artifact]:
        """See `formats.reader.Reader.read`."""
        ledger = Ledger(artifact, self._names, budget)
        window = Window(artifact)
        legacy = _TORCH_MAGIC in window.data[:32]
        if legacy and not (ledger.is_nested and budget.repeats(TorchCheckpoint)):
            budget.fact()
            yield TorchCheckpoint(location=place(artifact), layout="legacy")
        shelf, starts = is_shelf(artifact), set[int]()
        offset = count = 0
        while not count or offset < artifact.size:
            begin = offset
            try:
                offset = self._pickle(window, ledger, budget, offset)
            except BudgetError:
                yield from ledger.drain()
                raise
            except ReadError as error:
                yield from self._broken(ledger, window, error, offset)
                return
            yield from ledger.drain()
            if shelf:
                starts.add(begin)
            count += 1
            if legacy and count == _TORCH_PICKLES:
                offset = _after_storages(ledger, offset)
            following = _next_pickle(window, offset, blocks=shelf)
            if following is None:
                break
            offset = following
        yield from _asked(ledger)
        if (place_of_data := _first_data(window, offset)) is not None:
            yield from _behind(ledger, window, place_of_data)
        else:
            yield from ledger.drain()
        if shelf:
            yield from inner_values(artifact, starts, budget)

    @staticmethod
    def _broken(
        ledger: Ledger, window: Window, error: ReadError, offset: int
    ) -> Iterator[Fact | Artifact | Coverage]:
        """What was found before a pickle broke, the break, and what may be hidden behind it.

        Raises:
            ReadError: nothing was imported before: this may never have been a pickle.
        """
        from modelscan.formats.pickle.numpy_arrays import (
            UnknownArrayError,
        )  # lazy: hardly one breaks

        if not isinstance(error, UnknownArrayError):
            if window.take(offset, 1) == _PROTO or offset:
                yield from _hidden(ledger.artifact, (error.offset or offset) + 1, ledger.budget)
            if not ledger.imports:
                yield from ledger.drain()
                raise error
            ledger.oddity("broken-stream", error.message, error.offset or offset)
        yield from ledger.drain()
        yield _truncated(ledger.artifact, error)

    def _pickle(self, window: Window, ledger: Ledger, budget: Budget, offset: int) -> int:
        """Read one pickle; returns where it ends. Its facts are in the ledger, also on an error."""
        if not offset:
            _begin(window)
        fast = self._walked > WORTH_IT or window.size - offset > WORTH_IT
        run = skip_inert(window, offset, budget, fast=fast, fetched=(fetched := list[bytes]()))
        self._walked += min(run.end - offset, WHOLE)
        if run.misframed is not None:
            ledger.oddity("frame-mismatch", "", run.misframed)
        if not run.hot:
            data = window.take(offset, min(run.end - offset, LOOK))
            many = suspicion.split(data, run.duplicated, fetched)
            _weigh(ledger, window, budget, offset, data, many=many)
            ledger.end_stream(offset, _protocol(window, offset))
            return run.end
        from modelscan.formats.pickle.machine import Machine  # lazy: plain data is not followed

        # A table may name places in any dictionary: all of them are followed.
        machine = Machine(window, ledger, budget, lean=ledger.parts is None)
        end = window.size
        try:
            end = machine.run(offset, run)
        finally:
            data = window.take(offset, min(end - offset, LOOK))
            many = machine.state is None or suspicion.followed(machine.state, data)
            _weigh(ledger, window, budget, offset, data, many=many)
            ledger.end_stream(offset, max(machine.protocol, _protocol(window, offset)))
            if machine.doubtful:
                _plainly(machine, window, ledger, offset)
        return end


def _plainly(machine: Machine, window: Window, ledger: Ledger, offset: int) -> None:
    """Read a pickle again as a loader does that knows nothing of arrays: `pickle.load`."""
    from modelscan.formats.pickle.machine import Machine  # lazy: imported already, by who asks

    other = ledger.anew()
    try:
        Machine(window, other, ledger.budget, arrays=False).run(offset)
    except BudgetError:
        raise
    except ReadError:
        pass  # that loader fails there: what it did before counts
    other.end_stream(offset, 0)
    ledger.adopt(other, machine.mixed)


def _behind(ledger: Ledger, window: Window, offset: int) -> Iterator[Fact | Artifact]:
    """What follows the last pickle.

    Raises:
        ReadError: these were pickles by the name of the file alone, which must be one to its end.
    """
    artifact = ledger.artifact
    ledger.oddity("trailing-data", _size_of(artifact, offset), offset)
    yield from _hidden(artifact, offset, ledger.budget)
    yield from ledger.drain()
    if not looks_like_pickle(window.take(0, HEAD), artifact.size):
        raise ReadError("a pickle by its name alone, and not to its end", offset=offset)


def _begin(window: Window) -> None:
    """Refuse what no unpickler gets past: a first opcode that takes what nothing has put there.

    Raises:
        ReadError: it is such bytes, under a name that every loader unpickles.
    """
    head = window.take(0, _LEAD)
    at = 2 if head[:1] == _PROTO else 0
    if head[at : at + 1] == _FRAME:
        at += 1 + _COUNT
    if head[at : at + 1] and head[at] in _TAKES:
        raise ReadError(f"{NAMES[head[at]]} comes before any value", offset=at)


def _weigh(
    ledger: Ledger, window: Window, budget: Budget, offset: int, data: bytes, *, many: bool
) -> None:
    """State that a pickle stands for far more than it holds."""
    if not many and not bombs.nested(data):
        return
    found = bombs.verdict(window, offset, budget)
    if found:
        ledger.oddity("reference-bomb", found, offset)


def _asked(ledger: Ledger) -> Iterator[Fact | Coverage]:
    """The storages that the pickle of a zip checkpoint asks for, the parts that a table does."""
    if ledger.parts is not None:
        from modelscan.formats.pickle.parts import asked  # late: only tables need it

        yield from asked(ledger)
    if not ledger.storages or base_name(ledger.artifact) != _CHECKPOINT:
        return
    known = {
        key.decode("utf-8", "replace"): storage.elements * ITEM_SIZES[storage.type]
        for key, storage in ledger.storages.items()
        if storage.type in ITEM_SIZES
    }
    ledger.budget.fact()
    yield TorchStorages(
        location=place(ledger.artifact),
        side="asked",
        keys=tuple(known),
        sizes=tuple(known.values()),
    )


def _after_storages(ledger: Ledger, offset: int) -> int:
    """The end of the raw storages that follow the pickles of a checkpoint of torch before 1.6.

    Each is its number of elements in eight bytes, then the elements. When the type of one is not
    known, they are taken to reach to the end.
    """
    length = 0
    for storage in ledger.storages.values():
        size = ITEM_SIZES.get(storage.type)
        if size is None:
            return ledger.artifact.size
        length += _COUNT + storage.elements * size
    left = ledger.artifact.size - offset
    if length > left:
        ledger.oddity("storage-mismatch", f"{length:,} bytes of tensors, {left:,} stored", offset)
    return offset + min(length, left)


def _named_like_pickle(glimpse: Glimpse) -> bool:
    name = glimpse.name.lower()
    if glimpse.extension in _EXTENSIONS or name in _NAMES:
        return True
    return name.startswith("pytorch_model") and name.endswith(".bin")


def _other_format(glimpse: Glimpse) -> bool:
    head = glimpse.head
    if glimpse.extension == _PATHS and _is_path_list(head, glimpse.size):
        return True
    if head.startswith(_OTHER_FORMATS) or head[_TAR_AT : _TAR_AT + 5] == b"ustar":
        return True
    if head[:1] == _TABLE[:1] and glimpse.ending.endswith(_TABLE[1:]):
        return True
    return head[8:9] == b"{" and int.from_bytes(head[:8], "little") <= glimpse.size


def _is_path_list(head: bytes, size: int) -> bool:
    """True for a short text whose first byte no unpickler gets past: lines for `site`, no doubt."""
    text = size <= len(head) and not head.translate(None, _PRINTABLE)
    return text and (head[0] in _TAKES or SHAPES[head[0]] == INVALID)


def _truncated(artifact: Artifact, error: ReadError) -> Coverage:
    return Coverage(
        file=artifact.name,
        member=artifact.member,
        status="truncated",
        needed=True,
        reason=error.message if error.offset is None else f"{error.message} (byte {error.offset})",
    )


def _protocol(window: Window, offset: int) -> int:
    """The protocol of an inert pickle: declared, or 1 when its first opcode is a binary one."""
    head = window.take(offset, 2)
    if head[:1] == bytes([PROTO]) and len(head) > 1:
        return head[1]
    return 0 if head[:1] in b"(ILFSVNPg." else 1


def _next_pickle(window: Window, offset: int, *, blocks: bool) -> int | None:
    """Where the next pickle begins at or after `offset`; `None` when something else follows.

    Args:
        window: the bytes.
        offset: where a pickle has ended.
        blocks: loaders find each pickle at a block of its own, whatever lies between.
    """
    if _follows(window, offset):
        return offset
    place_of_data = _first_data(window, offset)
    if place_of_data is None or _follows(window, place_of_data):
        return place_of_data
    if blocks:
        # what a longer value left behind, up to where the next one may begin
        for start in range(offset + -offset % BLOCK, window.size, BLOCK):
            if window.take(start, 1) == _PROTO and _follows(window, start):
                return start
    return None


def _follows(window: Window, offset: int) -> bool:
    """True when a pickle begins at `offset`, behind another one."""
    head, size = window.take(offset, _FOLLOWING), window.size - offset
    if looks_like_pickle(head, size, follows=True):
        return True
    if size <= len(head) or not head or head[0] not in STARTS:
        return False
    # a text longer than all that was looked at, as protocol 0 writes bytes
    short, size = shortened(head, size, lambda at, length: window.take(offset + at, length))
    return short is not head and looks_like_pickle(short, size, follows=True)


def _first_data(window: Window, offset: int) -> int | None:
    """Where something other than padding begins, at or after `offset`."""
    length = BLOCK  # most paddings are short, and a shelf has one behind each value
    while piece := window.take(offset, length):
        length = WHOLE
        rest = piece.lstrip(b"\0\r\n\t ")
        if rest:
            return offset + len(piece) - len(rest)
        offset += len(piece)
    return None


def _hidden(artifact: Artifact, offset: int, budget: Budget) -> Iterator[Artifact]:
    """Pickles that call something, in bytes that belong to none: files of their own.

    Loaders do not come to them, unless they are made to: they are not there by accident.
    """
    data = artifact.read_at(offset, WHOLE) if offset < artifact.size else b""
    budget.step(len(data) // 64)
    for start, length in hidden_pickles(data):
        begin = offset + start
        yield SliceArtifact(artifact, begin, length, f"{NESTED}{begin}")


def _size_of(artifact: Artifact, offset: int) -> str:
    return f"{artifact.size - offset:,} bytes"
