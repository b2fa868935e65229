"""What the variables of a template can hold: every assignment counts, whatever the order.

Order, conditions and the number of rounds of a loop are left out, so that the result covers every
run. A variable that keeps growing is widened, and then never changes again: that bounds the work.

Values get into variables by `set` (also as a block, and into namespaces), by loops, by arguments
of macros, call blocks and recursive loops, and by methods such as `append`.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from functools import partial

from jinja2 import nodes

from modelscan.budget import Budget
from modelscan.formats.chat_template import operations as ops
from modelscan.formats.chat_template.folding import LOOP_ITEMS, Folder, attribute_key, widened
from modelscan.formats.chat_template.names import MUTATORS
from modelscan.formats.chat_template.scopes import Scopes
from modelscan.formats.chat_template.values import (
    NOTHING,
    SOME_TEXT,
    Seq,
    Values,
    capped,
    children,
    has_text,
    mapping,
    star,
)

_MAX_CHANGES = 8
"""Times that a variable may change before it is widened."""

_Flow = Callable[[], Iterable[tuple[str, Values]]]


class Variables:
    """Finds out what the variables hold, and keeps the folder that knows it.

    Args:
        scopes: the template, its names resolved.
        budget: pays for the evaluations.
    """

    def __init__(self, scopes: Scopes, budget: Budget) -> None:
        self._scopes = scopes
        self._values: dict[str, Values] = {}
        self.folder = Folder(scopes, self._values, budget)
        self.macros: dict[str, list[nodes.Macro]] = defaultdict(list)
        """The template's own macros, by the key of their name."""
        self._callers: list[nodes.CallBlock] = []
        self._recursive: list[nodes.For] = []
        self._called: set[int] = set()
        for node in scopes.nodes:
            if isinstance(node, nodes.Macro):
                self.macros[scopes.macro_key(node)].append(node)
            elif isinstance(node, nodes.CallBlock):
                self._callers.append(node)
            elif isinstance(node, nodes.For) and node.recursive:
                self._recursive.append(node)
            elif isinstance(node, nodes.Call):
                self._called.add(id(node.node))
        self.folder.macros = frozenset(self.macros)
        self._settle([flow for node in scopes.nodes for flow in self._flows(node)])
        self.folder.final = True

    def _settle(self, flows: list[_Flow]) -> None:
        """Run the flows until nothing changes; each again when something that it reads has."""
        readers: dict[str, set[int]] = defaultdict(set)
        changes: dict[str, int] = defaultdict(int)
        pending = deque(range(len(flows)))
        waiting = set(pending)
        while pending:
            number = pending.popleft()
            waiting.discard(number)
            self.folder.reads.clear()
            produced = list(flows[number]())
            for key in self.folder.reads:
                readers[key].add(number)
            for key, values in produced:
                before = self._values.get(key, NOTHING)
                after = capped(before | values)
                if changes[key] >= _MAX_CHANGES:
                    after = widened(after)
                if after == before:
                    continue
                changes[key] += 1
                self._values[key] = after
                again = readers[key] - waiting
                pending.extend(sorted(again))
                waiting |= again

    def _flows(self, node: nodes.Node) -> Iterator[_Flow]:
        """The ways in which one node gives values to variables."""
        folder = self.folder
        if isinstance(node, nodes.Assign):
            yield lambda: self._into(node.target, folder.value(node.node))
        elif isinstance(node, nodes.AssignBlock):
            yield lambda: self._into(
                node.target, folder.block(node.body) if node.filter is None else SOME_TEXT
            )
        elif isinstance(node, nodes.For):
            yield lambda: self._loop(node, folder.value(node.iter))
        elif isinstance(node, nodes.With):
            yield from map(self._fixed, node.targets, node.values)
        elif isinstance(node, nodes.Macro | nodes.CallBlock):
            optional = node.args[len(node.args) - len(node.defaults) :]
            yield from map(self._fixed, optional, node.defaults)
        elif isinstance(node, nodes.Call):
            yield from self._call(node)
        elif isinstance(node, nodes.Name):
            yield from self._handed_around(node)

    def _fixed(self, target: nodes.Node, value: nodes.Node) -> _Flow:
        return lambda: self._into(target, self.folder.value(value))

    def _handed_around(self, node: nodes.Name) -> Iterator[_Flow]:
        """A macro that is used as a value is called somewhere, with anything."""
        if node.ctx == "load" and id(node) not in self._called:
            for macro in self.macros.get(self._scopes.key(node), ()):
                yield partial(self._hand_over, macro, [SOME_TEXT], {}, spread=True)

    def _call(self, node: nodes.Call) -> Iterator[_Flow]:
        """Arguments flow into parameters, items into what they are appended to."""
        function = node.node
        if isinstance(function, nodes.Getattr) and function.attr in MUTATORS:
            yield lambda: self._mutate(function.node, node)
        if not isinstance(function, nodes.Name):
            return
        receivers: Iterable[nodes.Macro | nodes.CallBlock]
        if function.name == "caller":
            receivers = self._callers
        elif function.name == "loop":
            for loop in self._recursive:
                yield partial(self._again, loop, node)
            return
        else:
            receivers = self.macros.get(self._scopes.key(function), ())
        for receiver in receivers:
            yield partial(self._pass, receiver, node)

    def _again(self, loop: nodes.For, node: nodes.Call) -> Iterator[tuple[str, Values]]:
        """`loop(items)` runs a recursive loop over other items."""
        arguments, _ = self.folder.arguments(node)
        return self._loop(loop, arguments[0] if arguments else NOTHING)

    def _pass(
        self, receiver: nodes.Macro | nodes.CallBlock, node: nodes.Call
    ) -> Iterator[tuple[str, Values]]:
        arguments, named = self.folder.arguments(node)
        spread = node.dyn_args is not None or node.dyn_kwargs is not None
        return self._hand_over(receiver, arguments, named, spread=spread)

    def _hand_over(
        self,
        receiver: nodes.Macro | nodes.CallBlock,
        arguments: list[Values],
        named: dict[str, Values],
        *,
        spread: bool,
    ) -> Iterator[tuple[str, Values]]:
        """Bind parameters; unpacked arguments go to every one of them."""
        everything = capped(NOTHING.union(*arguments, *named.values()))
        for number, parameter in enumerate(receiver.args):
            values = arguments[number] if number < len(arguments) else NOTHING
            values |= named.get(parameter.name, NOTHING)
            yield from self._into(parameter, everything if spread else values)
        own = self._scopes.own
        if isinstance(receiver, nodes.Macro):
            yield own(receiver, "varargs"), frozenset({star(everything)})
            yield own(receiver, "kwargs"), frozenset({mapping(named.items())})

    def _loop(self, loop: nodes.For, values: Values) -> Iterator[tuple[str, Values]]:
        items = children(values)
        yield LOOP_ITEMS, items
        yield from self._into(loop.target, items)

    def _into(self, target: nodes.Node, values: Values) -> Iterator[tuple[str, Values]]:
        """Assign to a name, to a namespace's attribute, or to several at once."""
        if isinstance(target, nodes.Name):
            yield self._scopes.key(target), values
        elif isinstance(target, nodes.NSRef):
            yield attribute_key(target.attr), values
        elif isinstance(target, nodes.Tuple | nodes.List):
            for number, part in enumerate(target.items):
                found = NOTHING
                for atom in values:
                    if isinstance(atom, Seq) and len(atom.items) == len(target.items):
                        found |= atom.items[number]
                    else:
                        found |= children(frozenset({atom}))
                yield from self._into(part, capped(found))

    def _mutate(self, target: nodes.Node, node: nodes.Call) -> Iterator[tuple[str, Values]]:
        """`x.append(text)`: what is changed can be reached by every name in front of the method."""
        arguments, named = self.folder.arguments(node)
        put = capped(NOTHING.union(*arguments, *named.values()))
        if not has_text(put):
            return
        added = put | frozenset({star(put)}) | ops.namespace(arguments, named)
        pending = [target]
        while pending:
            inner = pending.pop()
            if isinstance(inner, nodes.Name):
                yield self._scopes.key(inner), added
            elif isinstance(inner, nodes.Getattr):
                yield attribute_key(inner.attr), added
            elif isinstance(inner, nodes.Getitem) and isinstance(inner.arg, nodes.Const):
                yield attribute_key(str(inner.arg.value)), added
            pending.extend(inner.iter_child_nodes())
