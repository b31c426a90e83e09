"""Approvals of a standing decision: the answers so far, who may answer next, and the deadline. Pure functions."""

from datetime import UTC, datetime

from promotion.errors import Refused
from promotion.ledger.state import State, VersionState
from promotion.number_format import minute
from promotion.policy.approval import Consent, Panel, consent
from promotion.vocabulary import Stage

_OVERRIDE = "To promote it without approval, use --override."


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


def until_sentence(version: VersionState, panel: Panel) -> str:
    """Return `until 2026-11-29 12:00 UTC`; empty if there is no deadline."""
    until = deadline(version, panel)
    return f"until {minute(until.isoformat())} UTC" if until else ""


def approvals_sentence(version: VersionState, panel: Panel, now: datetime) -> str:
    """Say what a version that passed still waits for, for `status`; empty if nothing."""
    if version.decision is None or not version.decision.waits:
        return ""
    said = consent_of(version, panel)
    so_far = f"approved by {' and '.join(said.approved)}" if said.approved else "nobody has approved it yet"
    if said.given:
        return f"{version.tag} passed and is {so_far}: `promotion promote {version.tag} --reason …`."
    until = until_sentence(version, panel)
    if overdue(version, panel, now):
        return (
            f"{version.tag} passed and could be approved {until} ({so_far}; {said.wanting}): `promotion gate "
            f"{version.tag}` judges it again, `promotion deny {version.tag} --reason …` ends it."
        )
    return (
        f"{version.tag} passed and waits for approval ({so_far}; {said.wanting}): `promotion approve {version.tag} "
        f"--reason …`{f', {until}' if until else ''}."
    )


def expiry_reason(version: VersionState, panel: Panel) -> str:
    """Return the recorded reason for denying a decision whose deadline has passed."""
    said = consent_of(version, panel)
    if not said.approved:
        return f"Nobody answered within {panel.within}."
    missing = "1 approval was" if said.missing == 1 else f"{said.missing} approvals were"
    return f"{missing} still missing after {panel.within}."


def check_approved(version: VersionState, panel: Panel, now: datetime) -> None:
    """Check that a decision that waits for approval has enough approvals."""
    said = consent_of(version, panel)
    if said.denied:
        raise Refused(
            f"{_denial(version)} Run `promotion gate {version.tag}` to judge it again, or promote it with --override.",
            tag=version.tag,
        )
    if overdue(version, panel, now):
        raise Refused(f"{_over(version, panel)} {_OVERRIDE}", tag=version.tag)
    if not said.given:
        until = _after_space(until_sentence(version, panel))
        message = (
            f"{version.tag} passed and waits for approval{until}: {said.wanting}. "
            f"Run `promotion approve {version.tag} --reason …`. {_OVERRIDE}"
        )
        raise Refused(message, tag=version.tag)


def check_answer(
    state: State, version: VersionState, panel: Panel, actor: str, *, approved: bool, now: datetime
) -> None:
    """Check that this person can answer the decision on a version. Anyone can deny one whose deadline has passed.

    Raises:
        Refused: no decision waits for an answer; or this person may not answer, has already
            answered, or is too late.
    """
    _check_waits(state, version)
    late = overdue(version, panel, now)
    if not panel.takes(actor) and (approved or not late):
        message = f"The approvers of '{state.model}' are {', '.join(panel.approvers)}, but you are {actor}."
        raise Refused(message, tag=version.tag)
    said = consent_of(version, panel)
    if said.denied:
        raise Refused(f"{_denial(version)} Run `promotion gate {version.tag}` to judge it again.", tag=version.tag)
    if approved and late:
        raise Refused(_over(version, panel), tag=version.tag)
    if approved and said.given:
        names = " and ".join(said.approved)
        raise Refused(
            f"{version.tag} already has its approvals, by {names}. Run `promotion promote {version.tag}`.",
            tag=version.tag,
        )
    if approved and actor in said.approved:
        raise Refused(f"You ({actor}) have already approved {version.tag}; {said.wanting}.", tag=version.tag)


def _check_waits(state: State, version: VersionState) -> None:
    if state.champion and state.champion.tag == version.tag:
        raise Refused(
            f"{version.tag} already serves (since {minute(state.champion.since)} UTC), so no decision on it waits for "
            "approval.",
            tag=version.tag,
        )
    if version.decision is None:
        raise Refused(
            f"{version.tag} has not been judged, so no decision on it waits for approval. Run `promotion gate "
            f"{version.tag}`.",
            tag=version.tag,
        )
    if not version.decision.waits:
        message = f"The last decision on {version.tag} is {version.decision.verdict}, which does not need approval."
        raise Refused(message, tag=version.tag)


def _denial(version: VersionState) -> str:
    vote = next(vote for vote in version.votes if not vote.approved)
    return f"{version.tag} was denied by {vote.actor} at {minute(vote.at)} UTC: {vote.reason.rstrip('.')}."


def _over(version: VersionState, panel: Panel) -> str:
    until = until_sentence(version, panel)
    return (
        f"{version.tag} passed and could be approved {until}, {panel.within} after the decision, "
        f"but {consent_of(version, panel).wanting}. Run `promotion gate {version.tag}` to judge it again."
    )


def _after_space(text: str) -> str:
    return f" {text}" if text else ""
