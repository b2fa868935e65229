"""`modelassay manifest update`: fetch the newest set of manifests, by The Update Framework."""

from __future__ import annotations

from pathlib import Path

import click

from modelscan._about import NAME
from modelscan.errors import UsageError

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command("update")
@click.option("--repository", metavar="URL|DIR", help="Where the set is published.")
@click.option("--root", type=_FILE, metavar="FILE", help="The repository's root.json.")
@click.option("--config", type=_FILE, metavar="FILE", help="Where both are configured.")
@click.option("--offline", is_flag=True, help="Show the set that is here, and fetch nothing.")
def update(
    repository: str | None, root: Path | None, config: Path | None, *, offline: bool
) -> None:
    """Fetch the newest set of manifests from the repository that [manifests] names.

    Advisories come along, when the repository has a folder of them; `advisories = ["update"]` uses
    them.

    Trust begins with the root.json that you have; it must come by another way than the repository.
    A set that is older than the one here, expired, altered or signed by others is refused, and the
    one here is kept.
    """
    from modelscan.policy import layers  # lazy: `--help` fetches nothing
    from modelscan.report.text import counted
    from modelscan.verifier import configured, fetched_set

    if bool(repository) != bool(root):
        raise UsageError("a repository and its root belong together", "give both, or neither")
    if repository and root:
        found = configured.Repository(repository, root, None)
    else:
        named = configured.repository_of(layers.load(config=config, with_advisories=False).tables)
        if named is None:
            raise UsageError(
                "no repository of manifests is configured",
                "write repository and root below [manifests], or give --repository and --root",
            )
        found = named
    data = fetched_set.read_root(found.root)
    store = fetched_set.store_for(data)
    if offline:
        held = fetched_set.open_set(data, store)
    else:
        from modelscan.verifier.updating import update as fetch  # lazy: the client is big

        held = fetch(found.address, data, store)
    releases = sum(len(each.releases) for each in held.manifests)
    what = f"{counted(len(held.manifests), 'manifest')}, {counted(releases, 'release')}"
    if held.advisories:
        noun = "advisory" if len(held.advisories) == 1 else "advisories"
        what += f", {len(held.advisories):,} {noun}"
    click.echo(f"{NAME}: {held.description}: {what}, root sha256:{held.digest}", err=True)
