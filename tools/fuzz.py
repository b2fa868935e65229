"""`make fuzz`: hostile bytes by coverage guidance, for every reader.

    python tools/fuzz.py            every reader, FUZZ_SECONDS long (60 unless said)
    python tools/fuzz.py FORMAT...  the readers of these formats alone

What must hold of every input: reading ends within its budget, raises nothing but the errors that
readers may raise, and stays within `MEMORY` megabytes. An input that breaks this is kept in
`.fuzz/found`, and makes the exit code 1; give its path to `python tools/fuzz.py --replay`.

Inputs begin as the samples of the forges, and as what the tests of the readers let them read.
atheris is installed into an environment of its own, `.fuzz/env`, which sees the libraries of this
one. Where it cannot be installed nothing is fuzzed, which is said, and is no failure. Inputs that
reached something new are kept in `.fuzz/corpus` for the next time.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import sha256
from itertools import chain
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

WORK: Final = ROOT / ".fuzz"
ATHERIS: Final = "atheris>=3,<4"
LONGEST: Final = 1 << 17
"""Bytes of an input; longer samples are no seeds."""
MEMORY: Final = 1024
"""Megabytes that the whole process may take; what is instrumented takes a quarter of it."""
SLOWEST: Final = 30
"""Seconds after which an input counts as one that never ends."""
LIMITS: Final[dict[str, int]] = {
    "members": 2_000, "inflated_bytes": 64 << 20, "header_bytes": 16 << 20, "steps": 20_000_000,
    "facts": 5_000, "values": 200_000, "seconds": 10,
}  # fmt: skip
"""A small budget: reaching it is no fault, not keeping to it is one."""
FAULT: Final = " failed: "
"""In the reason of a gap that stands for an exception that no reader may raise."""
NAMES: Final = (
    "x", "x.bin", "x.pkl", "x.pt", "x.zip", "x.tar", "x.gz", "x.7z", "x.npy", "x.npz",
    "x.safetensors", "x.gguf", "x.onnx", "x.pb", "x.pbtxt", "x.meta", "saved_model.pb",
    "keras_metadata.pb", "x.cpb", "x.tflite", "model.json", "config.json", "tokenizer_config.json",
    "tokenizer.json", "modules.json", "adapter_config.json", "x.safetensors.index.json",
    "x.yaml", "x.h5", "x.keras",
    "x.skops", "schema.json", "x.xml", "x.pmml", "x.mlmodel", "x.pdmodel", "x.prototxt", "x.rds",
    "x.ser", "x.t7", "x.txt", "x.ubj", "x.cbm", "x.msgpack", "x.arrow", "x.parquet", "x.py",
    "x.ipynb", "x.jinja", "README.md", "LICENSE", "x.ckpt.index", "x.ort", "x.pte", "x.pt2",
    "x.ggml", "x.llamafile", "x.exe", "x.params", "x.template", ".zarray", "_METADATA",
    "model.mil", "model.espresso.net", "Manifest.json", "x.ptd",
    "tokenizer.model", "tekken.model", "x.tiktoken", "vocab.json", "vocab.txt", "merges.txt",
    "added_tokens.json", "special_tokens_map.json", "MLmodel", "package.config.json",
    "bytecode.pkl", "x.dir", "x.bak", "requirements.txt", "entry_points.txt", "pyproject.toml",
    "setup.cfg", "Dockerfile", "Makefile", "x.sh", "x.ps1", "docker-compose.yml", "package.json",
    "x.pth", "x.gotmpl", "x.prompt", "x.mar", "x.nemo", "zarr.json", ".zmetadata",
    "_CHECKPOINT_METADATA", "_sharding", "x.net", "x.caffe", "x.sqlite", "x.json", "x.joblib",
    "x.data-00000-of-00001", "x.parquet.crypt", "x.md", "x.env", "generation_config.json",
    "model_index.json", "preprocessor_config.json", "x.zst", "x.xz", "x.bz2", "x.lz4", "x.zlib",
    "x.whl", "x.jar", "x.rda", "x.feather", "x.engine", "x.rknn", "x.mlpackage", "x.pdiparams",
)  # fmt: skip
"""Names by which readers go. The first byte of an input chooses one; append only, so that inputs
which were kept stay what they are."""


def examiner(formats: Sequence[str] = ()) -> Callable[[bytes], None]:
    """What reads one input as the pipeline would.

    Args:
        formats: the readers that are asked; all, when none is named.

    Returns:
        A function that raises `AssertionError` when a reader raised what no reader may raise.

    Raises:
        SystemExit: there is no reader for one of the formats.
    """
    # late: atheris watches what is imported from here on, and what readers import when they read
    formats_package = importlib.import_module("modelscan.formats")
    for module in pkgutil.walk_packages(formats_package.__path__, "modelscan.formats."):
        importlib.import_module(module.name)
    from modelscan.budget import Budget, Limits
    from modelscan.engine import catalogue
    from modelscan.formats.candidates import Candidates
    from modelscan.formats.readers import readers_for
    from modelscan.formats.routing import Reading
    from modelscan.vocabulary.artifact import BytesArtifact
    from modelscan.vocabulary.coverage import Coverage

    readers = readers_for(catalogue.load().lists)
    known = sorted({reader.format for reader in readers})
    for name in formats:
        if name not in known:
            sys.exit(f"no reader for {name!r}; there are: {', '.join(known)}")
    asked = Candidates(one for one in readers if not formats or one.format in formats)

    def examine(data: bytes) -> None:
        if not data:
            return
        artifact = BytesArtifact(NAMES[data[0] % len(NAMES)], data[1:])
        for item in Reading(artifact, asked, Budget(Limits(**LIMITS))):
            if isinstance(item, Coverage) and FAULT in item.reason and item.needed:
                raise AssertionError(f"{item.file}!{item.member}: {item.reason}")

    return examine


def seed(name: str, data: bytes) -> bytes | None:
    """A sample as an input; absent for one that is too long."""
    if len(data) >= LONGEST:
        return None
    return bytes((NAMES.index(name) if name in NAMES else _alike(name),)) + data


def _alike(name: str) -> int:
    """The known name with the most extensions in common, the first one of them."""
    extensions = Path(name).suffixes
    for at in range(len(extensions)):
        ending = "".join(extensions[at:])
        for number, known in enumerate(NAMES):
            if known.endswith(ending):
                return number
    return 0


def tested() -> Iterator[tuple[str, bytes]]:
    """What the tests of the readers let them read: a sample of every branch that has a test."""
    from tools import fuzz_seeds  # late: as the forges

    folder = WORK / "samples"
    if not folder.is_dir():
        command = [sys.executable, "-m", "pytest", "-q", "-p", "tools.fuzz_seeds"]
        kept = {**os.environ, fuzz_seeds.FOLDER: str(folder)}
        subprocess.run(  # noqa: S603  # our own tests
            [*command, "-p", "no:cacheprovider", "tests/formats"],
            check=False, cwd=ROOT, env=kept, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
    yield from fuzz_seeds.samples(folder)


def write_seeds(samples: Iterable[tuple[str, bytes]], folder: Path) -> int:
    """Write samples as inputs, each under its digest; returns how many there are."""
    folder.mkdir(parents=True, exist_ok=True)
    names = set[str]()
    for name, data in samples:
        found = seed(name, data)
        if found is not None:
            names.add(sha256(found).hexdigest()[:24])
            (folder / sha256(found).hexdigest()[:24]).write_bytes(found)
    return len(names)


def environment(folder: Path) -> Path | None:
    """The Python of an environment with atheris, made if need be; absent when it cannot be."""
    python = folder / "bin" / "python"
    if not python.exists():
        _run([sys.executable, "-m", "venv", str(folder)])
    if _run([str(python), "-c", "import atheris"]):
        install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        if _run([*install, "--only-binary", ":all:", ATHERIS]):
            return None
    paths = sysconfig.get_paths()
    (site,) = folder.glob("lib/python*/site-packages")
    (site / "ours.pth").write_text(f"{paths['purelib']}\n{paths['platlib']}\n", encoding="utf-8")
    return python


def _run(command: list[str]) -> int:
    done = subprocess.run(  # noqa: S603  # commands of this file, in an environment of its own
        command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    return done.returncode


def fuzz(formats: Sequence[str], flags: Sequence[str]) -> None:
    """Fuzz, inside of the environment; ends the process."""
    import atheris  # type: ignore[import-not-found,import-untyped,unused-ignore]  # there alone

    with atheris.instrument_imports(include=["modelscan.formats"]):
        examine = examiner(formats)
    atheris.Setup([sys.argv[0], *flags], examine)
    atheris.Fuzz()


def main(arguments: list[str]) -> int:
    """Prepare seeds and environment, and fuzz; returns the exit code."""
    if arguments[:1] == ["--inside"]:
        cut = arguments.index("--")
        fuzz(arguments[1:cut], arguments[cut + 1 :])
    if arguments[:1] == ["--replay"]:
        examine = examiner()
        for path in arguments[1:]:
            examine(Path(path).read_bytes())
        return 0
    examiner(arguments)  # a format that does not exist is said before anything is installed
    python = environment(WORK / "env")
    if python is None:
        print("skipped: atheris cannot be installed here")
        return 0
    from tests.forge import corpus  # late: only here are the forges needed

    seeds = write_seeds(chain(corpus.samples(), tested()), WORK / "seeds")
    for name in ("corpus", "found"):
        (WORK / name).mkdir(parents=True, exist_ok=True)
    seconds = int(os.environ.get("FUZZ_SECONDS", "60"))
    print(f"{seeds:,} seeds, {seconds} seconds", flush=True)
    flags = [
        f"-max_total_time={seconds}", f"-timeout={SLOWEST}", f"-rss_limit_mb={MEMORY}",
        f"-max_len={LONGEST}", f"-artifact_prefix={WORK / 'found'}{os.sep}", "-print_final_stats=1",
        str(WORK / "corpus"), str(WORK / "seeds"),
    ]  # fmt: skip
    log = WORK / "log.txt"
    with log.open("wb") as out:
        done = subprocess.run(  # noqa: S603  # this file, in an environment of its own
            [str(python), __file__, "--inside", *arguments, "--", *flags],
            check=False, cwd=ROOT, stdout=out, stderr=out,
        )  # fmt: skip
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    print("\n".join(line for line in lines if line.startswith("stat::")))
    if done.returncode:
        print("\n".join(lines[-40:]), file=sys.stderr)
        print(f"FAILED: see {log}; the input is in {WORK / 'found'}", file=sys.stderr)
    return 1 if done.returncode else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
