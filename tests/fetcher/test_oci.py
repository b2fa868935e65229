from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from modelscan import api
from modelscan.errors import SourceError, UsageError
from modelscan.fetcher.oci import OciRegistry
from modelscan.fetcher.options import FetchOptions, Secret
from modelscan.fetcher.sources import take
from modelscan.fetcher.transfer import Patience
from modelscan.vocabulary.fact import SourceDefect, SourceDigest, SourcePart, SourceRevision
from modelscan.vocabulary.ref import ModelRef
from modelscan.vocabulary.snapshot import Snapshot
from tests.forge import gguf, packages
from tests.forge.archives import python_tar as tar_of
from tests.forge.packages import FILEPATH, TAR, TITLE, Layer
from tests.hub.registry import Registry

QUICK = Patience(attempts=2, sleep=lambda _: None)
GGUF = gguf.small()
EVIL = b"cposix\nsystem\n(S'id'\ntR."


@pytest.fixture
def registry() -> Iterator[Registry]:
    with Registry().running() as running:
        running.add("1", packages.image([Layer("application/vnd.docker.ai.gguf.v3", GGUF)]))
        yield running


_OPEN: list[Snapshot] = []


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    while _OPEN:
        _OPEN.pop().close()


def _take(server: Registry, what: str = "acme/model:1", **options: object) -> Snapshot:
    fetch = FetchOptions(**options)  # type: ignore[arg-type]
    ref = ModelRef.parse(f"oci:{server.host}/{what}")
    _OPEN.append(OciRegistry(QUICK).snapshot(ref, fetch))
    return _OPEN[-1]


def _read(snapshot: Snapshot, name: str) -> bytes:
    (file,) = (file for file in snapshot.files if file.name == name)
    with file.open() as artifact:
        return artifact.read_at(0, artifact.size)


def _names(snapshot: Snapshot) -> list[str]:
    return [file.name for file in snapshot.files]


def test_a_tag_is_resolved_once_and_shown_with_its_digest(registry: Registry) -> None:
    snapshot = _take(registry)
    digest = packages.digest(registry.manifests["1"])
    assert snapshot.ref == f"oci:{registry.host}/acme/model@{digest}" == snapshot.claimed
    assert snapshot.source.kind == "oci"
    assert (snapshot.source.revision, snapshot.source.asked_revision) == (digest, "1")
    (revision,) = (fact for fact in snapshot.facts if isinstance(fact, SourceRevision))
    assert (revision.asked, revision.resolved, revision.pinned) == ("1", digest, False)
    assert _names(snapshot) == ["model.gguf", "package.config.json", "package.manifest.json"]
    assert _read(snapshot, "model.gguf") == GGUF
    assert _read(snapshot, "package.manifest.json") == registry.manifests["1"]


def test_a_digest_is_a_pin(registry: Registry) -> None:
    digest = packages.digest(registry.manifests["1"])
    snapshot = _take(registry, f"acme/model@{digest}")
    (revision,) = (fact for fact in snapshot.facts if isinstance(fact, SourceRevision))
    assert revision.pinned
    registry.manifests[digest] = b"{}"
    with pytest.raises(SourceError, match="not the one that its digest stands for"):
        _take(registry, f"acme/model@{digest}")


def test_a_registry_that_contradicts_itself_is_refused(registry: Registry) -> None:
    registry.stated_digest = "sha256:" + "0" * 64
    with pytest.raises(SourceError, match="not the one that its digest stands for"):
        _take(registry)


def test_a_token_is_fetched_and_stays_with_the_registry(registry: Registry) -> None:
    registry.challenge, registry.redirects = "bearer", True
    snapshot = _take(registry)
    assert _read(snapshot, "model.gguf") == GGUF
    (token_path, credentials), *more = registry.asked("tokens")
    assert "scope=repository%3Aacme%2Fmodel%3Apull" in token_path
    assert "catalog" not in token_path  # no more rights than needed, whatever is offered
    assert (credentials, more) == ("", [])
    assert {header for _, header in registry.asked("registry")} == {"", "Bearer token-0"}
    assert {header for _, header in registry.asked("downloads")} == {""}


def test_a_token_that_expires_is_fetched_again(registry: Registry) -> None:
    registry.challenge, registry.expires_after = "bearer", 1
    snapshot = _take(registry)
    assert _read(snapshot, "model.gguf") == GGUF
    assert len(registry.asked("tokens")) == 2


def test_the_token_of_a_hub_is_never_sent(registry: Registry) -> None:
    registry.challenge = "bearer"
    _take(registry, token=Secret("hf_secret"))
    assert not any("hf_secret" in header for _, _, header in registry.seen)


def _credentials(registry: Registry) -> Secret:
    return Secret(f"{registry.host}={registry.password}")


