"""The door of the mirror: what it shall show of a model, for people who look elsewhere."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from promotion.errors import MirrorAhead
from promotion.ledger.interface import Names
from promotion.vocabulary import Stage, Tag

ALIASES = ("champion", "challenger", "previous")


@dataclass(frozen=True, kw_only=True)
class MirrorVersion:
    """One version as the mirror shall show it; `stage` is None for a deleted one."""

    tag: Tag
    path: Path
    run_id: str | None
    stage: Stage | None
    digest: str

    @property
    def standing(self) -> str:
        """The stage in a word."""
        return self.stage.value if self.stage else "deleted"


@dataclass(frozen=True, kw_only=True)
class MirrorDecision:
    """One decision as the mirror shall show it: numbers logged to the challenger's run at step `seq`.

    Attributes:
        run_id: that trained the challenger.
        seq: of the decision's entry.
        verdict: in a word.
        metrics: by the names that they are logged under.
        document: the decision as JSON.
        drawn: how rows were taken to depend on each other, in a sentence; empty where nothing was said.
        report: draws the page of it, which takes a second, or gives None where it cannot; None where there is none.
    """

    run_id: str
    seq: int
    verdict: str
    metrics: Mapping[str, float]
    document: str
    drawn: str = ""
    report: Callable[[], str | None] | None = None


@dataclass(frozen=True, kw_only=True)
class Aliases:
    """What each alias shall name, and what it may be moved from: only a value that we sent, or that a person gave up.

    What we sent needs no record of its own. The mirror keeps the last entry that it was sent whole, and the ledger says
    what each alias was to name from that entry on. A sender that was killed half-way is among them.

    Attributes:
        wanted: alias to version; an alias that shall name none is left out.
        sent: for the `seq` of the last entry that the mirror was sent, what the aliases were to name then, and after
            each later entry.
        given_up: values that a person said may be written over.
    """

    wanted: Mapping[str, Tag]
    sent: Callable[[int], Iterable[Names]]
    given_up: Names = field(default_factory=dict)

    def settle(self, shown: Mapping[str, str], seq: int) -> tuple[Mapping[str, Tag | None], Names]:
        """What is to be moved, and what is foreign: neither ours nor given up.

        Args:
            shown: alias to version, as the mirror shows them.
            seq: of the last entry that the mirror was sent; 0 where it was sent none.

        Returns:
            Each alias to move, with its version, None to delete it; each foreign alias, with what it names.
        """
        differing = {alias: shown.get(alias) for alias in ALIASES if shown.get(alias) != self._name(alias)}
        if "champion" not in self.wanted:  # without a champion of record nobody can say that another one is wrong
            differing.pop("champion", None)
        foreign = {alias: name for alias, name in differing.items() if self.given_up.get(alias, "") != name}
        sent = iter(self.sent(seq) if foreign else ())
        while foreign and (names := next(sent, None)) is not None:
            foreign = {alias: name for alias, name in foreign.items() if names.get(alias) != name}
        return {alias: self.wanted.get(alias) for alias in differing if alias not in foreign}, foreign

    def _name(self, alias: str) -> str | None:
        return str(self.wanted[alias]) if alias in self.wanted else None


@dataclass(frozen=True, kw_only=True)
class MirrorState:
    """All that the mirror shall show of one model; may be sent twice.

    Attributes:
        model: its name.
        hashes: of every entry, the last one's at the end.
        versions: all of them.
        aliases: what they shall name.
        decisions: those to send.
        inherited: what other ledgers had sent last, `seq` and hash, when the model was taken over from them.
    """

    model: str
    hashes: tuple[str, ...]
    versions: tuple[MirrorVersion, ...]
    aliases: Aliases
    decisions: tuple[MirrorDecision, ...]
    inherited: tuple[tuple[int, str], ...] = ()

    @property
    def head(self) -> tuple[int, str]:
        """`seq` and hash of the last entry."""
        return len(self.hashes), self.hashes[-1]

    def since(self, sent: tuple[int, str] | None) -> int:
        """`seq` of the last entry of this ledger that the mirror was sent; 0 where it was sent none."""
        return 0 if sent is None or sent in self.inherited else sent[0]

    def outdated(self, sent: tuple[int, str] | None) -> bool:
        """Whether the mirror was sent a later entry already, by someone who was faster.

        Raises:
            MirrorAhead: what the mirror was sent is not in the ledger any more.
        """
        if sent is None or sent in self.inherited:
            return False
        seq, entry_hash = sent
        if seq <= len(self.hashes) and self.hashes[seq - 1] != entry_hash:
            message = (
                f"MLflow was sent another entry {seq} of '{self.model}' than the ledger has, so the ledger was cut or "
                f"rewritten and MLflow was left as it is: `promotion audit {self.model}` says more."
            )
            raise MirrorAhead(message, model=self.model, seq=seq)
        return seq > len(self.hashes)


@dataclass(frozen=True, kw_only=True)
class Pushed:
    """What could not be shown.

    Attributes:
        lost: the runs that are not there, or deleted, so that decisions could not be shown in them.
        foreign: the aliases that somebody else moved, and that were left alone.
        refused: what the mirror does not take, a version's tag or a decision, with why; all else was sent, but for the
            head, so that the next sender tries again.
    """

    lost: tuple[str, ...] = ()
    foreign: Names = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class MirrorRun:
    """One training run as the mirror shows it.

    Attributes:
        metrics: the last value of each.
        deleted: whether somebody deleted it, so that only those see it who ask for deleted runs.
    """

    metrics: Mapping[str, float]
    deleted: bool = False


class Mirror(Protocol):
    """A copy of the ledger's state for people who look elsewhere."""

    def push(self, state: MirrorState) -> Pushed:
        """Send the state, unless a later one was sent already.

        Raises:
            MirrorError: it could not be sent whole, and may be sent again; or what was sent before is not in the
                ledger any more, and nothing was changed.
        """

    def aliases(self, model: str) -> Mapping[str, str]:
        """Alias to tag, as the mirror shows them; to a name such as `toy/2` for a version that we did not send."""

    def stages(self, model: str) -> Mapping[str, str]:
        """Tag to stage, as the mirror shows them."""

    def head(self, model: str) -> tuple[int, str] | None:
        """`seq` and hash of the last entry that the mirror was sent; None where it was sent none."""

    def runs(self, run_ids: Collection[str]) -> Mapping[str, MirrorRun]:
        """The runs of these ids, in few questions; one that is not there is left out."""

    def metrics(self, run_id: str, names: Iterable[str], seq: int) -> Mapping[str, float]:
        """The metrics that stand in a run at step `seq`; those not found are left out."""
