"""What each command prints with `--json`, as classes. Most of it are values of the library."""

from dataclasses import dataclass
from typing import Annotated, Any, NotRequired

from typing_extensions import TypedDict

from promotion.adapters.sql.schema import Upgrade
from promotion.canonical import LATER
from promotion.cli.columns import Features, Roles
from promotion.comparison import Comparison
from promotion.findings import Finding
from promotion.history.replay import Replayed
from promotion.ledger.chain import Champion, Entry
from promotion.ledger.entries import Approval, Move, Takeover, TransitionPlanned
from promotion.ledger.state import VersionState
from promotion.ledger.versions import RolledBack
from promotion.policy import Decision, HoldoutUsed, Judged
from promotion.registry.retention import Retention
from promotion.vocabulary import Direction, Stage, Verdict


@dataclass(frozen=True, kw_only=True)
class Gate(Decision):
    dry_run: bool
    decision_id: str
    tag: Annotated[str | None, LATER] = None


@dataclass(frozen=True, kw_only=True)
class Rejudged(Decision):
    decision_id: str


@dataclass(frozen=True, kw_only=True)
class Compared(Comparison):
    compared: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class ComparedByPolicy(Decision):
    compared: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Transition(TransitionPlanned):
    dry_run: bool
    judged: Annotated[Rejudged | None, LATER] = None
    answer: Annotated[Approval | None, LATER] = None


@dataclass(frozen=True, kw_only=True)
class Replay(Replayed):
    differs: bool
    why: str


@dataclass(frozen=True, kw_only=True)
class Row(Entry):
    signed_by: str | None


class Answer(TypedDict):
    dry_run: bool
    answer: Approval


class Readmitted(TypedDict):
    readmitted: str
    reason: str


class Foreseen(TypedDict):
    kind: str
    body: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class AdoptedChampion(TransitionPlanned):
    dry_run: bool
    entries: Annotated[list[Foreseen] | None, LATER] = None


class Adoption(TypedDict):
    dry_run: bool
    entries: NotRequired[list[Foreseen]]


class Adopted(Adoption):
    adopted: str


class Copied(Adopted):
    mlflow: str
    run_id: str | None
    copied: bool
    champion: bool


class Stated(Adoption):
    stated: str
    since: str
    until: str


class Registered(Adoption):
    registered: list[str]


class HoldoutBudget(TypedDict):
    data: str
    digest: str
    use: float
    level: float
    next_level: float
    fresh_level: float


@dataclass(frozen=True, kw_only=True)
class RolledBackVersion(RolledBack):
    tag: str


class State(TypedDict):
    model: str
    champion: Champion | None
    previous: str | None
    waiting: list[str]
    awaiting_approval: list[str]
    seq: int
    rolled_back: list[RolledBackVersion]
    holdout: HoldoutBudget | None


class Status(TypedDict):
    models: list[State]
    notes: list[str]


class ChampionNow(TypedDict):
    model: str
    tag: str
    digest: str
    path: str
    since: str
    decision_id: str | None
    cause: str
    actor: str
    reason: str


class Data(TypedDict):
    name: str | None
    digest: str | None
    rows: int | None


class RecipeUsed(TypedDict):
    name: str | None
    options: dict[str, Any]


class Origin(TypedDict):
    data: Data
    recipe: RecipeUsed
    run_id: str | None


class Period(Origin):
    tag: str
    digest: str
    since: str
    seq: int
    decision: str | None
    until: str | None
    actor: str
    cause: str
    reason: str
    decision_id: str | None
    verdict: Verdict | None
    holdout: HoldoutUsed | None


class ChampionAt(Period):
    at: str


class ChampionStated(TypedDict):
    at: str
    stated_by: str
    tag: str
    since: str
    until: str
    seq: int
    reason: str


class DecisionMade(TypedDict):
    seq: int
    at: str
    actor: str
    decision_id: str
    digest: str
    verdict: Verdict
    champion: Judged | None
    holdout: HoldoutUsed | None


