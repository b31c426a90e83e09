"""Promote a version by hand, with a standing decision or as an override."""

from dataclasses import replace

from promotion.errors import Refused
from promotion.ledger.entries import Override, TransitionPlanned
from promotion.ledger.state import VersionState
from promotion.registry import moves
from promotion.registry.champion import require_recorded
from promotion.registry.gate import plan_gate
from promotion.registry.moves import find
from promotion.registry.parts import Parts
from promotion.registry.plan import Plan, plan_of, required
from promotion.registry.preflight import fresh_start, settled
from promotion.registry.register import registrations
from promotion.registry.rolled_back import blocking, check_readmitted
from promotion.registry.serving import labelled_prod
from promotion.registry.verification import changed, verified
from promotion.vocabulary import Tag


def plan_promotion(
    parts: Parts,
    tag: Tag | str,
    *,
    reason: str,
    override: bool = False,
    rejudge: bool = False,
    start_anew: bool = False,
) -> Plan:
    """Plan a manual promotion, with a new judgement if requested or due; see `Registry.promote`."""
    tag = Tag.parse(tag)
    if override and rejudge:
        message = "--override promotes without a decision, and --rejudge makes a new one. Use only one of them."
        raise Refused(message, tag=tag)
    why = required(reason)
    anew = why if start_anew else None
    if rejudge:
        return _judged_again(parts, tag, why, anew)
    parts.stored(tag)
    state = settled(parts, tag.model)
    if not override:
        require_recorded(parts, state)
    begun = fresh_start(parts, state, anew)
    registered = registrations(parts, state, tag, *labelled_prod(parts.store, tag.model))
    foreseen = parts.writer.foreseen(state, registered)
    version = find(foreseen, tag)
    if not override:
        check_readmitted(tag, blocking(foreseen, parts.store, tag))
    now, panel = parts.clock(), parts.panel(tag.model)
    plan = moves.promotion_moves(foreseen, tag, reason=why, override=override, panel=panel, now=now)
    if not override and _outdated(parts, version):
        return _judged_again(parts, tag, why, anew if begun else None)
    verdict = version.decision.verdict.value if version.decision else None
    overriding = Override(tag=str(tag), reason=why, verdict=verdict) if override else None
    return plan_of(state, *begun, *registered, overriding, verified(parts, version, plan))


def promoted(tag: Tag, done: Plan) -> TransitionPlanned:
    """Return the transition of an applied promotion; raises `Refused` if it did not put the version into `prod`."""
    if not done.promotes:
        verdict = "it waits for approval" if done.decided.waits else done.decided.verdict
        raise Refused(f"{tag} was judged again and not promoted: {verdict}. {done.decided.summary}", tag=tag)
    return done.moved


def _judged_again(parts: Parts, tag: Tag, reason: str, start_anew: str | None) -> Plan:
    """Judge the version with the gate. A promotion that follows records the person's reason."""
    judged = plan_gate(parts, tag, start_anew=start_anew)
    bodies = (
        replace(body, reason=reason) if isinstance(body, TransitionPlanned) and judged.promotes else body
        for body in judged.bodies
    )
    return replace(judged, bodies=tuple(bodies))


def _outdated(parts: Parts, version: VersionState) -> bool:
    """Whether the file that judged a version has changed since. An unreadable file does not invalidate the decision."""
    used = version.decision.holdout if version.decision else None
    differs = changed(used, parts.config.root) if used else False
    if used is None or differs is False:
        return False
    if differs is None:
        parts.notice(
            f"{used.data}, on whose rows the gate judged {version.tag}, cannot be read, so it is unknown whether the "
            "file has changed since then. The decision stands."
        )
        return False
    chosen = parts.reader.chosen(Tag.parse(version.tag).model, version.registration)
    if chosen != used.data:
        message = (
            f"{used.data}, on whose rows the gate judged {version.tag}, has changed since then. To judge it again, "
            f"run `promotion gate {version.tag} --data {used.data}` (or --holdout). To judge it on "
            f"{chosen}, use --rejudge."
        )
        raise Refused(message, tag=version.tag)
    parts.notice(
        f"{used.data}, on whose rows the gate judged {version.tag}, has changed since then, so the gate judges "
        "the version again."
    )
    return True
