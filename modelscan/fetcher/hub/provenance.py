"""What a hub says about a repository, beyond its files: who, when, what from, and what was found.

Invariants: everything is a claim, taken over with its type checked and its length bounded; no
question here has to be answered, and what could not be learned is said; none is about a person
other than the owner of the repository.

Sources: `huggingface_hub`'s `ModelInfo`; the hub's API for commits, refs, owners and scanners, the
last in both of its shapes: `securityFileStatus` of a path, `securityRepoStatus` of a repository.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple
from urllib.parse import quote

from modelscan.errors import SourceError
from modelscan.fetcher.hub.client import Hub
from modelscan.fetcher.hub.listing import Listed
from modelscan.fetcher.hub.verdicts import of_path, of_repository
from modelscan.fetcher.options import HUB_ENDPOINT
from modelscan.fetcher.transfer import Client
from modelscan.vocabulary.fact import Fact, HubFile, HubHistory, HubRepository
from modelscan.vocabulary.location import Location
from modelscan.vocabulary.ref import HubRef

_LONGEST = 300
_MOST = 100
"""Names of one kind that are kept."""
_ASKED_ABOUT = 100
"""Files whose scanner results are asked for, those that could run code first."""
_HARMLESS = (".safetensors", ".gguf", ".json", ".md", ".txt", ".png", ".jpg", ".gitattributes")


class About(NamedTuple):
    """What was learned."""

    facts: tuple[Fact, ...]
    unknown: tuple[str, ...]
    """What the hub did not say, or not in a way that could be understood."""


def describe(hub: Hub, ref: HubRef, info: Any, files: Sequence[Listed]) -> About:
    """Ask about a repository whose commit is known. To be called within `hub.session()`.

    Args:
        hub: whom to ask.
        ref: what was asked for.
        info: the library's `ModelInfo` of it.
        files: its files.
    """
    place = quote(info.id)
    owner = info.id.partition("/")[0] if "/" in info.id else ""
    with hub.new_client() as client, ThreadPoolExecutor(4) as pool:
        questions: dict[str, Callable[[], Any]] = {
            "base models": lambda: hub.ask(
                info.id, None, lambda: hub.api.model_info(info.id, expand=list(_EXPANDED))
            ),
            "branches and tags": lambda: hub.ask(
                info.id, None, lambda: hub.api.list_repo_refs(info.id)
            ),
            "commits": lambda: hub.get(client, f"/api/models/{place}/commits/main"),
            "scanner results": lambda: _scanned(hub, client, place, info.sha, files),
        }
        if owner:
            questions["owner"] = lambda: hub.get(
                client, f"/api/organizations/{quote(owner)}/overview"
            )
        futures = {name: pool.submit(question) for name, question in questions.items()}
        answers = {name: _answer(future.result) for name, future in futures.items()}
    repository = _repository(hub, ref, info, answers.get("base models"), answers.get("owner"))
    history = _history(info.sha, answers["commits"], answers["branches and tags"])
    verdicts = of_repository(getattr(info, "security_repo_status", None))
    facts = (repository, history, *_files(files, answers["scanner results"], verdicts))
    return About(facts, tuple(name for name, answer in answers.items() if answer is None))


_EXPANDED: tuple[Literal["baseModels", "childrenModelCount"], ...] = (
    "baseModels", "childrenModelCount",
)  # fmt: skip


def rfc3339(value: object) -> str:
    """A time of the library or of the API, in UTC to the second; empty for none."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return ""
    if not isinstance(value, datetime) or value.tzinfo is None:
        return ""
    try:
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (OverflowError, ValueError):  # a year that no calendar has
        return ""


def _answer(call: Callable[[], Any]) -> Any:
    """The answer to a question that may stay open."""
    try:
        return call()
    except SourceError:
        return None


def _scanned(hub: Hub, client: Client, place: str, commit: str, files: Sequence[Listed]) -> Any:
    """Scanner results of the files that matter most, in one request."""
    risky = sorted(files, key=lambda file: (file.path.endswith(_HARMLESS), file.path))
    paths = [file.path for file in risky[:_ASKED_ABOUT]]
    if not paths:
        return []
    return hub.get(client, f"/api/models/{place}/paths-info/{commit}", paths=paths, expand="true")


