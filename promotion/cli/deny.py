"""`promotion deny`: deny a version that passed and waits."""

from promotion.cli.approve import answer
from promotion.cli.output import DryRun, Json, Quiet, Reason, TagText

EXAMPLE = "promotion deny fraud_classifier:abc123 --reason 'it was trained on the wrong month'"


def deny(tag: TagText, reason: Reason, dry_run: DryRun = False, _quiet: Quiet = False, as_json: Json = False) -> int:
    """Deny approval to a version that is waiting for it.

    The version becomes `rejected`. The gate can judge it again later.
    """
    return answer(tag, reason, approved=False, dry_run=dry_run, as_json=as_json)
