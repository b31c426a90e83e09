"""Which old versions may be deleted. Pure functions.

Never deletes a version that serves or has served, that waits, or that an unfinished change names.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import accumulate

from promotion.ledger.entries import TransitionPlanned
from promotion.ledger.state import State
from promotion.vocabulary import Stage


@dataclass(frozen=True, kw_only=True)
class Retention:
    """The effect of deleting old versions.

    Attributes:
        gone: tags of the versions to delete, oldest first.
        kept: why each other version in the store stays, by tag.
        doubt: why the ages of versions may be wrong; empty if nothing suggests it.
        snapshots: names of the snapshots of data to delete, of all models: no decision and no
            present version of this ledger names them.
    """

    gone: tuple[str, ...]
    kept: Mapping[str, str] = field(hash=False)
    doubt: str = ""
    snapshots: tuple[str, ...] = ()


def retention(
    state: State,
    served: Collection[str],
    present: Collection[str],
    *,
    keep: int,
    before: datetime | None,
    now: datetime,
) -> Retention:
    """Return the versions that are no longer needed, and why the others stay.

    `served` are the tags of all versions that were ever champion: a rollback may name any of them. `present` are those
    in the store. Keeps the newest `keep` deletable ones, by order of registration, and those registered after `before`.
    """
    registered = _registered(state) if before else {}
    reasons = dict(_needed(state, served, present))
    idle = [tag for tag in state.versions if tag in present and tag not in reasons]
    reasons |= dict.fromkeys(idle[max(len(idle) - keep, 0) :], f"one of the newest {keep} deletable versions")
    if before is not None:
        young = f"registered after {before.isoformat(timespec='seconds')}"
        reasons |= {tag: young for tag in idle if tag not in reasons and registered[tag] >= before}
    reasons |= dict.fromkeys(set(present) - set(state.versions), "not registered, so its origin is unknown")
    return Retention(
        gone=tuple(tag for tag in idle if tag not in reasons),
        kept={tag: reasons[tag] for tag in sorted(present) if tag in reasons},
        doubt=_doubt(registered.values(), before, now),
    )


def plan_retention(state: State, found: Retention, *, reason: str) -> TransitionPlanned | None:
    """Return the plan that deletes these versions; None if there are none."""
    if not found.gone:
        return None
    champion = state.champion.tag if state.champion else None
    return TransitionPlanned(cause="retention", moves=(), champion=champion, reason=reason, deletions=found.gone)


def _needed(state: State, served: Collection[str], present: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield each version in the store that must stay at any age, with the reason."""
    named = {move.tag for move in state.pending[1].moves} if state.pending else set()
    for tag, stage in ((tag, stage) for tag, stage in state.versions.stages.items() if tag in present):
        if state.champion and tag == state.champion.tag:
            yield tag, "serves"
        elif tag in named:
            yield tag, "part of an unfinished change"
        elif tag in served:
            yield tag, "has served: a rollback may bring it back"
        elif stage and stage not in {Stage.ARCHIVED, Stage.REJECTED}:
            yield tag, f"in {stage}"
        elif stage is None and not state.versions.deleted(tag):
            yield tag, "in no stage"


def _registered(state: State) -> Mapping[str, datetime]:
    """Return when each version was registered; never earlier than the version before it, even with a wrong clock."""
    claimed = state.versions.registered_at()
    return dict(zip(claimed, accumulate(map(datetime.fromisoformat, claimed.values()), max), strict=True))


def _doubt(registered: Iterable[datetime], before: datetime | None, now: datetime) -> str:
    """Say why the ages may be wrong: only the record can show that this machine's clock is wrong."""
    last = max(registered, default=None)
    if before is None or last is None or before <= last <= now:
        return ""
    at, clock = (one.isoformat(timespec="seconds") for one in (last, now))
    said = f"The newest version was registered at {at}, but this machine's clock says {clock}"
    if last > now:
        return f"{said}, which is earlier. One of the clocks was wrong, so the ages may be wrong too."
    return f"{said}. Check the clock, because every version looks old by it."
