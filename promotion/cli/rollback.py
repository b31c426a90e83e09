"""`promotion rollback`: bring back an earlier champion."""

from pathlib import Path
from typing import Annotated

import typer

from promotion.cli.applying import confirm_and_apply, opened
from promotion.cli.confirm import askable
from promotion.cli.output import DryRun, Json, Misuse, Model, Reason, Yes

EXAMPLE = "promotion rollback fraud_classifier --reason 'complaints since noon'"


def rollback(
    model: Model,
    reason: Reason,
    to: Annotated[
        str | None,
        typer.Option(
            help="The version to bring back, as TAG or VERSION; by default the champion before.", metavar="TAG"
        ),
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(
            help="Bring back who served at this moment: 2026-11-22T14:30, in local time where it names no zone.",
            metavar="TIME",
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(help="File of which some rows are scored first; by default the one it was trained from."),
    ] = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> int:
    """Bring back an earlier champion.

    The one before this one, unless told; once it is seen to load and to score.
    """
    from promotion.cli.timestamps import past, written
    from promotion.registry.journal import utc_now
    from promotion.registry.rollback import plan_rollback
    from promotion.vocabulary import Tag

    if to is not None and at is not None:
        message = "--to and --at both say whom to bring back; give one of them."
        raise Misuse(message)
    if not dry_run:
        askable(yes=yes)
    version = to if to is None or ":" in to else f"{model}:{to}"
    target, moment = Tag.parse(version) if version else None, past(at, utc_now()) if at else None
    registry = opened(model, dry_run=dry_run)
    plan = plan_rollback(
        registry.parts, model, reason=reason, to=target, at=moment, data=data.absolute() if data else None
    )
    tag = plan.moved.moves[0].tag
    then = f", which served at {written(moment)}" if moment else ""
    question = f"Roll {model} back to {tag}{then}?"
    return confirm_and_apply(registry, plan, tag, question, yes=yes, dry_run=dry_run, as_json=as_json)
