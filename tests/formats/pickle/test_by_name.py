"""Functions that return something by its name, and names that real libraries write."""

from __future__ import annotations

import pytest

from modelscan.vocabulary.fact import PickleCall, PickleImport
from tests.forge.pickles import Assembler, call, joblib_array
from tests.formats.pickle.test_reader import read
from tests.formats.pickle.test_special_calls import bad, nested


def named_tuple(*arguments: Assembler) -> Assembler:
    out = Assembler(2).global_("dill._dill", "_create_namedtuple").mark()
    return out.raw(*(one.broken() for one in arguments)).tuple_().reduce()


NAME, MODULE = Assembler().text("FitParams"), Assembler().text("scipy.stats._fit")
FIELDS = Assembler().text("a").tuple1()


def test_dill_imports_a_named_tuple() -> None:
    out = named_tuple(NAME, FIELDS, MODULE, Assembler().empty_tuple())
    imports = [i for i in read(out.stop()) if isinstance(i, PickleImport)]
    [found] = [i for i in imports if i.module == "scipy.stats._fit"]
    assert found.callable == "scipy.stats._fit.FitParams"
    assert not bad(named_tuple(NAME, FIELDS, MODULE, Assembler().empty_tuple()))
    assert not bad(named_tuple(NAME, FIELDS, MODULE))


@pytest.mark.parametrize(
    ("name", "module", "expected"),
    [("system", "os", "os.system"), ("path.os.system", "x", "x.path.os.system"),
     ("Net", "acme", "acme.Net")],
)  # fmt: skip
def test_what_a_named_tuple_turns_out_to_be_is_judged(
    name: str, module: str, expected: str
) -> None:
    out = named_tuple(Assembler().text(name), FIELDS, Assembler().text(module))
    items = read(out.number(1).tuple1().reduce().stop())
    assert expected in [i.callable for i in items if isinstance(i, PickleCall)]


@pytest.mark.parametrize(
    "arguments",
    [
        (NAME,),
        (Assembler().number(1), FIELDS, MODULE),
        (Assembler().text("a b"), FIELDS, MODULE),
        (NAME, FIELDS, Assembler().text("../x")),
        (NAME, FIELDS, Assembler().none()),
        (NAME, Assembler().global_("os", "sep"), MODULE),
    ],
)
def test_other_named_tuples_are_denied(arguments: tuple[Assembler, ...]) -> None:
    assert "dill._dill._create_namedtuple" in bad(named_tuple(*arguments))


def method(cls: str, name: str, text: str) -> list[str]:
    out = Assembler(2).global_("dill._dill", "_getattr").global_("builtins", cls)
    return bad(out.text(name).text(text).raw(b"\x87").reduce())


def test_dill_names_methods_of_built_in_classes() -> None:
    assert not method("str", "split", "<method 'split' of 'str' objects>")


@pytest.mark.parametrize(
    ("cls", "name", "text"),
    [
        ("str", "split", "<method 'split' of 'exec(\"1\")' objects>"),
        ("str", "split", "<method 'lower' of 'str' objects>"),
        ("str", "split", "'''__import__('os').system('id')'"),
        ("eval", "split", "<method 'split' of 'eval' objects>"),
        ("str", "split", ""),
    ],
)
def test_a_text_that_dill_would_evaluate_is_denied(cls: str, name: str, text: str) -> None:
    assert "dill._dill._getattr" in method(cls, name, text)


def test_a_method_is_named_with_three_arguments() -> None:
    out = Assembler(2).global_("dill._dill", "_getattr").global_("builtins", "str").text("split")
    assert bad(out.tuple2().reduce()) == ["dill._dill._getattr"]


@pytest.mark.parametrize("generic", ["Optional", "List", "Dict", "Union"])
def test_a_type_with_parameters_is_harmless(generic: str) -> None:
    out = Assembler(2).global_("_operator", "getitem").global_("typing", generic)
    assert not bad(out.global_("builtins", "int").tuple2().reduce())


@pytest.mark.parametrize(
    "arguments",
    [
        Assembler().global_("collections", "OrderedDict").number(1).tuple2(),
        Assembler().global_("typing", "get_type_hints").number(1).tuple2(),
        Assembler().global_("typing", "List").tuple1(),
        Assembler().empty_dict().number(1).tuple2(),
    ],
)
def test_items_of_other_things_are_unknown(arguments: Assembler) -> None:
    out = Assembler(2).global_("_operator", "getitem").raw(arguments.broken()).reduce()
    assert "_operator.getitem" in bad(out)


