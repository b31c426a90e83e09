"""The state of a model at one point of its ledger. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple

from promotion.displayed import Displayed
from promotion.ledger.briefs import Briefs, Versions
from promotion.ledger.chain import GENESIS, Champion, Entry, Head
from promotion.ledger.entries import (
    FreshStart,
    Judgement,
    TransitionPlanned,
)
from promotion.ledger.trials import Trials
from promotion.ledger.versions import RolledBack as RolledBack
from promotion.ledger.versions import VersionState as VersionState
from promotion.vocabulary import Stage

DIGITS = 12
"""Number of digits of a decision's digest that a state keeps; its short id."""


class Began(NamedTuple):
    """The entry that made a version champion, and its time."""

    seq: int
    at: str
    tag: str

    @property
    def moment(self) -> datetime:
        """The time."""
        return datetime.fromisoformat(self.at)


class Stated(NamedTuple):
    """The entry by which a person stated who served before the first champion: the period, the version, the person."""

    seq: int
    since: str
    until: str
    tag: str
    actor: str

    def covers(self, moment: datetime) -> bool:
        """Return whether the version served at a time, according to that person."""
        return datetime.fromisoformat(self.since) <= moment < datetime.fromisoformat(self.until)


@dataclass(frozen=True, kw_only=True)
class Succession:
    """The change that made the current champion.

    Attributes:
        actor: who made it, e.g. `os:alice`.
        plan: the transition, with cause and reason.
        replaced: the champion before it; None for the first champion.
    """

    actor: str
    plan: TransitionPlanned
    replaced: str | None


@dataclass(frozen=True, kw_only=True, repr=False)
class State(Displayed):
    """A model's state at one point of its ledger.

    Attributes:
        model: its name.
        seq, hash: of the last entry folded.
        origin: hash of the first entry, by which the store identifies this ledger; None before the
            first entry.
        versions: every version ever registered, by tag.
        champion: the current champion.
        succession: the change that made it champion.
        line: the sequence of champions up to the current one, which is last; a rollback removes
            from its end.
        began: every champion and when it became champion, oldest first.
        decisions: `seq` and the first digits of the digest of every decision, oldest first.
        judged: the version that the last decision is on.
        trials: every use of a holdout, oldest first.
        budgeted: the last decision that counted the uses of its holdout.
        used: how often the rows of that decision were used; None if only all trials together tell.
        pending: the transition that is planned but not yet applied, with its `seq`.
        fresh_start: the last fresh start, if any.
        inherited: `seq` and hash of the last entries that other ledgers had sent to the mirror
            before takeovers.
        stated: who served before the first champion, as people stated it.
    """

    model: str
    seq: int = 0
    hash: str = GENESIS
    origin: str | None = None
    versions: Versions = field(default_factory=Versions)
    champion: Champion | None = None
    succession: Succession | None = None
    line: tuple[str, ...] = ()
    began: tuple[Began, ...] = ()
    decisions: tuple[tuple[int, str], ...] = ()
    judged: str | None = None
    trials: Trials = field(default_factory=Trials)
    budgeted: Judgement | None = None
    used: float | None = None
    pending: tuple[int, TransitionPlanned] | None = None
    fresh_start: FreshStart | None = None
    inherited: tuple[tuple[int, str], ...] = ()
    stated: tuple[Stated, ...] = ()

    @property
    def head(self) -> Head | None:
        """The last entry and the champion; None before the first entry."""
        return Head(model=self.model, seq=self.seq, hash=self.hash, champion=self.champion) if self.seq else None

    @property
    def previous(self) -> str | None:
        """The previous champion, which a rollback would restore."""
        return self.line[-2] if len(self.line) > 1 else None

    @property
    def outline(self) -> "State":
        """The state with the champion and the names of versions in `staging`, for a list of many models."""
        waiting = dict.fromkeys(self.in_stage(Stage.STAGING), Stage.STAGING.value)
        small = State(model=self.model, seq=self.seq, hash=self.hash, origin=self.origin, champion=self.champion)
        return replace(small, succession=self.succession, versions=Versions(Briefs(stages=waiting)))

    @property
    def waiting(self) -> tuple[VersionState, ...]:
        """The versions in `staging`, in order of registration."""
        return tuple(self.versions[tag] for tag in self.in_stage(Stage.STAGING))

    @property
    def awaiting_approval(self) -> tuple[VersionState, ...]:
        """The versions in `staging` that passed and that a person must still approve."""
        waiting = self.versions.waiting
        return tuple(self.versions[tag] for tag in self.in_stage(Stage.STAGING) if tag in waiting) if waiting else ()

    @property
    def served(self) -> frozenset[str]:
        """The versions that have ever served, according to the ledger or to a person."""
        return frozenset((*(one.tag for one in self.began), *(one.tag for one in self.stated)))

    def in_stage(self, stage: Stage) -> tuple[str, ...]:
        """Return the tags of the versions in a stage, in order of registration."""
        return tuple(tag for tag, found in self.versions.stages.items() if found == stage)


def champion_at(state: State, history: Sequence[Entry], moment: datetime) -> Champion | None:
    """Return the champion at a time, by the times in the entries: the last one that began at or before it."""
    begun = [began for began in state.began if began.moment <= moment]
    return champion_of(state, history, begun[-1]) if begun else None


def stated_at(state: State, moment: datetime) -> Stated | None:
    """Return who served at a time before the first champion, as the last person stated it."""
    return next((one for one in reversed(state.stated) if one.covers(moment)), None)


def champion_of(state: State, history: Sequence[Entry], began: Began) -> Champion:
    """Return a champion as the ledger recorded it when it began."""
    return Champion(
        tag=began.tag,
        digest=state.versions[began.tag].registration.digest,
        since=began.at,
        seq=began.seq,
        decision=history[began.seq - 1].body["decision"],
    )
