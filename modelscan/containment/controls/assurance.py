"""What is checked before the start, what outlives the end, and what is looked at in between."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from modelscan.containment.controls.host import SOCKETS
from modelscan.containment.nodes import Place
from modelscan.containment.view import Result, View
from modelscan.discovery.shellwords import Word
from modelscan.vocabulary.containment import Control

_CHECKS: Final = re.compile(
    r"\b(?:modelassay|modelscan) verify\b|\bmodel[-_]signing verify\b|\bcosign verify(?:-blob)?\b"
    r"|\bsha(?:256|512)sum (?:\S+ )*?(?:-c|--check)(?= |$)|\bgh attestation verify\b"
    r"|\bgpg --verify\b"
)
_SUCCEEDS: Final = (["true"], [":"], ["exit", "0"], ["exit"])
_GUARDS: Final = re.compile(
    r"guardrail|llama-?guard|shieldgemma|granite-guardian|presidio|lakera|rebuff|llm-guard"
    r"|prompt-?guard|moderation|fms-orchestrat",
    re.IGNORECASE,
)
_LOGS: Final = (
    "--enable-log-requests", "--log-requests", "--otlp-traces-endpoint", "--otlp-endpoint",
    "--log-verbose", "--enable-log-outputs", "--log-file",
)  # fmt: skip
_LOG_SETTINGS: Final = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTLP_ENDPOINT", "LITELLM_LOG",
                        "LANGFUSE_HOST")  # fmt: skip
SILENCES: Final = ("--disable-log-requests", "--no-enable-log-requests", "--log-disable",
                    "--disable-uvicorn-access-log")  # fmt: skip
_AGENTS: Final = re.compile(
    r"\b(?:pip3?|uv pip|pipx|uv tool) install\b.*"
    r"\b(?:open-interpreter|aider-chat|openhands|autogpt|sweagent)\b"
    r"|\b(?:apt-get|apk|dnf|apt)\b.* (?:docker\.io|docker-ce|docker-cli|docker)\b"
)


def shell_beside_model(view: View) -> Iterator[Result]:
    """Whether something that runs commands shares a container or pod with the model."""
    control: Control = "no-shell-beside-model"
    agents = [each for each in view.serving if each.server.commands]
    if agents and view.serves:
        reason = f"{agents[0].server.name} runs commands beside the model"
        yield view.bad(control, reason, agents[0].container.place)
        return
    for each in view.serving:
        for words in each.container.commands:
            text = " ".join(word.text for word in words)
            if each.server.role == "serves" and _AGENTS.search(text):
                place = each.container.where(words[0].line)
                yield view.bad(control, f"the model's image gets an agent: {text[:80]}", place)
                return
    if agents:
        reason = f"{agents[0].server.name} runs commands, in a container without the model"
        yield view.good(control, reason, agents[0].container.place)
    else:
        yield view.good(control, "nothing beside the model is known to run commands")


def ephemeral(view: View) -> Iterator[Result]:
    """Whether something that is written stays."""
    control: Control = "ephemeral"
    clean = True
    for container in view.workload.main:
        for mount in container.mounts:
            if mount.read_only or mount.path.startswith("/dev") or SOCKETS.search(mount.source):
                continue
            if mount.kind in {"claim", "named", "host"}:
                clean = False
                what = mount.source or mount.path
                yield view.bad(control, f"what it writes to {what} stays", mount.place)
            elif mount.kind == "unknown":
                clean = False
                yield view.unknown(control, f"{mount.path}: its volume is not here", mount.place)
    if clean and view.workload.platform == "image":
        yield view.unknown(control, "how the image is run decides")
    elif clean and view.workload.kind == "systemd unit":
        yield _unit(view)
    elif clean:
        yield view.good(control, "nothing that it writes outlives the container")


def _unit(view: View) -> Result:
    """A unit writes to the host itself, unless that is read-only."""
    said = view.serving[0].container.root_read_only
    if said.value:
        return view.good("ephemeral", "the host's files are read-only for it", said.place)
    return view.silent("ephemeral", "it writes to the host itself")


def checker(view: View) -> Place | None:
    """What verifies the model's bytes before the start; `None` when nothing does."""
    for container in view.workload.containers:
        if not container.init and view.workload.platform != "systemd":
            continue
        for number, words in enumerate(container.commands):
            text = " ".join(word.text.rpartition("/")[2] or word.text for word in words)
            alone = _ours(container.image) and _CHECKS.search(f"modelassay {text}")
            found = alone or (_CHECKS.search(text) and words[0].text.rpartition("/")[2] != "echo")
            if found and not _forgiven(container.commands[number + 1 :]):
                return container.where(words[0].line)
    image = any(model.ref.startswith("oci:") for model in view.models)
    return view.cluster.checks_images() if image else None


def _forgiven(after: list[list[Word]]) -> bool:
    """True when what follows a check makes its failure a success: `|| true`, `; exit 0`."""
    return any([word.text for word in words] in _SUCCEEDS for words in after)


def _ours(image: str) -> bool:
    """True for an image whose entry point is this tool."""
    return re.search(r"(?:^|/)modelassay(?:[:@]|$)", image) is not None


def verified(view: View) -> Iterator[Result]:
    """Whether the model's bytes are checked before it is loaded."""
    control: Control = "verified-before-start"
    if not view.serves:
        return
    place = checker(view)
    if place is not None:
        yield view.good(control, "the model is verified before the start", place)
    elif view.workload.platform == "image":
        yield view.unknown(control, "how the image is run decides")
    else:
        yield view.silent(control, "nothing checks the model's bytes before they are loaded")


def output_filtered(view: View) -> Iterator[Result]:
    """Whether something looks at what comes out."""
    control: Control = "output-filtered"
    for workload in (view.workload, *view.neighbours):
        for container in workload.containers:
            words = " ".join(word.text for word in container.words())
            names = " ".join(each.name for each in container.settings)
            found = _GUARDS.search(f"{container.name} {container.image} {words} {names}")
            if found:
                reason = f"{container.name} is a filter: {found[0]}"
                yield view.good(control, reason, container.place)
                return
    yield view.unknown(control, "no filter is among these files; an application may have one")


def requests_logged(view: View) -> Iterator[Result]:
    """Whether what goes in and out is written down."""
    control: Control = "requests-logged"
    workload = view.workload
    if workload.logging_off is not None:
        yield view.bad(control, "its log is thrown away", workload.logging_off)
        return
    for each in view.serving:
        off = each.container.flag(*SILENCES)
        on = each.container.flag(*_LOGS)
        setting = each.container.setting(*_LOG_SETTINGS)
        if off:
            place = each.container.where(off[1].line)
            yield view.bad(control, f"{off[0]} stops the log of requests", place)
        elif on:
            place = each.container.where(on[1].line)
            yield view.good(control, f"{on[0]} logs requests", place)
        elif setting:
            yield view.good(control, f"{setting.name} says where traces go", setting.place)
        else:
            yield view.unknown(control, "nothing says whether requests are logged")
