"""Approve or deny a decision that waits for approval."""

from promotion.ledger.entries import Approval
from promotion.registry import moves
from promotion.registry.champion import require_recorded
from promotion.registry.consent import check_answer
from promotion.registry.moves import check_rival, find
from promotion.registry.parts import Parts
from promotion.registry.plan import Plan, plan_of, required
from promotion.registry.preflight import fresh_start, settled
from promotion.registry.rolled_back import blocking, check_readmitted
from promotion.registry.verification import verified
from promotion.vocabulary import Tag


def plan_approval(parts: Parts, tag: Tag | str, *, reason: str, approved: bool) -> Plan:
    """Plan the answer to a decision that waits for approval; see `Registry.approve` and `Registry.deny`."""
    tag = Tag.parse(tag)
    why = required(reason)
    parts.stored(tag)
    state = settled(parts, tag.model)
    require_recorded(parts, state)
    if approved:
        fresh_start(parts, state)
    version, panel = find(state, tag), parts.panel(tag.model)
    if approved:
        check_readmitted(tag, blocking(state, parts.store, tag))
    check_answer(state, version, panel, parts.writer.actor, approved=approved, now=parts.clock())
    check_rival(state, version)
    assert version.decision is not None  # noqa: S101 - seen to above
    answer = Approval(tag=str(tag), decision=version.decision.digest, approved=approved, reason=why)
    plan = moves.answer_moves(parts.writer.foreseen(state, (answer,)), tag, panel)
    return plan_of(state, answer, verified(parts, version, plan) if plan and approved else plan)
