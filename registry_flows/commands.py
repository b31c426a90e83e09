"""The command that runs flows, added to `promotion` through the entry-point group `promotion.commands`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from promotion.cli.output import Json, Markdown, Model, form_of, show_decision


def register(app: typer.Typer) -> None:
    """Add it to the app."""
    app.command(epilog="Example: promotion retrain fraud_classifier")(retrain)


def retrain(
    model: Model,
    data: Annotated[
        Path | None, typer.Option(help="File to train on and judge by; by default the configured one.")
    ] = None,
    version: Annotated[str | None, typer.Option(help="Your own name for the candidate; by default the time.")] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(help="An option of the recipe for this training, as NAME=VALUE.", metavar="NAME=VALUE"),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Train and judge on copies, and keep nothing of it.")
    ] = False,
    verbose: Annotated[bool, typer.Option("--verbose", help="Show Prefect's log.")] = False,
    as_json: Json = False,
    as_markdown: Markdown = False,
) -> int:
    """Train a candidate under Prefect and let the gate judge it.

    Exit code 0 promoted, 3 rejected, 4 held; also 4 when it passed and the policy lets a person approve it first.
    Uses the Prefect server of PREFECT_API_URL, or a temporary one.
    """
    from registry_flows.running import retrain_here

    form = form_of(as_json=as_json, as_markdown=as_markdown)
    candidate = retrain_here(
        model,
        data_path=str(data.absolute()) if data else None,
        version=version,
        options=dict(_option(text) for text in option or ()) or None,
        verbose=verbose,
        dry_run=dry_run,
    )
    decision = candidate.decision
    assert decision is not None  # noqa: S101 - a retrain always asks the gate
    return show_decision(decision, form=form, tag=candidate.tag, dry_run=dry_run)


def _option(text: str) -> tuple[str, Any]:
    """`NAME=VALUE`, the value read as TOML (a number, true, "text"), as a plain word when it is none."""
    import tomllib

    name, equals, value = text.partition("=")
    name, value = name.strip(), value.strip()
    if not equals or not name:
        message = f"An option of the recipe is given as NAME=VALUE, found '{text}'."
        raise typer.BadParameter(message)
    try:
        return name, tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return name, value
