"""A decision as a page: the verdict, the deciding number, the metrics and the checks."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from promotion.comparison import Comparison, Evaluation
from promotion.number_format import between, signed
from promotion.policy import Check, Decision, HoldoutUsed, Kind
from promotion.policy.checks import POINT
from promotion.policy.selected import selected_gain
from promotion.report.comparison import evaluation_table, metrics_table
from promotion.report.page import Page, Table, Tone, Words, left, quiet, row
from promotion.vocabulary import Outcome, Verdict

OUTCOME_TONES = {
    Outcome.PASSED: Tone.GOOD,
    Outcome.FAILED: Tone.BAD,
    Outcome.INCONCLUSIVE: Tone.UNSURE,
    Outcome.NOT_APPLICABLE: Tone.QUIET,
    Outcome.MISSING: Tone.UNSURE,
}
_QUIET = frozenset({Outcome.PASSED, Outcome.NOT_APPLICABLE})


@dataclass(frozen=True)
class _Group:
    """All checks of one slice rule; `scale` is the size of its metric's values."""

    name: str
    checks: tuple[Check, ...]
    scale: float | None


def checks_table(decision: Decision) -> Table:
    """Return a table with one row per check; a slice rule has a row per blocking slice and one row for the others."""
    rows = tuple(cells for each in _gathered(decision) for cells in _rows(each))
    return Table(columns=left("check", "outcome", "why"), rows=rows)


def _rows(each: Check | _Group) -> Iterator[tuple[Words, ...]]:
    if isinstance(each, Check):
        yield _row(each.name, each.outcome, each.reason)
        return
    blocking = [check for check in each.checks if check.outcome not in _QUIET]
    passed = [check for check in each.checks if check.outcome is Outcome.PASSED]
    for check in blocking:
        yield _row(check.name, check.outcome, check.reason)
    if len(blocking) < len(each.checks):
        outcome = Outcome.PASSED if passed else Outcome.NOT_APPLICABLE
        of = _judged_slices(each.checks) if passed else ""
        yield _row(each.name, outcome, _together(each, passed, len(blocking)), of=of)


def _row(name: str, outcome: Outcome, reason: str, *, of: str = "") -> tuple[Words, ...]:
    return row(name, Words(outcome.replace("_", " ") + of, OUTCOME_TONES[outcome]), reason)


def _judged_slices(slices: Sequence[Check]) -> str:
    """Say how many slices of a rule were judged, if some are too small; too small a slice does not count as passed."""
    found = Counter(check.outcome for check in slices)
    small, missing = found[Outcome.NOT_APPLICABLE], found[Outcome.MISSING]
    return f" ({len(slices) - small - missing} of {len(slices)} slices judged; {small} too small)" if small else ""


def _together(group: _Group, passed: Sequence[Check], blocking: int) -> str:
    """Summarize the slices of a rule that do not block."""
    slices = len(group.checks)
    few = slices - blocking - len(passed)
    are_small = f"{'is' if few == 1 else 'are'} too small to be judged"
    if not passed:
        return f"{few} of {slices} slices {are_small}."
    lowest = min(passed, key=lambda check: check.value or 0.0)
    where = lowest.subject.partition(" where ")[2]
    told = f"{len(passed)} of {slices} slices passed{f', {few} {are_small}' if few else ''}"
    return f"{told}; the lowest gain is {signed(lowest.value or 0.0, scale=group.scale)} where {where}."


def _gathered(decision: Decision) -> Iterator[Check | _Group]:
    """Yield the checks in order; the checks of one slice rule come together, at the position of the first.

    Two rules may cover the same metric and slices with different margins; each subject then appears twice.
    """
    rules, seen = _rules(decision), Counter[str]()
    found: dict[tuple[str, int], list[Check]] = {}
    for place, check in enumerate(decision.checks):
        rule = rules.get(check.subject, "") if check.kind is Kind.SLICE else ""
        seen[check.subject] += 1
        found.setdefault((rule, seen[check.subject] if rule else place), []).append(check)
    for (rule, _), checks in found.items():
        name, scale = f"{Kind.SLICE} {rule}", scale_of(decision, rule.partition(" by ")[0])
        yield _Group(name, tuple(checks), scale) if rule else checks[0]


def scale_of(decision: Decision, metric: str) -> float | None:
    """Return the size of a metric's values; None if the metric was not compared."""
    found = decision.evidence.metrics if isinstance(decision.evidence, Comparison) else ()
    return next((max(abs(each.champion), abs(each.challenger)) for each in found if each.metric == metric), None)


