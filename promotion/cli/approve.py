"""`promotion approve`: approve a version that passed and waits."""

from promotion.cli.confirmation import confirm_and_apply, open_for
from promotion.cli.output import DryRun, Json, Quiet, Reason, TagText, tag_of

EXAMPLE = "promotion approve fraud_classifier:abc123 --reason 'the gain is worth it'"


def approve(tag: TagText, reason: Reason, dry_run: DryRun = False, _quiet: Quiet = False, as_json: Json = False) -> int:
    """Approve a version that is waiting for approval.

    The version is promoted as soon as it has all approvals that the policy requires.
    """
    return answer(tag, reason, approved=True, dry_run=dry_run, as_json=as_json)


def answer(tag: str, reason: str, *, approved: bool, dry_run: bool, as_json: bool) -> int:
    """Record what a person says of a version that waits, and what follows; gives the exit code."""
    from promotion.registry.approve import plan_approval

    parsed = tag_of(tag)
    registry = open_for(parsed.model, dry_run=dry_run)
    plan = plan_approval(registry.parts, parsed, reason=reason, approved=approved)
    return confirm_and_apply(registry, plan, tag, "", yes=True, dry_run=dry_run, as_json=as_json)
