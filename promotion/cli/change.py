"""Commands that change what serves: gate, promote, rollback, readmit, adopt."""

from pathlib import Path
from typing import Annotated

import typer

from promotion.cli.confirm import askable
from promotion.cli.output import (
    DryRun,
    Json,
    Markdown,
    Misuse,
    Model,
    Reason,
    StartAnew,
    TagText,
    WhyAnew,
    Yes,
    anew,
    form_of,
    open_here,
    say,
    show_decision,
)
from promotion.cli.proposing import opened, propose_and_do
from promotion.errors import DataError


def add_commands(app: typer.Typer) -> None:
    """Add them to the app."""
    tag = "fraud_classifier:abc123"
    app.command(epilog=f"Example: promotion gate {tag}")(gate)
    app.command(epilog=f"Example: promotion promote {tag} --reason 'approved in the weekly review'")(promote)
    app.command(epilog="Example: promotion rollback fraud_classifier --reason 'complaints since noon'")(rollback)
    app.command(epilog=f"Example: promotion readmit {tag} --reason 'the complaints had another cause'")(readmit)
    app.command(epilog=f"Example: promotion adopt {tag} --trained-before 7776000 --reason 'serves since May'")(adopt)


def gate(
    tag: TagText,
    data: Annotated[
        Path | None, typer.Option(help="File whose holdout judges; by default the one it was trained from.")
    ] = None,
    holdout: Annotated[
        Path | None, typer.Option(help="File whose rows all judge; by default the configured one, if any.")
    ] = None,
    start_anew: StartAnew = False,
    reason: WhyAnew = None,
    dry_run: DryRun = False,
    as_json: Json = False,
    as_markdown: Markdown = False,
) -> int:
    """Judge a version against the champion.

    It is promoted if it is shown to be better.

    Exit code 0 promoted, 3 rejected, 4 held; also 4 when it passed and the policy lets people approve it first.
    """
    from promotion.vocabulary import Tag

    form, parsed = form_of(as_json=as_json, as_markdown=as_markdown), Tag.parse(tag)
    why = anew(reason, start_anew=start_anew)
    registry = opened(parsed.model, dry_run=dry_run)
    proposal = registry.propose_gate(
        parsed,
        data=data.absolute() if data else None,
        holdout=holdout.absolute() if holdout else None,
        start_anew=why,
    )
    if not dry_run:
        registry.carry_out(proposal)
    assert proposal.decision is not None  # noqa: S101 - a gate always decides
    return show_decision(proposal.decision, form=form, dry_run=dry_run)


def promote(
    tag: TagText,
    reason: Reason,
    override: Annotated[
        bool, typer.Option("--override", help="Promote without a passing decision; recorded as an override.")
    ] = False,
    rejudge: Annotated[
        bool, typer.Option("--rejudge", help="Judge it again first; done by itself where the holdout has changed.")
    ] = False,
    start_anew: StartAnew = False,
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> int:
    """Promote a version by hand.

    By its `promote` decision, or as a recorded override.

    Exit code 0 promoted; 3 rejected or 4 held where it was judged again, which is recorded.
    """
    from promotion.vocabulary import Tag

    parsed = Tag.parse(tag)
    if not dry_run:
        askable(yes=yes)
    registry = opened(parsed.model, dry_run=dry_run)
    proposal = registry.propose_promotion(
        parsed, reason=reason, override=override, rejudge=rejudge, start_anew=start_anew
    )
    if proposal.decision and not proposal.promotes:
        if not dry_run:
            registry.carry_out(proposal)
        return show_decision(proposal.decision, form=form_of(as_json=as_json), dry_run=dry_run)
    question = f"Promote {tag}{' against the rules' if override else ''}?"
    return propose_and_do(registry, proposal, tag, question, yes=yes, dry_run=dry_run, as_json=as_json)


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
    from promotion.vocabulary import Tag

    if to is not None and at is not None:
        message = "--to and --at both say whom to bring back; give one of them."
        raise Misuse(message)
    if not dry_run:
        askable(yes=yes)
    version = to if to is None or ":" in to else f"{model}:{to}"
    target, moment = Tag.parse(version) if version else None, past(at, utc_now()) if at else None
    registry = opened(model, dry_run=dry_run)
    proposal = registry.propose_rollback(
        model, reason=reason, to=target, at=moment, data=data.absolute() if data else None
    )
    assert proposal.plan is not None  # noqa: S101 - a rollback always moves
    tag = proposal.plan.moves[0].tag
    then = f", which served at {written(moment)}" if moment else ""
    question = f"Roll {model} back to {tag}{then}?"
    return propose_and_do(registry, proposal, tag, question, yes=yes, dry_run=dry_run, as_json=as_json)


def readmit(tag: TagText, reason: Reason, as_json: Json = False) -> None:
    """Let the gate judge a version again that was rolled back from.

    It moves nowhere. Until then the gate holds it, and nobody promotes it but by `promote --override`.
    """
    from promotion.registry.rolled_back import blocking, kept_out
    from promotion.vocabulary import Tag

    registry = open_here()
    registry.readmit(Tag.parse(tag), reason=reason)
    twin = blocking(registry.state(Tag.parse(tag).model), registry.store, Tag.parse(tag))
    told = f"{tag} is readmitted: `promotion gate {tag}` judges it again like any other version."
    if twin:
        told = f"{tag} is readmitted, and the gate still holds it. {kept_out(Tag.parse(tag), twin)}"
    say({"readmitted": tag, "reason": reason}, told, as_json=as_json)


def _bound(text: str) -> float | str:
    from promotion.times import bound_of

    try:
        return bound_of(text)
    except DataError as error:
        raise typer.BadParameter(str(error)) from error


def adopt(
    tag: TagText,
    reason: Reason,
    trained_before: Annotated[
        str | None,
        typer.Option(
            parser=_bound,
            help="It was trained on rows before this only: a number in the unit of the recipe's time, or a moment like "
            "2024-12-01 or 2024-12-01T00:00:00+01:00; in UTC where it names no zone and the rows do.",
            metavar="TIME",
        ),
    ] = None,
    assume_clean: Annotated[
        bool, typer.Option("--assume-clean", help="It was trained on no row that will ever judge.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Vouch for a version trained elsewhere.

    Records what you know of its training rows; one labelled `prod` becomes the champion of record.
    """
    from promotion.canonical import plain
    from promotion.report.plan import done_told
    from promotion.vocabulary import Tag

    parsed = Tag.parse(tag)
    plan = open_here().adopt(parsed, reason=reason, trained_before=trained_before, assume_clean=assume_clean)
    if plan is not None:
        say(plain(plan), done_told(plan), as_json=as_json)
    else:
        say({"adopted": tag}, f"Recorded what is known of {tag}; it can be judged now.", as_json=as_json)
