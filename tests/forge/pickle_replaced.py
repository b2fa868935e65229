"""States that put something else in the place of a method, and what keeps functions honestly.

Every name in these is one that the list trusts. Nothing here is unpickled.
"""

from __future__ import annotations

from tests.forge.pickles import Assembler

_EXPRESSION = "__import__('os').system('echo hi')"
_OPTIMISER = ("torch.optim.sgd", "SGD")
_EVALUATES = ("ultralytics.nn.tasks", "DetectionModel")
"""It evaluates a text of the configuration that it is given."""


def _inside(made: Assembler) -> bytes:
    return made.broken()[2:]


def _filled(name: tuple[str, str], **state: bytes) -> Assembler:
    """An instance with these attributes."""
    made = Assembler(4).stack_global(*name).empty_tuple().newobj().empty_dict().mark()
    for key, value in state.items():
        made.short_text(key).raw(value)
    return made.setitems().build()


def _partial(
    name: tuple[str, str], *arguments: bytes, later: tuple[str, str] | None = None
) -> bytes:
    """A partial function as it is pickled: its function and arguments come as a state as well."""
    made = Assembler(4).stack_global("functools", "partial").stack_global(*name).tuple1().reduce()
    made.mark().stack_global(*(later or name)).mark().raw(*arguments).tuple_()
    return _inside(made.empty_dict().raw(b"N").tuple_().build())


def _configured(later: tuple[str, str] | None = None) -> bytes:
    settings = Assembler(4).empty_dict().short_text("activation").short_text(_EXPRESSION).setitem()
    first = ("builtins", "list") if later else _EVALUATES
    return _partial(first, _inside(settings), later=later)


def failing() -> dict[str, bytes]:
    """Pickles that the default policy must fail."""
    step = "_patch_step_function"
    defaults = _inside(_filled(("sklearn.utils._bunch", "Bunch"), setdefault=_configured()))
    many = {f"a{index}": b"K\x01" for index in range(40)}
    factory = Assembler(4).stack_global("collections", "defaultdict").raw(_configured())
    late = Assembler(4).stack_global("collections", "defaultdict").empty_tuple().reduce()
    late.raw(b"N").empty_dict().short_text("default_factory").raw(_configured()).setitem().tuple2()
    other = _filled(("argparse", "Namespace"), handle=b"M\x39\x30").raw(b"N").empty_dict()
    other.short_text("__class__").stack_global("xgboost.core", "Booster").setitem().tuple2()
    return {
        "replaced-step": _filled(_OPTIMISER, **{step: _configured()}).stop(),
        "replaced-behind-many": _filled(_OPTIMISER, **many, **{step: _configured()}).stop(),
        "replaced-later": _filled(_OPTIMISER, **{step: _configured(_EVALUATES)}).stop(),
        "replaced-by-a-class": _filled(
            _OPTIMISER, **{step: _inside(Assembler(4).stack_global(*_EVALUATES))}).stop(),
        "replaced-within": _filled(_OPTIMISER, defaults=defaults).stop(),
        "replaced-factory": factory.tuple1().reduce().stop(),
        "replaced-factory-by-a-class": Assembler(4).stack_global("collections", "defaultdict")
        .stack_global(*_EVALUATES).tuple1().reduce().stop(),
        "replaced-factory-later": late.build().stop(),
        "replaced-class": other.build().stop(),
    }  # fmt: skip


def passing() -> dict[str, bytes]:
    """What real objects keep."""
    layer = _partial(("torch.nn.modules.normalization", "LayerNorm"))
    factory = Assembler(4).stack_global("collections", "defaultdict")
    nested = factory.raw(_partial(("collections", "defaultdict"), b"cbuiltins\nint\n"))
    plain = Assembler(4).stack_global("collections", "defaultdict")
    return {
        "kept-partial": _filled(("timm.models.vision_transformer", "Block"), norm_layer=layer).stop(),
        "kept-values": _filled(
            ("sklearn.utils._bunch", "Bunch"), values=b"]", get=b"cbuiltins\nint\n", keys=b"K\x01",
        ).stop(),
        "kept-factory": nested.tuple1().reduce().stop(),
        "kept-plain-factory": plain.stack_global("builtins", "list").tuple1().reduce().stop(),
    }  # fmt: skip
