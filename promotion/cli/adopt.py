"""`promotion adopt`: vouch for a version that was trained elsewhere."""

from typing import Annotated

import typer

from promotion.cli.output import Json, Reason, TagText, open_here, say, tag_of
from promotion.errors import DataError

EXAMPLE = "promotion adopt fraud_classifier:abc123 --trained-before 7776000 --reason 'in production since May'"


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
            help="All its training rows are earlier than this: a number in the unit of the recipe's time column, or a "
            "time like 2024-12-01 or 2024-12-01T00:00:00+01:00. If the rows' times have UTC offsets, a TIME "
            "without one is in UTC.",
            metavar="TIME",
        ),
    ] = None,
    assume_clean: Annotated[
        bool,
        typer.Option("--assume-clean", help="State that it was trained on none of the rows that will be in a holdout."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Vouch for a version trained elsewhere.

    Records what you know about its training rows. If the ledger has no champion
    yet, a version labelled `prod` becomes the champion.
    """
    from promotion.canonical import plain
    from promotion.report.plan import done_sentence

    parsed = tag_of(tag)
    plan = open_here().adopt(parsed, reason=reason, trained_before=trained_before, assume_clean=assume_clean)
    if plan is not None:
        say(plain(plan), done_sentence(plan), as_json=as_json)
    else:
        say({"adopted": tag}, f"Recorded what you know about {tag}. It can be judged now.", as_json=as_json)
