"""Guardrails for parts of the rows: one check per slice, corrected for the number of slices.

A `not_worse` rule blocks only on a proven loss. Each slice is another chance of a false alarm, so Holm's step-down
procedure (Scandinavian LedgerWriter of Statistics 6, 1979) keeps the probability that any of them blocks a challenger
without losses at alpha. A `proven` rule requires every slice to pass, which needs no correction.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from promotion.comparison import Comparison, MetricComparison, SliceComparison
from promotion.policy.checks import Check, Kind, compared, gain_check, not_blocking, with_power
from promotion.policy.evidence_checks import Counted, counted, few_groups
from promotion.policy.policy import Policy, Rule
from promotion.policy.power import equal_could_not_pass
from promotion.policy.rules import Require, SliceRule
from promotion.vocabulary import Outcome


@dataclass(frozen=True)
class _Case:
    """One slice under one rule: its check, and its comparison if the slice can be judged."""

    rule: SliceRule
    check: Check
    found: MetricComparison | None = None

    @property
    def corrected(self) -> bool:
        """Whether it is part of the multiple-testing correction of `not_worse` rules."""
        return self.found is not None and self.rule.require is Require.NOT_WORSE


def slice_checks(comparison: Comparison, policy: Policy) -> tuple[Check, ...]:
    """Return one check for each slice of each rule, and one for each rule under which no slice can be judged."""
    cases = [case for rule in policy.slices for case in _cases(comparison, rule, policy)]
    if policy.rule is Rule.POINT:
        return tuple(_by_point(case) for case in cases)
    several = [case for case in cases if case.corrected]
    shown = _shown_worse(several, policy.alpha)
    return tuple(
        _corrected(case, len(several), shown=case in shown) if case.corrected else case.check for case in cases
    )


def _cases(comparison: Comparison, rule: SliceRule, policy: Policy) -> Iterator[_Case]:
    cases = [_case(part, rule, policy) for part in comparison.slices if part.by == rule.slicing.name]
    yield from cases
    if all(case.check.outcome is Outcome.NOT_APPLICABLE for case in cases):
        reason = f"The policy has a rule for {rule.metric} by {rule.slicing.name}, but {_why_none(len(cases))}."
        yield _Case(rule, _check(f"{rule.metric} by {rule.slicing.name}", Outcome.MISSING, reason))


def _why_none(slices: int) -> str:
    """Return why no slice can be judged, given the number of slices."""
    if slices == 0:
        return "the comparison has no such slices"
    return "its only slice is too small to judge" if slices == 1 else f"all {slices} slices are too small to judge"


def _case(part: SliceComparison, rule: SliceRule, policy: Policy) -> _Case:
    subject = f"{rule.metric} where {part.name}"
    few = _too_few(part, rule) or few_groups(part.dependence, policy)
    if few:
        return _Case(rule, _check(subject, Outcome.NOT_APPLICABLE, few))
    found = compared(part, rule.metric)
    if found is None:
        gaps = [gap.reason for gap in part.missing if gap.metric == rule.metric]
        return _Case(
            rule, _check(subject, Outcome.MISSING, next(iter(gaps), f"The slice has no result for {rule.metric}."))
        )
    limit = f"allows a loss of at most {rule.max_loss:g}"
    check = gain_check(Kind.SLICE, found, policy.alpha, -rule.max_loss, limit, where=part.name, require=rule.require)
    if rule.require is Require.PROVEN:
        check = with_power(check, equal_could_not_pass(part, found, rule.max_loss, policy.alpha))
    return _Case(rule, check, found)


def _too_few(part: SliceComparison, rule: SliceRule) -> str:
    """Return why a slice is too small to be judged; empty if it is large enough."""
    rows, *classes = counted(part)
    asked = [(rows, rule.min_rows)]
    asked += [(min(reversed(classes), key=Counted.reported), rule.min_positives)] if classes else []
    return next(
        (
            f"The slice has only {each.said}; the policy judges only slices with at least {least:,}."
            for each, least in asked
            if each.reported() < least
        ),
        "",
    )


def _shown_worse(cases: list[_Case], alpha: float) -> list[_Case]:
    """Return the cases with a proven loss (Holm): ascending p-values, each at most alpha over the cases left."""
    ordered = sorted(cases, key=_p_worse)
    for place, case in enumerate(ordered):
        if _p_worse(case) > alpha / (len(ordered) - place):
            return ordered[:place]
    return ordered


def _p_worse(case: _Case) -> float:
    """Return the one-sided p-value of the null hypothesis that the loss is within the margin."""
    assert case.found is not None  # noqa: S101 - the caller has filtered
    slack = case.found.gain + case.rule.max_loss
    if case.found.stderr == 0:
        return 0.0 if slack < 0 and case.check.outcome is Outcome.FAILED else 1.0
    return case.found.tail(-slack)


def _by_point(case: _Case) -> Check:
    """Return the check under `rule = "point"`, where a `not_worse` rule accepts a loss exactly at the limit."""
    tie = case.corrected and case.check.outcome is Outcome.INCONCLUSIVE
    return not_blocking(case.check, case.rule.max_loss) if tie else case.check


def _corrected(case: _Case, several: int, *, shown: bool) -> Check:
    """Return the check of a `not_worse` rule after the correction for several slices."""
    if case.check.outcome is Outcome.PASSED:
        return case.check
    corrected = f" (Holm's correction for {several} slices)" if several > 1 else ""
    if shown:
        verdict = f"A loss above {case.rule.max_loss:g} is statistically significant{corrected}."
        return replace(case.check, outcome=Outcome.FAILED, reason=f"{case.check.reason} {verdict}")
    return not_blocking(case.check, case.rule.max_loss, corrected)


def _check(subject: str, outcome: Outcome, reason: str) -> Check:
    return Check(kind=Kind.SLICE, subject=subject, outcome=outcome, reason=reason)