def _rules(decision: Decision) -> Mapping[str, str]:
    """Map a slice check's subject to the rule's: `roc_auc where card4 = visa` to `roc_auc by card4`."""
    parts = decision.evidence.slices if isinstance(decision.evidence, Comparison) else ()
    return {
        f"{name} where {part.name}": f"{name} by {part.by}"
        for part in parts
        for name in (*(each.metric for each in part.metrics), *(gap.metric for gap in part.missing))
    }


TONES = {Verdict.PROMOTE: Tone.GOOD, Verdict.HOLD: Tone.UNSURE, Verdict.REJECT: Tone.BAD}
_DONE = {Verdict.PROMOTE: "PROMOTED", Verdict.HOLD: "HELD", Verdict.REJECT: "REJECTED"}


def decision_page(decision: Decision, *, done: bool = True) -> Page:
    """Return the page of a decision. If nothing moved (not `done`, or not the gate's), it shows the bare verdict."""
    return Page(
        verdict=Words(_verdict(decision, done=done), TONES[decision.verdict]),
        headline=_headline(decision),
        summary=tuple(filter(None, (decision.summary, selected_sentence(decision), _next_step(decision)))),
        tables=tuple(table for table in (_evidence_table(decision), checks_table(decision)) if table.rows),
        notes=quiet(*_gaps(decision), decision.drawn, _budget(decision), _judged(decision)),
    )


def judged_by(holdout: HoldoutUsed) -> str:
    """Say which rows judged, and which rows were left out."""
    by = holdout.removed_by
    trained = f"of a group by {by} that a model was trained on" if by else "that a model was trained on"
    left_out = ", ".join(
        text
        for count, text in (
            (holdout.removed, f"{holdout.removed:,} {trained}"),
            (holdout.immature, f"{holdout.immature:,} whose labels are too recent"),
        )
        if count
    )
    without = f"; excluded: {left_out}" if left_out else ""
    if holdout.rows == 0:
        return f"no row of {holdout.origin} could be used{without}"
    positives = "" if holdout.positives is None else f" ({holdout.positives:,} positive)"
    return f"judged by {holdout.rows:,} rows{positives} of {holdout.origin}{without}"


def selected_sentence(decision: Decision) -> str:
    """Give a selection-adjusted estimate of a gain that passed for being large; empty if none. No verdict uses it."""
    found = selected_gain(decision)
    if found is None:
        return ""
    scale = scale_of(decision, found.metric)
    estimate, high = (signed(number, scale=scale) for number in (found.estimate, found.high))
    least = f"at most {high}" if found.low is None else between(found.low, found.high, scale=scale)
    told = "The correction for this does not change the estimate here"
    if estimate != signed(found.gain, scale=scale):
        told = f"Corrected for this, the estimate is {estimate}"
    return f"Gains that pass tend to be overestimated. {told} (95 %: {least})."


def _verdict(decision: Decision, *, done: bool) -> str:
    if decision.challenger is None or not done:
        return decision.verdict.upper()
    return "PROMOTE, waits for approval" if decision.waits else _DONE[decision.verdict]


def _next_step(decision: Decision) -> str:
    waits = decision.waits and decision.challenger
    tag = _challenger(decision)
    approve, deny = (f"`promotion {verb} {tag} --reason …`" for verb in ("approve", "deny"))
    return f"To approve it, run {approve}; to deny it, {deny}." if waits else ""


def _headline(decision: Decision) -> str:
    if decision.champion:
        return f"{_challenger(decision)} against {decision.champion.tag}"
    nobody = "" if isinstance(decision.evidence, Comparison) else " (no champion yet)"
    return f"{_challenger(decision)}{nobody}"


def _challenger(decision: Decision) -> str:
    return decision.challenger.tag if decision.challenger else "the challenger"


def _evidence_table(decision: Decision) -> Table:
    match decision.evidence:
        case Comparison() as comparison:
            return metrics_table(comparison, intervals=decision.alpha != POINT)
        case Evaluation() as alone:
            return evaluation_table(alone, "challenger")
        case _:
            return Table(columns=(), rows=())


def _gaps(decision: Decision) -> tuple[str, ...]:
    """Return a note per recorded-only metric that could not be measured; the checks report the required metrics."""
    required = {check.subject for check in decision.checks}
    missing = decision.evidence.missing if decision.evidence else ()
    return tuple(f"{gap.metric} could not be measured: {gap.reason}" for gap in missing if gap.metric not in required)


def _budget(decision: Decision) -> str:
    return decision.budget.sentence if decision.budget else ""


def _judged(decision: Decision) -> str:
    return f"decision {decision.id}, {judged_by(decision.holdout)}" if decision.holdout else ""
