"""The commands, and those that other packages add through the entry-point group `promotion.commands`."""

import os
import platform
from importlib.metadata import entry_points
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from promotion import __version__
from promotion.cli import (
    adopt,
    approve,
    audit,
    champion,
    compare,
    deny,
    gate,
    gc,
    history,
    init,
    key,
    ledger,
    metrics,
    policy,
    promote,
    readmit,
    repair,
    replay,
    report,
    rollback,
    show,
    status,
    sync,
)


class _InRooms(TyperGroup):
    """Lists its commands by what they are for."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write them, room by room."""
        rooms: dict[str, list[tuple[str, str]]] = {}
        for name in self.list_commands(ctx):
            command: Any = self.get_command(ctx, name)
            rooms.setdefault(str(command.rich_help_panel), []).append((name, command.get_short_help_str(limit=80)))
        for room, rows in rooms.items():
            with formatter.section(room):
                formatter.write_dl(rows)


app = typer.Typer(
    cls=_InRooms,
    name="promotion",
    help="Decides which trained model serves, and records why.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(*, asked: bool) -> None:
    """Print the release and Python's."""
    if asked:
        typer.echo(f"promotion {__version__} (Python {platform.python_version()})")
        raise typer.Exit


@app.callback()
def settings(
    config: Annotated[
        Path | None, typer.Option(help="Settings to use instead of the nearest promotion.toml.", metavar="FILE")
    ] = None,
    version: Annotated[  # noqa: ARG001 - its callback answers
        bool, typer.Option("--version", help="Show the release and exit.", is_eager=True, callback=_version)
    ] = False,
) -> None:
    """Decides which trained model serves, and records why."""
    if config is not None:
        os.environ["PROMOTION_CONFIG"] = str(config.absolute())


_ROOMS = {
    "Judge": (gate, compare, replay),
    "Change": (promote, rollback, readmit, adopt, approve, deny),
    "Look": (status, champion, history, show, metrics, report, audit),
    "Keep": (init, repair, sync, gc, key),
}
for _room, _modules in _ROOMS.items():
    for _module in _modules:
        _name = _module.__name__.rpartition(".")[2]
        app.command(_name, epilog=f"Example: {_module.EXAMPLE}", rich_help_panel=_room)(getattr(_module, _name))

_policies = typer.Typer(help="Look at policies.", no_args_is_help=True, rich_markup_mode=None)
_policies.command(epilog=f"Example: {policy.EXAMPLE}")(policy.check)
app.add_typer(_policies, name="policy", rich_help_panel="Look")

_ledgers = typer.Typer(help="Keep, move and upgrade the ledger.", no_args_is_help=True, rich_markup_mode=None)
for _command in (ledger.export, ledger.import_file, ledger.upgrade, ledger.take):
    _name = _command.__name__.removesuffix("_file")
    _ledgers.command(_name, epilog=f"Example: {ledger.EXAMPLES[_name]}")(_command)
app.add_typer(_ledgers, name="ledger", rich_help_panel="Keep")


def with_plugins(host: typer.Typer) -> typer.Typer:
    """The app with the commands of other packages, each added once."""
    added: set[str] = host.info.__dict__.setdefault("plugins", set())
    for point in entry_points(group="promotion.commands"):
        if point.value not in added:
            added.add(point.value)
            register: Any = point.load()
            register(host)
    return host
