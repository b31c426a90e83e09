"""`promotion adopt`: vouch for a version that was trained elsewhere."""

from typing import Annotated

import typer

from promotion.cli.output import Json, Reason, TagText, open_here, say
from promotion.errors import DataError

EXAMPLE = "promotion adopt fraud_classifier:abc123 --trained-before 7776000 --reason 'serves since May'"


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