def test_credentials_are_for_one_registry(registry: Registry) -> None:
    registry.challenge, registry.password = "bearer", "me:geheim"
    with pytest.raises(SourceError, match="gated"):
        _take(registry)
    assert _take(registry, registry=_credentials(registry)).files
    with pytest.raises(SourceError, match="gated"):
        _take(registry, registry=Secret("other.example=me:geheim"))
    for broken in ("me:geheim", f"{registry.host}=geheim"):
        with pytest.raises(UsageError, match="not understood") as error:
            _take(registry, registry=Secret(broken))
        assert "geheim" not in str(error.value)


def test_credentials_are_not_sent_to_a_token_server_elsewhere(registry: Registry) -> None:
    registry.challenge, registry.password = "bearer", "me:geheim"
    port = registry._token_address.rpartition(":")[2]
    registry.realm = f"http://localhost:{port}"
    with pytest.raises(SourceError, match="gated"):
        _take(registry, registry=_credentials(registry))
    assert {header for _, header in registry.asked("tokens")} == {""}


def test_a_registry_that_asks_for_a_password_itself(registry: Registry) -> None:
    registry.challenge, registry.password, registry.redirects = "basic", "me:geheim", True
    with pytest.raises(SourceError, match="gated"):
        _take(registry)
    right = _credentials(registry)
    snapshot = _take(registry, registry=right)
    assert _read(snapshot, "model.gguf") == GGUF
    assert {header for _, header in registry.asked("downloads")} == {""}
    registry.password = registry.password.upper()
    with pytest.raises(SourceError, match="gated"):
        _take(registry, registry=right)


@pytest.mark.parametrize(
    "realm", ["", "ftp://127.0.0.1/token", "no address", "http://user:x@127.0.0.1/", "http://"]
)
def test_a_challenge_that_leads_nowhere(registry: Registry, realm: str) -> None:
    registry.challenge, registry.realm = "bearer", realm or '",x="'
    with pytest.raises(SourceError, match="names no token server"):
        _take(registry)


@pytest.mark.parametrize("answer", [{"token": "two words"}, {"nothing": 1}, [], "x", {"token": 3}])
def test_a_token_server_that_sends_none(registry: Registry, answer: object) -> None:
    registry.challenge, registry.token_answer = "bearer", answer
    with pytest.raises(SourceError, match="sends no token"):
        _take(registry)


def test_model_artefacts_keep_their_paths(registry: Registry) -> None:
    weights = "application/vnd.cncf.model.weight.v1."
    registry.add(
        "cncf",
        packages.image(
            [
                Layer(weights + "raw", b"x", {FILEPATH: "model.safetensors"}),
                Layer(weights + "tar", tar_of({"a.bin": b"x"}), {FILEPATH: "sub/a.bin"}),
                Layer(weights + "tar+gzip", packages.zipped(tar_of({"b": b"x"}))),
                Layer("application/vnd.cncf.model.doc.v1.raw", b"# Hi", {FILEPATH: "./README.md"}),
                Layer("application/octet-stream", b"1", {TITLE: "extra.bin"}),
                Layer("application/unheard-of", b"2"),
                Layer("application/unheard-of", b"3"),
            ],
            {"descriptor": {"name": "m", "licenses": ["mit"]}},
            "application/vnd.cncf.model.config.v1+json",
        ),
    )
    snapshot = _take(registry, "acme/model:cncf")
    assert set(_names(snapshot)) == {
        "README.md", "extra.bin", "model.safetensors", "other-1", "other-2", "package.config.json",
        "package.manifest.json", "sub/a.bin.tar", "weights-1.tar.gz",
    }  # fmt: skip
    roles = {f.location.file: f.role for f in snapshot.facts if isinstance(f, SourcePart)}
    assert (roles["model.safetensors"], roles["README.md"]) == ("weights", "document")


@pytest.mark.parametrize(
    "title",
    ["../../.bashrc", "/etc/cron.d/x", "a/../../b", "C:\\x", "a\\..\\b", "a\nb", "..", "x" * 2000],
)
def test_names_that_escape_are_stated_and_not_used(registry: Registry, title: str) -> None:
    registry.add("evil", packages.image([Layer("application/x", b"x", {TITLE: title})]))
    snapshot = _take(registry, "acme/model:evil")
    assert [name for name in _names(snapshot) if name.startswith("parts/")]
    (defect,) = (fact for fact in snapshot.facts if isinstance(fact, SourceDefect))
    assert defect.kind == "name-escapes"
    assert title.startswith(defect.value)


