"""Lineage: which version was in production when and why, and the history of one version. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from promotion.ledger.chain import Champion, Entry
from promotion.ledger.entries import Judgement, Registration, TransitionPlanned
from promotion.ledger.reading import entries_at
from promotion.ledger.state import DIGITS, State, champion_of
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


def champion_periods(
    state: State, history: Sequence[Entry], places: Iterable[int] | None = None
) -> tuple[ChampionPeriod, ...]:
    """Return champions' times in production, oldest first. Reads only the entries of those that it returns.

    Args:
        state: the model's state.
        history: all its entries.
        places: return only those at these places of `State.began`.
    """
    decided: dict[str, list[int]] = defaultdict(list)
    for seq, digits in state.decisions:
        decided[digits].append(seq)
    wanted = range(len(state.began)) if places is None else places
    return tuple(_period(state, history, place, decided) for place in wanted)


def _period(state: State, history: Sequence[Entry], place: int, decided: Mapping[str, Sequence[int]]) -> ChampionPeriod:
    began, later = state.began[place], state.began[place + 1 : place + 2]
    entry = history[began.seq - 1]
    plan = entry.content()
    assert isinstance(plan, TransitionPlanned)  # noqa: S101 - only plans begin a period
    version = state.versions[began.tag]
    earlier = [seq for seq in decided.get((plan.decision or "")[:DIGITS], ()) if seq < began.seq]
    return ChampionPeriod(
        champion=champion_of(state, history, began),
        until=later[0].at if later else None,
        actor=entry.actor,
        plan=plan,
        registration=version.registration,
        decision=_decision(history, plan.decision, earlier),
    )


def _decision(history: Sequence[Entry], digest: str | None, among: Sequence[int]) -> Decision | None:
    """Return the last decision with this digest among entries."""
    for seq in reversed(among):
        body = history[seq - 1].content()
        if isinstance(body, Judgement) and body.decision_digest == digest:
            return body.decision
    return None


def champion_period_at(state: State, history: Sequence[Entry], moment: datetime) -> ChampionPeriod | None:
    """Return the period that contains a time, by the times in the entries: the last that began at or before it."""
    begun = [place for place, began in enumerate(state.began) if began.moment <= moment]
    return champion_periods(state, history, begun[-1:])[0] if begun else None


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


def consequences_of(state: State, history: Sequence[Entry], entry: Entry, judgement: Judgement) -> tuple[Entry, ...]:
    """Return the entries that followed one decision, as `consequences` does. Reads only those of its two versions."""
    sides = {judgement.tag, *(one.tag for one in (judgement.decision.champion,) if one)}
    seqs = {seq for tag in sides if tag in state.versions for seq in state.versions[tag].entries}
    return consequences(entries_at(history, sorted(seqs)))[entry.seq]


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
