"""The checks of a decision as a table. Slices that do not block share one row per slice rule."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from promotion.comparison import Comparison
from promotion.number_format import signed
from promotion.policy import Check, Decision, Kind
from promotion.report.page import Table, Tone, Words, left, row
from promotion.vocabulary import Outcome

TONES = {
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
        of = _judged(each.checks) if passed else ""
        yield _row(each.name, outcome, _together(each, passed, len(blocking)), of=of)


def _row(name: str, outcome: Outcome, reason: str, *, of: str = "") -> tuple[Words, ...]:
    return row(name, Words(outcome.replace("_", " ") + of, TONES[outcome]), reason)


def _judged(slices: Sequence[Check]) -> str:
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
