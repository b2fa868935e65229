"""What instances are given that no pickler gives them: items, slots, a second state, a hash.

A class on the list was read for what runs when an instance is made and filled once. The unpickler
runs more when it is told to, and with a state that the file chose this does more:

* APPEND(S), ADDITEMS and SETITEM(S) run `append`, `extend`, `add` or `__setitem__` of an instance,
  or the `__getattr__` that is asked for them. `DataFrame.__setitem__` calls its key if it can be
  called (`pandas/core/common.py`, `apply_if_callable`); that of a sparse matrix calls the type that
  its state names with the value (`scipy/sparse/_lil.py`). Only of subclasses of `list`, `dict` and
  the like do picklers write items (`object.__reduce_ex__`).
* A state of attributes and slots has `setattr` run for every slot, and so the setter of a property,
  or a `__setattr__` that hands the name on to another object: even to a class. Picklers write slots
  for classes that have them (`copyreg._slotnames`).
* A second state finds a `__getattr__` that the first one has armed.
* A key of a dictionary or an item of a set is hashed; a metric of torchmetrics then iterates over
  its attributes (`torchmetrics/metric.py`, `Metric.__hash__`).

Invariants:

* only listed classes count, of packages some of whose classes do harm so; for classes that nobody
  has read there is another rule;
* a stretch that could give an instance of these packages anything that matters is followed, so that
  it hides nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from modelscan.formats.pickle.handed import consumed
from modelscan.formats.pickle.memo import EscalateError
from modelscan.formats.pickle.shown import abbreviated
from modelscan.formats.pickle.state import State
from modelscan.formats.pickle.values import (
    Call,
    Container,
    Global,
    LongTuple,
    Skipped,
    Value,
    tuple_items,
)

_SLOTTED: Final = re.compile(
    r"category_encoders\.utils\.EncoderTags"
    r"|dateutil\.(?:_common|relativedelta|rrule)\.(?:weekday|rrule|rruleset|rrulebase)"
    r"|formulaic\.(?:formula\.StructuredFormula|materializers\.types\.scoped_term\.ScopedTerm"
    r"|model_matrix\.ModelMatrices|model_spec\.ModelSpecs|parser\.types\.(?:factor\.Factor"
    r"|token\.Token)|utils\.(?:constraints\.ConstraintToken|structured\.Structured))"
    r"|gensim\.models\.doc2vec\.Doctag"
    r"|munch\.Default\w*Munch"
    r"|nltk\.tokenize\.punkt\.PunktToken"
    r"|scipy\.interpolate\.\w+\.\w+"
    r"|(?:sklearn\.utils\._tags|tslearn\.bases\.bases)\.\w*Tags"
    r"|thinc\.(?:model\.Model|optimizers\.Optimizer)"
    r"|torch\.(?:distributions\.kl\._Match|utils\._pytree\.\w+|[\w.]*Tensor)"
    r"|xarray\.core\.(?:dataarray|dataset|indexes|indexing|variable)\.\w+"
)
"""Listed classes that have slots, or whose own `__setstate__` takes a pair (formulaic 1.2, gensim
4, scipy 1.2 to 1.17, thinc 8 and 9, xarray 2026, scikit-learn 1.9, dateutil 2 to 4, munch 4)."""
_SET: Final = {
    "scipy": frozenset({b"c", b"t", b"x"}),
    "xarray": frozenset({b"attrs", b"data", b"dims", b"encoding", b"name", b"values"}),
}
"""Of these libraries' classes: properties, which make arrays of instances that they are given."""
_TAKING: Final = re.compile(
    r"formulaic\.parser\.types\.ordered_set\.OrderedSet"
    r"|pandas\.core\.indexes\.frozen\.FrozenList|scipy\.sparse\.(?:\w+\.)?_?dok\w*"
    r"|statsmodels\.(?:stats\.inter_rater\.\w+|tools\.(?:_decorators\.ResettableCache|tools\.Bunch)"
    r"|tsa\.statespace\.dynamic_factor_mq\.(?:DynamicFactorMQStates|FactorBlock))"
)
"""Those of these packages that are lists and dictionaries."""
_PAIR: Final = 2


def given_items(state: State, target: Call, at: int) -> None:
    """State that an instance is given items whose class takes none, or that has its state already.

    Picklers write items before the state (`save_reduce` in `pickle.py`).

    Raises:
        EscalateError: the quicker ways cannot tell; all instances of a class are one value there.
    """
    function = target.function
    if not isinstance(function, Global) or not function.unread:
        return
    if state.lean:
        raise EscalateError
    if target.filled or (function.reacts and not _TAKING.fullmatch(function.callable)):
        runs = f"what an instance of {function.callable} does when it is given items"
        state.ledger.oddity("method-run", runs, at)


def given_slots(state: State, made: Call, given: Value, at: int, cls: Value = None) -> None:
    """State that slots are set of an instance of a class that has none.

    Args:
        state: where the machine is.
        made: the instance.
        given: its state.
        at: where.
        cls: its class, when it is not that which made it.

    Raises:
        EscalateError: the quicker ways cannot tell.
    """
    slots = slots_in(given)
    if slots is None:
        return
    if state.lean:
        raise EscalateError
    function = cls or made.function
    if not isinstance(slots, Container) or not isinstance(function, Global):
        return
    names = slots.mapping()
    if b"__dict__" in names or (function.unread and not _SLOTTED.fullmatch(function.callable)):
        state.ledger.oddity("overwritten-state", abbreviated([made]), at)
    elif properties := _SET.get(function.module.partition(".")[0]):
        given_to = [value for name, value in names.items() if name in properties]
        consumed(state, f"{function.callable}.__setattr__", given_to, at)


def given_again(state: State, target: Call, at: int) -> None:
    """State that an instance is filled a second time, which no pickler does."""
    function = target.function
    if not isinstance(function, Global) or not function.unread:
        return
    if state.lean and not function.reacts:  # all instances of the class are one value
        return
    if target.filled:
        if state.lean:
            raise EscalateError
        state.ledger.oddity("overwritten-state", abbreviated([target]), at)
    target.filled = True


def hashed(state: State, keys: Iterable[Value], at: int) -> None:
    """State that an instance is hashed, or put where it is, and what it hashes does harm."""
    if state.lean or not state.ledger.hashes:
        return
    waiting: list[Value] = list(keys)
    seen = set[int]()
    while waiting:
        value = waiting.pop()
        if not isinstance(value, tuple | Container | Call) or id(value) in seen:
            continue
        seen.add(id(value))
        if not isinstance(value, Call):
            waiting.extend(value)
            continue
        waiting.extend(value.links or ())
        function = value.function
        if isinstance(function, Global) and function.hashes:
            runs = f"{function.callable}.__hash__"
            state.ledger.oddity("method-run", runs, at)
    state.ledger.budget.step(len(seen))


def slots_in(given: Value) -> Value:
    """The slots in a state of attributes and slots, if there may be any."""
    if not isinstance(given, tuple | LongTuple):
        return None
    items: Sequence[Value] = tuple_items(given)
    if len(items) != _PAIR:
        return None
    attributes, slots = items
    if not (attributes is None or isinstance(attributes, Skipped) or _is_dictionary(attributes)):
        return None
    return slots if isinstance(slots, Skipped) or (_is_dictionary(slots) and slots) else None


def _is_dictionary(value: Value) -> bool:
    return isinstance(value, Container) and value.kind == "dict"
