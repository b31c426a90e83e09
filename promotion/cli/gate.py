"""`promotion gate`: judge a version against the champion."""

from typing import Annotated

import typer

from promotion.cli.confirmation import open_for
from promotion.cli.output import (
    DryRun,
    Json,
    Markdown,
    Quiet,
    StartAnew,
    TagText,
    WhyAnew,
    anew,
    form_of,
    show_decision,
    tag_of,
)

EXAMPLE = "promotion gate fraud_classifier:abc123"


def gate(
    tag: TagText,
    data: Annotated[
        str | None,
        typer.Option(
            help="File, folder, pattern or URL of data from which the recipe splits off the holdout. Defaults to the "
            "version's training file.",
            metavar="DATA",
        ),
    ] = None,
    holdout: Annotated[
        str | None,
        typer.Option(
            help="File, folder, pattern or URL of holdout rows; all of its rows are used. Defaults to the configured "
            "`holdout`.",
            metavar="DATA",
        ),
    ] = None,
    start_anew: StartAnew = False,
    reason: WhyAnew = None,
    dry_run: DryRun = False,
    _quiet: Quiet = False,
    as_json: Json = False,
    as_markdown: Markdown = False,
) -> int:
    """Judge a version against the champion.

    Promotes it if the evidence shows that it is better.

    Exit codes: 0 promoted, 3 rejected, 4 held, or passed and waiting for approval.
    """
    from promotion.data_sources import placed
    from promotion.registry.gate import plan_gate

    form, parsed = form_of(as_json=as_json, as_markdown=as_markdown), tag_of(tag)
    why = anew(reason, start_anew=start_anew)
    registry = open_for(parsed.model, dry_run=dry_run)
    plan = plan_gate(
        registry.parts,
        parsed,
        data=placed(data),
        holdout=placed(holdout),
        start_anew=why,
    )
    if not dry_run:
        registry.apply(plan)
    return show_decision(plan.decided, form=form, dry_run=dry_run)