class Passage(TypedDict):
    seq: int
    at: str
    actor: str
    cause: str
    before: Stage | None
    after: Stage | None
    deleted: bool
    decision: str | None
    applied: int | None


class Named(TypedDict):
    tag: str
    digest: str
    registered_at: str


class Lineage(Origin):
    version: Named
    decisions: list[DecisionMade]
    transitions: list[Passage]
    in_production: list[Period]


@dataclass(frozen=True, kw_only=True)
class Version(VersionState):
    lineage: Lineage
    entries: list[Entry]  # type: ignore[assignment]


class Ending(TypedDict):
    champion: str
    at: str
    seq: int
    actor: str
    cause: str
    reason: str


class DecisionShown(DecisionMade):
    tag: str
    no_longer_serving: Ending | None
    decision: Decision
    followed: list[Entry]


class Measured(TypedDict):
    model: str
    seq: int
    at: str
    version: str
    role: str
    stage: Stage | None
    metric: str
    direction: Direction
    value: float | None
    stderr: float | None
    gain: float | None
    gain_stderr: float | None
    gain_low: float | None
    gain_high: float | None
    confidence: float | None
    verdict: Verdict
    became_champion: bool
    rows: int
    data: str | None
    decision: str


class Report(TypedDict):
    path: str
    decision_id: str
    digest: str
    tag: str


class Site(TypedDict):
    index: str
    drawn: list[str]
    kept: int
    unread: list[str]


class Demands(TypedDict):
    demands: list[str]
    digest: str
    warnings: list[str]


class Written(TypedDict):
    written: str


@dataclass(frozen=True, kw_only=True)
class ModelWritten(Roles, Features):
    written: list[str]
    guessed: list[str]
    holdout_rows: int


class ToRepair(TypedDict):
    completes: int | None
    moves: list[Move]
    aliases: dict[str, str]
    claims: bool


class Stray(TypedDict):
    path: str
    why: str
    model: str | None


class Repair(TypedDict):
    dry_run: bool
    models: dict[str, ToRepair]
    strays: list[Stray]
    leftovers: list[str]


@dataclass(frozen=True, kw_only=True)
class Collected(Retention):
    dry_run: bool
    model: str


class Key(Written):
    name: str
    public_key: str
    key_id: str


class Exported(Written):
    entries: dict[str, int]


class Imported(TypedDict):
    dry_run: bool
    entries: dict[str, int]


@dataclass(frozen=True, kw_only=True)
class Taken(Takeover):
    dry_run: bool


class HandedOff(TypedDict):
    tag: str
    gate_run: str | None


class RetrainOutcome(TypedDict):
    model: str
    tag: str | None
    verdict: str
    why: str
    gate_run: str | None


class Serving(TypedDict):
    model: str
    url: str


class Retrained(TypedDict):
    models: list[RetrainOutcome]


class Problem(TypedDict, extra_items=Any):
    kind: str
    message: str
    exit_code: int


class Failure(TypedDict):
    error: Problem


CHANGE = Transition | Answer
OUTPUTS = {
    "gate": Gate,
    "compare": Compared | ComparedByPolicy,
    "replay": dict[str, list[Replay]],
    "promote": Gate | Transition,
    "rollback": Transition,
    "readmit": Readmitted,
    "adopt": AdoptedChampion | Copied | Adopted | Stated | Registered,
    "approve": CHANGE,
    "deny": CHANGE,
    "status": Status,
    "champion": ChampionNow | ChampionAt | ChampionStated,
    "history": list[Row] | list[Period],
    "show": Version | DecisionShown,
    "metrics": list[Measured],
    "report": Report | Site,
    "audit": dict[str, list[Finding]],
    "policy check": dict[str, Demands],
    "init": Written | ModelWritten,
    "repair": Repair,
    "sync": dict[str, bool],
    "gc": Collected,
    "key": Key,
    "ledger export": Exported,
    "ledger import": Imported,
    "ledger upgrade": Upgrade,
    "ledger take": Taken,
    "retrain": Gate | HandedOff | Retrained,
    "serve": Serving,
    "error": Failure,
}
"""What each command prints; `error` is what every one of them prints if it fails."""
