"""Lineage: which version was in production when and why, and the history of one version. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import zip_longest
from typing import Any

from promotion.ledger.chain import Champion, Entry
from promotion.ledger.entries import Judgement, Registration, TransitionPlanned
from promotion.ledger.state import champions
from promotion.policy import Decision
from promotion.vocabulary import Stage


@dataclass(frozen=True, kw_only=True)
class ChampionPeriod:
    """One champion's time in production.

    Attributes:
        champion: the champion, and since when.
        until: when the next champion began; None for the current champion.
        actor: who made it champion.
        plan: the transition that made it champion, with cause and reason.
        registration: its registration.
        decision: the decision that it followed; None for a manual change.
    """

    champion: Champion
    until: str | None
    actor: str
    plan: TransitionPlanned
    registration: Registration
    decision: Decision | None

    @property
    def decision_id(self) -> str | None:
        """Short id of the decision."""
        return self.plan.decision[:12] if self.plan.decision else None

    @property
    def cause(self) -> str:
        """What made it champion; a promotion without a decision is an override."""
        return "override" if self.plan.cause == "promotion" and self.plan.decision is None else self.plan.cause


@dataclass(frozen=True, kw_only=True)
class Ending:
    """What removed a version from production.

    Attributes:
        champion: the version that replaced it.
        at, seq, actor: time, entry and author of the change.
        plan: the transition, with cause and reason.
    """

    champion: str
    at: str
    seq: int
    actor: str
    plan: TransitionPlanned


@dataclass(frozen=True, kw_only=True)
class Passage:
    """One transition as it affects one version.

    Attributes:
        entry: the entry that planned it.
        plan: the whole transition.
        before, after: the version's own stages; both None if the transition does not move it.
        deleted: whether its files were deleted permanently.
        applied: `seq` of the entry that completes it; None while it is incomplete.
    """

    entry: Entry
    plan: TransitionPlanned
    before: Stage | None
    after: Stage | None
    deleted: bool
    applied: int | None


def champion_periods(model: str, entries: Iterable[Entry]) -> tuple[ChampionPeriod, ...]:
    """Return every champion's time in production, oldest first.

    Raises:
        LedgerError: an entry was changed after it was written, or is out of place.
    """
    began: list[ChampionPeriod] = []
    registered: dict[str, Registration] = {}
    decided: dict[str, Decision] = {}
    for entry, champion in champions(model, entries):
        match body := entry.content():
            case Registration():
                registered[body.tag] = body
            case Judgement():
                decided[body.decision_digest] = body.decision
            case TransitionPlanned() if champion and champion.seq == entry.seq:
                period = ChampionPeriod(
                    champion=champion,
                    until=None,
                    actor=entry.actor,
                    plan=body,
                    registration=registered[champion.tag],
                    decision=decided.get(body.decision or ""),
                )
                began.append(period)
    ends = (later.champion.since for later in began[1:])
    return tuple(replace(period, until=until) for period, until in zip_longest(began, ends))


def champion_period_at(among: Iterable[ChampionPeriod], moment: datetime) -> ChampionPeriod | None:
    """Return the period that contains a time, by the times in the entries: the last that began at or before it."""
    begun = [period for period in among if datetime.fromisoformat(period.champion.since) <= moment]
    return begun[-1] if begun else None


def concerning(tag: str, entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """Return the entries that mention a version."""
    return tuple(entry for entry in entries if tag in tags_in(entry))


def decisions(entries: Iterable[Entry], *, beginning: str = "") -> Iterator[tuple[Entry, Judgement]]:
    """Yield the decisions among the entries that have a digest starting with `beginning`."""
    for entry in entries:
        if entry.kind == "decision" and str(entry.body.get("decision_digest")).startswith(beginning):
            body = entry.content()
            assert isinstance(body, Judgement)  # noqa: S101 - the kind implies it
            yield entry, body


def consequences(entries: Iterable[Entry]) -> dict[int, tuple[Entry, ...]]:
    """Return the entries that followed each decision, by the `seq` of the decision's entry.

    These are the answers to it, overrides and readmissions of its challenger, and every later move or deletion of its
    challenger or champion.
    """
    found: dict[int, list[Entry]] = {}
    by_decision: dict[str, list[int]] = defaultdict(list)
    by_challenger: dict[str, list[int]] = defaultdict(list)
    by_side: dict[str, list[int]] = defaultdict(list)
    for entry in entries:
        body, followed = entry.body, set[int]()
        if entry.kind in {"override", "readmission"}:
            followed.update(by_challenger[body["tag"]])
        elif entry.kind in {"approval", "transition_planned"}:
            followed.update(by_decision[str(body.get("decision"))])
            followed.update(seq for tag in _moved(body) for seq in by_side[tag])
        for seq in followed:
            found[seq].append(entry)
        if entry.kind == "decision":
            found[entry.seq] = []
            champion = body["decision"].get("champion") or {}
            by_decision[body["decision_digest"]].append(entry.seq)
            by_challenger[body["tag"]].append(entry.seq)
            for tag in {body["tag"], champion.get("tag")} - {None}:
                by_side[tag].append(entry.seq)
    return {seq: tuple(after) for seq, after in found.items()}


def ending(judgement: Judgement, followed: Iterable[Entry]) -> Ending | None:
    """Return what removed the version that a decision promoted; None while it serves, or if it never did.

    `followed` are the entries that `consequences` returns for it.
    """
    promoted, found = False, None
    for entry in followed:
        plan = entry.content()
        if not isinstance(plan, TransitionPlanned) or plan.champion is None:
            continue
        if plan.champion == judgement.tag:
            promoted, found = promoted or plan.decision == judgement.decision_digest, None
        elif promoted and found is None:
            found = Ending(champion=plan.champion, at=entry.at, seq=entry.seq, actor=entry.actor, plan=plan)
    return found


def _moved(body: Mapping[str, Any]) -> set[str]:
    """Return the versions that a transition moves or deletes."""
    return {*(move["tag"] for move in body.get("moves", ())), *body.get("deletions", ())}


def passages(tag: str, entries: Sequence[Entry]) -> Iterator[Passage]:
    """Yield every transition that moved a version or deleted its files, oldest first."""
    applied = {entry.body["planned"]: entry.seq for entry in entries if entry.kind == "transition_applied"}
    for entry in concerning(tag, entries):
        plan = entry.content()
        if isinstance(plan, TransitionPlanned):
            before, after = next(((move.before, move.after) for move in plan.moves if move.tag == tag), (None, None))
            yield Passage(
                entry=entry,
                plan=plan,
                before=before,
                after=after,
                deleted=tag in plan.deletions,
                applied=applied.get(entry.seq),
            )


def tags_in(entry: Entry) -> set[str]:
    """Return the versions that an entry mentions."""
    return {entry.body["tag"], *_moved(entry.body)} if "tag" in entry.body else _moved(entry.body)
