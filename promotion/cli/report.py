"""The command that makes what people look at: the site of all models."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from promotion.cli.output import Json, notice, open_here, say

if TYPE_CHECKING:
    from promotion.report.site import SiteWritten

Site = Annotated[
    Path,
    typer.Option(
        help="Write pages of all models to this folder; what has not changed is left as it is.", metavar="DIR"
    ),
]


def add_commands(app: typer.Typer) -> None:
    """Add them to the app."""
    app.command(epilog="Example: promotion report --site public")(report)


def report(site: Site, as_json: Json = False) -> None:
    """Pages that people look at."""
    site_here(site, as_json=as_json)


def site_here(folder: Path, *, as_json: bool) -> None:
    """Write the site of the nearest registry, and say what was done."""
    from promotion.cli.attention import approvals_of, attention_of
    from promotion.registry.journal import utc_now
    from promotion.report.site import write_site

    registry = open_here()
    done = write_site(
        registry,
        folder,
        now=utc_now(),
        attention=lambda states: (*approvals_of(registry, states), *attention_of(registry, states)),
    )
    for sentence in done.unread:
        notice(sentence)
    data = {"index": str(done.index), "drawn": done.drawn, "kept": len(done.kept), "unread": done.unread}
    say(data, _told(done), as_json=as_json)


def _told(done: "SiteWritten") -> str:
    drawn = f"{len(done.drawn)} page{'' if len(done.drawn) == 1 else 's'}"
    return f"Wrote {drawn}; {len(done.kept)} were as they should be. Open {done.index} in a browser."
