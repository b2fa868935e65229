"""Turn re-tabulated official hashes into `manifests/`.

    python tools/import_manifests.py SOURCE_DIR manifests/
    python tools/import_manifests.py --header model.safetensors

(The package has to be importable: installed, or `PYTHONPATH=.` in a checkout.)

Each document in SOURCE_DIR names the repository, commit and files that its hashes were read from,
and lists `files` with `name`, `digests` and, where known, `path`, `size`, `format`, `hf_repo`,
`revision` and `model`. Each becomes one manifest (two where two authorities share a document) of
releases, one file entry a line, so that a change is a readable diff. Equal input gives equal bytes.

Nothing is dropped silently: what a document holds and a manifest does not is counted and printed.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from modelscan.verifier.release import SCHEMA, Assurance, parse_manifest

SERIAL = 1
"""Raise it with every change to what is published."""
ISSUED = "2026-11-21"
"""The day of this serial, UTC."""

HEADERS = {
    # sentence-transformers/all-MiniLM-L6-v2 @1110a243fdf4: model.safetensors
    "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db": (
        "2291ac9b8d5083595cd6a1787e01d694a893af92bc706faf1511231affe822e8"
    ),
}
"""SHA-256 of safetensors files and of their headers, computed from the genuine file by `--header`:
the header is not in the sources, and tells a changed payload from another model."""

_CARRIED = frozenset({"name", "path", "digests", "size", "format", "hf_repo", "revision", "model"})

Entry = dict[str, Any]


class Source(NamedTuple):
    """How one document becomes one manifest."""

    document: str
    target: str
    publisher: str
    name: str
    verified_how: str
    assurance: Assurance
    catalogue: str
    """What release ids begin with."""
    group: Callable[[Entry], str]
    """The release that an entry belongs to."""
    namespaces: tuple[str, ...] = ()
    complete: bool = False
    """The source lists every file of each release."""
    nested: bool = True
    """Paths are kept whole; otherwise they begin at the release's own folder."""
    denied: str = ""
    """Why all of it is denied."""
    keep: Callable[[Entry], bool] = lambda _: True
    """Which entries belong to this manifest, where a document feeds two."""
    drop: str = ""
    """Why the document becomes no manifest."""


def by_model(entry: Entry) -> str:
    """The first name that the catalogue gives the model."""
    return "-".join(str(entry["model"][0]).split())


def by_repository(entry: Entry) -> str:
    """The hub repository, else the model's name."""
    return hub_repository(entry) or by_model(entry)


def by_folder(entry: Entry) -> str:
    """The folder that the file lies in."""
    return str(entry["path"]).rpartition("/")[0]


def by_stem(entry: Entry) -> str:
    """The file's name without its extension."""
    return str(entry["name"]).rpartition(".")[0]


def hub_repository(entry: Entry) -> str:
    """The hub repository that an entry names, or that its URL lies in; empty when there is none."""
    if repository := entry.get("hf_repo"):
        return str(repository)
    host, _, path = str(entry.get("url", "")).removeprefix("https://").partition("/")
    parts = path.split("/")
    return "/".join(parts[:2]) if host == "huggingface.co" and parts[2:3] == ["resolve"] else ""


