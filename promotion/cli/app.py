"""The commands, and those that other packages add through the entry-point group `promotion.commands`."""

import os
from importlib.metadata import entry_points
from pathlib import Path
from typing import Annotated, Any

import typer

from promotion.cli import approve, change, collect, comparing, inspect, keep, key, ledger, metrics, past, policy, report

app = typer.Typer(
    name="promotion",
    help="Decides which trained model serves, and records why.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def settings(
    config: Annotated[
        Path | None, typer.Option(help="Settings to use instead of the nearest promotion.toml.", metavar="FILE")
    ] = None,
) -> None:
    """Decides which trained model serves, and records why."""
    if config is not None:
        os.environ["PROMOTION_CONFIG"] = str(config.absolute())


for _room in (change, approve, comparing, inspect, past, metrics, report, policy, keep, collect, ledger, key):
    _room.add_commands(app)


def with_plugins(host: typer.Typer) -> typer.Typer:
    """The app with the commands of other packages, each added once."""
    added: set[str] = host.info.__dict__.setdefault("plugins", set())
    for point in entry_points(group="promotion.commands"):
        if point.value not in added:
            added.add(point.value)
            register: Any = point.load()
            register(host)
    return host
