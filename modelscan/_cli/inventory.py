"""`modelassay inventory`: which models does a code base use, and which lie on a disk?"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from modelscan._cli.output import _console
from modelscan.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from modelscan.report.page import Page
    from modelscan.vocabulary.reference import Inventory, ModelFile, Reference

_FORMATS: Final = ("terminal", "json")
_MIB: Final = 1 << 20
_PLACES: Final = 6
"""Places of one model that are listed; the JSON has all."""
_GAPS: Final = 10


@click.command(
    "inventory",
    epilog="Exit codes: 0 found some, 2 usage, 3 something unreadable, 4 nothing found.",
)
@click.argument(
    "paths", nargs=-1, required=True, metavar="PATH...", type=click.Path(path_type=Path)
)
@click.option(
    "-f",
    "--format",
    "formats",
    multiple=True,
    metavar="FORMAT[=FILE]",
    help="Write the inventory: terminal, json. Repeat for both; without FILE it is printed.",
)
@click.option("--exclude", multiple=True, metavar="GLOB", help="Leave matching paths out.")
@click.option("--all", "everything", is_flag=True, help="Look into installed packages, too.")
@click.option(
    "--hash-limit",
    type=click.IntRange(0),
    metavar="MIB",
    help="Hash no model file that is larger; 0 hashes none (default: all are hashed).",
)
@click.option("--offline", is_flag=True, help="Accepted for uniformity: no network is ever used.")
@click.option("-q", "--quiet", is_flag=True, help="Print the summary alone.")
@click.option("-v", "--verbose", is_flag=True, help="Print every place, and all that was left out.")
def command(  # one parameter for each option
    paths: tuple[Path, ...],
    formats: tuple[str, ...],
    exclude: tuple[str, ...],
    hash_limit: int | None,
    *,
    everything: bool,
    offline: bool,  # noqa: ARG001  # nothing here uses the network
    quiet: bool,
    verbose: bool,
) -> int:
    """List the models that a code base uses, and those that lie on a disk.

    PATH is a folder or a file. Code, notebooks, settings, images, workflows and scripts are read
    for the models they load; files of weights are listed with their digests. Nothing is run, and
    nothing is looked up: a reference is what the code says.
    """
    from modelscan import api  # lazy: `--help` needs no finders
    from modelscan.report import jsontext  # lazy: the same
    from modelscan.report.files import write_file

    if quiet and verbose:
        raise UsageError("-q and -v contradict each other", "use one of them")
    places = _destinations(formats)
    limit = None if hash_limit is None else hash_limit * _MIB
    found = api.inventory(*paths, exclude=exclude, everything=everything, hash_limit=limit)
    level = "quiet" if quiet else "verbose" if verbose else "normal"
    for form, file in places:
        data = jsontext.encode(found, sort=False) if form == "json" else _page(found, level)
        if file is not None:
            write_file(file, data)
        else:
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
    return found.exit_code


def _destinations(formats: tuple[str, ...]) -> list[tuple[str, Path | None]]:
    """What `-f` asks for.

    Raises:
        UsageError: an unknown format, or two for the same place.
    """
    found: list[tuple[str, Path | None]] = []
    for text in formats or ("terminal",):
        name, sign, file = text.partition("=")
        if name not in _FORMATS:
            hint = did_you_mean(name, _FORMATS) or f"known formats: {', '.join(_FORMATS)}"
            raise UsageError(f"no inventory format {name!r}", hint)
        if sign and not file:
            raise UsageError(f"-f {text} names no file", f"write -f {name}=FILE")
        found.append((name, Path(file) if sign else None))
    places = [str(file) for _, file in found]
    if len(set(places)) < len(places):
        raise UsageError("two inventories for one place", "give each a file: -f json=models.json")
    return sorted(found, key=lambda place: place[1] is None)


def _page(found: Inventory, level: str) -> bytes:
    from modelscan.report.page import Page  # lazy: as above

    page = Page(_console("normal"))
    if level != "quiet":
        _references(page, found, everything=level == "verbose")
        _artifacts(page, found, everything=level == "verbose")
        _gaps(page, found, everything=level == "verbose")
    page.paragraph(_summary(found), 0, 4, "bold")
    if found.exit_code == 4:  # noqa: PLR2004  # the exit code of an empty inventory
        page.paragraph("Nothing found: no model is named or lies below these paths.", 0, 2)
    return page.bytes()


def _references(page: Page, found: Inventory, *, everything: bool) -> None:
    """One block for each model: how sure and pinned, and where."""
    ordered = sorted(found.references, key=lambda each: (each.certainty == "unresolved", each.ref))
    for ref, group in groupby(ordered, key=lambda each: each.ref):
        places = list(group)
        pinned = "pinned" if all(each.pinned for each in places) else "not pinned"
        if places[0].options.get("hosted"):
            pinned = "hosted"
        elif places[0].certainty == "unresolved":
            pinned = "unresolved"
        page.ends(page.plain(ref), pinned, "bold")
        shown = places if everything else places[:_PLACES]
        for each in shown:
            page.paragraph(_place(each), 2, 3)
        if len(shown) < len(places):
            page.paragraph(
                f"and {len(places) - len(shown):,} more places (-v shows them)", 2, 1, "dim"
            )
    if found.references:
        page.line()


def _place(each: Reference) -> str:
    where = each.where.file + (f"!{each.where.member}" if each.where.member else "")
    text = f"{where}:{each.where.line}  {each.kind}"
    if each.revision is not None:
        text += f"  @{each.revision[:12]}"
    if each.certainty == "inferred":
        text += "  (inferred)"
    options = {
        name: value for name, value in each.options.items() if name not in {"hosted", "provider"}
    }
    if options:
        text += "  " + ", ".join(f"{name}={value}" for name, value in options.items())
    return text


def _artifacts(page: Page, found: Inventory, *, everything: bool) -> None:
    from modelscan.report.text import size  # lazy: as above

    for each in found.artifacts:
        page.ends(page.plain(each.path), f"{each.format}, {size(each.size)}", "bold")
        for line in _facts(each, everything=everything):
            page.paragraph(line, 2, 2)
    if found.artifacts:
        page.line()


def _facts(each: ModelFile, *, everything: bool) -> Iterator[str]:
    if each.ref:
        yield f"claims to be {each.ref}"
    yield each.digest or "not hashed"
    for other in each.also if everything else each.also[:_PLACES]:
        yield f"the same bytes: {other}"
    if len(each.also) > _PLACES and not everything:
        yield f"and in {len(each.also) - _PLACES:,} more places (-v shows them)"


def _gaps(page: Page, found: Inventory, *, everything: bool) -> None:
    gaps = [gap for gap in found.coverage if gap.needed or everything]
    for gap in gaps if everything else gaps[:_GAPS]:
        word = "not read" if gap.needed else "left out"
        page.paragraph(
            f"{word}: {gap.file}{f'!{gap.member}' if gap.member else ''}: {gap.reason}", 0, 3
        )
    if len(gaps) > _GAPS and not everything:
        page.paragraph(f"and {len(gaps) - _GAPS:,} more (-v shows them)", 0, 1)
    if gaps:
        page.line()


def _summary(found: Inventory) -> str:
    from modelscan.report.text import counted  # lazy: as above

    models: dict[str, bool] = {}
    for each in found.references:
        if each.certainty != "unresolved":
            models[each.ref] = models.get(each.ref, True) and each.pinned
    certainties = Counter(each.certainty for each in found.references)
    parts = [
        f"{counted(len(models), 'model')} named in {counted(len(found.references), 'place')}",
        f"{sum(models.values()):,} pinned",
    ]
    hosted = len({each.ref for each in found.references if each.options.get("hosted")})
    if hosted:
        parts.append(f"{hosted:,} hosted")
    if certainties["unresolved"]:
        parts.append(f"{certainties['unresolved']:,} unresolved")
    parts.append(f"{counted(len(found.artifacts), 'model file')} on disk")
    unread = sum(gap.needed for gap in found.coverage)
    parts.append(f"{counted(unread, 'file')} not read" if unread else "everything read")
    return ", ".join(parts) + "."
