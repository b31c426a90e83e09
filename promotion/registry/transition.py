"""Plans of stage moves: what a promotion, rejection, rollback, adoption or repair would write. Pure."""

from collections.abc import Sequence
from datetime import datetime

from promotion.errors import Refused, UnknownName
from promotion.iso import in_utc
from promotion.ledger.chain import Entry
from promotion.ledger.entries import Move, TransitionPlanned
from promotion.ledger.state import State, VersionState, champion_at, champions
from promotion.number_format import minute
from promotion.policy import Decision
from promotion.policy.approval import ANYONE, Panel
from promotion.registry.consent import check_approved, consent_of, is_open
from promotion.registry.rolled_back import held_back, no_previous
from promotion.vocabulary import Stage, Tag, Verdict


def plan_verdict(state: State, tag: Tag, decision: Decision) -> TransitionPlanned | None:
    """The moves that follow a decision: to `prod`, to `rejected`, or none for one that is held.

    One that waits for people to approve it waits in `staging`, also where it was rejected or archived before. The
    champion itself, judged again, moves nowhere.
    """
    version = find(state, tag)
    if state.champion and state.champion.tag == version.tag:
        return None
    if decision.verdict is Verdict.PROMOTE and not decision.waits:
        return _to_prod(state, version, "promotion", decision.summary, decision.digest)
    if decision.waits and version.stage in {Stage.ARCHIVED, Stage.REJECTED}:
        moves = (Move(tag=version.tag, before=version.stage, after=Stage.STAGING),)
        return _plan(state, "reopening", moves, decision.summary, decision.digest)
    if decision.verdict is Verdict.REJECT and version.stage is not Stage.REJECTED:
        moves = (Move(tag=version.tag, before=version.stage, after=Stage.REJECTED),)
        return _plan(state, "rejection", moves, decision.summary, decision.digest)
    return None


def plan_promotion(
    state: State, tag: Tag, *, reason: str, override: bool, now: datetime, panel: Panel = ANYONE
) -> TransitionPlanned:
    """The moves of a promotion by hand.

    Raises:
        Refused: the version serves already; or it has no `promote` verdict against the present champion, or not the
            approvals that this verdict waits for, and the person did not override.
    """
    version = find(state, tag)
    if state.champion and state.champion.tag == version.tag:
        message = f"{tag} is the champion already, since {minute(state.champion.since)} UTC; nothing to do."
        raise Refused(message, tag=tag)
    if override:
        return _to_prod(state, version, "promotion", reason, None)
    if version.decision is None or held_back(version.decision):
        since = " since it was readmitted" if version.decision else ""
        message = (
            f"{tag} has not been judged{since}. Run `promotion gate {tag}`, or judge it here with --rejudge, or "
            "promote it against the rules with --override."
        )
        raise Refused(message, tag=tag)
    if version.decision.verdict is not Verdict.PROMOTE:
        message = (
            f"The last decision on {tag} is {version.decision.verdict}: {version.decision.summary} Judge it on fresh "
            f"rows with `promotion gate {tag} --data FILE`, or promote it against the rules with --override."
        )
        raise Refused(message, tag=tag)
    check_rival(state, version)
    if version.decision.waits:
        check_approved(version, panel, now)
    return _to_prod(state, version, "promotion", reason, version.decision.digest)


def plan_answer(state: State, tag: Tag, panel: Panel) -> TransitionPlanned | None:
    """What follows from the answers to a decision that waits: `prod` once enough approved, `rejected` by a denial."""
    version = find(state, tag)
    said, last = consent_of(version, panel), version.votes[-1]
    digest = version.decision.digest if version.decision else None
    if said.denied:
        moves = (Move(tag=version.tag, before=version.stage, after=Stage.REJECTED),)
        return _plan(state, "denial", moves, last.reason, digest)
    if not said.given:
        return None
    return _to_prod(state, version, "promotion", f"Approved by {' and '.join(said.approved)}: {last.reason}", digest)


def plan_rollback(state: State, to: str, *, reason: str) -> TransitionPlanned:
    """The moves that bring back an earlier champion.

    Raises:
        Refused: the version serves, or its files are gone.
    """
    version = state.versions[to]
    if state.champion and version.tag == state.champion.tag:
        message = (
            f"{version.tag} serves already, since {minute(state.champion.since)} UTC; there is nothing to roll back."
        )
        raise Refused(message, tag=version.tag)
    if version.deleted_at:
        message = f"The files of {version.tag} were deleted at {version.deleted_at}, so it cannot serve again."
        raise Refused(message, tag=version.tag)
    return _to_prod(state, version, "rollback", reason, None)


