"""Look up the champion, now or at a past moment, and the ledger that owns the model."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from promotion.errors import LedgerError, StoreError
from promotion.iso import in_utc
from promotion.ledger.chain import Champion
from promotion.ledger.state import State, Stated, champion_at, stated_at
from promotion.registry.parts import Parts
from promotion.vocabulary import Tag


@dataclass(frozen=True, kw_only=True)
class Version:
    """The version that serves: tag, folder of its files, their digest, start of service, and the decision behind it.

    `stated_by` is the person on whose word alone it served then, before the ledger's first champion; otherwise None.
    """

    tag: Tag
    path: Path
    digest: str
    since: str
    decision_id: str | None
    stated_by: str | None = None


def champion(parts: Parts, model: str, at: datetime | None = None) -> Version | None:
    """Return the champion now, in O(1), or at a past moment; see `Registry.champion`."""
    if at is not None:
        state, moment = parts.writer.state(model), in_utc(at)
        found = _as_version(parts, champion_at(state, parts.history(state), moment))
        return found or _as_stated(parts, state, stated_at(state, moment))
    head = parts.ledger.head(model)
    return _as_version(parts, head.champion if head else None)


def _as_version(parts: Parts, champion: Champion | None) -> Version | None:
    if champion is None:
        return None
    tag = Tag.parse(champion.tag)
    return Version(
        tag=tag,
        path=parts.store.path(tag),
        digest=champion.digest,
        since=champion.since,
        decision_id=champion.decision[:12] if champion.decision else None,
    )


def _as_stated(parts: Parts, state: State, stated: Stated | None) -> Version | None:
    if stated is None:
        return None
    tag = Tag.parse(stated.tag)
    return Version(
        tag=tag,
        path=parts.store.path(tag),
        digest=state.versions[stated.tag].registration.digest,
        since=stated.since,
        decision_id=None,
        stated_by=stated.actor,
    )


def other_ledger(parts: Parts, model: str, state: State | None = None) -> str:
    """Say that another ledger owns the model, and what to do; empty if this ledger or none owns it.

    `state` is that of the model, if known.
    """
    first = () if state else parts.ledger.entries(model, limit=1)
    origin = state.origin if state else first[0].hash if first else None
    try:
        claim = parts.claims.other(model, origin)
    except StoreError as error:
        return str(error)
    return f"{parts.claims.sentence(model, claim, origin)} {parts.claims.way_out(model, claim)}" if claim else ""


def missing_ledger(parts: Parts) -> str:
    """Say that the ledger does not exist yet, and what to do; empty if it exists."""
    if parts.ledger.is_made():
        return ""
    return (
        f"There is no ledger at {parts.ledger.place} yet. If there should be one, check `ledger` in promotion.toml and "
        "PROMOTION_LEDGER. Otherwise the first `promotion gate`, `retrain` or `adopt` creates it."
    )


def require_recorded(parts: Parts, state: State) -> None:
    """Check, for a change that needs an earlier entry of the model, that this is the right ledger.

    Raises:
        Refused: nothing is recorded here, and another ledger owns the model.
        LedgerError: there is no ledger at the configured place.
    """
    if state.seq:
        return
    parts.claims.check(state)
    if missing := missing_ledger(parts):
        raise LedgerError(missing, model=state.model)
