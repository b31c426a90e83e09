"""The bodies of ledger entries: the fields that each kind records."""

from dataclasses import dataclass, field
from typing import Annotated, Any

from promotion.canonical import LATER, NumberOrText
from promotion.comparison import Comparison
from promotion.comparison.curves import Curves
from promotion.draws import Draws
from promotion.policy import Decision, HoldoutSketch, Kind, Renamed, Trial
from promotion.row_keys import FIRST_FORM
from promotion.vocabulary import Stage

FORMAT = 1


@dataclass(frozen=True, kw_only=True)
class Registration:
    """A version was registered.

    Attributes:
        tag: e.g. `fraud_classifier:6hnrlexgmwrh6ax4`.
        digest: SHA-256 over its files and description; verified before it is loaded.
        stage: the stage it had in the store.
        version: the trainer's own name for it, e.g. `1.0.1`.
        run_id: the MLflow run that trained it.
        data: the file it was trained from, or the folder or pattern of files.
        data_digest: SHA-256 of the bytes of that file, or over names and digests of these files.
        training_rows: number of rows it was trained on; None if the version does not record it.
        recipe: e.g. `registry_flows.fraud:FraudRecipe`.
        options: the options of the recipe, in addition to the configured ones.
        files: SHA-256 over its files alone, which another tag may share; None in records of earlier
            releases.
        mlflow: MLflow's version that it is a copy of, like `toy/2`; None if it is no such copy.
        source: the URL or query that `data` is a snapshot of, without passwords; None if it is no
            snapshot.
    """

    tag: str
    digest: str
    stage: Stage | None
    version: str | None = None
    run_id: str | None = None
    data: str | None = None
    data_digest: str | None = None
    training_rows: int | None = None
    recipe: str | None = None
    options: dict[str, Any] = field(default_factory=dict, hash=False)
    files: str | None = None
    mlflow: Annotated[str | None, LATER] = None
    source: Annotated[str | None, LATER] = None


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """A decision on a version.

    Attributes:
        tag: tag of the version.
        decision: the verdict and its evidence.
        decision_digest: digest that identifies the decision.
        sketch: sketch of the evaluation rows; later decisions use it to count how many of their
            rows it used.
        curves: curves of the scores, for a report; None if nothing could be drawn, or in records of
            earlier releases.
        policy: the policy as plain data; None in records of earlier releases. The decision contains
            only its digest.
        draws: the unit that counted as one independent draw; None if not specified, or in records
            of earlier releases.
        renamed: the evaluation rows under keys of earlier releases, if records of those count as
            uses of the same rows.
        sample: the challenger's scores of the last evaluation rows, by the fingerprint of the row:
            `{"00f3…": [0.25]}`, with a score for each of several classes. A service compares its
            own with them. None if nothing was scored, or in records of earlier releases.
    """

    tag: str
    decision: Decision
    decision_digest: str
    sketch: HoldoutSketch | None = None
    curves: Curves | None = None
    policy: dict[str, Any] | None = field(default=None, hash=False)
    renamed: tuple[Renamed, ...] = ()
    draws: Annotated[Draws | None, LATER] = None
    sample: Annotated[dict[str, tuple[float, ...]] | None, LATER] = field(default=None, hash=False)

    @property
    def form(self) -> int:
        """The form of the keys of its rows and fingerprints; releases that recorded none used the first form."""
        return self.sketch.form if self.sketch else FIRST_FORM

    @property
    def trial(self) -> Trial | None:
        """The use of the holdout; None if no challenger was compared with a champion."""
        decision = self.decision
        primary = next((check.subject for check in decision.checks if check.kind is Kind.PRIMARY), None)
        if primary is None or decision.holdout is None or not isinstance(decision.evidence, Comparison):
            return None
        return Trial(
            challenger=decision.challenger.digest if decision.challenger else None,
            champion=decision.champion.digest if decision.champion else None,
            metric=primary,
            holdout=decision.holdout.digest,
            sketch=self.sketch,
            renamed=self.renamed,
        )


