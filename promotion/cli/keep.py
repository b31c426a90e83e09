"""Commands that set up and mend: init, repair, sync."""

from pathlib import Path
from typing import Annotated

import typer

from promotion.cli.output import AnyModel, Json, models_of, notice, open_here, say


def add_commands(app: typer.Typer) -> None:
    """Add them to the app."""
    app.command(epilog="Example: promotion init")(init)
    app.command(epilog="Example: promotion repair fraud_classifier")(repair)
    app.command(epilog="Example: promotion sync")(sync)


def init(
    folder: Annotated[Path, typer.Argument(help="Where to write promotion.toml.")] = Path(),
    as_json: Json = False,
) -> None:
    """Write a commented promotion.toml whose example is the fraud classifier."""
    from importlib.resources import files

    from promotion.config import FILE_NAME
    from promotion.errors import ConfigError

    path = folder / FILE_NAME
    text = files("promotion.cli").joinpath("promotion.toml").read_text("utf-8")
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        message = f"{path} is there already and was left as it is. Remove it first to begin anew."
        raise ConfigError(message) from None
    except OSError as error:
        message = f"{path} cannot be written ({error.strerror})."
        raise ConfigError(message) from error
    words = f"Wrote {path}. With the data in place, `promotion retrain fraud_classifier` trains and judges a candidate."
    say({"written": str(path)}, words, as_json=as_json)


def repair(model: AnyModel = None, as_json: Json = False) -> None:
    """Complete what was interrupted, and write the ledger's stages over labels and aliases that disagree."""
    from promotion.canonical import plain
    from promotion.report.record import moves_told

    registry = open_here()
    plans = {name: registry.repair(name).plan for name in models_of(registry, model)}
    mended = {name: plan.moves if plan else () for name, plan in plans.items()}
    lines = [f"{name}: {moves_told(moves) or 'no label disagreed with the ledger'}" for name, moves in mended.items()]
    say({name: [plain(move) for move in moves] for name, moves in mended.items()}, *lines, as_json=as_json)


def sync(model: AnyModel = None, as_json: Json = False) -> int:
    """Bring MLflow up to date with the ledger."""
    registry = open_here()
    done = {name: registry.sync(name) for name in models_of(registry, model)}
    lines = [f"{name}: {'up to date' if ok else 'not reached'}" for name, ok in done.items()]
    if not done:
        notice("No model is configured or recorded here.")
    say(done, *lines, as_json=as_json)
    return 0 if all(done.values()) else 1
