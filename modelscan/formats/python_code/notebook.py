"""Jupyter notebooks: their code cells are Python and lines of shell that a person runs.

Invariants: of the document only code cells are held, one after the other; outputs are passed over,
and searched for what a browser would run. Cells are read as one module, so that an alias made in
one is known in the next; when they do not parse together, each is read alone and the ones that do
not parse are needed gaps. What a notebook does, it does only when somebody runs it: `when` is
always `call`.

Source: nbformat 4 (and 3, whose cells lie in worksheets); IPython's `%magic`, `!shell`, `?help`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import msgspec

from modelscan.budget import Budget
from modelscan.errors import BudgetError, ReadError
from modelscan.formats.json_parts import JsonParts, Part
from modelscan.formats.python_code import source
from modelscan.formats.python_code.reader import behaviours, hidden_text
from modelscan.formats.reader import Glimpse
from modelscan.vocabulary.artifact import Artifact, BytesArtifact, child_name, place, stream
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import CodeBehaviour, CodeSource, Fact
from modelscan.vocabulary.location import Location

_MAX_NOTEBOOK: Final = 64 << 20
"""Bytes; the outputs of a notebook hold images."""
_SHELL: Final = re.compile(r"(\s*)(?:[\w,\s]+=\s*)?!+(.*)")
_INSTALL_MAGIC: Final = re.compile(r"\s*%{1,2}((?:pip|conda|mamba|uv)\s.*)")
_SHELL_MAGIC: Final = re.compile(r"\s*%{1,2}(?:sx|system)\s+(.*)")
_MAGIC: Final = re.compile(r"(\s*)(?:[\w,\s]+=\s*)?%\w")
_HELP: Final = re.compile(r"\s*\?|[\w.\s]+\?{1,2}\s*$")
_SHELL_CELLS: Final = frozenset({"bash", "sh", "script", "cmd", "system", "sx", "!"})
_PYTHON_CELLS: Final = frozenset({"time", "timeit", "capture", "prun", "python", "python3"})


_SENT: Final = b"kernel.execute("
_HANDED: Final = re.compile(rb"kernel\.execute\(\s*(\\?[\"'`])(.{1,4000}?)(?<!\\\\)\1", re.DOTALL)
"""What a script in an output has the kernel run; in JSON, its quotes have a backslash."""
_MOST_SENT: Final = 20
_LONGEST_SENT: Final = 5_000
_HELD: Final = 4 << 20
"""Bytes of a notebook that is read but once."""
_MOST_CELLS: Final = 20_000
_MOST_SHEETS: Final = 100
_SHORT: Final = 100
_MOST_CODE: Final = source.MAX_SOURCE
"""Bytes, as they are written in the document."""


class Cell(NamedTuple):
    """A cell of code."""

    number: int
    text: str
    """As written."""
    python: str
    """What of it is Python, line by line."""
    commands: list[tuple[int, str]]
    """Lines of shell, with their number from 1."""


_ABSENT: Final = msgspec.Raw(b"")


class _Written(msgspec.Struct):
    """A cell as it is written; its outputs are passed over."""

    cell_type: Any = None
    source: msgspec.Raw = _ABSENT
    input: msgspec.Raw = _ABSENT


class NotebookReader:
    """Jupyter notebooks."""

    @property
    def format(self) -> str:
        """See `Reader.format`."""
        return "notebook"

    def recognises(self, glimpse: Glimpse) -> bool:
        """By name: a notebook is JSON, and programs go by the name."""
        return glimpse.extension == ".ipynb"

    def read(self, artifact: Artifact, budget: Budget) -> Iterator[Fact | Coverage | Artifact]:
        """See `Reader.read`."""
        # lazy: most models bring no code, and need no analysis of it
        from modelscan.formats.known_places import well_known
        from modelscan.formats.python_code.judging import shell

        if artifact.size > _MAX_NOTEBOOK:
            raise BudgetError(f"a notebook of {artifact.size:,} bytes")
        budget.header(artifact.size)
        cells = list(code_cells(artifact, budget))
        yield CodeSource(
            location=place(artifact),
            kind="notebook",
            lines=sum(cell.text.count("\n") + 1 for cell in cells),
        )
        for cell in cells:
            yield from hidden_text(cell.text, _within(artifact, cell), budget, "call")
            for line, command in cell.commands:
                budget.fact()
                judged = shell(command)
                yield CodeBehaviour(
                    location=place(_within(artifact, cell), line=line),
                    behaviour=judged.behaviour,
                    call=judged.call,
                    argument=command[:300],
                    known_place=well_known(command),
                )
        yield from _python(artifact, cells, budget)
        yield from _sent(artifact, budget)


def _sent(artifact: Artifact, budget: Budget) -> Iterator[Fact]:
    """Python that a script of a kept output hands to the kernel, as soon as the notebook is shown.

    A browser runs it without a click when the notebook is trusted.
    """
    count, kept = 0, b""
    for piece in stream(artifact):
        data = kept + piece
        kept = data[-_LONGEST_SENT:]
        if _SENT not in data:
            continue
        for found in _HANDED.finditer(data):
            if kept and found.end() <= len(data) - len(piece):
                continue  # told already
            count += 1
            if count > _MOST_SENT:
                return
            yield from _executed(found[2], artifact, budget)


def _executed(written: bytes, artifact: Artifact, budget: Budget) -> Iterator[Fact]:
    from modelscan.formats.python_code.analysis import Analysis  # lazy: as in `read`

    text = written.decode("utf-8", "replace").replace("\\\\", "\\")
    code = text.replace("\\n", "\n").replace('\\"', '"').replace("\\'", "'")
    try:
        analysis = Analysis(code, budget)
    except BudgetError:
        raise
    except ReadError:
        return
    for fact in behaviours(analysis, artifact, budget):
        yield msgspec.structs.replace(fact, location=place(artifact), when="import")


def _python(artifact: Artifact, cells: list[Cell], budget: Budget) -> Iterator[Fact | Coverage]:
    """What the Python of all cells does, together or else one by one."""
    from modelscan.formats.python_code.analysis import Analysis  # lazy: as in `read`

    whole = "\n".join(cell.python for cell in cells)
    try:
        analysis = Analysis(whole, budget)
    except BudgetError:
        raise
    except ReadError:
        for cell in cells:
            try:
                alone = Analysis(cell.python, budget)
            except BudgetError:
                raise
            except ReadError as error:
                yield Coverage(
                    file=artifact.name,
                    member=_within(artifact, cell).member,
                    status="unreadable",
                    needed=True,
                    reason=error.message,
                )
                continue
            for fact in behaviours(alone, artifact, budget):
                yield _moved(fact, artifact, cell, fact.location.line or 1)
        return
    starts: list[tuple[int, Cell]] = []
    line = 0
    for cell in cells:
        starts.append((line, cell))
        line += cell.python.count("\n") + 1
    position = 0
    for fact in behaviours(analysis, artifact, budget):
        at = fact.location.line or 1
        while position + 1 < len(starts) and starts[position + 1][0] < at:
            position += 1
        before, cell = starts[position]
        yield _moved(fact, artifact, cell, at - before)


def _moved(fact: CodeBehaviour, artifact: Artifact, cell: Cell, line: int) -> CodeBehaviour:
    """The fact at its place in its cell, at the time when a person runs it."""
    where = Location(artifact.name, _within(artifact, cell).member, None, line)
    return msgspec.structs.replace(fact, location=where, when="call")


def _within(artifact: Artifact, cell: Cell) -> BytesArtifact:
    member = child_name(artifact, f"cell {cell.number}")
    return BytesArtifact(artifact.name, b"", member=member, depth=artifact.depth)


def code_cells(artifact: Artifact, budget: Budget) -> Iterator[Cell]:
    """The code cells, numbered as they stand among all cells.

    Raises:
        ReadError: it is no notebook.
        BudgetError: it has more cells, or more code, than any.
    """
    if artifact.size <= _HELD:
        data = artifact.read_at(0, artifact.size)
        artifact = BytesArtifact(artifact.name, data, member=artifact.member, depth=artifact.depth)
    parts = JsonParts(artifact, budget)
    number = held = 0
    for cell in _cells(parts):
        number += 1
        if number > _MOST_CELLS:
            raise BudgetError(f"a notebook of more than {_MOST_CELLS:,} cells")
        if cell.cell_type != "code":
            continue
        written = cell.source or cell.input or b"null"
        held += len(written)
        if held > _MOST_CODE:
            raise BudgetError(f"a notebook with more than {_MOST_CODE:,} bytes of code")
        yield _cell(number, _text(_decoded(written, Any)))


def _cells(parts: JsonParts) -> Iterator[_Written]:
    """All cells of the notebook and, in version 3, of its worksheets."""
    root = parts.root()
    if parts.first(root) != b"{":
        raise ReadError("not a notebook: not a JSON object")
    lists = [holder["cells"] for holder in _holders(parts, root) if "cells" in holder]
    lists = [cells for cells in lists if parts.first(cells) == b"["]
    if not lists:
        raise ReadError("not a notebook: it has no cells")
    for cells in lists:
        for batch in parts.batches(cells):
            if isinstance(batch, bytes):
                for cell in _decoded(batch, list[msgspec.Raw]):
                    table = bytes(cell).lstrip().startswith(b"{")
                    yield _decoded(cell, _Written) if table else _Written()
            else:
                yield _long(parts, batch)


def _holders(parts: JsonParts, root: Part) -> Iterator[dict[str, Part]]:
    """What may hold cells: the notebook, and the worksheets in it."""
    members = dict(parts.members(root))
    yield members
    sheets = members.get("worksheets")
    if sheets is None or parts.first(sheets) != b"[":
        return
    for number, sheet in enumerate(parts.items(sheets)):
        if number >= _MOST_SHEETS:
            raise BudgetError(f"a notebook of more than {_MOST_SHEETS} worksheets")
        if parts.first(sheet) == b"{":
            yield dict(parts.members(sheet))


def _long(parts: JsonParts, cell: Part) -> _Written:
    """A cell that is too long to be held, for its outputs."""
    members = dict(parts.members(cell)) if parts.first(cell) == b"{" else {}
    found = _Written()
    for name in ("source", "input"):
        if name in members:
            if members[name].size > _MOST_CODE:
                raise BudgetError(f"a notebook with more than {_MOST_CODE:,} bytes of code")
            setattr(found, name, msgspec.Raw(parts.raw(members[name])))
    kind = members.get("cell_type")
    if kind is not None and kind.size <= _SHORT:
        found.cell_type = _decoded(parts.raw(kind), Any)
    return found


def _decoded(written: bytes | msgspec.Raw, kind: Any) -> Any:
    try:
        return msgspec.json.decode(written, type=kind)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise ReadError(f"not a notebook: {error}") from None


def _text(value: Any) -> str:
    if isinstance(value, list):
        return "".join(line for line in value if isinstance(line, str))
    return value if isinstance(value, str) else ""


def _cell(number: int, text: str) -> Cell:
    """Take Python and shell apart; what is neither leaves an empty statement in its line."""
    lines = text.replace("\r\n", "\n").split("\n")
    first = next((index for index, line in enumerate(lines) if line.strip()), 0)
    head = lines[first].strip()
    if head.startswith("%%"):
        magic = head[2:].split(maxsplit=1)[:1]
        kind = magic[0] if magic else ""
        if kind in _SHELL_CELLS:
            return Cell(number, text, "", [(first + 2, "\n".join(lines[first + 1 :]))])
        if kind not in _PYTHON_CELLS:
            return Cell(number, text, "", [])
        lines[first] = "pass"
    python, commands = [], list[tuple[int, str]]()
    for index, line in enumerate(lines, start=1):
        command = _command(line)
        if command is not None:
            commands.append((index, command))
        other = command is not None or _MAGIC.match(line) or _HELP.match(line)
        indent = line[: len(line) - len(line.lstrip())]
        python.append(f"{indent}pass" if other else line)
    return Cell(number, text, "\n".join(python), commands)


def _command(line: str) -> str | None:
    """The command that a line of shell runs."""
    found = _INSTALL_MAGIC.match(line) or _SHELL_MAGIC.match(line)
    if found:
        return found[1]
    found = _SHELL.match(line)
    return found[2].strip() if found else None
