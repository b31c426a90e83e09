"""The commands, and those that other packages add through the entry-point group `promotion.commands`."""

import os
import platform
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from promotion import __version__

_ROOMS = {
    "Judge": ("gate", "compare", "replay"),
    "Change": ("promote", "rollback", "readmit", "adopt", "approve", "deny"),
    "Serve": ("serve",),
    "Look": ("status", "champion", "history", "show", "metrics", "report", "audit", "policy"),
    "Keep": ("init", "repair", "sync", "gc", "key", "ledger"),
}
_ROOM_OF = {name: room for room, names in _ROOMS.items() for name in names}
_GROUPS = {"policy": "Look at policies.", "ledger": "Keep, move and upgrade the ledger."}


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


def _version(*, asked: bool) -> None:
    """Print the release and Python's."""
    if asked:
        typer.echo(f"promotion {__version__} (Python {platform.python_version()})")
        raise typer.Exit


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


def app_for(arguments: Sequence[str] = ()) -> typer.Typer:
    """Return the app with the command that the first argument names; if our commands lack that name, with all of them.

    The others need not be imported, and the installed packages need not be searched for theirs.
    """
    made = typer.Typer(
        cls=_InRooms,
        name="promotion",
        help="Decides which trained model serves, and records why.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    made.callback()(settings)
    named = [name for name in arguments[:1] if name in _ROOM_OF]
    for name in named or _ROOM_OF:
        _add(made, name)
    if not named:
        _add_plugins(made)
    return made


def _add(host: typer.Typer, name: str) -> None:
    module, room = import_module(f"promotion.cli.{name}"), _ROOM_OF[name]
    if name not in _GROUPS:
        host.command(name, epilog=f"Example: {module.EXAMPLE}", rich_help_panel=room)(getattr(module, name))
        return
    group = typer.Typer(help=_GROUPS[name], no_args_is_help=True, rich_markup_mode=None)
    for word, (function, example) in module.COMMANDS.items():
        group.command(word, epilog=f"Example: {example}")(function)
    host.add_typer(group, name=name, rich_help_panel=room)


def _add_plugins(host: typer.Typer) -> None:
    """Add the commands of other packages, each once."""
    from importlib.metadata import entry_points

    for point in {point.value: point for point in entry_points(group="promotion.commands")}.values():
        register: Any = point.load()
        register(host)
