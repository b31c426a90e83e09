"""Hand a model of the store over to this ledger."""

from promotion.errors import MirrorError
from promotion.registry.parts import Parts
from promotion.registry.plan import Plan, plan_of, required


def plan_takeover(parts: Parts, model: str, *, reason: str) -> Plan:
    """Plan the takeover of the model in the store by this ledger; see `Registry.take`."""
    why, state, mirrored = required(reason), parts.writer.state(model), None
    try:  # asked first: the entry records what MLflow has received, which this ledger's entries may replace
        mirrored = parts.mirror.head(model)
    except MirrorError as error:
        parts.notice(
            f"{error} The takeover does not record what MLflow has received, so you may have to resolve AUD035 or "
            "AUD036 by hand."
        )
    return plan_of(state, parts.claims.takeover(state, reason=why, mirrored=mirrored))
