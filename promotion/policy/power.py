"""The power of a holdout: whether a challenger equal to the champion could pass, and how many rows that needs."""

from dataclasses import replace

from promotion.comparison import Comparison, MetricComparison, SliceComparison
from promotion.metrics.bounds import DrawnAs, Error, half_width
from promotion.number_format import figure
from promotion.policy.policy import Policy, Rule
from promotion.policy.rules import Require

_STEPS = 50


def equal_could_not_pass(
    comparison: Comparison | SliceComparison, found: MetricComparison, max_loss: float, alpha: float
) -> str:
    """Say if a challenger equal to the champion could not pass, because no loss above `max_loss` can be ruled out.

    Empty if it could. The sentence gives the smallest loss that these rows can rule out, and about how many are needed:
    with that many, an equal challenger passes half of the time.
    """
    shown = found.half_width(alpha)
    if shown < max_loss or shown == 0:
        return ""
    least = figure(shown, scale=max(abs(found.champion), abs(found.challenger)))
    could = (
        f"These rows cannot rule out losses below {least}, so even a challenger equal to the champion could not pass"
    )
    if max_loss == 0:
        return f"{could}; no number of rows can rule out every loss. Set max_loss above 0."
    return f"{could}; {_enough(comparison, times_needed(found, max_loss, alpha))} would be enough."


def warnings(comparison: Comparison, policy: Policy) -> tuple[str, ...]:
    """Return a sentence for each check that a challenger equal to the champion could not pass on rows like these."""
    if policy.rule is Rule.POINT:
        return ()
    rules: list[tuple[str, Comparison | SliceComparison, float]]
    rules = [(rail.metric, comparison, rail.max_loss) for rail in policy.guardrails if rail.require is Require.PROVEN]
    rules += [
        (rule.metric, part, rule.max_loss)
        for rule in policy.slices
        if rule.require is Require.PROVEN
        for part in comparison.slices
        if part.by == rule.slicing.name
    ]
    found = (
        (where, each, max_loss) for name, where, max_loss in rules for each in where.metrics if each.metric == name
    )
    return tuple(
        f"{each.metric}{f' where {where.name}' if isinstance(where, SliceComparison) else ''}: {said}"
        for where, each, max_loss in found
        if (said := equal_could_not_pass(where, each, max_loss, policy.alpha))
    )


def times_needed(found: MetricComparison, width: float, alpha: float) -> float:
    """Return the factor by which the rows must grow to reach this half-width; the degrees of freedom grow with them."""
    times = 1.0
    for _ in range(_STEPS):
        more = [_grown(each, times) for each in (found.error, found.beside) if each]
        times *= (half_width(alpha, more[0], more[1] if len(more) > 1 else None) / width) ** 2
    return times


def _grown(error: Error, times: float) -> Error:
    dof = None if error.dof is None else max((error.dof + 1.0) * times - 1.0, 1.0)
    return replace(error, stderr=error.stderr / times**0.5, dof=dof)


def _enough(comparison: Comparison | SliceComparison, times: float) -> str:
    """Describe the required number of rows, groups or days, whichever is counted."""
    drawn = comparison.dependence
    if drawn is None or drawn.count is None:
        return f"about {_round(comparison.rows * times)} rows like these (now {comparison.rows:,})"
    if drawn.drawn_as is DrawnAs.GROUPS:
        return f"about {_round(drawn.count * times)} groups like these (now {drawn.count:,})"
    if drawn.days is not None:
        days = drawn.count * drawn.days
        return f"about {_round(days * times)} days like these (now {days:,})"
    return f"a time span about {times:.2g} times as long"


def _round(number: float) -> str:
    """Round to two significant digits; more would suggest false precision."""
    return f"{float(f'{number:.2g}'):,.0f}"
