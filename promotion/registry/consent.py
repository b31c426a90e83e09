"""Approvals of a standing decision: the answers so far, who may answer next, and the deadline. Pure functions."""

from datetime import UTC, datetime

from promotion.errors import Refused
from promotion.ledger.state import State, VersionState
from promotion.number_format import minute
from promotion.policy.approval import Consent, Panel, consent
from promotion.vocabulary import Stage


def consent_of(version: VersionState, panel: Panel) -> Consent:
    """Return the answers to the decision on a version. Whoever trained or gated it cannot approve it alone."""
    concerned = {version.registered_by, version.decided_by} - {None}
    return consent(panel, {vote.actor: vote.approved for vote in version.votes}, {str(one) for one in concerned})


def is_open(version: VersionState) -> bool:
    """Whether the last decision on a version still waits for answers: not denied, and no stage change since."""
    denied = any(not vote.approved for vote in version.votes)
    return version.decision is not None and version.decision.waits and version.stage is Stage.STAGING and not denied


def deadline(version: VersionState, panel: Panel) -> datetime | None:
    """Return the approval deadline of the decision on a version; None if there is no decision or no deadline."""
    if version.decided_at is None:
        return None
    try:
        return datetime.fromisoformat(version.decided_at).astimezone(UTC) + panel.time
    except OverflowError:  # a wrong clock can write the year 9999
        return None


def overdue(version: VersionState, panel: Panel, now: datetime) -> bool:
    """Whether the approval deadline has passed without enough approvals.

    Uses the clocks of the machine that decided and of the machine that asks. A decision dated in the future is not
    overdue.
    """
    until = deadline(version, panel)
    return until is not None and until < now.astimezone(UTC) and not consent_of(version, panel).given


def until_told(version: VersionState, panel: Panel) -> str:
    """Return `until 2026-11-29 12:00 UTC`; empty if there is no deadline."""
    until = deadline(version, panel)
    return f"until {minute(until.isoformat())} UTC" if until else ""


def expiry_reason(version: VersionState, panel: Panel) -> str:
    """Return the recorded reason for denying a decision whose deadline has passed."""
    said = consent_of(version, panel)
    if not said.approved:
        return f"Nobody answered within {panel.within}."
    missing = "1 approval was" if said.missing == 1 else f"{said.missing} approvals were"
    return f"{missing} still missing after {panel.within}."


def check_approved(version: VersionState, panel: Panel, now: datetime) -> None:
    """Check that a decision that waits for approval has enough approvals.

    Raises:
        Refused: it does not, or it was denied; the message says who can approve it, and until when.
    """
    said = consent_of(version, panel)
    if said.denied:
        raise Refused(
            f"{_denial(version)} `promotion gate {version.tag}` judges it again, with --override it is promoted.",
            tag=version.tag,
        )
    if overdue(version, panel, now):
        raise Refused(f"{_over(version, panel)} With --override it is promoted without.", tag=version.tag)
    if not said.given:
        message = (
            f"{version.tag} passed and waits for approval: {said.wanting} (`promotion approve {version.tag} --reason …`"
            f"{_comma(until_told(version, panel))}). With --override it is promoted without."
        )
        raise Refused(message, tag=version.tag)


def check_answer(
    state: State, version: VersionState, panel: Panel, actor: str, *, approved: bool, now: datetime
) -> None:
    """Check that this person can answer the decision on a version. Anyone can deny one whose deadline has passed.

    Raises:
        Refused: no decision waits for an answer; or this person may not answer, has already answered, or is too late.
    """
    _check_waits(state, version)
    late = overdue(version, panel, now)
    if not panel.takes(actor) and (approved or not late):
        message = f"You are {actor}, and the approvers of '{state.model}' are {', '.join(panel.approvers)}."
        raise Refused(message, tag=version.tag)
    said = consent_of(version, panel)
    if said.denied:
        raise Refused(f"{_denial(version)} `promotion gate {version.tag}` judges it again.", tag=version.tag)
    if approved and late:
        raise Refused(_over(version, panel), tag=version.tag)
    if approved and said.given:
        names = " and ".join(said.approved)
        raise Refused(
            f"{version.tag} has its approvals already, by {names}: `promotion promote {version.tag}`.", tag=version.tag
        )
    if approved and actor in said.approved:
        raise Refused(f"You are {actor} and have approved {version.tag} already; {said.wanting}.", tag=version.tag)


def _check_waits(state: State, version: VersionState) -> None:
    if state.champion and state.champion.tag == version.tag:
        raise Refused(
            f"{version.tag} serves already, since {state.champion.since}; nothing waits for an answer.", tag=version.tag
        )
    if version.decision is None:
        raise Refused(
            f"{version.tag} has not been judged, so nothing waits for an answer. Run `promotion gate {version.tag}`.",
            tag=version.tag,
        )
    if not version.decision.waits:
        message = f"The last decision on {version.tag}, {version.decision.verdict}, does not need approval."
        raise Refused(message, tag=version.tag)


def _denial(version: VersionState) -> str:
    vote = next(vote for vote in version.votes if not vote.approved)
    return f"{version.tag} was denied by {vote.actor} at {vote.at}: {vote.reason.rstrip('.')}."


def _over(version: VersionState, panel: Panel) -> str:
    return (
        f"{version.tag} passed and could be approved {until_told(version, panel)}, {panel.within} after the decision; "
        f"{consent_of(version, panel).wanting}. `promotion gate {version.tag}` judges it again."
    )


def _comma(text: str) -> str:
    return f", {text}" if text else ""
