"""`promotion gate`: judge a version against the champion."""

from pathlib import Path
from typing import Annotated

import typer

from promotion.cli.applying import opened
from promotion.cli.output import DryRun, Json, Markdown, StartAnew, TagText, WhyAnew, anew, form_of, show_decision

EXAMPLE = "promotion gate fraud_classifier:abc123"


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
    from promotion.registry.gate import plan_gate
    from promotion.vocabulary import Tag

    form, parsed = form_of(as_json=as_json, as_markdown=as_markdown), Tag.parse(tag)
    why = anew(reason, start_anew=start_anew)
    registry = opened(parsed.model, dry_run=dry_run)
    plan = plan_gate(
        registry.parts,
        parsed,
        data=data.absolute() if data else None,
        holdout=holdout.absolute() if holdout else None,
        start_anew=why,
    )
    if not dry_run:
        registry.apply(plan)
    return show_decision(plan.decided, form=form, dry_run=dry_run)
