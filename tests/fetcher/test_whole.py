"""Files that are fetched whole, and those of them that are opened twice."""

from __future__ import annotations

from pathlib import Path

from modelscan import api
from modelscan.fetcher.whole import Kept, WholeFile
from tests.forge.kinship_prints import base, files
from tests.hub.scanning import fake_hub, options


class Parts:
    changed = False

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.asked = 0

    def part(self, offset: int, length: int) -> bytes:
        self.asked += 1
        return self.data[offset : offset + length]


def _read(file: WholeFile) -> bytes:
    with file.open() as held:
        return held.read_at(0, held.size)


def test_who_opens_a_file_again_gets_the_same_bytes() -> None:
    parts, arrived, kept = Parts(b"config"), list[int](), Kept(room=8)
    file = WholeFile("config.json", 6, parts, arrived.append, kept)
    assert _read(file) == b"config"
    parts.data = b"other!"
    assert _read(file) == b"config"
    assert (parts.asked, arrived) == (1, [6])


def test_what_has_no_room_is_fetched_again() -> None:
    kept = Kept(room=8)
    for name in ("a", "b"):
        parts = Parts(b"123456")
        file = WholeFile(name, 6, parts, kept=kept)
        assert _read(file) == _read(file) == b"123456"
        assert parts.asked == (1 if name == "a" else 2)
    plain = Parts(b"1")
    assert _read(WholeFile("c", 1, plain)) == _read(WholeFile("c", 1, plain)) == b"1"
    assert plain.asked == 2


def test_lineage_of_a_model_on_a_hub_fetches_its_configuration_once(tmp_path: Path) -> None:
    model = {"tokenizer_config.json": b"{}", "chat_template.jinja": b"{{ x }}"}
    for file in files(base(), "BF16"):
        with file.open() as held:
            model[file.name] = held.read_at(0, held.size)
            (tmp_path / file.name).write_bytes(model[file.name])
    with fake_hub() as hub:
        hub.add("acme/copy", model)
        found = api.scan("hf:acme/copy", bases=[tmp_path], fetch=options(hub)).models[0]
        assert found.answers.descends_from.status == "identical"
        asked = [each.path for each in hub.log if each.path.endswith((".json", ".jinja"))]
        fetched = [path for path in asked if "/resolve/" in path]
    assert len(fetched) == len(set(fetched)) >= 2
