"""Hand a model of the store over to this ledger."""

from promotion.errors import MirrorError
from promotion.registry.parts import Parts
from promotion.registry.plan import Plan, plan_of, required


def plan_takeover(parts: Parts, model: str, *, reason: str) -> Plan:
    """Plan the takeover of the model in the store by this ledger; see `Registry.take`."""
    why, state, mirrored = required(reason), parts.writer.state(model), None
    try:
        mirrored = parts.mirror.head(model)
    except MirrorError as error:
        parts.notice(f"{error} What it was sent until now is not recorded, and may have to be settled by hand then.")
    return plan_of(state, parts.claims.takeover(state, reason=why, mirrored=mirrored))
