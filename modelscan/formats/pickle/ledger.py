"""What the pickles of one artifact import and call, looked up by name and stated as facts.

Invariants:

* each cause is stated once for each artifact, at the opcode where it was first seen;
* what a pickle within a pickle says is stated once for the whole file, when it does no harm.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from typing import Final

from modelscan.budget import Budget
from modelscan.formats.pickle.names import Names
from modelscan.formats.pickle.shown import abbreviated
from modelscan.formats.pickle.special import CODE_MAKERS, HOLDERS, PASSIVE, TEMPLATED
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
from modelscan.vocabulary.lists import PickleGlobals

NESTED: Final = "pickle@"
"""What the names of pickles in pickles begin with, before the offset of the call."""
_TRUSTED: Final = frozenset({"inert", "constructor", "data-class"})
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
        self.names = Names(names, artifact)
        self._globals: dict[tuple[str, str], Global] = {}
        self._stream: dict[tuple[str, str], Global] = {}
        self._said: set[tuple[str, str]] = set()
        self._untrusted = False
        self.is_nested = base_name(artifact).startswith(NESTED)
        """It is a pickle that another one hands to a loader."""
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
            disposition = self.names.disposition(module, name)
            own = disposition == "unknown" and self.names.own(module)
            value = self._globals[key] = Global(module, name, offset, disposition, own=own)
            self.templated |= ".".join(module.split(".")[:2]) in TEMPLATED
            self.hashes |= value.hashes
            if value.callable in CODE_MAKERS:
                self.room = max(self.room, CODE_ITEMS)
            self._untrusted |= not value.trusted or disposition == "nested"
            dotted = disposition == "unknown" and "." in name and not own
            if dotted and not self.names.is_method(value):
                self.oddity("dotted-name", value.callable, offset)
        self._stream[key] = value
        return value

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
            if function.callable in HOLDERS and self.names.is_kept(value):
                continue  # what is made of it is not to be called either
            if function.callable in PASSIVE and value.disposition in {"unknown", "data-class"}:
                continue  # it only keeps what it is given
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
                        method=self.names.is_unlisted_method(value),
                    )
                )

    def anew(self) -> Ledger:
        """A ledger of the same artifact with nothing in it."""
        return Ledger(self.artifact, self.names.listed, self.budget)

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
        if not isinstance(item, Fact):
            self.budget.member()
        elif self.is_nested and _is_harmless(item) and self.budget.repeats(_without_place(item)):
            return  # each tensor in a plain pickle has a pickle of its own, that says the same
        else:
            self.budget.fact()
        self._pending.append(item)

    def _first_time(self, kind: str, detail: str) -> bool:
        key = (kind, detail)
        if key in self._said:
            return False
        self._said.add(key)
        return True


def _is_harmless(fact: Fact) -> bool:
    """True for a fact from which no rule makes more than a note."""
    if isinstance(fact, PickleStream):
        return not fact.denied and not fact.unknown
    return isinstance(fact, PickleCall | PickleImport) and fact.disposition in _TRUSTED


def _without_place(fact: Fact) -> Hashable:
    """What a fact says, wherever it is said."""
    if isinstance(fact, PickleCall | PickleImport):
        return type(fact), fact.callable, fact.disposition
    return type(fact)


def _is_proper(name: str) -> bool:
    return all(part.isidentifier() for part in name.split("."))
