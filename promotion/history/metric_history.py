"""Metric history: the values that each decision measured for the judged version and the champion at the time. Pure."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from promotion.comparison import Comparison
from promotion.ledger.chain import Entry
from promotion.ledger.entries import Judgement, Registration, TransitionPlanned
from promotion.ledger.reading import entries_at
from promotion.ledger.state import State
from promotion.policy import Decision
from promotion.vocabulary import Direction, Stage

CHAMPION, CHALLENGER = "champion", "challenger"


@dataclass(frozen=True, kw_only=True)
class Gain:
    """How much better a challenger was than the champion on the same rows.

    Attributes:
        value: the gain; positive is better whatever the metric's direction.
        stderr: its standard error, paired by row.
        low, high: its two-sided interval.
        confidence: confidence level of the interval, e.g. 0.95.
    """

    value: float
    stderr: float
    low: float
    high: float
    confidence: float


@dataclass(frozen=True, kw_only=True)
class MetricPoint:
    """One metric of one version, as one decision measured it.

    Attributes:
        model: its name.
        seq, at: entry and time of the decision.
        tag: tag of the version.
        role: `challenger` for the judged version, `champion` for the serving one.
        stage: stage of the version when the decision was recorded.
        metric, direction: the metric and its direction of improvement.
        value, stderr: the value and its standard error.
        dof: degrees of freedom of its bounds; None for the normal distribution. A record holds
            those of the challenger, which also serve for the champion on the same rows.
        gain: gain over the champion; None for the champion itself and if there was no champion.
        verdict: verdict of the decision.
        crowned: whether this decision made the version champion.
        rows: number of evaluation rows.
        data: the source file of the rows.
        decision: digest of the decision.
    """

    model: str
    seq: int
    at: str
    tag: str
    role: str
    stage: Stage | None
    metric: str
    direction: Direction
    value: float
    stderr: float
    dof: float | None
    gain: Gain | None
    verdict: str
    crowned: bool
    rows: int
    data: str | None
    decision: str

    @property
    def decision_id(self) -> str:
        """Short id of the decision."""
        return self.decision[:12]

    @property
    def of_champion(self) -> bool:
        """Whether it describes the champion at the time, or a version that became champion by this decision."""
        return self.role == CHAMPION or self.crowned


def metric_history(
    state: State, history: Sequence[Entry], *, last: int | None = None, since: int = 0
) -> tuple[MetricPoint, ...]:
    """Return what the decisions on a model measured, in ledger order.

    Reads only the entries of the decisions that it returns and of the versions that they compared.

    Args:
        state: the model's state.
        history: all its entries.
        last: return the values of at most this many of the newest decisions.
        since: return the values of decisions from this `seq` on.
    """
    judged = [seq for seq, _ in state.decisions if seq >= since][-last if last else None :]
    entries = entries_at(history, _concerned(state, history, judged)) if last or since else history
    return tuple(_points(state, entries, set(judged)))


def _concerned(state: State, history: Sequence[Entry], judged: Sequence[int]) -> Sequence[int]:
    """Return the `seq` of decisions, and of everything that names the versions that they compared."""
    tags = {str(tag) for entry in entries_at(history, judged) for tag in _sides(entry)}
    named = (state.versions[tag].entries for tag in tags if tag in state.versions)
    return sorted(set(judged).union(*named))


def _sides(entry: Entry) -> Iterator[object]:
    yield entry.body["tag"]
    yield (entry.body["decision"].get("champion") or {}).get("tag")


def _points(state: State, entries: Iterable[Entry], judged: Collection[int]) -> Iterator[MetricPoint]:
    found: list[MetricPoint] = []
    stages: dict[str, Stage | None] = {}
    decided: dict[str, int] = {}
    crowned, began = set[int](), {one.seq for one in state.began}
    for entry in entries:
        match body := entry.content():
            case Registration():
                stages[body.tag] = body.stage
            case Judgement():
                decided[body.decision_digest] = entry.seq  # the same decision may be made again, on the same rows
                found.extend(_of_decision(entry, body, stages) if entry.seq in judged else ())
            case TransitionPlanned():
                stages.update((move.tag, move.after) for move in body.moves)
                if body.decision in decided and entry.seq in began:
                    crowned.add(decided[body.decision])
    for one in found:
        yield replace(one, crowned=True) if one.role == CHALLENGER and one.seq in crowned else one


def _of_decision(entry: Entry, judgement: Judgement, stages: dict[str, Stage | None]) -> Iterator[MetricPoint]:
    decision = judgement.decision
    for role, tag, metric, direction, value, stderr, dof, gain in _values(judgement):
        yield MetricPoint(
            model=entry.model,
            seq=entry.seq,
            at=entry.at,
            tag=tag,
            role=role,
            stage=stages.get(tag),
            metric=metric,
            direction=direction,
            value=value,
            stderr=stderr,
            dof=dof,
            gain=gain,
            verdict=decision.verdict.value,
            crowned=False,
            rows=decision.evidence.rows if decision.evidence else 0,
            data=decision.holdout.origin if decision.holdout else None,
            decision=judgement.decision_digest,
        )


_Value = tuple[str, str, str, Direction, float, float, float | None, Gain | None]


def _values(judgement: Judgement) -> Iterator[_Value]:
    """Yield challenger and champion by each metric: role, tag, metric, direction, value, stderr, dof, gain."""
    evidence = judgement.decision.evidence
    if evidence is None:
        return
    if not isinstance(evidence, Comparison):
        for one in evidence.metrics:
            yield CHALLENGER, judgement.tag, one.metric, one.direction, one.value, one.stderr, one.dof, None
        return
    rival = _rival(judgement.decision)
    for pair in evidence.metrics:
        gain = Gain(value=pair.gain, stderr=pair.stderr, low=pair.low, high=pair.high, confidence=evidence.confidence)
        new, dof = pair.measurement, pair.challenger_dof
        yield CHALLENGER, judgement.tag, new.metric, new.direction, new.value, new.stderr, dof, gain
        yield CHAMPION, rival, pair.metric, pair.direction, pair.champion, pair.champion_stderr, dof, None


def _rival(decision: Decision) -> str:
    return decision.champion.tag if decision.champion else "unknown"