def test_two_parts_with_one_name_are_both_read(registry: Registry) -> None:
    layers = [Layer("application/x", data, {TITLE: name})
              for data, name in ((b"1", "model.bin"), (b"2", "MODEL.bin"), (b"1", "model.bin"))]  # fmt: skip
    registry.add("twice", packages.image(layers))
    snapshot = _take(registry, "acme/model:twice")
    assert len(snapshot.files) == 4
    (defect,) = (fact for fact in snapshot.facts if isinstance(fact, SourceDefect))
    assert (defect.kind, defect.value) == ("name-repeated", "MODEL.bin")


def test_no_part_takes_the_place_of_the_manifest(registry: Registry) -> None:
    titles = ("package.manifest.json", "Package.Config.json", "image.package.manifest.json")
    layers = [Layer("application/x", name.encode(), {TITLE: name}) for name in titles]
    registry.add("odd", packages.image(layers))
    snapshot = _take(registry, "acme/model:odd")
    names = _names(snapshot)
    assert len(set(names)) == len(names) == 5
    assert _read(snapshot, "package.manifest.json") == registry.manifests["odd"]
    assert len([fact for fact in snapshot.facts if isinstance(fact, SourceDefect)]) == 3


def test_two_images_of_one_platform_have_a_folder_each(registry: Registry) -> None:
    images = [packages.image([Layer(TAR, bytes([n]) * 512)]) for n in range(2)]
    for number, each in enumerate(images):
        registry.add(str(number), each)
    entries = [entry for each in images
               for entry in json.loads(packages.index({"linux/arm64": each}))["manifests"]]  # fmt: skip
    registry.add_index("same", json.dumps({"manifests": entries}).encode())
    names = _names(_take(registry, "acme/model:same"))
    assert len(set(names)) == len(names) == 6  # the configuration is the same, and there once
    assert sum(name.startswith("linux-arm64-") for name in names) == 5


def test_an_index_is_all_of_its_platforms(registry: Registry) -> None:
    shared = Layer(TAR, tar_of({"models/model.gguf": GGUF}))
    one = packages.image([shared], {"architecture": "amd64"})
    other = packages.image(
        [shared, Layer(TAR, tar_of({"run.py": b"1"}))], {"architecture": "arm64"}
    )
    attested = packages.image([Layer("application/vnd.in-toto+json", b"{}")])
    registry.add("amd", one)
    registry.add("arm", other)
    registry.add("att", attested)
    images = {"linux/amd64": one, "linux/arm64": other, "unknown/unknown": attested}
    registry.add_index("all", packages.index(images))
    assert _names(_take(registry, "acme/model:all")) == [
        "linux-amd64/layer-1.tar", "linux-amd64/package.config.json",
        "linux-amd64/package.manifest.json", "linux-arm64/layer-2.tar",
        "linux-arm64/package.config.json", "linux-arm64/package.manifest.json",
        "package.manifest.json",
    ]  # fmt: skip
    registry.add_index("one", packages.index({"": one}))
    assert _names(_take(registry, "acme/model:one")) == [
        "image.package.manifest.json", "layer-1.tar", "package.config.json", "package.manifest.json",
    ]  # fmt: skip


def test_indexes_within_indexes_end(registry: Registry) -> None:
    inner = packages.index({"": packages.image([])})
    registry.add_index("inner", inner)
    outer = {"manifests": [{"digest": packages.digest(inner), "size": 1, "mediaType": "x"}]}
    registry.add_index("outer", json.dumps(outer).encode())
    with pytest.raises(SourceError, match="index within an index"):
        _take(registry, "acme/model:outer")


@pytest.mark.parametrize(
    ("manifest", "says"),
    [
        (b"not json", "not a manifest"),
        (b"[]", "no JSON object"),
        (b"[" * 100_000, "not a manifest"),
        (b'{"schemaVersion": 1, "fsLayers": []}', "schema version 1"),
        (b" " * (5 << 20), "more than"),
        (json.dumps({"layers": [{}] * 20_001}).encode(), "20,001 parts"),
        (b'{"manifests": []}', "names no manifest"),
        (
            json.dumps({"manifests": [{"digest": f"sha256:{n:064}"} for n in range(40)]}).encode(),
            "40",
        ),
    ],
)
def test_manifests_that_are_none(registry: Registry, manifest: bytes, says: str) -> None:
    registry.manifests["bad"] = manifest
    with pytest.raises(SourceError, match=says):
        _take(registry, "acme/model:bad")


def test_entries_that_lead_nowhere_are_needed_gaps(registry: Registry) -> None:
    good = packages.digest(b"x")
    layers = [
        3, {}, {"digest": "md5:00", "size": 1}, {"digest": good}, {"digest": good, "size": -1},
        {"digest": good, "size": True}, {"digest": "sha256:../../etc/passwd", "size": 1},
    ]  # fmt: skip
    registry.manifests["odd"] = json.dumps({"layers": layers}).encode()
    snapshot = _take(registry, "acme/model:odd")
    assert _names(snapshot) == ["package.manifest.json"]
    assert len([gap for gap in snapshot.coverage if gap.needed]) == len(layers)


