"""Plan stage moves for a verdict, promotion, rollback, adoption or approval. Pure functions."""

from datetime import datetime

from promotion.errors import Refused, UnknownName
from promotion.ledger.entries import Move, TransitionPlanned
from promotion.ledger.state import State, VersionState
from promotion.number_format import minute
from promotion.policy import Decision
from promotion.policy.approval import ANYONE, Panel
from promotion.registry.consent import check_approved, consent_of, is_open
from promotion.registry.rolled_back import held_back
from promotion.vocabulary import Stage, Tag, Verdict


def verdict_moves(state: State, tag: Tag, decision: Decision) -> TransitionPlanned | None:
    """Return the moves that follow a decision: to `prod`, to `rejected`, or none for `hold`.

    A version whose decision waits for approval moves to `staging`, even if it was rejected or archived before. The
    champion itself, when judged again, does not move.
    """
    version = find(state, tag)
    if state.champion and state.champion.tag == version.tag:
        return None
    if decision.verdict is Verdict.PROMOTE and not decision.waits:
        return to_prod(state, version, "promotion", decision.summary, decision.digest)
    if decision.waits and version.stage in {Stage.ARCHIVED, Stage.REJECTED}:
        moves = (Move(tag=version.tag, before=version.stage, after=Stage.STAGING),)
        return _plan(state, "reopening", moves, decision.summary, decision.digest)
    if decision.verdict is Verdict.REJECT and version.stage is not Stage.REJECTED:
        moves = (Move(tag=version.tag, before=version.stage, after=Stage.REJECTED),)
        return _plan(state, "rejection", moves, decision.summary, decision.digest)
    return None


def promotion_moves(
    state: State, tag: Tag, *, reason: str, override: bool, now: datetime, panel: Panel = ANYONE
) -> TransitionPlanned:
    """Return the moves of a manual promotion.

    Raises:
        Refused: the version already serves; or, without an override, it has no `promote` verdict
            against the present champion, or lacks the approvals that this verdict needs.
    """
    version = find(state, tag)
    if state.champion and state.champion.tag == version.tag:
        message = (
            f"{tag} is already the champion (since {minute(state.champion.since)} UTC), so there is nothing to do."
        )
        raise Refused(message, tag=tag)
    if override:
        return to_prod(state, version, "promotion", reason, None)
    if version.decision is None or held_back(version.decision):
        since = " since it was readmitted" if version.decision else ""
        message = (
            f"{tag} has not been judged{since}. Run `promotion gate {tag}`, or judge it here with --rejudge, or "
            "promote it against the rules with --override."
        )
        raise Refused(message, tag=tag)
    if version.decision.verdict is not Verdict.PROMOTE:
        message = (
            f"The last decision on {tag} is {version.decision.verdict}: {version.decision.summary} Judge it on new "
            f"rows with `promotion gate {tag} --data FILE`, or promote it against the rules with --override."
        )
        raise Refused(message, tag=tag)
    check_rival(state, version)
    if version.decision.waits:
        check_approved(version, panel, now)
    return to_prod(state, version, "promotion", reason, version.decision.digest)


def answer_moves(state: State, tag: Tag, panel: Panel) -> TransitionPlanned | None:
    """Return the moves that follow from the answers to a decision: `prod` once approved, `rejected` if denied."""
    version = find(state, tag)
    said, last = consent_of(version, panel), version.votes[-1]
    digest = version.decision.digest if version.decision else None
    if said.denied:
        moves = (Move(tag=version.tag, before=version.stage, after=Stage.REJECTED),)
        return _plan(state, "denial", moves, last.reason, digest)
    if not said.given:
        return None
    return to_prod(state, version, "promotion", f"Approved by {' and '.join(said.approved)}: {last.reason}", digest)


def adoption_moves(state: State, tag: Tag, *, reason: str) -> TransitionPlanned:
    """Return the moves that make a version champion that already serves according to its label."""
    version = find(state, tag)
    if state.champion and state.champion.tag != version.tag:
        message = (
            f"{state.champion.tag} is the champion of '{state.model}' in the ledger, so {tag} cannot be adopted. "
            f"Judge it with `promotion gate {tag}`, or promote it with --override."
        )
        raise Refused(message, tag=tag)
    return to_prod(state, version, "adoption", reason, None)


def find(state: State, tag: Tag) -> VersionState:
    """Return the version as the ledger records it."""
    if str(tag) not in state.versions:
        hint = f"Run `promotion history {tag.model}` to see every version."
        raise UnknownName("registered version", str(tag), state.versions, hint=hint)
    return state.versions[str(tag)]


def stands(version: VersionState, decision: Decision) -> bool:
    """Whether this is the version's last decision, in these or other words, and it does not wait for approval.

    Judging a waiting version again restarts its deadline.
    """
    last = version.decision
    return last is not None and not last.waits and last.unworded.digest == decision.unworded.digest


def standing_decision(state: State, tag: Tag) -> Decision | None:
    """Return the decision on a version that needs no new judgement: the version serves by it, or it awaits approval."""
    version = state.versions.get(str(tag))
    if version is None or version.decision is None:
        return None
    if state.champion and state.champion.tag == version.tag:
        return version.decision if state.champion.decision == version.decision.digest else None
    return version.decision if is_open(version) and judged_against(version) == _serving(state) else None


def to_prod(state: State, version: VersionState, cause: str, reason: str, decision: str | None) -> TransitionPlanned:
    """Plan the move to `prod`, the new champion first, so that a reader of labels always finds a version in `prod`."""
    up = Move(tag=version.tag, before=version.stage, after=Stage.PROD)
    down = tuple(
        Move(tag=other, before=Stage.PROD, after=Stage.ARCHIVED)
        for other in state.in_stage(Stage.PROD)
        if other != version.tag
    )
    return TransitionPlanned(cause=cause, moves=(up, *down), champion=version.tag, reason=reason, decision=decision)


def _plan(state: State, cause: str, moves: tuple[Move, ...], reason: str, decision: str | None) -> TransitionPlanned:
    champion = state.champion.tag if state.champion else None
    return TransitionPlanned(cause=cause, moves=moves, champion=champion, reason=reason, decision=decision)


def check_rival(state: State, version: VersionState) -> None:
    """Check that the decision on a version was made against the present champion."""
    rival = judged_against(version)
    if rival != _serving(state):
        past = f"against {rival}, which no longer serves" if rival else f"before '{state.model}' had a champion"
        message = (
            f"{version.tag} was judged {past}. To judge it against the present champion, run `promotion gate "
            f"{version.tag}` (or `promotion promote {version.tag} --rejudge`)."
        )
        raise Refused(message, tag=version.tag)


def judged_against(version: VersionState) -> str | None:
    """Return the tag of the champion that the last decision compared a version with; None if there was none."""
    return version.decision.champion.tag if version.decision and version.decision.champion else None


def _serving(state: State) -> str | None:
    """Return the champion; before the first promotion, the one version in `prod`, if any."""
    if state.champion:
        return state.champion.tag
    labelled = state.in_stage(Stage.PROD)
    return labelled[0] if len(labelled) == 1 else None
