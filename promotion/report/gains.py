"""The gains of a decision as tables for its report: with what the policy requires of each, and its outcome."""

from collections.abc import Sequence
from dataclasses import replace

from promotion.comparison import Comparison, MetricComparison, SliceComparison
from promotion.number_format import percent
from promotion.policy import Check, Decision, Kind
from promotion.report.comparison import metric_cells, slice_gain, tone_of
from promotion.report.decision import OUTCOME_TONES
from promotion.report.page import Align, Column, Table, Tone, Words, left, right, row
from promotion.vocabulary import Outcome

FIRST_SLICES = 12
"""Number of slices that a report shows at once."""

_ON_GAINS = frozenset({Kind.PRIMARY, Kind.GUARDRAIL, Kind.SLICE})
_SERIOUS = (Outcome.FAILED, Outcome.INCONCLUSIVE, Outcome.MISSING, Outcome.PASSED, Outcome.NOT_APPLICABLE)


def judged_table(decision: Decision, comparison: Comparison) -> Table:
    """Return a table of both models by each metric: which direction is better, the gain, its limit and its outcome."""
    interval = f"{percent(comparison.confidence)} interval"
    titles = ("better is", "champion", "challenger", "gain", interval, "the challenger is", "required gain", "outcome")
    (metric, direction, *values), judged = (*left("metric", titles[0]), *right(*titles[1:5])), left(*titles[5:])
    rows = (
        row(found.metric, found.direction.value, *metric_cells(found)[1:], *_judged(decision, found, found.metric))
        for found in comparison.metrics
    )
    return Table(columns=(metric, direction, *values, *judged), rows=tuple(rows))


def slices_heat_table(decision: Decision, comparison: Comparison) -> Table:
    """Return a table with a row per slice and a column per metric, the worst slice first, coloured by significance."""
    counted = ("rows",) if comparison.positives is None else ("rows", "positives")
    names = tuple(dict.fromkeys(found.metric for part in comparison.slices for found in part.metrics))
    worst = sorted(comparison.slices, key=lambda part: _badness(decision, part))
    rows = (
        row(
            part.name,
            *(f"{getattr(part, count):,}" for count in counted),
            *(replace(slice_gain(part, name), tone=Tone.PLAIN, heat=_heat(part, name)) for name in names),
            _outcome(decision, [f"{name} where {part.name}" for name in names]),
        )
        for part in worst
    )
    return Table(
        title=f"Gain by slice, ± half of its {percent(comparison.confidence)} interval, worst first",
        columns=(*left("slice"), *right(*counted), *(Column(name, Align.RIGHT) for name in names), *left("outcome")),
        rows=tuple(rows),
        first=FIRST_SLICES,
    )


def _judged(decision: Decision, found: MetricComparison, subject: str) -> tuple[Words, ...]:
    """Return whether the challenger is better, what the policy requires of the gain, and the outcome."""
    tone = tone_of(found)
    sign = {Tone.GOOD: "better", Tone.BAD: "worse"}.get(tone, "not significantly different")
    required = [f"above {check.required:g}" for check in _checks(decision, [subject]) if check.required is not None]
    return Words(sign, tone), Words(", ".join(required) or "none"), _outcome(decision, [subject])


def _checks(decision: Decision, subjects: Sequence[str]) -> list[Check]:
    """Return the checks on a gain, the most serious outcome first."""
    found = [check for check in decision.checks if check.kind in _ON_GAINS and check.subject in subjects]
    return sorted(found, key=lambda check: _SERIOUS.index(check.outcome))


def _outcome(decision: Decision, subjects: Sequence[str]) -> Words:
    """Return the most serious outcome of the checks on these subjects."""
    found = _checks(decision, subjects)
    if not found:
        return Words("not required", Tone.QUIET)
    return Words(found[0].outcome.replace("_", " "), OUTCOME_TONES[found[0].outcome])


def _badness(decision: Decision, part: SliceComparison) -> tuple[int, float]:
    """Return what sorts slices: by the most serious outcome, then by the lowest gain in standard errors."""
    found = _checks(decision, [f"{each.metric} where {part.name}" for each in part.metrics])
    lowest = min((_heat(part, each.metric) for each in part.metrics), default=0.0)
    return _SERIOUS.index(found[0].outcome) if found else len(_SERIOUS), lowest


def _heat(part: SliceComparison, name: str) -> float:
    """Return the middle of a gain's interval by its width, from -1 to 1; beyond 0.5 the gain is significant."""
    found = next((each for each in part.metrics if each.metric == name), None)
    if found is None or not found.high > found.low:
        return 0.0
    return max(-1.0, min(1.0, (found.low + found.high) / 2 / (found.high - found.low)))
