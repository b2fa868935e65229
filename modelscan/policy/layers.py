"""The effective policy: what options, files and profiles say together, and who said it.

    built-in profile → files that are extended → the configuration → its environment → options

Each layer replaces single settings of those below; tables are merged name by name; exceptions add
up. A floor is another policy that the model must satisfy as well: a line that says less than the
floor is an error, and what no line says is judged by the floor all the same.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from modelscan.errors import UsageError, did_you_mean
from modelscan.policy import advisories as advised
from modelscan.policy import discovery
from modelscan.policy.advisories import NONE, Advisories
from modelscan.policy.profile import DEFAULT, PROFILES, Key, Profile, Settings, build
from modelscan.vocabulary.rule import Severity

if TYPE_CHECKING:
    from modelscan.policy.configuration import Source
    from modelscan.policy.document import Document
    from modelscan.verifier.configured import Tables

FLOOR_VARIABLE = "MODELASSAY_FLOOR"
"""Names the organisation's floor where no repository can take it away."""
FETCHED = "update"
"""Among `advisories`, stands for those that `manifest update` fetched."""
_DEEPEST = 8
"""Policies that extend one another."""


class Policy(msgspec.Struct, frozen=True):
    """What applies, and why."""

    profile: Profile
    origins: Mapping[Key, str]
    """Where each setting, and each exception (`("waiver", "0")`), comes from."""
    warnings: tuple[str, ...] = ()
    """What was passed over; for stderr."""
    path: Path | None = None
    """The configuration file."""
    advisories: Advisories = NONE
    """What is known to be bad, from the folders that the configuration and its floors name."""
    documents: tuple[Document, ...] = ()
    """All files that were read, floors and what is extended first: for tables that are not the
    gate's, `[trust]` and `[manifests]`."""

    @property
    def tables(self) -> list[Tables]:
        """Those tables, for the verifier."""
        return _tables(self.documents)


def _tables(documents: Iterable[Document]) -> list[Tables]:
    from modelscan.verifier.configured import Tables  # lazy: most runs have no configuration

    return [
        Tables(each.path, each.configuration.trust, each.configuration.manifests, each.origin)
        for each in documents
    ]


def load(
    targets: Sequence[str | os.PathLike[str]] = (),
    *,
    config: Path | None = None,
    policy: str | None = None,
    fail_on: Severity | None = None,
    with_advisories: bool = True,
) -> Policy:
    """The policy for a run.

    Args:
        targets: what will be scanned; nothing in it is taken for configuration.
        config: the configuration file that the command line names.
        policy: a built-in profile, an environment of the configuration, or a policy file.
        fail_on: the least severity that fails, above all layers.
        with_advisories: read the advisories; whoever is about to fetch them may have none yet.

    Raises:
        UsageError: a file is broken, contradicts a floor, or is not there.
    """
    found = discovery.find(targets, config)
    options: Settings = {("fail-on", "severity"): fail_on} if fail_on else {}
    floor = os.environ.get(FLOOR_VARIABLE)
    if found.path is None and not floor and (policy is None or policy in PROFILES):
        return msgspec.structs.replace(
            plain(policy or DEFAULT.name, options), warnings=found.warnings
        )
    builder = _Builder(tuple(targets))
    made, origins = builder.policy(found.path, policy, options, floor)
    documents = tuple(reversed(builder.read))
    advisories, digests, old = builder.advised() if with_advisories else (NONE, (), ())
    return Policy(
        profile=msgspec.structs.replace(made, advisories=digests),
        origins=origins,
        warnings=(*found.warnings, *old),
        path=found.path,
        advisories=advisories,
        documents=documents,
    )


def plain(name: str = DEFAULT.name, options: Settings | None = None) -> Policy:
    """A built-in profile, and nothing else."""
    settings = PROFILES[name]
    origins = _origins(settings, f"profile {name}") | _origins(options or (), "--fail-on")
    return Policy(build(name, settings | (options or {})), origins)


def _origins(settings: Iterable[Key], origin: str) -> dict[Key, str]:
    return dict.fromkeys(settings, origin)


class _Stack(msgspec.Struct, frozen=True):
    """The files of a policy, the lowest first, on a built-in profile."""

    profile: str
    documents: tuple[Document, ...]