_OWN_CODE = "the digests are in the publisher's own code repository: "
SOURCES = (
    Source(
        "ggml-whisper.cpp.json", "ggml-org/whisper-cpp.json", "ggml-org", "ggml.org",
        _OWN_CODE + "a table of SHA-1 in its documentation, which only identifies",
        "publisher-stated", "ggml-org/whisper.cpp", by_repository, ("hf:ggml-org",),
    ),
    Source(
        "guardrail-stripped-localai.json", "localai/guardrail-stripped.json", "localai",
        "LocalAI gallery",
        "a third party recorded the digests; selected by what the models say of themselves",
        "third-party-recorded", "localai/guardrail-stripped", by_repository,
        denied="the model's own name says that its guardrails were removed (abliterated, "
        "uncensored, heretic or the like)",
    ),
    Source(
        "jaidedai-easyocr.json", "jaidedai/easyocr.json", "jaidedai", "Jaided AI",
        _OWN_CODE + "MD5 of the unpacked files, which only identifies",
        "publisher-stated", "jaidedai/easyocr", by_stem,
    ),
    Source(
        "keras-applications.json", "", "keras", "Keras", "", "publisher-stated", "", by_stem,
        drop="MD5 digests without the names of the files they belong to",
    ),
    Source(
        "localai-gallery.json", "localai/gallery.json", "localai", "LocalAI gallery",
        "a third party recorded the digests of hub files; no statement of their publishers",
        "third-party-recorded", "localai/gallery", by_repository,
    ),
    Source(
        "meta-demucs.json", "meta/demucs.json", "meta", "Meta",
        _OWN_CODE + "file names end in eight digits of the SHA-256, which only identifies",
        "publisher-stated", "facebookresearch/demucs", by_folder, ("hf:facebook",), nested=False,
    ),
    Source(
        "meta-dinov3.json", "meta/dinov3.json", "meta", "Meta",
        _OWN_CODE + "file names end in eight digits of the SHA-256, which only identifies",
        "publisher-stated", "facebookresearch/dinov3", lambda _: "backbones", ("hf:facebook",),
    ),
    Source(
        "nomic-gpt4all.json", "nomic-ai/gpt4all.json", "nomic-ai", "Nomic AI",
        "the catalogue of an application's vendor; most models in it are other people's",
        "third-party-recorded", "nomic-ai/gpt4all", by_repository, ("hf:nomic-ai",),
    ),
    Source(
        "onnx-model-zoo-lfs.json", "onnx/model-zoo-lfs.json", "onnx", "ONNX Model Zoo",
        _OWN_CODE + "SHA-256 and size in its git-LFS pointer files",
        "publisher-stated", "onnx/models/lfs", by_folder, nested=False,
    ),
    Source(
        "onnx-model-zoo.json", "onnx/model-zoo-hub.json", "onnx", "ONNX Model Zoo",
        _OWN_CODE + "the manifest that its own loader enforces",
        "publisher-stated", "onnx/models/hub", by_model,
    ),
    Source(
        "openai-clip.json", "openai/clip.json", "openai", "OpenAI",
        _OWN_CODE + "the digest is part of each download address, and its loader enforces it",
        "publisher-stated", "openai/CLIP", by_model, ("hf:openai",), complete=True,
    ),
    Source(
        "openai-whisper.json", "openai/whisper.json", "openai", "OpenAI",
        _OWN_CODE + "the digest is part of each download address, and its loader enforces it",
        "publisher-stated", "openai/whisper", by_model, ("hf:openai",), complete=True,
    ),
    Source(
        "opencv-zoo.json", "opencv/zoo.json", "opencv", "OpenCV",
        _OWN_CODE + "SHA-256 and size in its git-LFS pointer files",
        "publisher-stated", "opencv/opencv_zoo", by_folder, ("hf:opencv",), nested=False,
    ),
    Source(
        "openvino-open-model-zoo.json", "intel/open-model-zoo.json", "intel", "Intel",
        _OWN_CODE + "SHA-384 and size, enforced by its downloader; Intel's own models",
        "publisher-stated", "open_model_zoo/intel", by_model, ("hf:Intel", "hf:OpenVINO"),
        complete=True, keep=lambda entry: entry["collection"] == "intel",
    ),
    Source(
        "openvino-open-model-zoo.json", "intel/open-model-zoo-public.json", "intel", "Intel",
        "Intel recorded the digests of other people's models; its downloader enforces them",
        "third-party-recorded", "open_model_zoo/public", by_model, ("hf:Intel", "hf:OpenVINO"),
        keep=lambda entry: entry["collection"] == "public",
    ),
    Source(
        "public-pins.json", "hub/public-pins.json", "hub", "Various, on the Hugging Face hub",
        "public applications pin these digests in their own source code; no statement of the "
        "publishers",
        "third-party-recorded", "hf", by_repository,
    ),
    Source(
        "rembg.json", "rembg/rembg.json", "rembg", "rembg",
        _OWN_CODE + "MD5, which only identifies",
        "publisher-stated", "rembg/rembg", by_stem,
    ),
    Source(
        "timm.json", "timm/timm.json", "timm", "PyTorch Image Models",
        "the package's file names end in eight digits of the SHA-256, which only identifies",
        "publisher-stated", "timm/timm", by_stem, ("hf:timm",),
    ),
)  # fmt: skip
"""The documents that are known, and what each becomes."""


def convert(document: Entry, source: Source) -> tuple[Entry, Counter[str]]:
    """A manifest from a document, and the count of what it leaves out."""
    left_out: Counter[str] = Counter()
    groups: dict[str, dict[tuple[str, str], Entry]] = {}
    for entry in document["files"]:
        if not source.keep(entry):
            continue
        left_out.update(f"fields {key}" for key in entry if key not in _CARRIED)
        file = _file(entry, source)
        group = groups.setdefault(_release_key(entry, source), {})
        key = (file["path"], json.dumps(file["digests"], sort_keys=True))
        if key in group:
            left_out["repeated entries"] += 1
        group[key] = {"file": file, "entry": entry}
    origin = document["source"]
    releases = [_release(name, group, source, origin) for name, group in sorted(groups.items())]
    manifest = {
        "schema": SCHEMA,
        "serial": SERIAL,
        "issued": ISSUED,
        "publisher": {
            "id": source.publisher,
            "name": source.name,
            "verified_how": source.verified_how,
            "namespaces": list(source.namespaces),
        },
        "assurance": source.assurance,
        "evidence": _evidence(document, origin),
        "releases": releases,
    }
    return manifest, left_out


def _release_key(entry: Entry, source: Source) -> str:
    revision = entry.get("revision", "")
    name = source.group(entry)
    return f"{name}@{revision}" if _is_commit(revision) else name


