"""`promotion promote`: promote a version by hand."""

from typing import Annotated

import typer

from promotion.cli.confirm import askable
from promotion.cli.output import (
    DryRun,
    Json,
    Reason,
    StartAnew,
    TagText,
    Yes,
    form_of,
    show_decision,
)
from promotion.cli.proposing import opened, propose_and_do

EXAMPLE = "promotion promote fraud_classifier:abc123 --reason 'approved in the weekly review'"


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