class _Builder:
    """Reads files and merges what they say."""

    def __init__(self, targets: tuple[str | os.PathLike[str], ...]) -> None:
        self._targets = targets
        self.read: list[Document] = []
        """Every file, in the order in which they were read."""

    def policy(
        self, path: Path | None, choice: str | None, options: Settings, floor: str | None
    ) -> tuple[Profile, dict[Key, str]]:
        """The profile of a configuration, and the origin of its settings."""
        stack = _Stack(DEFAULT.name, ())
        if path is not None:
            stack = self._stack(path, ())
        origin = "--policy"
        if choice is None and path is not None:
            chosen = stack.documents[-1]
            choice, origin = chosen.configuration.policy, chosen.origin(("policy",))
        environment = None
        if choice is not None:
            stack, environment = self._choose(stack, choice, origin, path)
        name = environment or stack.profile
        if stack.documents:
            name += " + " + ", ".join(document.path.name for document in stack.documents)
        settings, origins = _merged(stack, environment)
        settings |= options
        origins |= _origins(options, "--fail-on")
        floors = self._floors(stack, floor)
        for bound in floors:
            _hold(settings, origins, bound)
        profile = self._finish(name, settings, stack, origins, [each[0] for each in floors])
        return profile, origins

    def _folders(self) -> list[Path]:
        """The folders of advisories that the files name; a target cannot bring its own."""
        found: dict[Path, None] = {}
        for document in self.read:
            for place, named in enumerate(document.configuration.advisories):
                if named == FETCHED:
                    continue
                path = document.path.parent / named
                origin = document.origin(("advisories", place), ("advisories",))
                target = discovery.inside(path, self._targets)
                if target is not None:
                    what = f"{origin}: {path} lies in the target {target}"
                    raise UsageError(what, "keep it elsewhere")
                if not path.is_dir():
                    raise UsageError(f"{origin}: there is no folder {named!r}", "check the path")
                found[path] = None
        return list(found)

    def advised(self) -> tuple[Advisories, tuple[str, ...], tuple[str, ...]]:
        """The advisories that the files name, their digests, and what to warn of."""
        fetched, old = self._fetched()
        return *advised.read(self._folders(), fetched), old

    def _fetched(self) -> tuple[tuple[tuple[str, bytes], ...], tuple[str, ...]]:
        """The advisories of `manifest update`, when a file names them; with a warning when old."""
        named = (each for each in self.read if FETCHED in each.configuration.advisories)
        document = next(named, None)
        if document is None:
            return (), ()
        from modelscan.verifier.configured import advisories_of  # lazy: as the files themselves

        found = advisories_of(_tables(reversed(self.read)))
        if found is None:
            where = document.origin(("advisories",))
            raise UsageError(
                f"{where}: {FETCHED!r} means what `manifest update` fetches, and no repository "
                "is configured",
                f"name one below [manifests]; a folder of that name is written ./{FETCHED}",
            )
        return found.files, (f"advisories: {found.outdated}",) if found.outdated else ()

    def _finish(
        self,
        name: str,
        settings: Settings,
        stack: _Stack,
        origins: dict[Key, str],
        floors: Sequence[Profile],
    ) -> Profile:
        from modelscan.policy import limits  # lazy: as the files themselves

        documents = stack.documents
        for kind in ("waiver", "approval", "consent", "pin", "override"):
            index = 0
            for document in documents:
                for place in range(len(getattr(document.configuration, kind))):
                    origins[kind, str(index)] = document.origin((kind, place))
                    index += 1
        profile = build(
            name,
            settings,
            waivers=[entry for each in documents for entry in each.configuration.waiver],
            approvals=[entry for each in documents for entry in each.configuration.approval],
            consents=[entry for each in documents for entry in each.configuration.consent],
            pins=[entry for each in documents for entry in each.configuration.pin],
            overrides=[entry for each in documents for entry in each.configuration.override],
            floors=floors,
        )
        limits.check_dates(profile, origins)
        return profile

    def _choose(
        self, stack: _Stack, choice: str, origin: str, config: Path | None
    ) -> tuple[_Stack, str | None]:
        """What `--policy` means: an environment, a built-in profile, or a file."""
        environments = [
            document.configuration.env[choice]
            for document in stack.documents
            if choice in document.configuration.env
        ]
        if environments:
            said = [each.profile for each in environments if each.profile]
            own = choice if choice in PROFILES else stack.profile
            return msgspec.structs.replace(stack, profile=said[-1] if said else own), choice
        if choice in PROFILES:
            return msgspec.structs.replace(stack, profile=choice), None
        written = origin != "--policy" and config is not None  # in the configuration, not typed
        path = config.parent / choice if written and config else Path(choice)
        if not path.is_file():
            known = set(PROFILES).union(*(each.configuration.env for each in stack.documents))
            hint = did_you_mean(choice, known) or f"known: {', '.join(sorted(known))}, or a file"
            raise UsageError(f"{origin}: there is no policy {choice!r}", hint)
        if written and config:
            self._follow(choice, config.parent, origin)
        if path.resolve() in {document.path.resolve() for document in stack.documents}:
            return stack, None
        below = self._stack(path, ())
        return _Stack(below.profile, below.documents + stack.documents), None

    def _stack(self, path: Path, above: tuple[Path, ...]) -> _Stack:
        """A file and those that it extends."""
        from modelscan.policy import document  # lazy: most runs have no configuration

        read = document.read(path)
        if path.resolve() not in {known.path.resolve() for known in self.read}:
            self.read.append(read)
        base = read.configuration.extends
        if base is None:
            return _Stack(DEFAULT.name, (read,))
        origin = read.origin(("extends",))
        if isinstance(base, str) and base in PROFILES:
            return _Stack(base, (read,))
        below = self._follow(base, path.parent, origin)
        real = (*above, path.resolve())
        if below.resolve() in real:
            raise UsageError(f"{origin}: {below} extends itself", "break the circle")
        if len(real) >= _DEEPEST:
            raise UsageError(f"{origin}: more than {_DEEPEST} policies extend one another")
        stack = self._stack(below, real)
        return _Stack(stack.profile, (*stack.documents, read))

    def _follow(self, source: str | Source, folder: Path, origin: str) -> Path:
        """The file that a source names, its digest checked; it must not come with a target."""
        if isinstance(source, str):
            named, wanted = source, None
        elif source.path is None or (source.url and source.sha256 is None):
            what = "a policy from elsewhere needs a sha256, and to be saved as a file"
            raise UsageError(
                f"{origin}: {what}: nothing is fetched",
                "save it beside this file, and write {path = …, url = …, sha256 = …}",
            )
        else:
            named, wanted = source.path, source.sha256
        if named.startswith(("https://", "http://")):
            raise UsageError(
                f"{origin}: {named} is not fetched: a policy must not change by itself",
                "save it as a file, and write {path = …, url = …, sha256 = …}",
            )
        path = folder / named
        target = discovery.inside(path, self._targets)
        if target is not None:
            raise UsageError(f"{origin}: {path} lies in the target {target}", "keep it elsewhere")
        if not path.is_file():
            hint = did_you_mean(named, PROFILES) or "check the path"
            raise UsageError(f"{origin}: there is no policy {named!r}", hint)
        if wanted is not None and hashlib.sha256(path.read_bytes()).hexdigest() != wanted:
            raise UsageError(
                f"{origin}: {path} is not the file with this sha256", "review what changed in it"
            )
        return path

    def _floors(self, stack: _Stack, named: str | None) -> list[tuple[Profile, Settings]]:
        """The floors that the environment and the files name."""
        paths = [self._follow(named, Path(), FLOOR_VARIABLE)] if named else []
        for document in stack.documents:
            source = document.configuration.floor
            if source is not None:
                origin = document.origin(("floor",))
                paths.append(self._follow(source, document.path.parent, origin))
        found = []
        for path in paths:
            below = self._stack(path, ())
            settings, origins = _merged(below, None)
            name = path.name
            found.append((self._finish(name, settings, below, origins, ()), settings))
        return found


