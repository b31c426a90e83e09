"""Lineage: who was in production when and why, and the way of one version from its data to its service. Pure."""

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
        champion: who, and since when.
        until: when the next one began; None for the present champion.
        actor: who made it champion, and
        plan: how and why.
        registration: where it comes from.
        decision: that it followed; None for one by hand.
    """

    champion: Champion
    until: str | None
    actor: str
    plan: TransitionPlanned
    registration: Registration
    decision: Decision | None

    @property
    def decision_id(self) -> str | None:
        """What names the decision to a person."""
        return self.plan.decision[:12] if self.plan.decision else None

    @property
    def cause(self) -> str:
        """What made it champion; a promotion that follows no decision is an override."""
        return "override" if self.plan.cause == "promotion" and self.plan.decision is None else self.plan.cause


@dataclass(frozen=True, kw_only=True)
class Ending:
    """What took a version out of production.

    Attributes:
        champion: the version that replaced it.
        at, seq, actor: when, by which entry, and who did it.
        plan: how and why.
    """

    champion: str
    at: str
    seq: int
    actor: str
    plan: TransitionPlanned


@dataclass(frozen=True, kw_only=True)
class Passage:
    """One transition of one version.

    Attributes:
        entry: that planned it.
        plan: all of it.
        before, after: the version's own stages; both None where the transition does not move it, and
        deleted: whether its files went for good.
        applied: `seq` of the entry that says it is done; None while it is not.
    """

    entry: Entry
    plan: TransitionPlanned
    before: Stage | None
    after: Stage | None
    deleted: bool
    applied: int | None


def champion_periods(model: str, entries: Iterable[Entry]) -> tuple[ChampionPeriod, ...]:
    """Every champion's time in production, oldest first.

    Raises:
        LedgerError: the entries are not as they were written.
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
    """The one that a moment falls into, by the times that the entries carry: the last that began no later."""
    begun = [period for period in among if datetime.fromisoformat(period.champion.since) <= moment]
    return begun[-1] if begun else None


def concerning(tag: str, entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """The entries that tell of a version."""
    return tuple(entry for entry in entries if _names(entry, tag))


def decisions(entries: Iterable[Entry], *, beginning: str = "") -> Iterator[tuple[Entry, Judgement]]:
    """The decisions among the entries, those whose digest begins so."""
    for entry in entries:
        if entry.kind == "decision" and str(entry.body.get("decision_digest")).startswith(beginning):
            body = entry.content()
            assert isinstance(body, Judgement)  # noqa: S101 - of that kind
            yield entry, body


def consequences(entries: Iterable[Entry]) -> dict[int, tuple[Entry, ...]]:
    """By the `seq` of each decision's entry, what followed.

    That is: the answers to it, overrides and readmissions of its challenger, and every later move or deletion of its
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
    """What took the version that a decision promoted out of production; None while it serves, or where it never did.

    Args:
        judgement: the decision.
        followed: what `consequences` gives for it.
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
    """The versions that a transition moves or deletes."""
    return {*(move["tag"] for move in body.get("moves", ())), *body.get("deletions", ())}


def passages(tag: str, entries: Sequence[Entry]) -> Iterator[Passage]:
    """Every transition that moved a version or deleted its files, oldest first."""
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


def _names(entry: Entry, tag: str) -> bool:
    body = entry.body
    return body.get("tag") == tag or tag in _moved(body)
