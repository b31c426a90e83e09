"""`promotion promote`: promote a version by hand."""

from typing import Annotated

import typer

from promotion.cli.confirmation import askable, confirm_and_apply, open_for
from promotion.cli.output import DryRun, Json, Quiet, Reason, StartAnew, TagText, Yes, form_of, show_decision, tag_of

EXAMPLE = "promotion promote fraud_classifier:abc123 --reason 'approved in the weekly review'"


def promote(
    tag: TagText,
    reason: Reason,
    override: Annotated[
        bool, typer.Option("--override", help="Promote without a passing decision. Recorded as an override.")
    ] = False,
    rejudge: Annotated[
        bool,
        typer.Option(
            "--rejudge", help="Judge the version again first. Happens automatically if the holdout file has changed."
        ),
    ] = False,
    start_anew: StartAnew = False,
    yes: Yes = False,
    dry_run: DryRun = False,
    _quiet: Quiet = False,
    as_json: Json = False,
) -> int:
    """Promote a version by hand.

    Needs a `promote` decision, or --override.

    Exit codes: 0 promoted; 3 rejected or 4 held, if the command had to judge the version again.
    """
    from promotion.registry.promote import plan_promotion

    parsed = tag_of(tag)
    if not dry_run:
        askable(yes=yes)
    registry = open_for(parsed.model, dry_run=dry_run)
    plan = plan_promotion(
        registry.parts, parsed, reason=reason, override=override, rejudge=rejudge, start_anew=start_anew
    )
    if plan.decision and not plan.promotes:
        if not dry_run:
            registry.apply(plan)
        return show_decision(plan.decision, form=form_of(as_json=as_json), dry_run=dry_run)
    question = f"Promote {tag}{' without a passing decision' if override else ''}?"
    return confirm_and_apply(registry, plan, tag, question, yes=yes, dry_run=dry_run, as_json=as_json)