def _merged(stack: _Stack, environment: str | None) -> tuple[Settings, dict[Key, str]]:
    """The settings of a stack, and where each comes from."""
    from modelscan.policy import configuration  # lazy: as the files themselves

    settings = dict(PROFILES[stack.profile])
    origins = _origins(settings, f"profile {stack.profile}")
    for document in stack.documents:
        said = configuration.settings(document.configuration)
        settings |= said
        origins |= {key: document.origin(*configuration.where(key)) for key in said}
    for document in stack.documents:
        lines = document.configuration.env.get(environment or "")
        if lines is not None:
            said = configuration.settings(lines)
            place = ("env", environment or "")
            settings |= said
            origins |= {
                key: document.origin(*((*place, *found) for found in configuration.where(key)))
                for key in said
            }
    return settings, origins


def _hold(settings: Settings, origins: Mapping[Key, str], floor: tuple[Profile, Settings]) -> None:
    """Refuse a line that says less than a floor does."""
    from modelscan.policy import limits  # lazy: as the files themselves

    bound, least = floor
    for key, value in settings.items():
        origin = origins[key]
        if not origin.startswith("profile ") and limits.looser(key, value, least):
            name = ".".join(key)
            raise UsageError(
                f"{origin}: {name} says less than the floor {bound.name}",
                "a floor can be tightened, never loosened",
            )