def rollback_target(
    state: State, entries: Sequence[Entry], *, to: Tag | None = None, at: datetime | None = None
) -> str:
    """Whom a rollback brings back: the version, who served at the moment, or the champion before this one.

    Raises:
        UnknownName: there is no such version.
        Refused: both are asked for; or the version never served; or nobody did at that moment, or before this one.
    """
    if to is not None and at is not None:
        message = "A rollback goes to a version or to a moment: give --to or --at, not both."
        raise Refused(message, model=state.model)
    if to is not None:
        return _served_once(state, entries, to)
    if at is None:
        if state.previous is None:
            raise Refused(no_previous(state, entries), model=state.model)
        return state.previous
    then = champion_at(state.model, entries, in_utc(at))
    if then is None:
        first = next((champion for _, champion in champions(state.model, entries) if champion), None)
        since = (
            f"the first champion, {first.tag}, began at {minute(first.since)} UTC"
            if first
            else "there is no champion yet"
        )
        message = f"Nobody served as '{state.model}' at {at.isoformat()}: {since}."
        raise Refused(message, model=state.model)
    return then.tag


def _served_once(state: State, entries: Sequence[Entry], to: Tag) -> str:
    if to.model != state.model:
        message = f"{to} is a version of '{to.model}', and '{state.model}' is to be rolled back."
        raise Refused(message, model=state.model, tag=to)
    version = find(state, to)
    if all(champion is None or champion.tag != version.tag for _, champion in champions(state.model, entries)):
        message = (
            f"{to} never served, so there is nothing to roll back to. `promotion promote {to}` promotes it, with "
            "--override also against the rules."
        )
        raise Refused(message, tag=to)
    return version.tag


def plan_adoption(state: State, tag: Tag, *, reason: str) -> TransitionPlanned:
    """The moves that make a version champion that serves already, by its label.

    Raises:
        Refused: another version is champion.
    """
    version = find(state, tag)
    if state.champion and state.champion.tag != version.tag:
        message = (
            f"{state.champion.tag} is the champion of '{state.model}' by the ledger, so {tag} cannot be adopted. "
            f"Judge it with `promotion gate {tag}`, or promote it with --override."
        )
        raise Refused(message, tag=tag)
    return _to_prod(state, version, "adoption", reason, None)


def find(state: State, tag: Tag) -> VersionState:
    """The version as the ledger knows it.

    Raises:
        UnknownName: it is not registered.
    """
    if str(tag) not in state.versions:
        hint = f"`promotion history {tag.model}` tells of each."
        raise UnknownName("registered version", str(tag), state.versions, hint=hint)
    return state.versions[str(tag)]


def stands(version: VersionState, digest: str) -> bool:
    """Whether a version's last decision is this one; one that waits is not, since asking again begins its time anew."""
    return version.decision is not None and not version.decision.waits and version.decision.digest == digest


def standing(state: State, tag: Tag) -> Decision | None:
    """The decision on a version that needs no second look: it serves by it, or waits for people's answers to it."""
    version = state.versions.get(str(tag))
    if version is None or version.decision is None:
        return None
    if state.champion and state.champion.tag == version.tag:
        return version.decision if state.champion.decision == version.decision.digest else None
    return version.decision if is_open(version) and judged_against(version) == _serving(state) else None


def _to_prod(state: State, version: VersionState, cause: str, reason: str, decision: str | None) -> TransitionPlanned:
    """The new champion's move first, so that a plain reader of labels never finds none in `prod`."""
    up = Move(tag=version.tag, before=version.stage, after=Stage.PROD)
    down = tuple(
        Move(tag=other.tag, before=other.stage, after=Stage.ARCHIVED)
        for other in state.versions.values()
        if other.stage is Stage.PROD and other.tag != version.tag
    )
    return TransitionPlanned(cause=cause, moves=(up, *down), champion=version.tag, reason=reason, decision=decision)


def _plan(state: State, cause: str, moves: tuple[Move, ...], reason: str, decision: str | None) -> TransitionPlanned:
    champion = state.champion.tag if state.champion else None
    return TransitionPlanned(cause=cause, moves=moves, champion=champion, reason=reason, decision=decision)


def check_rival(state: State, version: VersionState) -> None:
    """See that the decision on a version was made against who serves now.

    Raises:
        Refused: it was not.
    """
    rival = judged_against(version)
    if rival != _serving(state):
        message = (
            f"{version.tag} was judged against {rival or 'no champion'}, which no longer serves. `promotion gate "
            f"{version.tag}` (or `promotion promote {version.tag} --rejudge`) judges it against the present champion."
        )
        raise Refused(message, tag=version.tag)


def judged_against(version: VersionState) -> str | None:
    """Tag of the champion that the last decision on a version compared it with; None where there was none."""
    return version.decision.champion.tag if version.decision and version.decision.champion else None


def _serving(state: State) -> str | None:
    """The champion; before the first promotion the one version in `prod`, if any."""
    if state.champion:
        return state.champion.tag
    labelled = [version.tag for version in state.versions.values() if version.stage is Stage.PROD]
    return labelled[0] if len(labelled) == 1 else None
