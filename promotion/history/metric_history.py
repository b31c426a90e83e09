"""Metric history: what each decision measured of the version that it judged and of the champion then. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from promotion.comparison import Comparison
from promotion.ledger.chain import Entry
from promotion.ledger.entries import Judgement, Registration, TransitionPlanned
from promotion.ledger.state import champions
from promotion.policy import Decision
from promotion.vocabulary import Direction, Stage

CHAMPION, CHALLENGER = "champion", "challenger"


@dataclass(frozen=True, kw_only=True)
class Gain:
    """How much better a challenger was than the champion on the same rows.

    Attributes:
        value: positive is better whatever the metric's direction.
        stderr: its standard error, paired by row.
        low, high: its two-sided interval, at
        confidence: e.g. 0.95.
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
        seq, at: the entry of the decision, and the time that it carries.
        tag: of the version.
        role: `challenger` for the one that was judged, `champion` for the one that served.
        stage: where the version stood when the decision was recorded.
        metric, direction: what was measured, and which way it improves.
        value, stderr: what came out, and its standard error.
        dof: degrees of freedom of its bounds; None for the normal distribution. A record holds those of the challenger,
            which the champion, on the same rows, is given too.
        gain: over the champion; None for the champion itself and where there was none.
        verdict: of the decision.
        crowned: whether this decision made the version champion.
        rows: that judged.
        data: the file that they came from.
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
        """What names the decision to a person."""
        return self.decision[:12]

    @property
    def of_champion(self) -> bool:
        """Whether it tells of one that served, or that served from this decision on."""
        return self.role == CHAMPION or self.crowned


def metric_history(model: str, entries: Iterable[Entry]) -> tuple[MetricPoint, ...]:
    """Everything that the decisions on a model measured, in order of the ledger.

    Raises:
        LedgerError: the entries are not as they were written.
    """
    found: list[MetricPoint] = []
    stages: dict[str, Stage | None] = {}
    decided: dict[str, int] = {}
    crowned: set[int] = set()
    for entry, champion in champions(model, entries):
        match body := entry.content():
            case Registration():
                stages[body.tag] = body.stage
            case Judgement():
                decided[body.decision_digest] = entry.seq  # the same may be decided again, on the same rows
                found.extend(_of_decision(entry, body, stages))
            case TransitionPlanned():
                stages.update((move.tag, move.after) for move in body.moves)
                if body.decision in decided and champion and champion.seq == entry.seq:
                    crowned.add(decided[body.decision])
    return tuple(replace(one, crowned=True) if one.role == CHALLENGER and one.seq in crowned else one for one in found)


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
            data=decision.holdout.data if decision.holdout else None,
            decision=judgement.decision_digest,
        )


_Value = tuple[str, str, str, Direction, float, float, float | None, Gain | None]


def _values(judgement: Judgement) -> Iterator[_Value]:
    """Challenger and champion by each metric: role, tag, metric, direction, value, stderr, dof, gain."""
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
