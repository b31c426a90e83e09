"""The promote flow: a manual promotion under Prefect, by the same rules and with the same record."""

from prefect import flow
from prefect.runtime import flow_run

from promotion.visible import visible
from promotion.vocabulary import Tag
from registry_flows.under_prefect.result import completed, tag_run
from registry_flows.under_prefect.session import registry


@flow(name="promote", flow_run_name="promote {tag}")
def promote_flow(tag: str, reason: str) -> str:
    """Put a version that has a `promote` decision into `prod`. Judges it again first if its holdout file has changed.

    A run that is repeated after a crash or a retry finds the version promoted, and leaves it
    unchanged.

    Args:
        tag: The version, e.g. `fraud_classifier:6hnrlexgmwrh6ax4`.
        reason: Why, in one sentence, for the record.

    Raises:
        Refused: the rules do not allow it, or approvals are missing.
    """
    version, ours = Tag.parse(tag), registry()
    champion = ours.complete(version.model).champion
    if not (flow_run.run_count > 1 and champion and champion.tag == str(version)):
        ours.promote(version, reason=reason)
    tag_run(version, "promoted")
    return completed(f"Promoted: {visible(reason)}", str(version))
