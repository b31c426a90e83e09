"""The events that follow from what was recorded. Pure; `event_client` sends them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4, uuid5

from promotion.judgement import Decision
from promotion.registry.audit import Finding, Severity
from promotion.registry.entries import Approval, Body, Entry, Judgement, TransitionPlanned
from promotion.vocabulary import Stage, Verdict

_OURS = UUID("6f1f2f0a-5a0e-4c55-9d52-2a2e0f6f7b1d")  # of the events' ids; any constant, once and for all
_TOLD_FINDINGS = 20  # an event is news, not the report


class EventName(StrEnum):
    """The events; `docs/reference/events.md` tells what each carries."""

    PROMOTED = "promotion.promoted"
    HELD = "promotion.held"
    REJECTED = "promotion.rejected"
    ROLLED_BACK = "promotion.rolled_back"
    APPROVAL_REQUESTED = "promotion.approval_requested"
    AUDIT_FAILED = "promotion.audit_failed"


@dataclass(frozen=True, kw_only=True)
class PrefectEvent:
    """One piece of news.

    Attributes:
        id: the same whenever it is made of the same entry, so that a server takes it once.
        name: what happened.
        model: e.g. `fraud_classifier`.
        version: tag of the version that it is about; None where it is about the model as a whole.
        at: when, by the writer's clock.
        payload: small and JSON.
    """

    id: UUID
    name: EventName
    model: str
    version: str | None
    at: datetime
    payload: dict[str, Any] = field(hash=False)

    @property
    def as_sent(self) -> dict[str, Any]:
        """What Prefect takes: the model as the resource, the version as a related one."""
        named = {"prefect.resource.id": f"promotion.version.{self.version}", "prefect.resource.name": self.version}
        return {
            "id": self.id,
            "event": self.name.value,
            "occurred": self.at,
            "resource": {"prefect.resource.id": f"promotion.model.{self.model}", "prefect.resource.name": self.model},
            "related": [{**named, "prefect.resource.role": "version"}] if self.version else [],
            "payload": self.payload,
        }


def events_of(entries: Sequence[Entry]) -> tuple[PrefectEvent, ...]:
    """The events that follow from what one change recorded."""
    return tuple(event for entry in entries for event in _events(entry, entry.content()))


def touched_by(entries: Sequence[Entry]) -> tuple[str, ...]:
    """The versions whose standing changed by an answer or a move, each once: whoever waits for them looks again."""
    tags: list[str] = []
    for body in (entry.content() for entry in entries):
        if isinstance(body, Approval):
            tags.append(body.tag)
        elif isinstance(body, TransitionPlanned):
            tags += [move.tag for move in body.moves]
    return tuple(dict.fromkeys(tags))


def _events(entry: Entry, body: Body) -> Iterator[PrefectEvent]:
    """One or none: a promotion is told by its transition, all else that a gate decides by the decision."""
    match body:
        case Judgement(decision=Decision(waits=True)):
            yield _judged(EventName.APPROVAL_REQUESTED, entry, body)
        case Judgement(decision=Decision(verdict=Verdict.HOLD)):
            yield _judged(EventName.HELD, entry, body)
        case Judgement(decision=Decision(verdict=Verdict.REJECT)):
            yield _judged(EventName.REJECTED, entry, body)
        case TransitionPlanned(cause="promotion"):
            yield _moved(EventName.PROMOTED, entry, body)
        case TransitionPlanned(cause="rollback"):
            yield _moved(EventName.ROLLED_BACK, entry, body)
        case TransitionPlanned(cause="denial"):
            yield _moved(EventName.REJECTED, entry, body)
        case _:
            pass


def _judged(name: EventName, entry: Entry, body: Judgement) -> PrefectEvent:
    champion = body.decision.champion.tag if body.decision.champion else None
    payload = {
        "cause": "decision",
        "verdict": body.decision.verdict.value,
        "decision": body.decision_digest[:12],
        "reason": body.decision.summary,
        "champion": champion,
        "champion_before": champion,
    }
    return _event(name, entry, body.tag, payload)


def _moved(name: EventName, entry: Entry, plan: TransitionPlanned) -> PrefectEvent:
    about = plan.moves[0].tag
    left = [move.tag for move in plan.moves if move.before is Stage.PROD and move.tag != plan.champion]
    stayed = plan.champion if plan.champion != about else None
    payload = {
        "cause": plan.cause,
        "verdict": Verdict.PROMOTE.value if plan.decision else None,
        "decision": plan.decision[:12] if plan.decision else None,
        "reason": plan.reason,
        "champion": plan.champion,
        "champion_before": left[0] if left else stayed,
    }
    return _event(name, entry, about, payload)


def _event(name: EventName, entry: Entry, tag: str, payload: dict[str, Any]) -> PrefectEvent:
    """All that every event of an entry carries, around its own payload."""
    return PrefectEvent(
        id=uuid5(_OURS, f"{entry.hash} {name}"),
        name=name,
        model=entry.model,
        version=tag,
        at=datetime.fromisoformat(entry.at),
        payload={"model": entry.model, "tag": tag, **payload, "actor": entry.actor, "seq": entry.seq},
    )


def audit_failed(model: str, findings: Sequence[Finding]) -> PrefectEvent:
    """The event of an audit; of its findings the first twenty."""
    errors = sum(finding.severity is Severity.ERROR for finding in findings)
    told = findings[:_TOLD_FINDINGS]
    codes = sorted({finding.code.value for finding in findings})
    payload = {
        "model": model,
        "reason": f"The audit found {', '.join(codes)}.",
        "codes": codes,
        "errors": errors,
        "warnings": len(findings) - errors,
        "findings": [{"code": one.code.value, "subject": one.subject, "mend": one.mend} for one in told],
    }
    name, now = EventName.AUDIT_FAILED, datetime.now(UTC)
    return PrefectEvent(id=uuid4(), name=name, model=model, version=None, at=now, payload=payload)