@dataclass(frozen=True, kw_only=True)
class Adoption:
    """A person vouched for a version with unknown training rows.

    Attributes:
        tag: tag of the version.
        reason: one sentence.
        trained_before: upper limit of the training rows' times: a number in the unit of the
            recipe's time, or a date or time as ISO 8601 text, `2024-12-01`; None if not specified.
        assumed_clean: whether the person declared that it was trained on no row of any future
            holdout.
        everything: whether the person declared that it may have been trained on every row up to
            then; `trained_before` is later than all of them.
    """

    tag: str
    reason: str
    trained_before: NumberOrText | None = None
    assumed_clean: bool = False
    everything: Annotated[bool | None, LATER] = None

    @property
    def statement(self) -> str:
        """The statement in a few words: `assumed clean`, `trained before 1200.0`."""
        if self.assumed_clean:
            return "assumed clean"
        return f"trained {'on everything ' if self.everything else ''}before {self.trained_before}"


@dataclass(frozen=True, kw_only=True)
class Service:
    """A person stated that a version served before the ledger's first champion. It is that person's word, not evidence.

    Attributes:
        tag: tag of the version.
        since, until: the period, as ISO 8601 text in UTC.
        reason: one sentence.
    """

    tag: str
    since: str
    until: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Override:
    """A person moved a version without a decision, or contrary to one."""

    tag: str
    reason: str
    verdict: str | None = None


@dataclass(frozen=True, kw_only=True)
class Readmission:
    """A person readmitted a version that was rolled back, so it can be judged and promoted again."""

    tag: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class FreshStart:
    """A person allowed a first champion although MLflow had one, or did not report whether it had.

    Attributes:
        reason: one sentence.
        aliases: the targets of MLflow's aliases at that time, e.g. `{"champion": "toy/2"}` for
            MLflow's own version 2. The aliases may be moved from there. Empty if MLflow did not
            answer.
    """

    reason: str
    aliases: dict[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, kw_only=True)
class Approval:
    """A person's answer to a decision that waits for approval.

    Attributes:
        tag: tag of the version.
        decision: digest of the decision that it answers; it does not apply to later decisions.
        approved: whether the version may serve; False denies it.
        reason: one sentence.
    """

    tag: str
    decision: str
    approved: bool
    reason: str


@dataclass(frozen=True, kw_only=True)
class Takeover:
    """A person transferred the model in the store to this ledger.

    Attributes:
        reason: one sentence.
        ledger: hash of the first entry of the ledger that owned the model; None if the store
            recorded none.
        place: location of that ledger.
        seq, hash: the last entry from which that ledger wrote labels.
        mirrored: `seq` and hash of the last entry sent to MLflow before the transfer, which this
            ledger's entries may replace; None if none was sent, or MLflow did not answer.
    """

    reason: str
    ledger: str | None = None
    place: str | None = None
    seq: int | None = None
    hash: str | None = None
    mirrored: tuple[int, str] | None = None


@dataclass(frozen=True, kw_only=True)
class Move:
    """A move of one version from one stage to another; `before` is None if it had no known stage."""

    tag: str
    before: Stage | None
    after: Stage


@dataclass(frozen=True, kw_only=True)
class TransitionPlanned:
    """A planned set of moves; if it changes the champion, the change takes effect here.

    Attributes:
        cause: `promotion`, `rejection`, `denial`, `reopening`, `rollback`, `adoption`, `repair` or
            `retention`.
        moves: the stages to write; a new champion's first.
        champion: tag of the champion from here on.
        decision: digest of the decision that it follows, if any.
        reason: one sentence.
        deletions: tags of the versions whose files are deleted permanently; the ledger keeps their
            records.
        unseen: what could not be checked of the new champion beforehand, e.g. that it scores rows.
    """

    cause: str
    moves: tuple[Move, ...]
    champion: str | None
    reason: str
    decision: str | None = None
    deletions: tuple[str, ...] = ()
    unseen: str | None = None


@dataclass(frozen=True, kw_only=True)
class TransitionApplied:
    """The transition planned at `planned` is complete: all labels are written and all deletions done."""

    planned: int


Body = (
    Registration
    | Judgement
    | Approval
    | Adoption
    | Service
    | Override
    | FreshStart
    | Readmission
    | Takeover
    | TransitionPlanned
    | TransitionApplied
)
KINDS: dict[str, type[Any]] = {
    "registration": Registration,
    "decision": Judgement,
    "approval": Approval,
    "adoption": Adoption,
    "service": Service,
    "override": Override,
    "takeover": Takeover,
    "readmission": Readmission,
    "fresh_start": FreshStart,
    "transition_planned": TransitionPlanned,
    "transition_applied": TransitionApplied,
}
NAMES = {kind: name for name, kind in KINDS.items()}
