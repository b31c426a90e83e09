"""Check every champion change against its basis: a decision with its approvals, an override, adoption or rollback."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from promotion.findings import Code, Finding, Severity, finding
from promotion.ledger.chain import Entry
from promotion.ledger.entries import (
    Adoption,
    Approval,
    Body,
    Judgement,
    Override,
    Registration,
    Service,
    TransitionPlanned,
)
from promotion.policy.approval import ANYONE, Panel, consent
from promotion.vocabulary import Verdict

_ASK = (
    "Ask {actor}. If nobody did this, restore the ledger from a backup, or bring back the previous champion with "
    "`promotion rollback {model}`."
)


class Promotions:
    """Collects what the entries record about each version.

    A version becomes champion only by its last decision with the required approvals, or by a person's recorded action.

    Args:
        champion: the champion before the first entry that is taken in.
        served: it, and all champions before it.

    Attributes:
        changes: `seq` and tag of each new champion.
    """

    def __init__(self, champion: str | None = None, served: Iterable[str] = ()) -> None:
        self._registered: dict[str, tuple[Registration, str]] = {}
        self._judged: dict[str, tuple[Judgement, str]] = {}
        self._answers: dict[str, dict[str, bool]] = {}
        self._adopted: set[str] = set()
        self._served, self._champion = set(served), champion
        self.changes = list[tuple[int, str]]()
        self._overridden: str | None = None

    def take(self, entry: Entry, body: Body) -> Iterator[Finding]:
        """Take in the next entry, and yield what is wrong with it."""
        overridden, self._overridden = self._overridden, None
        self.recall(entry, body)
        match body:
            case Override():
                self._overridden = body.tag
            case TransitionPlanned() if body.champion and body.champion != self._champion:
                yield from self._check(entry, body, body.champion, overridden=overridden == body.champion)
                self._champion = body.champion
                self.changes.append((entry.seq, body.champion))
                self._served.add(body.champion)

    def begin_after(self, body: Body) -> None:
        """Begin after this entry: an override allows the transition that follows it."""
        self._overridden = body.tag if isinstance(body, Override) else None

    def recall(self, entry: Entry, body: Body) -> None:
        """Take in what an entry records about a version before it became champion."""
        match body:
            case Registration():
                self._registered[body.tag] = body, entry.actor
            case Judgement():
                self._judged[body.tag] = body, entry.actor
                self._answers[body.tag] = {}
            case Approval():
                self._answer(body, entry.actor)
            case Adoption():
                self._adopted.add(body.tag)
            case Service():
                self._served.add(body.tag)

    def _answer(self, body: Approval, actor: str) -> None:
        judged = self._judged.get(body.tag)
        if judged and judged[0].decision_digest == body.decision:
            answers = self._answers[body.tag]
            answers.pop(actor, None)
            answers[actor] = body.approved

    def _check(self, entry: Entry, plan: TransitionPlanned, tag: str, *, overridden: bool) -> Iterator[Finding]:
        subject, ask = f"entry {entry.seq}", _ASK.format(actor=entry.actor, model=entry.model)
        if plan.cause == "rollback":
            if tag not in self._served:
                yield finding(
                    Code.ROLLBACK, subject, "a version that has served", f"{tag}, which has never served", ask
                )
        elif plan.cause == "adoption":
            if tag not in self._adopted:
                yield finding(Code.UNFOUNDED, subject, f"an earlier adoption of {tag}", "no adoption", ask)
        elif plan.cause != "promotion":
            kept = f"{self._champion or 'no version'} as champion, which no {plan.cause} changes"
            yield finding(Code.UNFOUNDED, subject, kept, f"{tag} as champion", ask)
        elif not overridden or plan.decision is not None:
            lacking = self._lacking(plan, tag)
            if lacking:
                expected = f"a decision that promotes {tag}, or an override"
                yield finding(Code.UNFOUNDED, subject, expected, lacking, ask)
            else:
                yield from self._check_consent(subject, tag, ask)

    def _lacking(self, plan: TransitionPlanned, tag: str) -> str | None:
        """Return why the last decision on a version does not make it champion; None if it does."""
        if tag not in self._judged:
            return "no decision on it"
        judgement = self._judged[tag][0]
        decision, registration = judgement.decision, self._registered[tag][0]
        rival = decision.champion.tag if decision.champion else None
        if judgement.decision_digest != plan.decision:
            named = f"decision {plan.decision[:12]}" if plan.decision else "no decision"
            return f"{named}, although its last decision is {judgement.decision_digest[:12]}"
        if decision.verdict is not Verdict.PROMOTE:
            return f"decision {judgement.decision_digest[:12]} with the verdict {decision.verdict}"
        if decision.challenger is None or decision.challenger.digest != registration.digest:
            return f"decision {judgement.decision_digest[:12]} on files with a different digest"
        if self._champion and rival != self._champion:
            return f"a decision against {rival or 'no champion'}, while {self._champion} served"
        return None

    def _check_consent(self, subject: str, tag: str, ask: str) -> Iterator[Finding]:
        """Check the approvals against the decision's policy. Only warns if people outside its list gave enough."""
        judgement, asked_by = self._judged[tag]
        if not judgement.decision.waits:
            return
        concerned = {asked_by, self._registered[tag][1]}
        said = consent(_panel(judgement.policy), self._answers[tag], concerned)
        if said.given:
            return
        anyone = consent(ANYONE, self._answers[tag], concerned)
        found = f"a denial by {' and '.join(said.denied)}" if said.denied else f"too few approvals: {said.wanting}"
        severity = Severity.WARNING if anyone.given else None
        expected = f"the approvals that the policy of the decision on {tag} requires"
        yield finding(Code.UNAPPROVED, subject, expected, found, ask, severity=severity)


def _panel(policy: Mapping[str, Any] | None) -> Panel:
    """Return who had to approve; without a recorded policy, the minimum for any decision."""
    if policy is None:
        return ANYONE
    asked = {"approvers": tuple(policy.get("approvers", ())), "needed": policy.get("min_approvals", ANYONE.needed)}
    return Panel(**asked)