def test_a_zone_is_rebuilt_from_its_state_and_no_file() -> None:
    zone = Assembler(2).global_("dateutil.tz.tz", "tzfile")
    assert not bad(zone.none().text("Europe/Paris").tuple2().reduce().empty_dict().build())
    opened = Assembler(2).global_("dateutil.tz.tz", "tzfile").text("/etc/shadow").none().tuple2()
    assert bad(opened.reduce()) == ["dateutil.tz.tz.tzfile"]
    alone = Assembler(2).global_("dateutil.tz.tz", "tzfile").text("/etc/shadow").tuple1()
    assert bad(alone.reduce()) == ["dateutil.tz.tz.tzfile"]


def test_a_logger_is_found_and_left_as_it_is() -> None:
    def found() -> Assembler:
        return Assembler(2).global_("logging", "getLogger").text("train").tuple1().reduce()

    assert not bad(found())
    assert bad(found().empty_dict().build()) == ["overwritten-state"]
    assert bad(Assembler(2).global_("logging", "FileHandler").text("x").tuple1().reduce())


def bound(module: str, name: str) -> Assembler:
    """A method and what it belongs to, as protocol 2 and later write it."""
    out = Assembler(4).stack_global("builtins", "getattr")
    return out.stack_global(module, name).empty_tuple().newobj()


KERNEL = ("gpytorch.kernels.rbf_kernel", "RBFKernel")


def test_methods_of_unlisted_classes_are_kept() -> None:
    assert not bad_calls(bound(*KERNEL).short_text("_closure").tuple2().reduce())
    method = Assembler(4).stack_global("types", "MethodType")
    method.stack_global(KERNEL[0], f"{KERNEL[1]}._closure").none().tuple2().reduce()
    assert not bad_calls(method)
    partial = Assembler(4).stack_global("functools", "partial")
    partial.stack_global(KERNEL[0], f"{KERNEL[1]}._closure").tuple1().reduce()
    assert not bad_calls(partial)


def bad_calls(out: Assembler) -> list[str]:
    """Without the class itself, which nobody has reviewed."""
    return [name for name in bad(out) if name != ".".join(KERNEL)]


@pytest.mark.parametrize("name", ["serialization.os", "Kernel.a.b", "Kernel.__init__", "hub.load"])
def test_hops_that_are_no_methods_are_odd(name: str) -> None:
    assert bad(Assembler(4).stack_global("torch", name)) == ["dotted-name"]


@pytest.mark.parametrize("module", ["pathlib", "acme_unknown.x"])
def test_methods_of_other_packages_are_as_before(module: str) -> None:
    found = bad(Assembler(4).stack_global(module, "Thing.method"))
    assert found == (["dotted-name"] if module == "pathlib" else [])


def test_a_kept_method_is_judged_when_it_is_called() -> None:
    called = bound(*KERNEL).short_text("_closure").tuple2().reduce().empty_tuple().reduce()
    assert "dotted-name" in bad_calls(called)
    handed = Assembler(4).stack_global("collections", "defaultdict")
    handed.stack_global("functools", "partial").stack_global(KERNEL[0], "RBFKernel.f").tuple1()
    assert "callable-argument" in bad_calls(handed.reduce().tuple1().reduce())
    through = Assembler(4).stack_global("collections", "defaultdict")
    through.stack_global("types", "MethodType").stack_global(KERNEL[0], "RBFKernel.f").none()
    assert "callable-argument" in bad_calls(through.tuple2().reduce().tuple1().reduce())
    path = Assembler(4).stack_global("functools", "partial")
    assert bad(path.stack_global("pathlib", "Path.write_text").tuple1().reduce())


def test_joblib_notes_that_an_array_was_a_map() -> None:
    data = joblib_array().stop()
    mapped = data.replace(b"\x8c\x07ndarray", b"\x8c\x06memmap")
    assert mapped != data
    alone = Assembler(2).global_("numpy", "memmap").stop()
    for sample, called in ((mapped, True), (alone, False)):
        imports = [i for i in read(sample) if isinstance(i, PickleImport)]
        assert [i.called for i in imports if i.name == "memmap"] == [called]


NDARRAY_BACKED = ("pandas._libs.arrays", "__pyx_unpickle_NDArrayBacked")


