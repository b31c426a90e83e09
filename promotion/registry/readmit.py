"""Readmit a rolled-back version, so that the gate can judge it again."""

from promotion.errors import Refused
from promotion.ledger.entries import Readmission
from promotion.registry.champion import require_recorded
from promotion.registry.moves import find
from promotion.registry.parts import Parts
from promotion.registry.plan import Plan, plan_of, required
from promotion.registry.preflight import settled
from promotion.registry.rolled_back import blocking, kept_out
from promotion.vocabulary import Tag


def plan_readmission(parts: Parts, tag: Tag | str, *, reason: str) -> Plan:
    """Plan the readmission of a rolled-back version; see `Registry.readmit`."""
    tag = Tag.parse(tag)
    why = required(reason)
    state = settled(parts, tag.model)
    require_recorded(parts, state)
    if find(state, tag).rolled_back is None:
        twin = blocking(state, parts.store, tag)
        message = f"No rollback blocks {tag}, so the gate judges it like any other version."
        if twin:
            message = f"Nobody rolled back from {tag} itself. {kept_out(tag, twin)}"
        raise Refused(message, tag=tag)
    return plan_of(state, Readmission(tag=str(tag), reason=why))
