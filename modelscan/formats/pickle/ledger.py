"""What the pickles of one artifact import and call, looked up by name and stated as facts.

Invariants:

* a name counts exactly as `(module, qualified name)`: nothing is trusted for the module that it
  lives in, but whatever lies below a denied module, or is reached through one, is denied;
* each cause is stated once for each artifact, at the opcode where it was first seen.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from typing import Final

from modelscan.budget import Budget
from modelscan.formats.pickle.shown import abbreviated
from modelscan.formats.pickle.special import CODE_MAKERS, HOLDERS, TEMPLATED
from modelscan.formats.pickle.values import (
    CODE_ITEMS,
    Global,
    OddityKind,
    Storage,
    Value,
    imports_in,
)
from modelscan.vocabulary.artifact import Artifact, base_name, place
from modelscan.vocabulary.fact import (
    Disposition,
    Fact,
    PickleCall,
    PickleImport,
    PickleOddity,
    PickleStream,
)
from modelscan.vocabulary.lists import ANY, PickleGlobals

_SCRIPT: Final = re.compile(r"(?:^|[/!])(?:data|constants|bytecode)\.pkl\Z|\.debug_pkl\Z")
"""Members of TorchScript archives. Their pickles name types of the script as `__torch__.…`, which
torch's own unpickler in C++ looks up among the types that the archive declares; in Python there is
no such module (`torch/csrc/jit/serialization/unpickler.cpp`)."""
_SCRIPT_MODULE: Final = "__torch__"
_PROGRAM: Final = ".__main__"
"""What a package runs as a program: importing it may do so. Objects of a program that runs name
their module `__main__`, without a package."""


_TABLE: Final = ".metadata"
"""The name, alone or behind the number of a process, of the table of a distributed checkpoint."""


class Ledger:
    """Everything that has been seen in one artifact, over all the pickles in it.

    Args:
        artifact: what is being read.
        names: what the list says of each importable name.
        budget: pays for the facts.
    """

    def __init__(self, artifact: Artifact, names: PickleGlobals, budget: Budget) -> None:
        self.artifact = artifact
        self.budget = budget
        self._names = names
        self._globals: dict[tuple[str, str], Global] = {}
        self._stream: dict[tuple[str, str], Global] = {}
        self._said: set[tuple[str, str]] = set()
        self._untrusted = False
        self._script = _SCRIPT.search(artifact.member or "") is not None
        self.templated = False
        """A class was imported whose instances run a part of their state (see `templates`)."""
        self.room = 0
        """Items that containers keep from now on whatever they are; 0 for as many as ever."""
        self.hashes = False
        """A class was imported whose instances do harm when they are hashed (see `given`)."""
        self.endless = False
        """An iterator was made that has no end (see `endless`)."""
        self.storages: dict[bytes, Storage] = {}
        """The storages that were asked for, by their key, as they were asked for first."""
        self._asked: dict[bytes, Storage] = {}
        self.parts: list[tuple[str, int, int]] | None = None
        """Of the table of a distributed checkpoint: the places it names (see `parts`)."""
        self.transformed = 0
        """How many of these are changed before they are loaded."""
        if base_name(artifact).endswith(_TABLE):
            self.parts = []
        self._pending: list[Fact | Artifact] = []

    @property
    def imports(self) -> int:
        """How many different names have been imported so far."""
        return len(self._globals)

    def drain(self) -> Iterator[Fact | Artifact]:
        """What has been recorded since the last time."""
        pending, self._pending = self._pending, []
        yield from pending

    def imported(self, module: str, name: str, offset: int) -> Global:
        """An import: the same object for the same name."""
        key = (module, name)
        value = self._globals.get(key)
        if value is None:
            disposition = self.disposition(module, name)
            own = disposition == "unknown" and self._is_own(module)
            value = self._globals[key] = Global(module, name, offset, disposition, own=own)
            self.templated |= ".".join(module.split(".")[:2]) in TEMPLATED
            self.hashes |= value.hashes
            if value.callable in CODE_MAKERS:
                self.room = max(self.room, CODE_ITEMS)
            self._untrusted |= not value.trusted or disposition == "nested"
            if disposition == "unknown" and "." in name and not (own or self.is_method(value)):
                self.oddity("dotted-name", value.callable, offset)
        self._stream[key] = value
        return value

    def is_member(self, value: Global) -> bool:
        """True for a method or the like of a listed class: harmless until it is called."""
        _, dot, member = value.name.partition(".")
        listed = self.class_of(value) not in {"denied", "unknown"}
        return bool(dot) and listed and "." not in member and not member.startswith("__")

    def is_method(self, value: Global) -> bool:
        """True for a member, or for what is named as one of a known library's unlisted class.

        Objects keep methods of their own class. Should that be another module's function after
        all, it is judged when it is called, or handed to something that may call it.
        """
        return self.is_member(value) or self._is_unlisted_method(value)

    def _is_unlisted_method(self, value: Global) -> bool:
        cls, dot, member = value.name.partition(".")
        if not dot or value.module.partition(".")[0] not in self._names.known_packages:
            return False
        plain = "." not in member and not member.startswith("__")
        return plain and cls.lstrip("_")[:1].isupper() and self.class_of(value) == "unknown"

    def is_kept(self, value: Global) -> bool:
        """True for a method that objects of a library keep, and that nobody has read.

        Objects keep methods of their own classes. Those of paths, arrays and other plain types
        write files, and no object keeps them.
        """
        if value.disposition != "unknown" or "." not in value.name:
            return False
        return self.class_of(value) in {"data-class", "unknown"} and self.is_method(value)

    def class_of(self, value: Global) -> Disposition:
        """What the list says of the class that a dotted name begins with."""
        return self._names.disposition(value.module, value.name.partition(".")[0])

    def code(self, digest: str) -> tuple[str, str] | None:
        """The module and qualified name of the function whose code has this digest, if known."""
        module, colon, name = self._names.code_objects.get(digest, "").partition(":")
        return (module, name) if colon else None

    def disposition(self, module: str, name: str) -> Disposition:
        """What the list says of a name, or of the modules that it is reached through."""
        found = self._names.disposition(module, name)
        if self._script and module.partition(".")[0] == _SCRIPT_MODULE:
            return "constructor"
        if found == "unknown" and (
            module.endswith(_PROGRAM) or self._hops_to_denied(name) or self._below_denied(module)
        ):
            return "denied"
        return found

    def state_call(
        self,
        function: Global,
        disposition: Disposition,
        arguments: Sequence[Value],
        opcode: str,
        at: int,
        *,
        instantiates: bool = False,
    ) -> None:
        """State a call, once for each callable; again only when it turns out worse than it began.

        Args:
            function: what is called.
            disposition: what is known of it; differs from the import's when the arguments decide.
            arguments: what it is called with.
            opcode: the opcode's name.
            at: the opcode's offset.
            instantiates: see `PickleCall.instantiates`.
        """
        function.called = True
        if disposition == "unknown" and "." in function.name and not function.own:
            self.oddity("dotted-name", function.callable, function.offset)
        rank = 2 if disposition == "denied" else 1 if disposition == "unknown" else 0
        weight = 1 + 2 * rank + (not instantiates)
        if weight <= function.stated:
            return
        function.stated = weight
        self.record(
            PickleCall(
                location=place(self.artifact, function.offset),
                module=function.module,
                name=function.name,
                callable=function.callable,
                disposition=disposition,
                opcode=opcode,
                at=at,
                arguments=abbreviated(arguments),
                instantiates=instantiates,
                own=function.own,
            )
        )

    def state_computed_call(
        self, function: Value, arguments: Sequence[Value], opcode: str, at: int
    ) -> None:
        """State a call of something that has no name, such as what another call returns."""
        what = abbreviated([function])
        if self._first_time("computed call", what):
            self.record(
                PickleCall(
                    location=place(self.artifact, at),
                    module="",
                    name="",
                    callable=f"the result of {what}",
                    disposition="unknown",
                    opcode=opcode,
                    at=at,
                    arguments=abbreviated(arguments),
                    instantiates=False,
                    own=False,
                )
            )

    def check_arguments(
        self, function: Global, arguments: Sequence[Value], opcode: str, at: int
    ) -> None:
        """A listed callable may call what it is handed: that must be listed as well.

        What an unlisted one is handed is part of the call that is stated already.
        """
        if not self._untrusted:
            return
        visited = 0
        for value in imports_in(arguments):
            visited += 1
            if value is None or (value.trusted and value.disposition != "nested"):
                continue
            if function.callable in HOLDERS and self.is_kept(value):
                continue  # what is made of it is not to be called either
            value.called = True
            if not function.trusted:
                continue
            if value.disposition == "denied":
                self.state_call(value, "denied", arguments, opcode, at)
            elif self._first_time("argument", value.callable):
                self.oddity("callable-argument", f"{value.callable} to {function.callable}", at)
        if visited:
            self.budget.step(visited)

    def nested(self, artifact: Artifact, offset: int) -> None:
        """Bytes that are unpickled in their turn."""
        if self._first_time("nested", str(offset)):
            self.record(artifact)

    def storage(self, storage: Storage, offset: int) -> None:
        """A storage that the pickle asks its loader for.

        The loader makes it once, as it was asked for first, and hands it out again under its key:
        a second length is a lie about the memory behind it.
        """
        self.storages.setdefault(storage.key, storage)
        first = self._asked.setdefault(storage.key, storage)
        if (first.type, first.elements) != (storage.type, storage.elements):
            asked = f"{first.elements:,} elements of {first.type}"
            detail = f"a storage of {asked} is asked for as {storage.elements:,} of {storage.type}"
            self.oddity("storage-mismatch", detail, offset)

    def oddity(self, kind: OddityKind, detail: str, offset: int) -> None:
        """Something that no pickler writes."""
        if self._first_time(kind, detail):
            where = place(self.artifact, offset)
            self.record(PickleOddity(location=where, kind=kind, detail=detail))

    def end_stream(self, offset: int, protocol: int) -> None:
        """A pickle has ended or broken: state it, and its imports that were not stated before.

        Args:
            offset: where the pickle began.
            protocol: its protocol.
        """
        seen, self._stream = self._stream, {}
        self._asked = {}
        self.record(
            PickleStream(
                location=place(self.artifact, offset),
                protocol=protocol,
                imports=len(seen),
                denied=sum(value.disposition == "denied" for value in seen.values()),
                unknown=sum(value.disposition == "unknown" for value in seen.values()),
            )
        )
        for value in seen.values():
            if self._first_time("import", value.callable):
                self.record(
                    PickleImport(
                        location=place(self.artifact, value.offset),
                        module=value.module,
                        name=value.name,
                        callable=value.callable,
                        disposition=value.disposition,
                        called=value.called and not (value.vetted and value.held),
                        own=value.own,
                        method=value.disposition == "unknown" and self._is_unlisted_method(value),
                    )
                )

    def anew(self) -> Ledger:
        """A ledger of the same artifact with nothing in it."""
        return Ledger(self.artifact, self._names, self.budget)

    def adopt(self, other: Ledger, mixed: int) -> None:
        """Take over what another reading of the same bytes has seen, and this one has not.

        Where that has imported nothing with a proper name, it was a reading of numbers.

        Args:
            other: is of no use afterwards.
            mixed: from this byte on it mixed up the memos of two pickles, so that names came out
                which nobody wrote: only the denied ones are no accident.
        """
        new = {
            value.callable
            for key, value in other._globals.items()
            if key not in self._globals
            and (value.disposition == "denied" or value.offset < mixed)
            and _is_proper(value.module if value.disposition == "denied" else value.callable)
        }
        for item in other.drain() if new else ():
            if isinstance(item, PickleImport | PickleCall):
                wanted = item.callable in new
            elif isinstance(item, PickleOddity):
                wanted = (item.location.offset or 0) < mixed and self._first_time(
                    item.kind, item.detail
                )
            else:
                wanted = not isinstance(item, PickleStream)
            if wanted:
                self.record(item)

    def record(self, item: Fact | Artifact) -> None:
        """Keep something for `drain`.

        Raises:
            BudgetError: there are too many; everything before stays valid.
        """
        self.budget.fact()
        self._pending.append(item)

    def _first_time(self, kind: str, detail: str) -> bool:
        key = (kind, detail)
        if key in self._said:
            return False
        self._said.add(key)
        return True

    def _is_own(self, module: str) -> bool:
        package = module.partition(".")[0]
        return package not in sys.stdlib_module_names and self._names.own(module)

    def _hops_to_denied(self, name: str) -> bool:
        """True for a dotted name one of whose hops is denied, as in `pathlib` → `os.system`."""
        hops = [hop.lstrip("_") for hop in name.split(".")]
        return any(
            self._names.disposition(".".join(hops[start:end]), ".".join(hops[end:])) == "denied"
            for end in range(1, min(len(hops), 8))
            for start in range(end)
        )

    def _below_denied(self, module: str) -> bool:
        while "." in module:
            module = module.rpartition(".")[0]
            if self._names.modules.get(module, {}).get(ANY) == "denied":
                return True
        return False


def _is_proper(name: str) -> bool:
    return all(part.isidentifier() for part in name.split("."))
