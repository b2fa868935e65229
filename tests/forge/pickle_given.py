"""What is given to instances of listed classes: items, slots, second states, places as keys.

Every name in these is one that the list trusts. Nothing here is unpickled.
"""

from __future__ import annotations

from tests.forge.pickles import Assembler

_CORPUS = ("gensim.models.word2vec", "LineSentence")
"""Whoever iterates over one opens what it names."""
_EVALUATES = ("ultralytics.nn.tasks", "DetectionModel")
"""It evaluates a text of the configuration that it is given."""
_EXPRESSION = "__import__('os').system('echo hi')"
_BUNCH = ("sklearn.utils._bunch", "Bunch")


def _inside(made: Assembler) -> bytes:
    """A value to be put into another pickle."""
    return made.broken()[2:]


def _text(value: str) -> bytes:
    return _inside(Assembler(4).short_text(value))


def _name(name: tuple[str, str]) -> bytes:
    return _inside(Assembler(4).stack_global(*name))


def _dict(**items: bytes) -> bytes:
    made = Assembler(4).empty_dict().mark()
    for key, value in items.items():
        made.short_text(key).raw(value)
    return _inside(made.setitems())


def _made(name: tuple[str, str]) -> Assembler:
    return Assembler(4).stack_global(*name).empty_tuple().newobj()


def _filled(name: tuple[str, str], **state: bytes) -> Assembler:
    return _made(name).raw(_dict(**state)).build()


def _slots(made: Assembler, **slots: bytes) -> Assembler:
    return made.none().raw(_dict(**slots)).tuple2().build()


def _partial() -> bytes:
    made = Assembler(4).stack_global("functools", "partial").stack_global(*_EVALUATES).tuple1()
    made.reduce().mark().stack_global(*_EVALUATES).raw(_configuration()).tuple1()
    return _inside(made.empty_dict().none().tuple_().build())


def _configuration() -> bytes:
    return _dict(activation=_text(_EXPRESSION))


def _metric() -> bytes:
    corpus = _inside(_filled(_CORPUS, source=_text("https://example.org/")))
    state = {"_defaults": _dict(total=b"K\x01"), "total": corpus}
    return _inside(_filled(("torchmetrics.aggregation", "SumMetric"), **state))


def _call(name: tuple[str, str], *arguments: bytes) -> bytes:
    return _inside(Assembler(4).stack_global(*name).mark().raw(*arguments).tuple_().reduce())


def _holder(**attributes: bytes) -> bytes:
    return _inside(_filled(("argparse", "Namespace"), **attributes))


def handed() -> dict[str, bytes]:
    """Functions that call, or iterate over, what they are handed."""
    corpus = _inside(_filled(_CORPUS, source=_text("https://example.org/")))
    typed, bunch = ("torch._tensor", "_rebuild_from_type_v2"), _name(_BUNCH)
    returned = _name(("torch.jit._pickle", "restore_type_tag"))
    index = ("pandas.core.indexes.base", "_new_Index")
    made = {
        "to-be-called": _call(typed, _partial(), bunch, b")", b"}"),
        "to-be-asked": _call(
            typed, returned, bunch, b"(" + _holder(as_subclass=_partial()) + b"Nt", b"}"),
        "as-arguments": _call(typed, _name(("builtins", "list")), bunch, corpus, b"}"),
        "as-a-quantiser": _call(("torch._utils", "_rebuild_qtensor"), b"NK\x00))", corpus, b"\x89N"),
        "as-data": _call(("torch._utils", "_rebuild_sparse_tensor"), b"N", corpus),
        "as-a-size": _call(("torch", "Size"), corpus),
        "as-numbers": _call(("torch", "FloatTensor"), corpus),
        "as-an-index": _call(index, _name((index[0], "Index")), _dict(data=corpus)),
        "as-parameters": _call(("inspect", "Signature"), corpus),
        "as-an-output": _call(("transformers.modeling_outputs", "BaseModelOutput"), corpus),
        "as-a-class": _call(("copyreg", "__newobj__"), _holder(__new__=_partial())),
    }  # fmt: skip
    code = _filled(("formulaic.parser.types.factor", "Factor"), expr=_text(_EXPRESSION))
    named = {
        "to-a-property": (_inside(code), "required_variables"),
        "to-another-property": (
            _inside(_filled(("sklearn.pipeline", "Pipeline"), named_steps=_partial())), "classes_"),
    }  # fmt: skip
    made |= {
        name: _call(("builtins", "getattr"), instance, _text(attribute))
        for name, (instance, attribute) in named.items()
    }
    return {f"handed-{name}": b"\x80\x04" + data + b"." for name, data in made.items()}


def handed_honestly() -> dict[str, bytes]:
    """The same with what libraries hand over."""
    cache = _inside(_filled(_BUNCH, layers=b"]"))
    array = _inside(_filled(("pandas.core.arrays.string_", "StringArray"), _dtype=b"N"))
    index = ("pandas.core.indexes.base", "_new_Index")
    generic = _name(("torch.nn.modules.linear", "Linear"))
    bound = _inside(_filled(("sklearn.pipeline", "Pipeline"), steps=b"]"))
    made = {
        "a-method": _call(("builtins", "getattr"), bound, _text("predict")),
        "a-cache": _call(("transformers.modeling_outputs", "BaseModelOutputWithPast"), b"N", cache),
        "an-array": _call(index, _name((index[0], "Index")), _dict(data=array, name=b"N")),
        "a-size": _call(("torch", "Size"), b"(K\x02K\x03t"),
        "a-type": _inside(_filled(_BUNCH, __orig_class__=generic, __wrapped__=generic)),
    }
    return {f"hands-{name}": b"\x80\x04" + data + b"." for name, data in made.items()}


