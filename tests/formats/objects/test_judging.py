from __future__ import annotations

import pytest

from modelscan.formats.objects.judging import Names, is_dotted
from tests.forge import reading

NAMES = Names(reading.rules().lists.pickle_globals)


@pytest.mark.parametrize(
    "name",
    [
        "os.system", "posix.system", "nt.system", "builtins.eval", "eval", "exec", "__import__",
        "subprocess.Popen", "importlib.import_module", "shutil.rmtree", "torch.hub.load",
        "tensorflow.load_library", "tf.compat.v1.load_op_library", "tensorflow.py_function",
        "torch.load", "pickle.loads", "webbrowser.open", "pty.spawn", "ctypes.CDLL", "os:system",
        "imp.load_source", "commands.getoutput", "pathlib.os.system",
        "torch.serialization.os.system", "nemo.utils.subprocess.run", "builtins.getattr",
        "numpy.load", "urllib.request.urlopen",
        "a.__class__.__base__", " os.system ", "runpy.run_path", "uuid._get_command_stdout",
        "functools.__builtins__", "joblib.load",
    ],
)  # fmt: skip
def test_names_that_run_code_are_denied(name: str) -> None:
    assert NAMES.judge(name) == "denied"


@pytest.mark.parametrize(
    "name",
    [
        "torch.nn.Linear", "transformers.AutoModel", "nemo.collections.asr.models.EncDecCTCModel",
        "pytorch_lightning.Trainer", "lightning.pytorch.callbacks.ModelCheckpoint",
        "diffusers.UNet", "omegaconf.DictConfig", "builtins.list",
        "megatron.core.transformer.TransformerConfig",
        "list", "collections.OrderedDict", "datetime.timedelta", "pathlib.Path", "os.path.join",
        "functools.partial", "ldm.models.diffusion.ddpm.LatentDiffusion", "math.sqrt",
        "speechbrain.lobes.models.ECAPA_TDNN.ECAPA_TDNN", "torch.optim.AdamW",
    ],
)  # fmt: skip
def test_names_that_models_are_made_of_are_inert(name: str) -> None:
    assert NAMES.judge(name) == "inert"


@pytest.mark.parametrize("name", ["somewhere.Model", "DiceLoss", "__main__.Model", "src.models.X"])
def test_other_names_are_unknown(name: str) -> None:
    assert NAMES.judge(name) == "unknown"


def test_a_dotted_name_has_a_module() -> None:
    assert is_dotted("a.b")
    assert not is_dotted("a")
    assert not is_dotted("a b.c")
    assert not is_dotted("1.5")
