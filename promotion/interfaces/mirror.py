"""The protocol of the mirror, and the desired state of a model that is sent to it."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, runtime_checkable

from promotion.errors import MirrorAhead
from promotion.ledger.interface import Names
from promotion.vocabulary import Stage, Tag

ALIASES = ("champion", "challenger", "previous")


@dataclass(frozen=True, kw_only=True)
class MirrorVersion:
    """The desired state of one version in the mirror.

    Attributes:
        tag: the version.
        path: folder of its files.
        run_id: the run that trained it, if known.
        stage: its stage; None for a deleted version.
        digest: digest of its files.
        description: what the mirror tells people about it, as Markdown; None to leave the mirror's
            text unchanged.
        origin: the mirror's own version, like `toy/2`, if it is a copy of one; otherwise None.
    """

    tag: Tag
    path: Path
    run_id: str | None
    stage: Stage | None
    digest: str
    description: str | None = None
    origin: str | None = None

    @property
    def standing(self) -> str:
        """The stage as one word."""
        return self.stage.value if self.stage else "deleted"


@dataclass(frozen=True, kw_only=True)
class MirrorDecision:
    """The desired record of one decision in the mirror: numbers logged to the challenger's run at step `seq`.

    Attributes:
        run_id: the run that trained the challenger.
        seq: `seq` of the decision's entry.
        id: short id of the decision; names its files in the mirror.
        verdict: the verdict as one word.
        metrics: numbers by the names that they are logged under.
        document: the decision as JSON.
        drawn: how rows were assumed to depend on each other, as a sentence; empty if not specified.
        report: renders the report page, which takes a second, or returns None if it cannot; None if
            there is no report.
    """

    run_id: str
    seq: int
    id: str
    verdict: str
    metrics: Mapping[str, float]
    document: str
    drawn: str = ""
    report: Callable[[], str | None] | None = None


@dataclass(frozen=True, kw_only=True)
class Aliases:
    """The desired target of each alias, and the targets it may be moved from: those sent before or given up.

    The values sent before need no record of their own. The mirror stores the last entry that it
    received completely, and the ledger gives the desired targets from that entry on, including
    those of a sender that was killed midway.

    Attributes:
        wanted: alias to version; aliases without a target are omitted.
        sent: returns, for the `seq` of the last entry sent to the mirror, the desired targets at
            that entry and after each later one.
        given_up: targets that a person allowed to be overwritten.
    """

    wanted: Mapping[str, Tag]
    sent: Callable[[int], Iterable[Names]]
    given_up: Names = field(default_factory=dict)

    def settle(self, shown: Mapping[str, str], seq: int) -> tuple[Mapping[str, Tag | None], Names]:
        """Return the aliases to move, and the foreign ones: those that were neither sent before nor given up.

        Args:
            shown: alias to version, as the mirror shows them.
            seq: `seq` of the last entry sent to the mirror; 0 if none was sent.

        Returns:
            Each alias to move, with its version, or None to delete it; each foreign alias, with its
            current target.
        """
        differing = {alias: shown.get(alias) for alias in ALIASES if shown.get(alias) != self._name(alias)}
        if "champion" not in self.wanted:  # without a recorded champion, no other one is wrong
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
    """The desired state of one model in the mirror, without what it shows already; sending it is idempotent.

    Attributes:
        model: its name.
        hashes: hash of every entry, the last one's at the end.
        versions: the versions that changed since the mirror was last sent any, and those that the
            aliases name.
        aliases: the desired targets of the aliases.
        decisions: the decisions to send.
        inherited: `seq` and hash of the last entries that previous owners had sent, if the model
            was taken over.
    """

    model: str
    hashes: Sequence[str]
    versions: tuple[MirrorVersion, ...]
    aliases: Aliases
    decisions: tuple[MirrorDecision, ...]
    inherited: tuple[tuple[int, str], ...] = ()

    @property
    def head(self) -> tuple[int, str]:
        """`seq` and hash of the last entry."""
        return len(self.hashes), self.hashes[-1]

    def since(self, sent: tuple[int, str] | None) -> int:
        """Return the `seq` of the last entry of this ledger that was sent to the mirror; 0 if none was sent."""
        return 0 if sent is None or sent in self.inherited else sent[0]

    def outdated(self, sent: tuple[int, str] | None) -> bool:
        """Return whether a faster sender has already sent a later entry to the mirror.

        Raises:
            MirrorAhead: the ledger no longer contains what was sent to the mirror.
        """
        if sent is None or sent in self.inherited:
            return False
        seq, entry_hash = sent
        if seq <= len(self.hashes) and self.hashes[seq - 1] != entry_hash:
            message = (
                f"Entry {seq} of '{self.model}' in the ledger differs from the one that MLflow received, so the "
                "ledger was cut or rewritten. MLflow was not changed. "
                f"Run `promotion audit {self.model}` to see what to do."
            )
            raise MirrorAhead(message, model=self.model, seq=seq)
        return seq > len(self.hashes)


@dataclass(frozen=True, kw_only=True)
class Pushed:
    """What could not be sent.

    Attributes:
        lost: runs that are missing or deleted, so that decisions could not be logged to them.
        foreign: aliases that someone else moved, which were left unchanged.
        refused: items that the mirror refused (a version's tag or a decision), with the reason.
            Everything else was sent except for the head, so the next sender tries again.
    """

    lost: tuple[str, ...] = ()
    foreign: Names = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class MirrorRun:
    """One training run in the mirror.

    Attributes:
        metrics: the last value of each metric.
        deleted: whether someone deleted it; deleted runs are visible only on request.
    """

    metrics: Mapping[str, float]
    deleted: bool = False


class Mirror(Protocol):
    """A copy of the ledger's state in another tool."""

    def push(self, state: MirrorState) -> Pushed:
        """Send the state, unless a later one was already sent.

        Raises:
            MirrorError: it could not be sent completely and may be sent again; or the ledger no
                longer contains what was sent before, and nothing was changed.
        """

    def aliases(self, model: str) -> Mapping[str, str]:
        """Return alias to tag, as the mirror shows them; to a name such as `toy/2` for versions of other origin."""

    def stages(self, model: str) -> Mapping[str, str]:
        """Return tag to stage, as the mirror shows them."""

    def head(self, model: str) -> tuple[int, str] | None:
        """Return `seq` and hash of the last entry sent to the mirror; None if none was sent."""

    def runs(self, run_ids: Collection[str]) -> Mapping[str, MirrorRun]:
        """Return the runs with these ids, in few requests; missing runs are omitted."""

    def metrics(self, run_id: str, names: Iterable[str], seq: int) -> Mapping[str, float]:
        """Return the metrics logged to a run at step `seq`; missing ones are omitted."""


@dataclass(frozen=True, kw_only=True)
class RegisteredElsewhere:
    """A version that somebody else registered in the mirror.

    Attributes:
        name: name of its model there.
        number: its number there.
        run_id: the run that trained it, if known.
        metrics: the metrics of that run, the last value of each.
    """

    name: str
    number: str
    run_id: str | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.name}/{self.number}"


@runtime_checkable
class ModelSource(Protocol):
    """Optional: gives the files of models that somebody else registered; `adopt --from-mlflow` requires it."""

    def registered_elsewhere(self, named: str) -> RegisteredElsewhere:
        """Return the version that `MODEL[@ALIAS|/NUMBER]` names.

        Raises:
            UnknownName: there is no such model, alias or version.
        """

    def download(self, found: RegisteredElsewhere, folder: Path) -> Path:
        """Download its files into a folder; returns the folder of the model in it."""
