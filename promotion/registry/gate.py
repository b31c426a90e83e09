"""The gate: judge a version against the champion, and plan the stage moves that follow."""

from dataclasses import replace

from promotion.data_sources import Where
from promotion.errors import Refused
from promotion.interfaces import Step, call
from promotion.progress import in_phases
from promotion.registry.judge import PHASES, judge, withhold
from promotion.registry.moves import find, stands, verdict_moves
from promotion.registry.parts import Parts
from promotion.registry.plan import Plan, plan_of
from promotion.registry.preflight import foresee, fresh_start, labelled_champion, settled
from promotion.registry.register import candidate_of, registrations
from promotion.registry.rolled_back import blocking, rollback_check
from promotion.registry.serving import adoption_hint
from promotion.registry.verification import note_scored
from promotion.vocabulary import Outcome, Tag


def plan_gate(
    parts: Parts,
    tag: Tag | str,
    *,
    data: Where | None = None,
    holdout: Where | None = None,
    step: Step = call,
    start_anew: str | None = None,
) -> Plan:
    """Judge a version against the champion, and plan the moves that follow; see `Registry.gate`.

    If the same decision already stands and no move follows from it, the plan records nothing. The gate holds a
    rolled-back version before reading any row, so it uses no holdout budget.
    """
    tag = Tag.parse(tag)
    parts.stored(tag)
    parts.config.model(tag.model)
    state = settled(parts, tag.model)
    if parts.changing:
        parts.ledger.make()  # a ledger that cannot be written is reported before a long judgement
    if not blocking(state, parts.store, tag):
        foresee(parts, state, tag, data, holdout)
    begun = fresh_start(parts, state, start_anew)
    rival = labelled_champion(parts, state)
    if rival == tag:
        message = f"{tag} is already the champion. To judge a challenger against it, run `promotion gate TAG`."
        raise Refused(message + adoption_hint(state, tag), tag=tag)
    registered = registrations(parts, state, *filter(None, (tag, rival)))
    foreseen = parts.writer.foreseen(state, registered)
    back = blocking(foreseen, parts.store, tag)
    if back:
        versions = find(foreseen, tag), find(foreseen, rival) if rival else None
        judgement = withhold(*versions, parts.config.model(tag.model).policy, rollback_check(tag, back))
    else:
        judgement = judge(
            candidate_of(parts, "challenger", foreseen, tag),
            candidate_of(parts, "champion", foreseen, rival) if rival else None,
            parts.reader.judging(tag.model, find(foreseen, tag).registration, data, holdout),
            parts.config.model(tag.model).policy,
            parts.store,
            in_phases(step, parts.progress, PHASES),
            earlier=state.trials,
        )
        checks = judgement.decision.checks
        if judgement.decision.evidence and all(check.outcome is not Outcome.MISSING for check in checks):
            note_scored(parts, *(find(foreseen, one) for one in (tag, rival) if one))
    plan = verdict_moves(foreseen, tag, judgement.decision)
    version = find(foreseen, tag)
    if plan is None and stands(version, judgement.decision):
        return replace(plan_of(state, *begun), standing=version.decision)
    return plan_of(state, *begun, *registered, judgement, plan)
