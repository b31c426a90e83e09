"""`promotion rollback`: bring back an earlier champion."""

from typing import Annotated

import typer

from promotion.cli.completion import tags
from promotion.cli.confirmation import askable, confirm_and_apply, open_for
from promotion.cli.output import DryRun, Json, Misuse, Model, Quiet, Reason, Yes

EXAMPLE = "promotion rollback fraud_classifier --reason 'complaints since noon'"


def rollback(
    model: Model,
    reason: Reason,
    to: Annotated[
        str | None,
        typer.Option(
            help="The version to bring back, as TAG or VERSION. Defaults to the previous champion.",
            metavar="TAG",
            autocompletion=tags,
        ),
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(
            help="Bring back the version that was champion at this time, e.g. 2026-11-22T14:30 (local time unless it "
            "has an offset).",
            metavar="TIME",
        ),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(
            help="File, folder, pattern or URL of rows to score as a check. Defaults to the file that the version was "
            "trained on.",
            metavar="DATA",
        ),
    ] = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    _quiet: Quiet = False,
    as_json: Json = False,
) -> int:
    """Bring back an earlier champion.

    Defaults to the previous champion. First checks that the version loads and can score.
    """
    from promotion.cli.timestamps import past, written
    from promotion.data_sources import placed
    from promotion.registry.ledger_writer import utc_now
    from promotion.registry.rollback import plan_rollback
    from promotion.vocabulary import Tag

    if to is not None and at is not None:
        raise Misuse("--to and --at both name the version to bring back. Use only one of them.")
    if not dry_run:
        askable(yes=yes)
    version = to if to is None or ":" in to else f"{model}:{to}"
    target, moment = Tag.parse(version) if version else None, past(at, utc_now()) if at else None
    registry = open_for(model, dry_run=dry_run)
    plan = plan_rollback(registry.parts, model, reason=reason, to=target, at=moment, data=placed(data))
    tag = plan.moved.moves[0].tag
    then = f", which served at {written(moment)}" if moment else ""
    question = f"Roll {model} back to {tag}{then}?"
    return confirm_and_apply(registry, plan, tag, question, yes=yes, dry_run=dry_run, as_json=as_json)