def test_what_is_missing_gated_or_offline_is_told_apart(registry: Registry) -> None:
    with pytest.raises(SourceError, match="not found or private"):
        _take(registry, "acme/model:none")
    with pytest.raises(SourceError, match="offline"):
        take(ModelRef.parse("oci:example.org/acme/model:1"), FetchOptions(offline=True))
    ref = ModelRef.parse("oci:127.0.0.1:9/acme/model:1")
    with pytest.raises(SourceError, match="cannot be reached"):
        OciRegistry(QUICK).snapshot(ref, FetchOptions())


def test_a_large_part_is_read_by_ranges_and_whole_with_full(
    registry: Registry, tmp_path: Path
) -> None:
    large = GGUF + bytes(9 << 20)
    layer = Layer("application/vnd.docker.ai.gguf.v3", large)
    registry.add("large", packages.image([layer]))
    (file,) = (f for f in _take(registry, "acme/model:large").files if f.name == "model.gguf")
    assert file.access == "ranges"
    full = _take(registry, "acme/model:large", full=True, cache=tmp_path / "cache")
    assert _read(full, "model.gguf") == large
    (stated,) = (f for f in full.facts
                 if isinstance(f, SourceDigest) and f.location.file == "model.gguf")  # fmt: skip
    assert stated.expected == packages.digest(large).partition(":")[2]


def test_a_compressed_layer_is_fetched_whole_because_parts_of_it_say_nothing(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evil = tar_of({"weights.bin": os.urandom(9 << 20), "a.pkl": EVIL})
    layer = packages.zipped(evil)
    registry.add("big", packages.image([Layer(TAR + "+gzip", layer)]))
    (file,) = (f for f in _take(registry, "acme/model:big", cache=tmp_path).files
               if f.name == "layer-1.tar.gz")  # fmt: skip
    assert (file.access, file.size > 9 << 20) == ("whole", True)
    with file.open() as artifact:
        assert artifact.read_at(0, artifact.size) == layer
    monkeypatch.setattr("modelscan.fetcher.remote._COMPRESSED_LIMIT", 9 << 20)
    (file,) = (f for f in _take(registry, "acme/model:big").files if f.name == "layer-1.tar.gz")
    assert file.access == "ranges"


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modelscan.fetcher.sources.SOURCES", (OciRegistry(QUICK),))


def _scan(registry: Registry, tag: str) -> api.Report:
    return api.scan(f"oci:{registry.host}/acme/model:{tag}")


def test_a_blob_with_other_bytes_is_a_finding(registry: Registry) -> None:
    clean = _scan(registry, "1").models[0]
    assert clean.answers.allowed.status == "pass"
    assert {finding.severity for finding in clean.findings} == {"info"}
    parts = clean.facts.provenance["parts"]
    assert isinstance(parts, list)
    assert [(part["file"], part["role"]) for part in parts] == [
        ("package.config.json", "config"), ("model.gguf", "weights"),
    ]  # fmt: skip
    registry.blobs[packages.digest(GGUF)] = GGUF[:-1] + b"?"
    found = _scan(registry, "1").models[0]
    (finding,) = (f for f in found.findings if f.rule == "source-digest-differs")
    assert finding.location.file == "model.gguf"
    assert found.answers.allowed.status == "fail"


def test_a_blob_that_is_cut_short_is_a_needed_gap(registry: Registry) -> None:
    registry.cut = 5
    found = _scan(registry, "1").models[0]
    assert "model.gguf" in {gap.file for gap in found.coverage if gap.needed}
    assert found.answers.allowed.status == "incomplete"


def test_a_pickle_inside_a_modelcar_is_found(registry: Registry) -> None:
    evil = tar_of({"models/pytorch_model.bin": EVIL})
    registry.add("car", packages.image([Layer(TAR + "+gzip", packages.zipped(evil))]))
    found = _scan(registry, "car").models[0]
    assert "pickle-dangerous-call" in {finding.rule for finding in found.findings}


def test_a_part_that_is_encrypted_is_a_needed_gap(registry: Registry) -> None:
    registry.add("1", packages.image([
        Layer(packages.TAR + "+gzip+encrypted", bytes(range(256)), {packages.TITLE: "weights"}),
        Layer("application/vnd.docker.ai.gguf.v3", gguf.small()),
    ]))  # fmt: skip
    report = api.scan(f"oci:{registry.host}/acme/model:1")
    (gap,) = [gap for gap in report.models[0].coverage if gap.needed]
    assert (gap.file, gap.status) == ("weights", "encrypted")
    assert report.decision.exit_code == 3
