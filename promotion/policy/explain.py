"""A policy in sentences: one sentence for each requirement on a challenger. Pure."""

from collections.abc import Iterator

from promotion.metrics import metric
from promotion.number_format import level, percent
from promotion.policy.budget import level_of_use
from promotion.policy.policy import ApprovalRule, FirstModel, HoldoutReuse, Policy, Rule, UnknownProvenance
from promotion.policy.rules import Floor, Guardrail, Require, SliceRule
from promotion.vocabulary import Direction, Task


def explain(policy: Policy, dependence: str = "") -> tuple[str, ...]:
    """Explain the policy: first what makes a challenger better, then the permitted losses, then who decides.

    Args:
        policy: the policy.
        dependence: the assumed dependence of the rows, as a sentence; empty if unknown.
    """
    return (
        _primary(policy),
        *(_guardrail(rail, policy) for rail in policy.guardrails),
        *_slices(policy),
        *(_floor(floor, policy) for floor in policy.floors),
        *_limits(policy),
        _evidence(policy),
        *_draws(policy, dependence),
        _reuse(policy),
        _first_model(policy),
        _provenance(policy),
        _approval(policy),
        *_recorded(policy),
    )


def _primary(policy: Policy) -> str:
    primary, name = policy.primary, policy.primary.metric
    parts = (
        f"{primary.min_gain:g}" if primary.min_gain else "",
        f"{percent(primary.min_gain_relative)} of it" if primary.min_gain_relative else "",
    )
    margin = " or ".join(filter(None, parts))
    more = f" by more than {margin}{', whichever is more' if all(parts) else ''}" if margin else ""
    exceed = "exceed" if metric(name).direction is Direction.HIGHER else "be below"
    if policy.rule is Rule.POINT:
        return f"The challenger's {name} must {exceed} the champion's{more} (plain values; chance is not considered)."
    stricter = "; stricter with every further use of the same rows" if policy.budgeted else ""
    return f"The challenger's {name} must be shown to {exceed} the champion's{more} ({_sure(policy)}{stricter})."


def _guardrail(rail: Guardrail, policy: Policy) -> str:
    if policy.rule is Rule.POINT:
        return f"It must lose no more than {rail.max_loss:g} in {rail.metric}."
    if rail.require is Require.PROVEN:
        return f"It must be shown to lose no more than {rail.max_loss:g} in {rail.metric} ({_sure(policy)})."
    return f"It is rejected when it is shown to lose more than {rail.max_loss:g} in {rail.metric} ({_sure(policy)})."


def _slices(policy: Policy) -> Iterator[str]:
    for rule in policy.slices:
        yield f"{_slice(rule, policy)} {_small_slices(rule)}"


def _slice(rule: SliceRule, policy: Policy) -> str:
    where = f"in every slice by {rule.slicing.name}"
    if policy.rule is Rule.POINT:
        return f"It must lose no more than {rule.max_loss:g} in {rule.metric} {where}."
    if rule.require is Require.PROVEN:
        return f"It must be shown to lose no more than {rule.max_loss:g} in {rule.metric} {where} ({_sure(policy)})."
    chance = f"{percent(policy.confidence)} for all such slices together, by Holm's correction"
    return (
        f"It is rejected when it is shown to lose more than {rule.max_loss:g} in {rule.metric} in any slice by "
        f"{rule.slicing.name} ({chance})."
    )


def _small_slices(rule: SliceRule) -> str:
    positives = f" or {rule.min_positives:,} of either class" if Task.BINARY in metric(rule.metric).tasks else ""
    return f"A slice of fewer than {rule.min_rows:,} rows{positives} is not judged; when none can be, it is held."


def _floor(floor: Floor, policy: Policy) -> str:
    clears = f"above {floor.min:g}" if floor.min is not None else f"below {floor.max:g}"
    shown = "be" if policy.rule is Rule.POINT else "be shown to be"
    sure = "" if policy.rule is Rule.POINT else f" ({_sure(policy)})"
    return f"The challenger's own {floor.metric} must {shown} {clears}{sure}."


