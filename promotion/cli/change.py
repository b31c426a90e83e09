"""Commands that change what serves: gate, promote, rollback, adopt."""

from pathlib import Path
from typing import Annotated, Any

import typer

from promotion.cli.output import Json, Markdown, Model, Reason, TagText, form_of, open_here, say, show_decision


def add_commands(app: typer.Typer) -> None:
    """Add them to the app."""
    tag = "fraud_classifier:abc123"
    app.command(epilog=f"Example: promotion gate {tag}")(gate)
    app.command(epilog=f"Example: promotion promote {tag} --reason 'approved in the weekly review'")(promote)
    app.command(epilog="Example: promotion rollback fraud_classifier --reason 'complaints since noon'")(rollback)
    app.command(epilog=f"Example: promotion adopt {tag} --trained-before 7776000 --reason 'serves since May'")(adopt)


def gate(
    tag: TagText,
    data: Annotated[
        Path | None, typer.Option(help="File whose holdout judges; by default the one it was trained from.")
    ] = None,
    holdout: Annotated[
        Path | None, typer.Option(help="File whose rows all judge; by default the configured one, if any.")
    ] = None,
    as_json: Json = False,
    as_markdown: Markdown = False,
) -> int:
    """Judge a version against the champion, and promote it if it is shown to be better.

    Exit code 0 promoted, 3 rejected, 4 held; also 4 when it passed and the policy lets a person approve it first.
    """
    from promotion.vocabulary import Tag

    form = form_of(as_json=as_json, as_markdown=as_markdown)
    decision = open_here().gate(
        Tag.parse(tag),
        data=data.absolute() if data else None,
        holdout=holdout.absolute() if holdout else None,
    )
    return show_decision(decision, form=form)


def promote(
    tag: TagText,
    reason: Reason,
    override: Annotated[
        bool, typer.Option("--override", help="Promote without a passing decision; recorded as an override.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Promote a version by hand: with its `promote` decision, or as a recorded override."""
    from promotion.vocabulary import Tag

    _show_plan(open_here().promote(Tag.parse(tag), reason=reason, override=override), as_json=as_json)


def rollback(model: Model, reason: Reason, as_json: Json = False) -> None:
    """Bring back the champion before this one."""
    _show_plan(open_here().rollback(model, reason=reason), as_json=as_json)


def adopt(
    tag: TagText,
    reason: Reason,
    trained_before: Annotated[
        float | None,
        typer.Option(
            help="It was trained on rows before this moment only, in the recipe's unit of time.", metavar="TIME"
        ),
    ] = None,
    assume_clean: Annotated[
        bool, typer.Option("--assume-clean", help="It was trained on no row that will ever judge.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Vouch for a version whose training rows are unknown; one labelled `prod` becomes the champion of record."""
    from promotion.vocabulary import Tag

    parsed = Tag.parse(tag)
    plan = open_here().adopt(parsed, reason=reason, trained_before=trained_before, assume_clean=assume_clean)
    if plan is not None:
        _show_plan(plan, as_json=as_json)
    else:
        say({"adopted": tag}, f"Recorded what is known of {tag}; it can be judged now.", as_json=as_json)


def _show_plan(plan: Any, *, as_json: bool) -> None:
    from promotion.canonical import plain
    from promotion.report.record import moves_told

    words = f"{plan.cause.capitalize()} done: {plan.champion} is the champion ({moves_told(plan.moves)})."
    say(plain(plan), words, as_json=as_json)