def _repository(hub: Hub, ref: HubRef, info: Any, more: Any, owner: Any) -> HubRepository:
    card = info.card_data.to_dict() if info.card_data is not None else {}
    bases = getattr(more, "base_models", None)
    models = bases.get("models") if isinstance(bases, dict) else None
    named = [item.get("id") for item in _items(models) if isinstance(item, dict)]
    verified = owner.get("isVerified") if isinstance(owner, dict) else None
    return HubRepository(
        status="declared",
        endpoint=hub.endpoint,
        mirror=hub.endpoint != HUB_ENDPOINT,
        asked=ref.repository,
        repository=info.id,
        renamed=info.id.casefold() != ref.repository.casefold(),
        object_id=_text(getattr(info, "_id", None)),
        created=rfc3339(info.created_at),
        modified=rfc3339(info.last_modified),
        asked_revision=ref.revision or "",
        pinned=ref.pinned,
        revision=info.sha,
        gated=_text(info.gated) or ("auto" if info.gated is True else ""),
        private=info.private is True,
        downloads=_count(info.downloads),
        likes=_count(info.likes),
        owner=info.id.partition("/")[0] if "/" in info.id else "",
        owner_kind=_kind(owner),
        owner_verified=verified if isinstance(verified, bool) else None,
        library=_text(info.library_name),
        task=_text(info.pipeline_tag),
        licence=_text(card.get("license")),
        base_models=_texts(named) or _texts(card.get("base_model")),
        relation=_text(bases.get("relation")) if isinstance(bases, dict) else "",
        children=_count(getattr(more, "children_model_count", None)),
    )


def _kind(owner: Any) -> Literal["organisation", "person", "unknown"]:
    """What an owner is about whom the hub was asked as about an organisation."""
    if not isinstance(owner, dict):
        return "unknown"
    return "organisation" if owner else "person"


def _history(commit: str, commits: Any, refs: Any) -> HubHistory:
    listed = [item for item in _items(commits) if isinstance(item, dict)]
    ids = [_text(item.get("id")) for item in listed]
    at = ids.index(commit) if commit in ids else None
    newer = listed[:at] if at is not None else []
    named = [*_items(getattr(refs, "branches", ())), *_items(getattr(refs, "tags", ()))]
    return HubHistory(
        status="declared",
        head=ids[0] if ids else "",
        newer=at,
        newer_authors=_texts(sorted({name for item in newer for name in _authors(item)})),
        author=", ".join(_authors(listed[at])) if at is not None else "",
        date=rfc3339(listed[at].get("date")) if at is not None else "",
        branches=_texts(ref.name for ref in _items(getattr(refs, "branches", ()))),
        tags=_texts(ref.name for ref in _items(getattr(refs, "tags", ()))),
        named=_texts(ref.name for ref in named if ref.target_commit == commit),
    )


def _authors(commit: Mapping[str, Any]) -> list[str]:
    people = [item for item in _items(commit.get("authors")) if isinstance(item, dict)]
    return [name for item in people[:_MOST] if (name := _text(item.get("user")))]


def _files(files: Sequence[Listed], paths: Any, verdicts: Mapping[str, str]) -> Iterator[HubFile]:
    told = {
        item["path"]: item
        for item in _items(paths)
        if isinstance(item, dict) and isinstance(item.get("path"), str)
    }
    for file in files:
        item = told.get(file.path, {})
        verdict, scanners = of_path(item, verdicts.get(file.path))
        commit = item.get("lastCommit")
        last = commit if isinstance(commit, dict) else {}
        yield HubFile(
            location=Location(file.path),
            status="declared",
            size=file.size,
            verdict=verdict,
            scanners=scanners,
            changed_by=_text(last.get("id")),
            changed=rfc3339(last.get("date")),
        )


def _items(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list | tuple) else ()


def _text(value: Any) -> str:
    return value[:_LONGEST] if isinstance(value, str) else ""


def _texts(values: Any) -> tuple[str, ...]:
    """The strings among some values, of which a card may have one or many."""
    if isinstance(values, str):
        values = (values,)
    if values is None or isinstance(values, dict | int | float):
        return ()
    return tuple(text for value in list(values)[:_MOST] if (text := _text(value)))


def _count(value: Any) -> int | None:
    return value if type(value) is int and value >= 0 else None