def _limits(policy: Policy) -> Iterator[str]:
    limits = policy.limits
    if limits.max_size_mb is not None:
        yield f"Its files may hold at most {limits.max_size_mb:g} MB."
    if limits.max_size_ratio is not None:
        yield f"Its files may hold at most {limits.max_size_ratio:g} times as much as the champion's."
    if limits.max_scoring_ratio is not None:
        yield (
            f"To score the same rows it may take at most {limits.max_scoring_ratio:g} times as long as the champion, "
            "measured side by side."
        )


def _evidence(policy: Policy) -> str:
    least = [f"{policy.min_rows:,} rows"]
    if Task.BINARY in policy.tasks:
        least.append(f"{policy.min_positives:,} rows of either class")
    return f"With fewer than {' or '.join(least)} left to judge by, it is held."


def _draws(policy: Policy, dependence: str) -> Iterator[str]:
    if policy.rule is not Rule.POINT:
        yield dependence or (
            "Where the model or its recipe names a `group`, errors are those of groups, and with fewer than "
            f"{policy.min_groups:,} effective groups it is held. Without one, blocks of the recipe's time are asked "
            "beside single rows; without a time, each row counts as a draw of its own."
        )


def _reuse(policy: Policy) -> str:
    if policy.rule is Rule.POINT:
        return "Repeated use of the same rows makes no difference, because chance is not considered."
    if policy.holdout_reuse is HoldoutReuse.IGNORE:
        return "Repeated use of the same rows makes no difference, so noise passes in the end."
    return (
        f"All decisions on the same rows together let noise pass with a chance of at most {percent(policy.alpha)}: "
        f"the first asks at level {_asked(policy, 1)}, the second at {_asked(policy, 2)}, the "
        f"third at {_asked(policy, 3)}. Fresh rows reset the count."
    )


def _first_model(policy: Policy) -> str:
    if policy.first_model is FirstModel.MANUAL:
        return "The first model, which has no champion to beat, must be promoted by a person (with --override)."
    if policy.floors:
        return (
            "The first model, which has no champion to beat, is promoted if it passes the floors and everything "
            "else here."
        )
    return (
        "The first model has no champion to beat and there are no floors, so a person has to promote it (--override)."
    )


def _provenance(policy: Policy) -> str:
    if policy.unknown_provenance is UnknownProvenance.HOLD:
        return (
            "If the training rows of one of the two models are unknown, the challenger is held until a person "
            "vouches for them (`promotion adopt`)."
        )
    return "If the training rows of one of the two models are unknown, the holdout is assumed to be clean."


def _approval(policy: Policy) -> str:
    if policy.approval is ApprovalRule.AUTOMATIC:
        return "A challenger that passes everything is promoted immediately."
    who = f"{policy.min_approvals} people approve" if policy.min_approvals > 1 else "a person approves"
    listed = f", of {', '.join(policy.approvers)}" if policy.approvers else ""
    return (
        f"A challenger that passes everything waits until {who} it (`promotion approve`){listed}; the person who "
        f"trained it or had it judged is not enough. What is not approved within {policy.approval_timeout} is "
        "denied."
    )


def _recorded(policy: Policy) -> Iterator[str]:
    task = next(task for task in Task if task in policy.tasks)
    others = [name for name in policy.names(task) if name not in policy.required]
    if others:
        yield f"Also compared and recorded, without a requirement: {', '.join(others)}."
    if policy.columns:
        yield f"The rows must have the column{'s' * (len(policy.columns) > 1)} {', '.join(policy.columns)}."


def _sure(policy: Policy) -> str:
    return f"one-sided, {percent(policy.confidence)}"


def _asked(policy: Policy, use: int) -> str:
    return level(level_of_use(policy.alpha, use))
