"""Adopt a version: record what a person knows about training rows that are otherwise unknown."""

from promotion.errors import Refused
from promotion.ledger.entries import Adoption
from promotion.registry import moves
from promotion.registry.moves import find
from promotion.registry.parts import Parts
from promotion.registry.plan import Plan, plan_of, required
from promotion.registry.preflight import settled
from promotion.registry.register import registrations
from promotion.registry.serving import labelled_prod
from promotion.registry.verification import check_bound, verified
from promotion.times import TimeBound, bound_of
from promotion.vocabulary import Stage, Tag


def plan_adoption(
    parts: Parts,
    tag: Tag | str,
    *,
    reason: str,
    trained_before: TimeBound | None = None,
    assume_clean: bool = False,
) -> Plan:
    """Plan the adoption of a version whose training rows are unknown; see `Registry.adopt`."""
    tag = Tag.parse(tag)
    if (trained_before is None) != assume_clean:
        message = "State what you know about its training rows: either --trained-before TIME or --assume-clean."
        raise Refused(message, tag=tag)
    why, bound = required(reason), None if trained_before is None else bound_of(trained_before)
    stored = parts.stored(tag)
    serves = stored.stage == Stage.PROD
    state = settled(parts, tag.model)
    registered = registrations(parts, state, tag, *(labelled_prod(parts.store, tag.model) if serves else ()))
    foreseen = parts.writer.foreseen(state, registered)
    plan = moves.adoption_moves(foreseen, tag, reason=why) if serves else None
    if bound is not None:
        check_bound(find(foreseen, tag), parts.reader, bound)
    adoption = Adoption(tag=str(tag), reason=why, trained_before=bound, assumed_clean=assume_clean)
    return plan_of(state, *registered, adoption, verified(parts, find(foreseen, tag), plan) if plan else None)
