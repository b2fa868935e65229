from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.errors import SourceError
from modelscan.fetcher import oci_manifest
from modelscan.fetcher.oci_names import archived, inside, kind_of, suffix_of
from tests.forge import packages

_DIGEST = st.sampled_from([packages.digest(bytes([n])) for n in range(3)] + ["sha256:x", "md5:0"])
_NAMES = st.text(alphabet="aA./\\:\n\u202e~x", max_size=8)
_TYPES = st.sampled_from(["a/b", packages.TAR + "+gzip", packages.OLLAMA + "model", "x+json; v=1"])
_ENTRY = st.fixed_dictionaries(
    {},
    optional={
        "digest": _DIGEST,
        "size": st.one_of(st.integers(-1, 9), st.booleans(), st.text(max_size=1)),
        "mediaType": st.one_of(_TYPES, st.integers()),
        "name": st.one_of(_NAMES, st.integers()),
        "annotations": st.one_of(
            st.dictionaries(st.sampled_from([packages.TITLE, packages.FILEPATH]), _NAMES),
            st.integers(),
        ),
    },
)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(_ENTRY, st.integers()), max_size=6), st.one_of(_ENTRY, st.none()))
def test_any_manifest_gives_parts_that_stay_inside_and_apart(
    layers: list[Any], config: Any
) -> None:
    root = oci_manifest.parse(json.dumps({"layers": layers, "config": config}).encode())
    package = oci_manifest.read(root)
    names = [part.name for part in package.parts]
    assert len({name.casefold() for name in names}) == len(names)
    assert all(inside(name) == name for name in names)
    assert oci_manifest.MANIFEST not in names
    usable = sum(_usable(each) for each in [*layers, config])
    gaps = sum(gap.needed for gap in package.coverage)
    given = len(layers) + isinstance(config, dict)
    assert gaps == given - usable
    assert len(names) <= usable


def _usable(entry: Any) -> bool:
    if not isinstance(entry, dict) or not oci_manifest.is_digest(entry.get("digest", "")):
        return False
    size = entry.get("size")
    return isinstance(size, int) and not isinstance(size, bool) and size >= 0


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_are_a_table_or_an_error(data: bytes) -> None:
    try:
        root = oci_manifest.parse(data)
    except SourceError:
        return
    assert isinstance(root, dict)


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="a./\\:\0\n~\ud800é", max_size=12))
def test_a_name_is_inside_or_refused(name: str) -> None:
    found = inside(name)
    assert ".." not in found.split("/")
    assert not found.startswith("/")
    assert "\\" not in found
    assert inside(found) == found


@pytest.mark.parametrize(
    ("media_type", "role", "suffix"),
    [
        ("application/vnd.ollama.image.model", "weights", ""),
        ("application/vnd.docker.ai.gguf.v3; x=1", "weights", ""),
        ("application/vnd.cncf.model.weight.v1.tar+gzip", "weights", ".tar.gz"),
        ("application/vnd.cncf.model.weight.config.v1.raw", "config", ""),
        ("application/vnd.cncf.model.code.v1.tar+zstd", "code", ".tar.zst"),
        ("application/vnd.kitops.modelkit.modelpart.v1.tar+gzip", "weights", ".tar.gz"),
        ("application/vnd.docker.image.rootfs.diff.tar.gzip", "layer", ".tar.gz"),
        ("application/vnd.oci.image.layer.v1.tar", "layer", ".tar"),
        ("Application/Vnd.OCI.image.layer.v1.tar+ZSTD", "layer", ".tar.zst"),
        ("application/vnd.docker.ai.vllm.config.tar", "config", ".tar"),
        ("", "other", ""),
    ],
)
def test_media_types(media_type: str, role: str, suffix: str) -> None:
    assert (kind_of(media_type).role, suffix_of(media_type)) == (role, suffix)
    assert archived("a", media_type) == "a" + suffix
    assert archived("a.tgz", media_type) == "a.tgz"