def failing() -> dict[str, bytes]:
    """Pickles that the default policy must fail."""
    corpus = _inside(_filled(_CORPUS, source=_text("https://example.org/")))
    holder = _inside(_filled(("argparse", "Namespace"), type=_name(_EVALUATES)))
    matrix = _filled(("scipy.sparse._lil", "lil_matrix"), dtype=holder)
    flags = _filled(("pandas.core.flags", "Flags"), _obj=_partial())
    frame = _made(("pandas.core.frame", "DataFrame"))
    layers = _filled(("torch.nn.modules.container", "ModuleList"), _modules=corpus)
    kernel = _filled(("sklearn.gaussian_process.kernels", "RBF"), get_params=_partial())
    store = _filled(("torch_geometric.data.data", "Data"), _store=_name(_BUNCH))
    other = _dict(append=_name(_EVALUATES))
    shared = _slots(_made(_BUNCH), __dict__=other).raw(_configuration()).raw(b"a")
    mapped = ("formulaic.utils.layered_mapping", "LayeredMapping")
    knots = _made(("scipy.interpolate._bsplines", "BSpline"))
    reborn = Assembler(4).stack_global("torch._tensor", "_rebuild_from_type_v2").mark()
    reborn.stack_global("argparse", "Namespace").stack_global(*_BUNCH).empty_tuple()
    reborn.none().raw(_dict(__dict__=other)).tuple2().tuple_()
    return {
        **handed(),
        "given-a-cell": matrix.number(0).number(0).tuple2().raw(_configuration()).setitem().stop(),
        "given-a-flag": flags.short_text("allows_duplicate_labels").number(1).setitem().stop(),
        "given-a-key-that-is-called": frame.raw(_partial()).number(1).setitem().stop(),
        "given-a-layer": layers.number(1).raw(b"a").stop(),
        "given-items-after-its-state": _filled(("torch.nn.modules.container", "Sequential"))
        .mark().number(1).raw(b"e").stop(),
        "given-what-it-reads": _filled(("cmdstanpy.stanfit.mcmc", "CmdStanMCMC"))
        .number(1).raw(b"a").stop(),
        "given-a-property": _slots(kernel, theta=b"K\x01").stop(),
        "given-a-property-of-its-library": _slots(knots, c=corpus).stop(),
        "given-for-another": store.short_text("append").raw(_name(_EVALUATES)).setitem().stop(),
        "given-another-dictionary": shared.stop(),
        "given-another-dictionary-by-a-function": reborn.reduce().stop(),
        "given-two-states": _filled(mapped, layers=b"](" + corpus + b"e")
        .raw(_dict(name=b"K\x01")).build().stop(),
        "given-as-a-key": Assembler(4).empty_dict().raw(_metric()).number(1).setitem().stop(),
        "given-within-a-key": Assembler(4).empty_dict().raw(_metric()).number(1).tuple2()
        .number(1).setitem().stop(),
        "given-to-a-set": Assembler(4).raw(b"\x8f(").raw(_metric()).raw(b"\x90").stop(),
        "given-to-a-frozen-set": Assembler(4).raw(b"(").raw(_metric()).raw(b"\x91").stop(),
        "given-to-a-called-set": Assembler(4).stack_global("builtins", "set").empty_list()
        .raw(_metric()).raw(b"a").tuple1().reduce().stop(),
        "given-to-a-written-dictionary": Assembler(4).raw(b"(").raw(_metric()).raw(b"K\x01d").stop(),
    }  # fmt: skip


def passing() -> dict[str, bytes]:
    """What picklers give to instances."""
    token = {"token": _text("x"), "_kind": b"N", "source": _text("x + y")}
    variable = {"_dims": _text("time"), "_data": b"]", "_attrs": b"N"}
    results = _made(("scipy.optimize._optimize", "OptimizeResult")).raw(_dict(fun=b"K\x01")[1:])
    term = _inside(_filled(("patsy.desc", "Term"), factors=b")"))
    spread = Assembler(4).stack_global("torch._tensor", "_rebuild_from_type_v2").mark()
    spread.stack_global("torch._utils", "_rebuild_wrapper_subclass")
    spread.stack_global("torch.distributed.tensor", "DTensor").empty_tuple()
    spread.none().raw(_dict(_spec=b"N")).tuple2().tuple_()
    return {
        **handed_honestly(),
        "gets-slots": _slots(_made(("formulaic.parser.types.token", "Token")), **token).stop(),
        "gets-slots-of-its-library": _slots(
            _made(("xarray.core.variable", "Variable")), **variable).stop(),
        "gets-slots-by-a-function": spread.reduce().stop(),
        "gets-items": results.stop(),
        "gets-items-and-a-state": _made(_BUNCH).raw(_dict(data=b"]")[1:])
        .raw(_dict(names=b"]")).build().stop(),
        "gets-items-of-its-library": _made(("statsmodels.tools.tools", "Bunch"))
        .raw(_dict(a=b"K\x01")[1:]).stop(),
        "gets-no-items": _filled(("pandas.core.frame", "DataFrame"), attrs=b"}").stop(),
        "is-a-key": Assembler(4).empty_dict().raw(term).number(1).setitem().stop(),
        "is-a-value": Assembler(4).empty_dict().short_text("loss").raw(_metric()).setitem().stop(),
    }  # fmt: skip
