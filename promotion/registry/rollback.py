"""Bring back an earlier champion."""

from datetime import datetime

from promotion.data_files import StrPath
from promotion.errors import Refused, TornVersion, UnknownName
from promotion.registry import transition
from promotion.registry.parts import Parts
from promotion.registry.plan import Plan, plan_of, required
from promotion.registry.preflight import settled
from promotion.registry.rolled_back import lost
from promotion.registry.transition import rollback_target
from promotion.registry.verification import verified
from promotion.vocabulary import Tag


def plan_rollback(
    parts: Parts,
    model: str,
    *,
    reason: str,
    to: Tag | str | None = None,
    at: datetime | None = None,
    data: StrPath | None = None,
) -> Plan:
    """Bring back an earlier champion; see `Registry.rollback`."""
    why = required(reason)
    state = settled(parts, model)
    known = dict.fromkeys((*parts.models(), *parts.store.models())) if state.seq == 0 else (model,)
    if model not in known:
        raise UnknownName("model", model, known)
    entries = parts.ledger.entries(model)
    target = rollback_target(state, entries, to=Tag.parse(to) if to else None, at=at)
    plan = transition.plan_rollback(state, target, reason=why)
    tag = Tag.parse(plan.moves[0].tag)
    try:
        parts.stored(tag)
    except (Refused, TornVersion) as error:
        raise type(error)(lost(state, entries, parts.store, tag, str(error)), tag=tag) from error
    return plan_of(state, verified(parts, state.versions[plan.moves[0].tag], plan, data))
