"""What people have answered to the decision that stands on a version, and who may answer next. Pure."""

from promotion.errors import Refused
from promotion.judgement.approval import Consent, Panel, consent
from promotion.registry.state import Known, State


def consent_of(known: Known, panel: Panel) -> Consent:
    """What has been said to the decision on a version; who trained it or had it judged is not enough."""
    concerned = {known.registered_by, known.decided_by} - {None}
    return consent(panel, {vote.actor: vote.approved for vote in known.votes}, {str(one) for one in concerned})


def check_approved(known: Known, panel: Panel) -> None:
    """See that a decision that waits has its approvals.

    Raises:
        Refused: it has not, or was denied; says by whom they can be given.
    """
    said = consent_of(known, panel)
    if said.denied:
        raise Refused(f"{_denial(known)} `promotion gate {known.tag}` judges it again, with --override it is promoted.")
    if not said.given:
        message = (
            f"{known.tag} passed and waits for approval: {said.wanting} (`promotion approve {known.tag} --reason …`). "
            "With --override it is promoted without."
        )
        raise Refused(message)


def check_answer(state: State, known: Known, panel: Panel, actor: str, *, approved: bool) -> None:
    """See that this person can answer the decision on a version.

    Raises:
        Refused: nothing waits for an answer; or it is not this person's to give, or was given already.
    """
    if state.champion and state.champion.tag == known.tag:
        raise Refused(f"{known.tag} serves already, since {state.champion.since}; nothing waits for an answer.")
    if known.decision is None:
        message = f"{known.tag} has not been judged, so nothing waits for an answer. Run `promotion gate {known.tag}`."
        raise Refused(message)
    if not known.decision.waits:
        message = f"The last decision on {known.tag}, {known.decision.verdict}, waits for nobody's answer."
        raise Refused(message)
    if not panel.takes(actor):
        message = f"You are {actor}, and the approvers of '{state.model}' are {', '.join(panel.approvers)}."
        raise Refused(message)
    said = consent_of(known, panel)
    if said.denied:
        raise Refused(f"{_denial(known)} `promotion gate {known.tag}` judges it again, which begins anew.")
    if approved and said.given:
        names = " and ".join(said.approved)
        raise Refused(f"{known.tag} has its approvals already, by {names}: `promotion promote {known.tag}`.")
    if approved and actor in said.approved:
        raise Refused(f"You are {actor} and have approved {known.tag} already; {said.wanting}.")


def _denial(known: Known) -> str:
    vote = next(vote for vote in known.votes if not vote.approved)
    return f"{known.tag} was denied by {vote.actor} at {vote.at}: {vote.reason.rstrip('.')}."