@pytest.mark.parametrize(
    ("function", "cls"),
    [
        (NDARRAY_BACKED, ("pandas.core.arrays.datetimes", "DatetimeArray")),  # pandas 1 and 2
        (NDARRAY_BACKED, ("pandas.core.arrays.period", "PeriodArray")),
        (("pandas.core.indexes.base", "_new_Index"),
         ("pandas.core.indexes.timedeltas", "TimedeltaIndex")),
        (("sklearn.metrics._dist_metrics", "newObj"),
         ("sklearn.metrics._dist_metrics", "HaversineDistance")),
        (("sklearn._loss._loss", "__pyx_unpickle_CyHalfPoissonLoss"),
         ("sklearn._loss._loss", "CyHalfPoissonLoss")),  # scikit-learn 1.1 to 1.6
        (("torch._tensor", "_rebuild_wrapper_subclass"), ("collections", "OrderedDict")),
    ],
)  # fmt: skip
def test_classes_that_functions_rebuild(function: tuple[str, str], cls: tuple[str, str]) -> None:
    out = Assembler(2).global_(*function).global_(*cls).tuple1().reduce()
    assert bad(out) == ([] if function[0] != "torch._tensor" else [".".join(function)])


@pytest.mark.parametrize(
    ("function", "argument"),
    [
        (("pytz", "_p"), "Europe/Paris"), (("re", "RegexFlag"), "x"),
        (("timm.layers.format", "Format"), "NCHW"),
        (("torchvision.models.resnet", "ResNet18_Weights"), "x"),
        (("accelerate.utils.dataclasses", "PrecisionType"), "no"),
        (("mmengine.config.config", "ConfigDict"), "x"),
        (("pyarrow.lib", "field"), "x"),
    ],
)  # fmt: skip
def test_functions_that_rebuild_plain_values(function: tuple[str, str], argument: str) -> None:
    assert not bad(Assembler(2).global_(*function).text(argument).tuple1().reduce())


@pytest.mark.parametrize(
    "cls",
    [("polars.lazyframe.frame", "LazyFrame"), ("polars.expr.expr", "Expr"),
     ("torch_geometric.nn.conv.gcn_conv", "GCNConv"),
     ("stable_baselines3.common.vec_env.base_vec_env", "CloudpickleWrapper"),
     ("gymnasium.vector.utils.misc", "CloudpickleWrapper"),
        ("optuna.storages._rdb.storage", "RDBStorage"),
        ("monai.utils.state_cacher", "StateCacher"),
        ("datasets.table", "MemoryMappedTable"),
        ("xarray.backends.file_manager", "CachingFileManager")],
)  # fmt: skip
def test_classes_whose_state_runs_code_are_denied(cls: tuple[str, str]) -> None:
    made = Assembler(2).global_(*cls).empty_tuple().newobj().empty_dict().build()
    assert bad(made) == [".".join(cls)]


def test_methods_of_the_class_that_torch_keeps_its_functions_in_are_kept() -> None:
    def kept() -> Assembler:
        out = Assembler(4).stack_global("builtins", "getattr")
        out.stack_global("torch._C", "_VariableFunctionsClass").short_text("tanh")
        return out.tuple2().reduce()

    assert not bad(kept())
    called = kept().short_text("file").tuple1().reduce()
    assert bad(called) == ["torch._C._VariableFunctionsClass.tanh", "dotted-name"]


def net(*state: Assembler) -> Assembler:
    out = Assembler(3).global_("skorch.net", "NeuralNet").empty_tuple().newobj().empty_dict()
    for value in state:
        out.text("__cuda_dependent_attributes__").raw(value.broken()).setitem()
    return out.build()


def test_what_an_instance_unpickles_of_its_state_is_read() -> None:
    for size in (0, 400):
        payload = call("os", "system", "echo hi" + " " * size).stop()
        assert nested(net(Assembler().binary(payload))) == [payload]
        assert not bad(net(Assembler().binary(payload)))


def test_what_an_instance_unpickles_must_be_seen() -> None:
    unseen = Assembler().global_("collections", "OrderedDict").empty_tuple().reduce()
    assert bad(net(unseen)) == ["skorch.net.NeuralNet"]
    assert bad(net()) == ["skorch.net.NeuralNet"]
    assert bad(Assembler(3).global_("skorch.net", "NeuralNet").empty_tuple().newobj()) == []
