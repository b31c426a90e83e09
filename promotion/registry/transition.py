"""Plans of stage moves: what a promotion, rejection, rollback, adoption or repair would write. Pure."""

from promotion.errors import Refused, UnknownName
from promotion.judgement import Decision
from promotion.registry.entries import Move, TransitionPlanned
from promotion.registry.state import Known, State
from promotion.vocabulary import Stage, Tag, Verdict


def plan_verdict(state: State, tag: Tag, decision: Decision) -> TransitionPlanned | None:
    """The moves that follow a decision: to `prod`, to `rejected`, or none for one that is held or waits for a person.

    The champion itself, judged again, moves nowhere.
    """
    known = find(state, tag)
    if state.champion and state.champion.tag == known.tag:
        return None
    if decision.verdict is Verdict.PROMOTE and not decision.waits:
        return _to_prod(state, known, "promotion", decision.summary, decision.digest)
    if decision.verdict is Verdict.REJECT and known.stage is not Stage.REJECTED:
        moves = (Move(tag=known.tag, before=known.stage, after=Stage.REJECTED),)
        return _plan(state, "rejection", moves, decision.summary, decision.digest)
    return None


def plan_promotion(state: State, tag: Tag, *, reason: str, override: bool) -> TransitionPlanned:
    """The moves of a promotion by hand.

    Raises:
        Refused: the version serves already; or it has no `promote` verdict against the present champion and the
            person did not override.
    """
    known = find(state, tag)
    if state.champion and state.champion.tag == known.tag:
        message = f"{tag} is the champion already, since {state.champion.since}; nothing to do."
        raise Refused(message)
    if override:
        return _to_prod(state, known, "promotion", reason, None)
    if known.decision is None:
        message = (
            f"{tag} has not been judged. Run `promotion gate {tag}`, or promote it against the rules with --override."
        )
        raise Refused(message)
    if known.decision.verdict is not Verdict.PROMOTE:
        message = (
            f"The last decision on {tag} is {known.decision.verdict}: {known.decision.summary} Judge it on fresh rows "
            f"with `promotion gate {tag} --data FILE`, or promote it against the rules with --override."
        )
        raise Refused(message)
    if _rival(known.decision) != (state.champion.tag if state.champion else None):
        message = (
            f"{tag} was judged against {_rival(known.decision) or 'no champion'}, which no longer serves. "
            f"Run `promotion gate {tag}` to judge it against the present champion."
        )
        raise Refused(message)
    return _to_prod(state, known, "promotion", reason, known.decision.digest)


def plan_rollback(state: State, *, reason: str) -> TransitionPlanned:
    """The moves that bring back the champion before this one.

    Raises:
        Refused: there was none.
    """
    if state.champion is None or state.previous is None:
        serving = f"{state.champion.tag} is the first champion" if state.champion else "There is no champion"
        message = f"{serving} of '{state.model}', so there is nothing to roll back to."
        raise Refused(message)
    return _to_prod(state, state.versions[state.previous], "rollback", reason, None)


def plan_adoption(state: State, tag: Tag, *, reason: str) -> TransitionPlanned:
    """The moves that make a version champion that serves already, by its label.

    Raises:
        Refused: another version is champion.
    """
    known = find(state, tag)
    if state.champion and state.champion.tag != known.tag:
        message = (
            f"{state.champion.tag} is the champion of '{state.model}' by the ledger, so {tag} cannot be adopted. "
            f"Judge it with `promotion gate {tag}`, or promote it with --override."
        )
        raise Refused(message)
    return _to_prod(state, known, "adoption", reason, None)


def find(state: State, tag: Tag) -> Known:
    """The version as the ledger knows it.

    Raises:
        UnknownName: it is not registered.
    """
    if str(tag) not in state.versions:
        raise UnknownName("version", str(tag), state.versions, hint=f"`promotion status {tag.model}` lists them.")
    return state.versions[str(tag)]


def _to_prod(state: State, known: Known, cause: str, reason: str, decision: str | None) -> TransitionPlanned:
    """The new champion's move first, so that a plain reader of labels never finds none in `prod`."""
    up = Move(tag=known.tag, before=known.stage, after=Stage.PROD)
    down = tuple(
        Move(tag=other.tag, before=other.stage, after=Stage.ARCHIVED)
        for other in state.versions.values()
        if other.stage is Stage.PROD and other.tag != known.tag
    )
    return TransitionPlanned(cause=cause, moves=(up, *down), champion=known.tag, reason=reason, decision=decision)


def _plan(state: State, cause: str, moves: tuple[Move, ...], reason: str, decision: str | None) -> TransitionPlanned:
    champion = state.champion.tag if state.champion else None
    return TransitionPlanned(cause=cause, moves=moves, champion=champion, reason=reason, decision=decision)


def _rival(decision: Decision) -> str | None:
    return decision.champion.tag if decision.champion else None
