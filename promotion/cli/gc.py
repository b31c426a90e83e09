"""`promotion gc`: delete old versions that never served."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from promotion.cli.confirmation import confirmed, open_for
from promotion.cli.output import DryRun, Json, Misuse, Model, Quiet, Yes, dry, form_of, models_of, say, show
from promotion.durations import length_of

if TYPE_CHECKING:
    from promotion.registry.plan import Plan
    from promotion.registry.retention import Retention


EXAMPLE = "promotion gc fraud_classifier --keep 5 --older-than 30d"


def gc(
    model: Model,
    keep: Annotated[int, typer.Option(min=0, help="Keep this many of the newest deletable versions.", metavar="N")] = 3,
    older_than: Annotated[
        str,
        typer.Option(
            help="Delete only versions registered longer ago than this: 12h, 30d, 2w; 0d for any age.", metavar="AGE"
        ),
    ] = "30d",
    reason: Annotated[
        str | None, typer.Option(help="The reason, in one sentence. Recorded in the ledger.", metavar="TEXT")
    ] = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    _quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Delete old versions that never served.

    Deletes their files. Their ledger entries stay. Also deletes snapshots of URLs and queries, of all models, that no
    decision and no present version needs.

    Never deletes a version that serves or has served (a rollback may need it), that waits to be judged, or that is
    not registered.
    """
    from promotion.registry.gc import delete_snapshots, plan_gc
    from promotion.registry.ledger_writer import utc_now
    from promotion.report.repair import retention_page

    before = moment_before(utc_now(), older_than)
    registry = open_for(model, dry_run=dry_run)
    models_of(registry, model)
    why = reason or f"Old versions deleted: all but the newest {keep}, older than {older_than}."
    plan = plan_gc(registry.parts, model, keep=keep, reason=why, registered_before=before)
    found = plan.retention
    assert found is not None  # noqa: S101 - it always says
    some = bool(found.gone or found.snapshots)
    if dry_run or not (as_json and some):
        page = retention_page(model, found)
        show(_data(plan, dry_run=dry_run), *dry(dry_run=dry_run), page, form=form_of(as_json=as_json))
    if dry_run or not some:
        return
    confirmed(f"Delete {_what(model, found)} permanently?", yes=yes)
    registry.apply(plan)
    delete_snapshots(registry.parts, plan)
    say(_data(plan, dry_run=False), f"Deleted {', '.join((*found.gone, *found.snapshots))}.", as_json=as_json)


def _what(model: str, found: "Retention") -> str:
    """Say what is deleted, for the question."""
    gone, snapshots = len(found.gone), len(found.snapshots)
    files = f"the files of {'this version' if gone == 1 else f'these {gone} versions'} of {model}" if gone else ""
    kept = f"{snapshots} snapshot{'s' * (snapshots != 1)} of data" if snapshots else ""
    return " and ".join(filter(None, (files, kept)))


def moment_before(now: datetime, age: str) -> datetime | None:
    """The moment that lies an age like `30d` back; None for one of no length."""
    try:
        length = length_of(age)
        return now - length if length else None
    except (ValueError, OverflowError) as error:
        raise Misuse(f"'{age}' is not a valid age: expected hours, days or weeks, like 12h, 30d or 2w.") from error


def _data(plan: "Plan", *, dry_run: bool) -> dict[str, Any]:
    from promotion.canonical import plain

    return {"dry_run": dry_run, "model": plan.state.model, **plain(plan.retention)}
