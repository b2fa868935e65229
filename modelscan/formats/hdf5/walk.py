"""The walk over an HDF5 file: every object that can be reached from the root group, once.

Invariants: each object header is read once, however many links lead to it; what breaks in one
object is noted and the others are still walked; data is not read, except bytes that may be a file
of another format.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from modelscan.budget import Budget
from modelscan.errors import BudgetError, ReadError
from modelscan.formats import held
from modelscan.formats.hdf5 import attributes, header, heaps, messages, trees
from modelscan.formats.hdf5.cursor import Cursor, Space
from modelscan.formats.hdf5.dataset import Dataset, Room, Tensor
from modelscan.formats.hdf5.messages import CONTIGUOUS, VIRTUAL, Layout, Link
from modelscan.vocabulary.artifact import Artifact, BytesArtifact, SliceArtifact, child_name, place
from modelscan.vocabulary.fact import Fact, Hdf5Defect, Hdf5Reference

_MAX_NAME: Final = 1024
_ATTRIBUTE_TREE: Final = frozenset({8, 9})
"""Types of trees whose records begin with the heap id of an attribute."""
_LINK_BY_NAME: Final = 5
_MOST_HELD: Final = 40 << 20
"""Bytes of names that are kept: of more than a hundred thousand datasets."""
_HASH: Final = 4


class Walk:
    """Walks one file; `tensors` and `troubles` are complete when it has ended.

    Args:
        artifact: the file.
        space: its address space.
        budget: pays for objects, messages and nodes.
    """

    def __init__(self, artifact: Artifact, space: Space, budget: Budget) -> None:
        self.tensors: list[Tensor] = []
        self.root_attributes: list[str] = []
        self.trouble = ""
        """What could not be read first."""
        self.troubles = 0
        """How many things could not be read."""
        self.pickled = False
        """True when a dataset holds sequences of bytes, as PyTables stores objects."""
        self._artifact = artifact
        self._space = space
        self._budget = budget
        self._pending: list[tuple[str, int]] = []
        self._held = held.Held("names of objects and attributes", _MOST_HELD)
        self._room = Room(space.size)

    def run(self, root: int) -> Iterator[Fact | Artifact]:
        """State what every object says, from the root group on.

        Raises:
            BudgetError: more objects than the budget allows.
        """
        self._wait("", root)
        seen = set[int]()
        while self._pending:
            path, address = self._pending.pop()
            self._held.drop(held.cost(path))
            if address in seen:
                continue
            seen.add(address)
            self._budget.member()
            yield from self._object(path, address)

    @contextmanager
    def _noted(self, path: str) -> Iterator[None]:
        try:
            yield
        except BudgetError:
            raise
        except ReadError as error:
            self._note(f"{path or '/'}: {error.message}")

    def _note(self, trouble: str) -> None:
        self.trouble = self.trouble or trouble
        self.troubles += 1

    def _wait(self, path: str, address: int) -> None:
        """Have an object walked through later."""
        self._held.add(held.cost(path))
        self._pending.append((path, address))

    def _object(self, path: str, address: int) -> Iterator[Fact | Artifact]:
        dataset = Dataset()
        found = header.messages(self._space, address, self._budget)
        while True:
            message = None
            with self._noted(path):
                message = next(found, None)
            if message is None:
                break
            with self._noted(path):
                for said in dataset.take(message, self._space, self._budget):
                    yield self._defect(said.kind, path, said.text)
                yield from self._message(path, message)
        for name in dataset.external:
            yield self._reference("external-storage", path, name)
        if dataset.layout is not None:
            with self._noted(path):
                yield from self._dataset(path, dataset)

    def _message(self, path: str, message: header.Message) -> Iterator[Fact | Artifact]:
        """A message about attributes or members; the others are the dataset's."""
        body, kind = message.body, message.kind
        if kind == header.ATTRIBUTE and message.shared is None:
            yield from self._attribute(path, body)
        elif kind == header.ATTRIBUTE_INFO:
            yield from self._dense_attributes(path, body)
        elif kind == header.LINK:
            yield from self._links(path, messages.links(body))
        elif kind == header.LINK_INFO:
            yield from self._dense_links(path, body)
        elif kind == header.SYMBOL_TABLE:
            yield from self._symbols(path, body)

    def _symbols(self, path: str, body: Cursor) -> Iterator[Fact]:
        tree, heap_at = body.address(), body.address()
        if tree is None or heap_at is None:
            return
        heap = heaps.LocalHeap(self._space, heap_at)
        for symbol in trees.symbols(self._space, tree, self._budget):
            name = heap.text(symbol.name)
            soft = None if symbol.link is None else heap.text(symbol.link)
            address = symbol.address if soft is None else None
            yield from self._links(path, iter((Link(name, address, soft, None),)))

    def _dense_links(self, path: str, body: Cursor) -> Iterator[Fact]:
        body.take(1)
        flags = body.uint(1)
        body.take(8 if flags & 1 else 0)
        for kind, record, heap in self._dense(body):
            record.take(_HASH if kind == _LINK_BY_NAME else 2 * _HASH)
            identity = Cursor(record.take(min(heap.id_length, record.left)), self._space)
            yield from self._links(path, messages.links(heap.object(identity)))

    def _dense_attributes(self, path: str, body: Cursor) -> Iterator[Fact | Artifact]:
        body.take(1)
        flags = body.uint(1)
        body.take(2 if flags & 1 else 0)
        for kind, record, heap in self._dense(body):
            if kind in _ATTRIBUTE_TREE:
                identity = Cursor(record.take(min(heap.id_length, record.left)), self._space)
                with self._noted(path):
                    yield from self._attribute(path, heap.object(identity))

    def _dense(self, body: Cursor) -> Iterator[tuple[int, Cursor, heaps.FractalHeap]]:
        """The records of a heap's index by name: all there is of links or attributes."""
        heap_at, tree = body.address(), body.address()
        if heap_at is None or tree is None:
            return
        heap = heaps.FractalHeap(self._space, heap_at, self._budget)
        for kind, record in trees.records(self._space, tree, self._budget):
            yield kind, record, heap

    def _links(self, path: str, links: Iterator[Link]) -> Iterator[Fact]:
        for link in links:
            name = f"{path}/{link.name}"[:_MAX_NAME]
            if link.file is not None:
                yield self._reference("external-link", name, link.file)
            elif link.soft is not None:
                yield self._reference("soft-link", name, link.soft)
            elif link.address is not None:
                self._wait(name, link.address)

    def _attribute(self, path: str, body: Cursor) -> Iterator[Artifact]:
        attribute = attributes.parse(body, self._space, self._budget)
        if not path:
            self._held.add(held.cost(attribute.name))
            self.root_attributes.append(attribute.name)
        for value in attributes.texts(attribute, self._space, self._budget):
            extension = attributes.parsed_as(attribute.name, value)
            if extension is not None:
                self._budget.member()
                name = f"{path.lstrip('/')}@{attribute.name}{extension}"
                yield BytesArtifact(
                    self._artifact.name,
                    value,
                    member=child_name(self._artifact, name),
                    depth=self._artifact.depth + 1,
                )

    def _dataset(self, path: str, dataset: Dataset) -> Iterator[Fact | Artifact]:
        layout, kind, shape = dataset.layout, dataset.type, dataset.shape
        if layout is None or kind is None or shape is None:
            self._note(f"{path}: a dataset whose type or shape is stored out of reach")
            return
        tensor = Tensor(path.lstrip("/"), kind, shape)
        self._held.add(held.cost(tensor.name))
        self.tensors.append(tensor)
        if kind.kind == messages.VARIABLE and not kind.text:
            self.pickled = True
        if layout.kind == VIRTUAL:
            target = messages.virtual_source(layout, self._space, self._budget)
            yield self._reference("virtual-dataset", path, target)
        elif not dataset.external:
            sound = True
            for said in self._room.check(tensor, layout, filtered=dataset.filtered):
                sound = False
                yield self._defect(said.kind, path, said.text)
            if sound and tensor.may_be_file:
                yield from self._bytes(tensor, layout)

    def _bytes(self, tensor: Tensor, layout: Layout) -> Iterator[Artifact]:
        """The data of a dataset that may be a file of another format."""
        self._budget.member()
        if layout.inline:
            yield BytesArtifact(
                self._artifact.name,
                layout.inline,
                member=child_name(self._artifact, tensor.name),
                depth=self._artifact.depth + 1,
            )
        elif layout.kind == CONTIGUOUS and layout.address is not None:
            at = self._space.base + layout.address
            yield SliceArtifact(self._artifact, at, tensor.size, tensor.name)

    def _reference(self, kind: Any, path: str, target: str) -> Fact:
        self._budget.fact()
        return Hdf5Reference(
            location=place(self._artifact), kind=kind, object=path or "/", target=target[:_MAX_NAME]
        )

    def _defect(self, kind: Any, path: str, detail: str) -> Fact:
        self._budget.fact()
        return Hdf5Defect(
            location=place(self._artifact), kind=kind, object=path or "/", detail=detail[:_MAX_NAME]
        )
