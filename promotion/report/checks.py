"""The checks of a decision as a table; slices that do not block are one row for each rule."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from promotion.evidence import Comparison
from promotion.judgement import Check, Decision, Kind
from promotion.report.figures import signed
from promotion.report.page import Column, Table, Tone, Words, left, row
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
    """All checks of one slice rule."""

    name: str
    checks: tuple[Check, ...]


def checks_table(decision: Decision) -> Table:
    """One row for each check; of each slice rule one for all slices that do not block, and one for each that does."""
    rows = tuple(cells for each in _gathered(decision) for cells in _rows(each))
    return Table(columns=(*left("check", "outcome"), Column("why", wraps=True)), rows=rows)


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
        yield _row(each.name, outcome, _together(passed, len(each.checks), len(blocking)))


def _row(name: str, outcome: Outcome, reason: str) -> tuple[Words, ...]:
    return row(name, Words(outcome.replace("_", " "), TONES[outcome]), reason)


def _together(passed: Sequence[Check], slices: int, blocking: int) -> str:
    """What the slices of a rule that do not block have in common."""
    few = slices - blocking - len(passed)
    too_small = f"{few} of {slices} slices {'is' if few == 1 else 'are'} too small to be judged"
    if not passed:
        return f"{too_small}."
    lowest = min(passed, key=lambda check: check.value or 0.0)
    where = lowest.subject.partition(" where ")[2]
    told = f"{len(passed)} of {slices} slices passed{f', {too_small}' if few else ''}"
    return f"{told}; the lowest gain is {signed(lowest.value or 0.0)} where {where}."


def _gathered(decision: Decision) -> Iterator[Check | _Group]:
    """The checks in their order, those of one slice rule gathered where its first stands."""
    slicings = _slicings(decision)
    groups: dict[tuple[str, int], list[Check]] = {}
    order: dict[tuple[str, int], Check | None] = {}
    seen: Counter[str] = Counter()
    for place, check in enumerate(decision.checks):
        rule = slicings.get(check.subject) if check.kind is Kind.SLICE else None
        if rule is None:
            order["", place] = check
            continue
        seen[check.subject] += 1
        key = (rule, -seen[check.subject])
        order.setdefault(key)
        groups.setdefault(key, []).append(check)
    for key, single in order.items():
        yield single or _Group(f"{Kind.SLICE} {key[0]}", tuple(groups[key]))


def _slicings(decision: Decision) -> Mapping[str, str]:
    """From a slice check's subject to what its rule is about: `roc_auc where ProductCD = W` -> `roc_auc by ProductCD`."""
    parts = decision.evidence.slices if isinstance(decision.evidence, Comparison) else ()
    return {
        f"{name} where {part.name}": f"{name} by {part.by}"
        for part in parts
        for name in (*(each.metric for each in part.metrics), *(gap.metric for gap in part.missing))
    }
