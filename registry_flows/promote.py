"""The promote flow: a promotion by hand, under Prefect, by the same rules and into the same record."""

from prefect import flow

from promotion.vocabulary import Tag
from registry_flows.session import registry


@flow(name="promote", flow_run_name="promote {tag}")
def promote_flow(tag: str, reason: str) -> str:
    """Put a version that has a `promote` decision into `prod`; judged again first where its holdout has changed since.

    Args:
        tag: e.g. `fraud_classifier:6hnrlexgmwrh6ax4`.
        reason: one sentence for the record.

    Raises:
        Refused: the rules do not allow it, or approvals are missing.
    """
    return str(registry().promote(Tag.parse(tag), reason=reason).champion)
