"""The Prefect events that follow from ledger entries and audits. Pure functions; `event_client` sends them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, assert_never
from uuid import UUID, uuid4, uuid5

from promotion.findings import Finding, Severity
from promotion.ledger.chain import Entry
from promotion.ledger.entries import (
    Adoption,
    Approval,
    Body,
    FreshStart,
    Judgement,
    Override,
    Readmission,
    Registration,
    Service,
    Takeover,
    TransitionApplied,
    TransitionPlanned,
)
from promotion.policy import Decision
from promotion.registry.announced import VersionFiles
from promotion.vocabulary import Stage, Verdict

_OURS = UUID("6f1f2f0a-5a0e-4c55-9d52-2a2e0f6f7b1d")  # namespace of the events' ids; any constant, but never changed
_MAX_FINDINGS = 20  # an event is a notification, not the report


class EventName(StrEnum):
    """Names of the events; `docs/reference/events.md` describes what each carries."""

    PROMOTED = "promotion.promoted"
    HELD = "promotion.held"
    REJECTED = "promotion.rejected"
    ROLLED_BACK = "promotion.rolled_back"
    APPROVAL_REQUESTED = "promotion.approval_requested"
    AUDIT_FAILED = "promotion.audit_failed"


@dataclass(frozen=True, kw_only=True)
class PrefectEvent:
    """One event.

    Attributes:
        id: the same for the same entry, so that a server accepts it once.
        name: what happened.
        model: e.g. `fraud_classifier`.
        version: tag of the version concerned; None if the event concerns the whole model.
        at: time of the event, by the writer's clock.
        payload: small, and JSON.
    """

    id: UUID
    name: EventName
    model: str
    version: str | None
    at: datetime
    payload: dict[str, Any] = field(hash=False)

    @property
    def as_sent(self) -> dict[str, Any]:
        """Return the event in Prefect's format: the model as the resource, the version as a related resource."""
        named = {"prefect.resource.id": f"promotion.version.{self.version}", "prefect.resource.name": self.version}
        return {
            "id": self.id,
            "event": self.name.value,
            "occurred": self.at,
            "resource": {"prefect.resource.id": f"promotion.model.{self.model}", "prefect.resource.name": self.model},
            "related": [{**named, "prefect.resource.role": "version"}] if self.version else [],
            "payload": self.payload,
        }


def events_of(entries: Sequence[Entry], files: Mapping[str, VersionFiles]) -> tuple[PrefectEvent, ...]:
    """Return the events that follow from the entries of one change; `files` are those of their versions, by tag."""
    events = (event for entry in entries for event in _events(entry, entry.content()))
    located = (replace(event, payload=event.payload | _located(files.get(str(event.version)))) for event in events)
    return tuple(event for event in located if not _was_champion(event, files.get(str(event.version))))


def _was_champion(event: PrefectEvent, files: VersionFiles | None) -> bool:
    """Whether the event is of an adoption of the version that was the champion already."""
    return event.payload["cause"] == "adoption" and files is not None and files.champion_from != event.payload["seq"]


def _located(files: VersionFiles | None) -> dict[str, str | None]:
    """Return what a rollout of the version needs; all None if its files are unknown."""
    return {
        "digest": files.digest if files else None,
        "path": str(files.path) if files else None,
        "mlflow_run": files.run_id if files else None,
        "mlflow_version": files.mlflow if files else None,
    }


def touched_by(entries: Sequence[Entry]) -> tuple[str, ...]:
    """Return the versions that an answer or a move affected, each once, so that runs waiting for them can resume."""
    tags: list[str] = []
    for body in (entry.content() for entry in entries):
        if isinstance(body, Approval):
            tags.append(body.tag)
        elif isinstance(body, TransitionPlanned):
            tags += [move.tag for move in body.moves]
    return tuple(dict.fromkeys(tags))


def _events(entry: Entry, body: Body) -> Iterator[PrefectEvent]:
    """Yield at most one event: the transition's for a promotion, the decision's for any other result of a gate."""
    match body:
        case Judgement(decision=Decision(waits=True)):
            yield _judged(EventName.APPROVAL_REQUESTED, entry, body)
        case Judgement(decision=Decision(verdict=Verdict.HOLD)):
            yield _judged(EventName.HELD, entry, body)
        case Judgement(decision=Decision(verdict=Verdict.REJECT)):
            yield _judged(EventName.REJECTED, entry, body)
        case TransitionPlanned(cause="promotion" | "adoption"):
            yield _moved(EventName.PROMOTED, entry, body)
        case TransitionPlanned(cause="rollback"):
            yield _moved(EventName.ROLLED_BACK, entry, body)
        case TransitionPlanned(cause="denial"):
            yield _moved(EventName.REJECTED, entry, body)
        case Judgement() | TransitionPlanned() | TransitionApplied() | Registration() | Approval() | Adoption():
            pass
        case Override() | FreshStart() | Readmission() | Service() | Takeover():
            pass
        case _:
            assert_never(body)


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
    """Return an event with the data that every event of an entry carries, and its own payload."""
    return PrefectEvent(
        id=uuid5(_OURS, f"{entry.hash} {name}"),
        name=name,
        model=entry.model,
        version=tag,
        at=datetime.fromisoformat(entry.at),
        payload={"model": entry.model, "tag": tag, **payload, "actor": entry.actor, "seq": entry.seq},
    )


def audit_failed(model: str, findings: Sequence[Finding]) -> PrefectEvent:
    """Return the event of an audit, with its first twenty findings."""
    errors = sum(finding.severity is Severity.ERROR for finding in findings)
    first = findings[:_MAX_FINDINGS]
    codes = sorted({finding.code.value for finding in findings})
    payload = {
        "model": model,
        "reason": f"The audit found {', '.join(codes)}.",
        "codes": codes,
        "errors": errors,
        "warnings": len(findings) - errors,
        "findings": [{"code": one.code.value, "subject": one.subject, "mend": one.mend} for one in first],
    }
    name, now = EventName.AUDIT_FAILED, datetime.now(UTC)
    return PrefectEvent(id=uuid4(), name=name, model=model, version=None, at=now, payload=payload)
