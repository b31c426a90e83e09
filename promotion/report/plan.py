"""A manual change as a page, before it is applied: the champion, the decision, and the planned moves."""

from collections.abc import Sequence

from promotion.ledger.chain import Entry
from promotion.ledger.entries import Approval, TransitionPlanned
from promotion.ledger.state import State, VersionState
from promotion.number_format import minute
from promotion.policy import Decision
from promotion.registry.plan import Plan
from promotion.registry.rolled_back import rolled_back_sentence
from promotion.report.decision import judged_by
from promotion.report.page import Page, Table, Tone, Words, left, row
from promotion.report.record import content_sentence, moves_sentence


def plan_page(plan: Plan, tag: str, history: Sequence[Entry]) -> Page:
    """Show what a promotion, approval or rollback would do."""
    version = plan.state.versions.get(tag)
    new = plan.decision
    facts = {
        "champion": champion_sentence(plan.state, history),
        "last decision": decision_sentence(version),
        "decision now": f"{new.verdict}: {new.summary} {_rows_sentence(new)}" if new else "",
        "answers": votes_sentence(version),
        "rolled back": rolled_back_sentence(version, version.rolled_back) if version and version.rolled_back else "",
        "moves": moves_sentence(plan.transition.moves) if plan.transition else "none yet: more approvals are needed",
        "reason": _reason(plan),
    }
    rows = tuple(row(Words(name, Tone.QUIET), text) for name, text in facts.items() if text)
    return Page(headline=_headline(plan, tag), tables=(Table(columns=left("", ""), rows=rows),))


def recorded_page(plan: Plan, *summary: str) -> Page:
    """Show what a plan would record, an entry a row."""
    rows, before = [], ""
    for body in plan.bodies:
        before = content_sentence(body, plan.state.model, before)
        rows.append(row(before))
    nothing = () if rows else ("Nothing would be recorded.",)
    return Page(summary=(*summary, *nothing), tables=(Table(columns=left("would be recorded"), rows=tuple(rows)),))


def done_sentence(plan: TransitionPlanned) -> str:
    """Say what was done, e.g. `Rollback done: toy:weak is the champion (toy:weak archived → prod)`."""
    moved = f"({moves_sentence(plan.moves)})"
    if plan.champion is None or plan.champion not in {move.tag for move in plan.moves}:
        return f"{plan.cause.capitalize()} done {moved}."
    return f"{plan.cause.capitalize()} done: {plan.champion} is the champion {moved}."


def champion_sentence(state: State, history: Sequence[Entry]) -> str:
    """Say which version serves, since when, who put it there, and on what decision."""
    champion = state.champion
    if champion is None:
        return "none yet"
    by = f" by {history[champion.seq - 1].actor}"
    on = f"on decision {champion.decision[:12]}" if champion.decision else "by hand, without a decision"
    return f"{champion.tag} since {minute(champion.since)} UTC{by}, {on}"


def decision_sentence(version: VersionState | None) -> str:
    """Describe the last decision on a version: verdict, time, actor, the deciding number, and the holdout."""
    if version is None or version.decision is None:
        return "none: it has not been judged"
    decision = version.decision
    when = f" at {minute(version.decided_at)} UTC" if version.decided_at else ""
    return f"{decision.verdict}, requested by {version.decided_by}{when}: {decision.summary} {_rows_sentence(decision)}"


def votes_sentence(version: VersionState | None) -> str:
    """Say who answered a decision that waits, and how."""
    votes = version.votes if version else ()
    return "; ".join(f"{'approved' if vote.approved else 'denied'} by {vote.actor}: {vote.reason}" for vote in votes)


def _headline(plan: Plan, tag: str) -> str:
    transition = plan.transition
    if transition is None:
        return f"Answer to the decision on {tag}"
    return f"{transition.cause.capitalize()} of {tag}" if transition.cause != "rollback" else f"Rollback to {tag}"


def _rows_sentence(decision: Decision) -> str:
    judged = f", {judged_by(decision.holdout)}" if decision.holdout else ""
    return f"Decision {decision.id}{judged}."


def _reason(plan: Plan) -> str:
    answer = next((body.reason for body in plan.bodies if isinstance(body, Approval)), "")
    return plan.transition.reason if plan.transition else answer
