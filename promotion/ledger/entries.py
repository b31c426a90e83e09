"""The entries of the ledger: what each kind records, and the hash chain that ties them together."""

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
    """A version became known.

    Attributes:
        tag: e.g. `fraud_classifier:6hnrlexgmwrh6ax4`.
        digest: SHA-256 over its files and description; verified before it is loaded.
        stage: the stage it was found in.
        version: the trainer's own name for it, e.g. `1.0.1`.
        run_id: the MLflow run that trained it.
        data: the file it was trained from, and
        data_digest: SHA-256 of its bytes.
        training_rows: how many rows trained it; None when the version does not say.
        recipe: e.g. `registry_flows.fraud:FraudRecipe`, and
        options: what it was made with, over the configured ones.
        files: SHA-256 over its files alone, which another tag may have as well; None in a record of an earlier release.
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


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """A decision on a version.

    Attributes:
        tag: of the version.
        decision: what was decided, and on what.
        decision_digest: what names it.
        sketch: of the rows that judged, by which later decisions tell how many of theirs it has seen.
        curves: how the scores look, for a report; None where nothing could be drawn, or by an earlier release.
        policy: what it was decided by, as plain data; None in a record of an earlier release. The decision holds only
            its digest.
        draws: what counted as a draw of its own among the rows; None where nothing was said, or by an earlier release.
        renamed: the rows that judged as earlier releases recorded them, where such records count as uses of them.
    """

    tag: str
    decision: Decision
    decision_digest: str
    sketch: HoldoutSketch | None = None
    curves: Curves | None = None
    policy: dict[str, Any] | None = field(default=None, hash=False)
    renamed: tuple[Renamed, ...] = ()
    draws: Annotated[Draws | None, LATER] = None

    @property
    def form(self) -> int:
        """The form of the keys that its rows were read and fingerprinted by; releases that kept none had the first."""
        return self.sketch.form if self.sketch else FIRST_FORM

    @property
    def trial(self) -> Trial | None:
        """The use that it made of its holdout; None when no challenger was compared with a champion there."""
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
    """A person vouched for a version whose training rows are unknown.

    Attributes:
        tag: of the version.
        reason: one sentence.
        trained_before: it was trained on rows before this only: a number in the unit of the recipe's time, or a moment
            as ISO 8601 text, `2024-12-01`; None where nothing is said.
        assumed_clean: it was trained on no row that will ever judge.
    """

    tag: str
    reason: str
    trained_before: NumberOrText | None = None
    assumed_clean: bool = False


@dataclass(frozen=True, kw_only=True)
class Override:
    """A person moved a version against or without a decision."""

    tag: str
    reason: str
    verdict: str | None = None


@dataclass(frozen=True, kw_only=True)
class Readmission:
    """A person let a version that was rolled back from be judged and promoted like any other again."""

    tag: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class FreshStart:
    """A person let the ledger name a first champion although MLflow had one, or did not say whether it had.

    Attributes:
        reason: one sentence.
        aliases: what MLflow's aliases named then, e.g. `{"champion": "toy/2"}` for MLflow's own version 2; they may be
            moved from there. Empty where MLflow did not answer.
    """

    reason: str
    aliases: dict[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, kw_only=True)
class Approval:
    """A person's answer to a decision that waits for one.

    Attributes:
        tag: of the version.
        decision: digest of the decision that it answers; it says nothing on a later one.
        approved: whether the version may serve; False denies it.
        reason: one sentence.
    """

    tag: str
    decision: str
    approved: bool
    reason: str


@dataclass(frozen=True, kw_only=True)
class Takeover:
    """A person handed the model in the store over to this ledger.

    Attributes:
        reason: one sentence.
        ledger: hash of the first entry of the ledger that it belonged to; None where the store named none.
        place: where that ledger was, and
        seq, hash: the last entry that it wrote labels by.
        mirrored: `seq` and hash of the last entry that MLflow was sent until then, over which ours may be sent;
            None where it was sent none, or did not answer.
    """

    reason: str
    ledger: str | None = None
    place: str | None = None
    seq: int | None = None
    hash: str | None = None
    mirrored: tuple[int, str] | None = None


@dataclass(frozen=True, kw_only=True)
class Move:
    """One version from one stage to another; `before` is None when it carried no stage of ours."""

    tag: str
    before: Stage | None
    after: Stage


@dataclass(frozen=True, kw_only=True)
class TransitionPlanned:
    """A set of moves; where it changes the champion, the champion changes here.

    Attributes:
        cause: `promotion`, `rejection`, `denial`, `reopening`, `rollback`, `adoption`, `repair` or `retention`.
        moves: the stages to write; a new champion's first.
        champion: tag of the champion from here on.
        decision: digest of the decision that it follows, if any.
        reason: one sentence.
        deletions: tags of the versions whose files go for good; the ledger remembers them.
        unseen: what could not be seen of the new champion beforehand, e.g. that it scores rows.
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
    """All labels of the transition planned at `planned` are written, and its deletions done."""

    planned: int


Body = (
    Registration
    | Judgement
    | Approval
    | Adoption
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
    "override": Override,
    "takeover": Takeover,
    "readmission": Readmission,
    "fresh_start": FreshStart,
    "transition_planned": TransitionPlanned,
    "transition_applied": TransitionApplied,
}
NAMES = {kind: name for name, kind in KINDS.items()}