def _release(
    name: str, group: dict[tuple[str, str], Entry], source: Source, origin: Entry
) -> Entry:
    members = [group[key] for key in sorted(group)]
    first = members[0]["entry"]
    repository = hub_repository(first)
    revision = first.get("revision") if _is_commit(first.get("revision")) else None
    if revision:  # the hub's own coordinates
        release_id = f"{source.catalogue}:{name}"
    else:
        label = origin["commit"][:12] if origin["commit"] else _package_version(origin)
        release_id = f"{source.catalogue}@{label}:{name}"
        if not repository:
            revision = origin["commit"]
    release: Entry = {"id": release_id}
    if repository:
        release["locations"] = [f"hf:{repository}"]
    if revision:
        release["revision"] = revision
    release["status"] = "denied" if source.denied else "current"
    if source.denied:
        release["reason"] = source.denied
    release["complete"] = source.complete
    release["files"] = [member["file"] for member in members]
    return release


def _file(entry: Entry, source: Source) -> Entry:
    path = str(entry.get("path", entry["name"]))
    if not source.nested:
        path = path.rpartition("/")[2]
    file: Entry = {"path": path}
    if entry.get("size") is not None:
        file["size"] = entry["size"]
    file["digests"] = dict(sorted(entry["digests"].items()))
    if entry.get("format"):
        file["format"] = entry["format"]
    if header := HEADERS.get(entry["digests"].get("sha256", "")):
        file["header_sha256"] = header
    return file


def _evidence(document: Entry, origin: Entry) -> list[Entry]:
    paths = origin["paths"] or [document["publisher"]]
    places = {"repository": origin["repository"], "commit": origin["commit"]}
    stated = {key: value for key, value in places.items() if value}
    return [{"path": path, **stated} for path in paths]


def _is_commit(revision: object) -> bool:
    return isinstance(revision, str) and len(revision) == 40 and revision.isalnum()


def _package_version(origin: Entry) -> str:
    """The version in the name of a package's metadata folder: `timm-1.0.31.dist-info`."""
    return str(origin["paths"][0]).removesuffix(".dist-info").rpartition("-")[2]


def render(manifest: Entry) -> str:
    """JSON with one line for each file and each release, in the order given."""
    head = "".join(
        f" {json.dumps(key)}: {json.dumps(value)},\n"
        for key, value in manifest.items()
        if key != "releases"
    )
    releases = ",\n".join(_render_release(release) for release in manifest["releases"])
    return f'{{\n{head} "releases": [\n{releases}\n ]\n}}\n'


def _render_release(release: Entry) -> str:
    head = json.dumps({key: value for key, value in release.items() if key != "files"})
    files = ",\n".join(f"   {json.dumps(file)}" for file in release["files"])
    return f'  {head[:-1]}, "files": [\n{files}\n  ]}}'


def import_all(folder: Path, target: Path) -> list[str]:
    """Convert every known document that is there.

    Returns:
        What was done, one line for each document.

    Raises:
        SystemExit: a document is not known, so that what it holds would be lost.
        UsageError: the converter wrote a manifest that is not valid.
    """
    known = {source.document for source in SOURCES}
    found = {path.name for path in folder.glob("*.json")}
    if unknown := sorted(found - known):
        raise SystemExit(f"no rule for {', '.join(unknown)}: add it to SOURCES")
    report: list[str] = []
    for source in SOURCES:
        if source.document not in found:
            report.append(f"{source.document}: not there")
            continue
        document = json.loads((folder / source.document).read_text(encoding="utf-8"))
        entries = len(document["files"])
        if source.drop:
            report.append(f"{source.document}: {entries} entries dropped: {source.drop}")
            continue
        manifest, left_out = convert(document, source)
        text = render(manifest)
        parse_manifest(text.encode(), source.target)
        path = target / source.target
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
        files = sum(len(release["files"]) for release in manifest["releases"])
        line = (
            f"{source.target}: {len(manifest['releases'])} releases, {files} of {entries} entries"
        )
        lost = ", ".join(f"{count} {what}" for what, count in sorted(left_out.items()))
        report.append(f"{line}; not carried: {lost}" if lost else line)
    return report


def header_line(path: Path) -> str:
    """The line of `HEADERS` for a safetensors file."""
    whole = hashlib.sha256()
    with path.open("rb") as file:
        prefix = file.read(8)
        header = prefix + file.read(int.from_bytes(prefix, "little"))
        whole.update(header)
        while chunk := file.read(1 << 20):
            whole.update(chunk)
    return f'"{whole.hexdigest()}": "{hashlib.sha256(header).hexdigest()}",'


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("source", type=Path, nargs="?", help="folder of re-tabulated hashes")
    parser.add_argument("target", type=Path, nargs="?", help="the folder `manifests/`")
    parser.add_argument("--header", type=Path, metavar="FILE", help="print a line of HEADERS")
    options = parser.parse_args(arguments)
    if options.header:
        print(header_line(options.header))
        return 0
    if options.source is None or options.target is None:
        parser.error("give SOURCE_DIR and the target folder, or --header FILE")
    for line in import_all(options.source, options.target):
        print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
