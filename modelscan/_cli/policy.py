"""`modelassay policy`: what is allowed here, why, and the exceptions to it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from modelscan._about import NAME
from modelscan._cli.output import policy_options, token_option
from modelscan.report.waivers import JUSTIFICATIONS

if TYPE_CHECKING:
    from modelscan.policy.entries import Approval, Consent, Pin, Waiver

_Entry = TypeVar("_Entry", bound="Waiver | Approval | Consent | Pin")
_CONFIG = click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="The file to write to, instead of the nearest modelassay.toml upward.",
)
_OWNER = click.option("--owner", required=True, metavar="NAME", help="Who answers for it.")
_REASON = click.option("--reason", required=True, metavar="TEXT", help="Why, in your own words.")


@click.group()
def policy() -> None:
    """Show and check the policy, and record exceptions to it."""


@policy.command("show")
@policy_options
@click.option(
    "-f",
    "--format",
    "form",
    type=click.Choice(["terminal", "json"]),
    default="terminal",
    show_default=True,
)
def show(config: Path | None, policy: str | None, form: str) -> None:
    """Show the effective policy, and where each line of it comes from."""
    from modelscan.policy import explain, layers  # lazy: `--help` needs no policy

    found = layers.load(config=config, policy=policy)
    lines = list(explain.explain(found))
    if form == "json":
        from modelscan.report import jsontext  # lazy: as above

        whole = {
            "name": found.profile.name,
            "digest": found.profile.digest,
            "lines": [line._asdict() for line in lines],
        }
        click.echo(jsontext.encode(whole, sort=False).decode(), nl=False)
        return
    _say(f"policy {found.profile.name}  {found.profile.digest}")
    texts = [f"{line.name} = {_toml(line.value)}" for line in lines]
    width = min(max(map(len, texts)), 60)
    for line, text in zip(lines, texts, strict=True):
        note = f" ({line.note})" if line.note else ""
        _say(f"  {text:<{width}}  # {line.origin}{note}")


@policy.command("check")
@policy_options
@click.option(
    "--rules",
    "extra",
    metavar="DIR",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Add the rules of this folder, which exceptions may name.",
)
def check(config: Path | None, policy: str | None, extra: tuple[Path, ...]) -> None:
    """Check a configuration: keys, values, rules, formats, dates, floors, signers and manifests.

    Exits 2 at the first mistake, naming file and line. Exceptions that have ended are listed.
    """
    from modelscan.engine import catalogue  # lazy: `--help` needs no rules
    from modelscan.formats.readers import readers_for
    from modelscan.policy import explain, layers, limits
    from modelscan.verifier import configured

    found = layers.load(config=config, policy=policy)
    known = catalogue.load(extra)
    formats = (reader.format for reader in readers_for(known.lists))
    limits.check_names(found.profile, found.origins, known.rules, formats)
    configured.trust_of(found.tables)
    configured.sets_of(found.tables)
    for line in explain.explain(found):
        if line.note:
            about = ("rule", "remote-code", "pickled-name", "subject")
            what = next(line.value[name] for name in about if name in line.value)
            _say(f"{line.origin}: this {line.name} has ended: {what}")
    where = found.path or "no configuration"
    _say(f"{where}: policy {found.profile.name}, no errors")


@policy.command("waive")
@click.argument("rule")
@click.argument("subject")
@click.option("--path", default="*", metavar="GLOB", help="Only in matching files of the model.")
@click.option(
    "--justification",
    required=True,
    type=click.Choice(JUSTIFICATIONS),
    help="Why the model is not affected, in the words of OpenVEX.",
)
@_REASON
@_OWNER
@click.option("--expires", required=True, metavar="DATE", help="Last day, at most 365 days ahead.")
@click.option(
    "--even-if-proven-malicious",
    is_flag=True,
    help="Also for bytes on a deny list, modified releases and invalid signatures.",
)
@_CONFIG
def waive(config: Path | None, **values: Any) -> None:
    """Let the findings of RULE in SUBJECT not count until a day.

    SUBJECT is sha256:<digest> of a file or of a model, as reports state them, or a purl glob such
    as pkg:huggingface/acme/model@*. The waiver is added to the configuration file.
    """
    from modelscan.engine import catalogue  # lazy: `--help` needs no rules
    from modelscan.errors import UsageError, did_you_mean
    from modelscan.policy.entries import Waiver

    known = catalogue.load().rules
    if values["rule"] not in known:
        hint = did_you_mean(values["rule"], known) or f"`{NAME} rules list` shows all of them"
        raise UsageError(f"there is no rule {values['rule']!r}", hint)
    _add(config, _entry(Waiver, values))


@policy.command("approve")
@click.argument("subject")
@_REASON
@_OWNER
@click.option("--until", required=True, metavar="DATE", help="Last day, at most 365 days ahead.")
@_CONFIG
def approve(config: Path | None, **values: Any) -> None:
    """Approve the model with the digest SUBJECT until a day.

    SUBJECT is sha256:<digest>, the model's digest as the native report states it.
    """
    from modelscan.policy.entries import Approval  # lazy: `--help` needs no policy

    _add(config, _entry(Approval, values))


@policy.command("consent")
@click.option(
    "--remote-code",
    metavar="CODE",
    help="sha256:<fingerprint of all code>, or owner/name@<commit> for code of another repository.",
)
@click.option("--pickled-name", metavar="NAME", help="module.qualname; needs --subject.")
@click.option(
    "--subject", metavar="SUBJECT", help="Only for this digest, or models that fit a purl glob."
)
@click.option("--model", metavar="NAME", help="Say so when a model of this name has other code.")
@_REASON
@_OWNER
@click.option("--until", required=True, metavar="DATE", help="Last day, at most 365 days ahead.")
@_CONFIG
def consent(config: Path | None, **values: Any) -> None:
    """Consent to code that a model asks for, or to a name in a pickle, until a day.

    A finding about either prints this command with the fingerprint or the name. Consent to a
    fingerprint ends with the first change of the code.
    """
    from modelscan.policy.entries import Consent  # lazy: `--help` needs no policy

    given = {name: value for name, value in values.items() if value is not None}
    _add(config, _entry(Consent, given))


@policy.command("pin")
@click.argument("target", type=click.Path())
@_OWNER
@click.option("--model", metavar="NAME", help="What to call it, instead of its name.")
@click.option("--replace", is_flag=True, help="Pin anew a model that is pinned already.")
@click.option("--offline", is_flag=True, help="Never use the network.")
@token_option
@_CONFIG
def pin(
    target: str,
    owner: str,
    model: str | None,
    config: Path | None,
    *,
    replace: bool,
    offline: bool,
    token: bool,
) -> None:
    """Record who signed TARGET and which chat templates it has, as of today.

    From then on, a model of this name that is signed by somebody else, is not signed any more, or
    has another template is a finding. The pin is added to the configuration file.
    """
    from modelscan import api  # lazy: `--help` needs neither rules nor readers
    from modelscan.errors import UsageError
    from modelscan.fetcher.options import from_environment
    from modelscan.policy import clock, situation, writing
    from modelscan.policy.entries import Pin
    from modelscan.report.text import counted

    fetch = from_environment(offline=offline, full=False, token=token)
    (found,) = api.scan(target, fetch=fetch).models
    if found.error is not None:
        raise UsageError(f"{target}: {found.error}", "nothing was pinned")
    provenance = found.facts.provenance
    made = _entry(
        Pin,
        {
            "model": model or situation.named("", found.ref),
            "signer": found.answers.signed.signer,
            "templates": provenance.get("templates", ()),
            "owner": owner,
            "since": clock.today(),
        },
    )
    path = _configuration(config)
    _write(path, writing.with_pin(path, made, replace=replace))
    count = counted(len(made.templates), "chat template")
    _say(f"{made.model}: signed by {made.signer or 'nobody'}, {count}")


def _entry(kind: type[_Entry], values: dict[str, Any]) -> _Entry:
    """An entry from options, checked as one in a file is."""
    import msgspec  # lazy: `--help` needs no types

    from modelscan.errors import UsageError

    named = {name.replace("_", "-"): _prefixed(value) for name, value in values.items()}
    try:
        return msgspec.convert(named, kind)
    except msgspec.ValidationError as error:
        what = str(error).replace("`$.", "`")
        raise UsageError(
            what, "dates are written 2027-03-01, digests sha256:<64 digits>"
        ) from error


def _prefixed(value: Any) -> Any:
    """The digits of a digest stand for the digest."""
    bare = isinstance(value, str) and re.fullmatch("[0-9a-f]{64}", value)
    return f"sha256:{value}" if bare else value


def _configuration(config: Path | None) -> Path:
    """The file to write to."""
    from modelscan.policy import discovery  # lazy: `--help` needs no policy

    return config or discovery.find(()).path or Path(discovery.FILE)


def _write(path: Path, after: bytes) -> None:
    from modelscan.report.files import write_file  # lazy: as above

    write_file(path, after)
    _say(f"added to {path}; review it with `{NAME} policy show`")


def _add(config: Path | None, entry: Waiver | Approval | Consent) -> None:
    """Write an entry, when the policy with it is in order."""
    from modelscan.policy import layers, limits, writing  # lazy: `--help` needs no policy

    path = _configuration(config)
    after = writing.with_entry(path, entry)
    found = layers.load(config=path) if path.is_file() else layers.plain()
    kind, end = writing.end_of(entry)
    limits.check_end(found.profile, kind, end, str(path))
    _write(path, after)


def _toml(value: Any) -> str:
    from modelscan.policy.toml import quoted  # lazy: `--help` needs no policy

    if isinstance(value, dict):
        return "{" + ", ".join(f"{name} = {_toml(each)}" for name, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int) else quoted(str(value))


def _say(text: str) -> None:
    """One line, inert whatever a configuration holds."""
    from modelscan.report.text import inert  # lazy: as above

    click.echo(inert(text))


command = policy
"""What the command line registers."""
