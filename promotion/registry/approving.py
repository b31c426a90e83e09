"""What people have answered to the decision that stands on a version, who may answer next, and until when. Pure."""

from datetime import UTC, datetime

from promotion.errors import Refused
from promotion.ledger.state import Known, State
from promotion.number_format import minute
from promotion.policy.approval import Consent, Panel, consent
from promotion.vocabulary import Stage


def consent_of(known: Known, panel: Panel) -> Consent:
    """What has been said to the decision on a version; who trained it or had it judged is not enough."""
    concerned = {known.registered_by, known.decided_by} - {None}
    return consent(panel, {vote.actor: vote.approved for vote in known.votes}, {str(one) for one in concerned})


def is_open(known: Known) -> bool:
    """Whether the last decision on a version waits for answers still: nobody denied it, and nothing has moved since."""
    denied = any(not vote.approved for vote in known.votes)
    return known.decision is not None and known.decision.waits and known.stage is Stage.STAGING and not denied


def deadline(known: Known, panel: Panel) -> datetime | None:
    """Until when the decision on a version can be approved; None where there is none, or never comes."""
    if known.decided_at is None:
        return None
    try:
        return datetime.fromisoformat(known.decided_at).astimezone(UTC) + panel.time
    except OverflowError:  # a clock that lies can write the year 9999
        return None


def overdue(known: Known, panel: Panel, now: datetime) -> bool:
    """Whether the time to approve the decision is over, and there are not enough approvals.

    By the clocks of who decided and who asks: a decision dated in the future is not overdue.
    """
    until = deadline(known, panel)
    return until is not None and until < now.astimezone(UTC) and not consent_of(known, panel).given


def until_told(known: Known, panel: Panel) -> str:
    """`until 2026-11-29 12:00 UTC`; empty where that never comes."""
    until = deadline(known, panel)
    return f"until {minute(until.isoformat())} UTC" if until else ""


def unanswered(known: Known, panel: Panel) -> str:
    """Why a decision whose time is over is denied, for the record."""
    said = consent_of(known, panel)
    if not said.approved:
        return f"Nobody answered within {panel.within}."
    missing = "1 approval was" if said.missing == 1 else f"{said.missing} approvals were"
    return f"{missing} still missing after {panel.within}."


def check_approved(known: Known, panel: Panel, now: datetime) -> None:
    """See that a decision that waits has its approvals.

    Raises:
        Refused: it has not, or was denied; says by whom they can be given, and until when.
    """
    said = consent_of(known, panel)
    if said.denied:
        raise Refused(
            f"{_denial(known)} `promotion gate {known.tag}` judges it again, with --override it is promoted.",
            tag=known.tag,
        )
    if overdue(known, panel, now):
        raise Refused(f"{_over(known, panel)} With --override it is promoted without.", tag=known.tag)
    if not said.given:
        message = (
            f"{known.tag} passed and waits for approval: {said.wanting} (`promotion approve {known.tag} --reason …`"
            f"{_comma(until_told(known, panel))}). With --override it is promoted without."
        )
        raise Refused(message, tag=known.tag)


def check_answer(state: State, known: Known, panel: Panel, actor: str, *, approved: bool, now: datetime) -> None:
    """See that this person can answer the decision on a version; one whose time is over can be denied by anyone.

    Raises:
        Refused: nothing waits for an answer; or it is not this person's to give, was given already, or comes too late.
    """
    _check_waits(state, known)
    late = overdue(known, panel, now)
    if not panel.takes(actor) and (approved or not late):
        message = f"You are {actor}, and the approvers of '{state.model}' are {', '.join(panel.approvers)}."
        raise Refused(message, tag=known.tag)
    said = consent_of(known, panel)
    if said.denied:
        raise Refused(
            f"{_denial(known)} `promotion gate {known.tag}` judges it again, which begins anew.", tag=known.tag
        )
    if approved and late:
        raise Refused(_over(known, panel), tag=known.tag)
    if approved and said.given:
        names = " and ".join(said.approved)
        raise Refused(
            f"{known.tag} has its approvals already, by {names}: `promotion promote {known.tag}`.", tag=known.tag
        )
    if approved and actor in said.approved:
        raise Refused(f"You are {actor} and have approved {known.tag} already; {said.wanting}.", tag=known.tag)


def _check_waits(state: State, known: Known) -> None:
    if state.champion and state.champion.tag == known.tag:
        raise Refused(
            f"{known.tag} serves already, since {state.champion.since}; nothing waits for an answer.", tag=known.tag
        )
    if known.decision is None:
        message = f"{known.tag} has not been judged, so nothing waits for an answer. Run `promotion gate {known.tag}`."
        raise Refused(message, tag=known.tag)
    if not known.decision.waits:
        message = f"The last decision on {known.tag}, {known.decision.verdict}, waits for nobody's answer."
        raise Refused(message, tag=known.tag)


def _denial(known: Known) -> str:
    vote = next(vote for vote in known.votes if not vote.approved)
    return f"{known.tag} was denied by {vote.actor} at {vote.at}: {vote.reason.rstrip('.')}."


def _over(known: Known, panel: Panel) -> str:
    return (
        f"{known.tag} passed and could be approved {until_told(known, panel)}, {panel.within} after the decision; "
        f"{consent_of(known, panel).wanting}. `promotion gate {known.tag}` judges it again, which begins anew."
    )


def _comma(text: str) -> str:
    return f", {text}" if text else ""
