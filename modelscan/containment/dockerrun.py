"""`docker run` and `podman run` in a unit or a script: the container that a command line makes.

Source: the reference of `docker container run`; flags that are not known are passed over, with
their value when it is tied to them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

from modelscan.containment import commands
from modelscan.containment.layers import split_volume
from modelscan.containment.model import Container, Mount, Port, Said, Setting, Workload
from modelscan.containment.nodes import Place
from modelscan.discovery.shellwords import Word

_PROGRAMS: Final = frozenset({"docker", "podman", "nerdctl"})
_SWITCHES: Final = frozenset(
    {"--rm", "-d", "--detach", "-i", "-t", "-it", "-ti", "-dit", "-itd", "--interactive", "--tty",
     "--init", "--privileged", "--read-only", "-P", "--publish-all", "--replace",
     "--no-healthcheck", "--oom-kill-disable", "--sig-proxy", "-q", "--quiet"}
)  # fmt: skip
"""Flags without a value."""
_SHORT: Final = {
    "-e": "--env", "-v": "--volume", "-p": "--publish", "-u": "--user", "--net": "--network",
    "--mount": "--mount",
}  # fmt: skip
_HOST: Final = (("--network", "network"), ("--pid", "pid"), ("--ipc", "ipc"))


def is_run(words: Sequence[Word]) -> bool:
    """True for a command that runs a container."""
    texts = [word.text.rpartition("/")[2] for word in words[:3]]
    runs = texts[1:2] == ["run"] or texts[1:3] == ["container", "run"]
    return bool(texts) and texts[0] in _PROGRAMS and runs


def of_script(content: str, path: str) -> Iterator[Workload]:
    """The containers that a shell script runs."""
    for words in commands.of_text(content, 1):
        found = [word for word in words if word.text not in {"sudo", "exec"}]
        if found:  # make's marks before a command
            found[0] = found[0]._replace(text=found[0].text.lstrip("@-+"))
        if not is_run(found):
            continue
        place = Place(path, found[0].line)
        given = {word.text: after for word, after in pairwise(found)}
        tied = next((w.text[7:] for w in found if w.text.startswith("--name=")), "")
        name = given["--name"].text if "--name" in given else tied
        made = Workload(
            name=name or path.rpartition("/")[2],
            kind="container of a script",
            platform="systemd",
            place=place,
            containers=[Container(name=name or "container", place=place)],
            one_shot=True,
        )
        apply(made, found)
        made.kind = "container of a script"
        yield made


def apply(workload: Workload, words: Sequence[Word]) -> None:
    """Make a unit's workload that of the container which it runs, in place."""
    place = Place(workload.place.file, words[0].line or workload.place.line)
    flags, rest = _flags(words, place)
    if not rest:
        return
    given = {name: (value, at) for name, value, at in flags}
    outer = workload.containers[0]
    container = Container(
        name=workload.name,
        place=place,
        image=rest[0].text,
        image_place=place,
        commands=[
            *(command for command in outer.commands if not is_run(command)),
            *commands.of_words(list(rest[1:])),
        ],
        settings=[*outer.settings, *_settings(flags)],
        mounts=[mount for name, value, at in flags for mount in _mounts(name, value, at)],
        privileged=Said("--privileged" in given, place),
        root_read_only=Said(value=True, place=place) if "--read-only" in given else Said(),
    )
    for name, value, at in flags:
        if name == "--cap-drop" and value.upper() == "ALL":
            container.drops_all = Said(value=True, place=at)
        elif name == "--cap-add":
            container.added = (*container.added, (value.upper().removeprefix("CAP_"), at))
        elif name == "--security-opt" and value.startswith("no-new-privileges"):
            container.no_new_privileges = Said(value=not value.endswith("false"), place=at)
        elif name == "--user":
            container.user_not_root = Said(value.partition(":")[0] not in {"root", "0"}, at)
    name, at = given.get("--network", ("", place))
    workload.kind = "container of a systemd unit"
    workload.containers = [container]
    known = name in {"", "none", "host", "bridge"}
    workload.egress = Said(name != "none" if known else None, at)
    workload.host_namespaces = tuple(
        (word, given[flag][1]) for flag, word in _HOST if given.get(flag, ("",))[0] == "host"
    )
    workload.ports = [_port(value, at) for name, value, at in flags if name == "--publish"]


def _flags(
    words: Sequence[Word], place: Place
) -> tuple[list[tuple[str, str, Place]], Sequence[Word]]:
    """The flags of `run` with their values and places, and what stands behind them."""
    start = next(index for index, word in enumerate(words) if word.text == "run") + 1
    found: list[tuple[str, str, Place]] = []
    index = start
    while index < len(words) and words[index].text.startswith("-"):
        name, tied, value = words[index].text.partition("=")
        at = Place(place.file, words[index].line or place.line)
        name = _SHORT.get(name, name)
        index += 1
        if not tied and name not in _SWITCHES and index < len(words):
            value = words[index].text
            index += 1
        found.append((name, value, at))
    return found, words[index:]


def _port(value: str, at: Place) -> Port:
    address, _, rest = value.rpartition(":")[0].rpartition(":")
    return Port(value.rpartition(":")[2], address if rest else "0.0.0.0", at)  # noqa: S104  # what Docker does


def _settings(flags: Sequence[tuple[str, str, Place]]) -> list[Setting]:
    made = []
    for name, value, at in flags:
        if name == "--env":
            key, tied, text = value.partition("=")
            made.append(
                Setting(key, text if tied else None, "literal" if tied else "elsewhere", at)
            )
        elif name in {"--env-file", "--secret"}:
            made.append(Setting(f"all of {value}", None, "elsewhere", at))
    return made


def _mounts(name: str, value: str, at: Place) -> list[Mount]:
    if name == "--volume":
        source, target, mode = split_volume(value)
        host = source.startswith(("/", ".", "~", "$", "%"))
        read_only = "ro" in mode.split(",")
        return [Mount(target, source, "host" if host else "named", read_only, at)]
    if name == "--mount":
        table = dict(part.partition("=")[::2] for part in value.split(","))
        source = table.get("source") or table.get("src") or ""
        target = table.get("target") or table.get("dst") or table.get("destination") or ""
        bind = table.get("type") == "bind"
        return [Mount(target, source, "host" if bind else "named", "readonly" in table, at)]
    return []
