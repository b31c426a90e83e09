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

    `dependence` says how the rows are taken to depend; empty if unknown.
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
        f"{percent(primary.min_gain_relative)} of the champion's value" if primary.min_gain_relative else "",
    )
    margin = " or ".join(filter(None, parts))
    more = f" by more than {margin}{', whichever is larger' if all(parts) else ''}" if margin else ""
    exceed = "exceed" if metric(name).direction is Direction.HIGHER else "be below"
    if policy.rule is Rule.POINT:
        sure = " (point estimates; sampling error is ignored)"
    else:
        sure = f" ({_first_use(policy) if policy.budgeted else _sure(policy)})"
    return f"The challenger's {name} must {exceed} the champion's{more}{sure}."


def _guardrail(rail: Guardrail, policy: Policy) -> str:
    if policy.rule is Rule.POINT:
        return f"The challenger's loss in {rail.metric} must be at most {rail.max_loss:g}."
    if rail.require is Require.PROVEN:
        return f"The challenger's loss in {rail.metric} must be at most {rail.max_loss:g} ({_sure(policy)})."
    return (
        f"The challenger is rejected if its loss in {rail.metric} is significantly above {rail.max_loss:g} "
        f"({_sure(policy)})."
    )


def _slices(policy: Policy) -> Iterator[str]:
    for rule in policy.slices:
        yield f"{_slice(rule, policy)} {_small_slices(rule)}"


def _slice(rule: SliceRule, policy: Policy) -> str:
    limit = f"The challenger's loss in {rule.metric} must be at most {rule.max_loss:g} in every slice by "
    limit += rule.slicing.name
    if policy.rule is Rule.POINT:
        return f"{limit}."
    if rule.require is Require.PROVEN:
        return f"{limit} ({_sure(policy)})."
    return (
        f"The challenger is rejected if its loss in {rule.metric} is significantly above {rule.max_loss:g} in any "
        f"slice by {rule.slicing.name} ({percent(policy.confidence)} confidence for all slices together, by Holm's "
        "correction)."
    )


def _small_slices(rule: SliceRule) -> str:
    positives = f" or {rule.min_positives:,} rows of either class" if Task.BINARY in metric(rule.metric).tasks else ""
    return (
        f"A slice with fewer than {rule.min_rows:,} rows{positives} is not judged; if no slice can be judged, the "
        "challenger is held."
    )


def _floor(floor: Floor, policy: Policy) -> str:
    beyond = f"above {floor.min:g}" if floor.min is not None else f"below {floor.max:g}"
    sure = "" if policy.rule is Rule.POINT else f" ({_sure(policy)})"
    return f"The challenger's own {floor.metric} must be {beyond}{sure}."


def _limits(policy: Policy) -> Iterator[str]:
    limits = policy.limits
    if limits.max_size_mb is not None:
        yield f"The challenger's files may take at most {limits.max_size_mb:g} MB."
    if limits.max_size_ratio is not None:
        yield f"The challenger's files may be at most {limits.max_size_ratio:g} times as large as the champion's."
    if limits.max_scoring_ratio is not None:
        yield (
            f"The challenger may take at most {limits.max_scoring_ratio:g} times as long as the champion to score the "
            "same rows, measured side by side."
        )


def _evidence(policy: Policy) -> str:
    least = [f"{policy.min_rows:,} rows"]
    if Task.BINARY in policy.tasks:
        least.append(f"{policy.min_positives:,} rows of either class")
    return f"If the holdout has fewer than {' or '.join(least)}, the challenger is held."


def _draws(policy: Policy, dependence: str) -> Iterator[str]:
    if policy.rule is not Rule.POINT:
        yield dependence or (
            "If the model or its recipe sets `group`, standard errors treat groups as independent, and with fewer than "
            f"{policy.min_groups:,} effective groups, the challenger is held. Without `group`, standard errors are "
            "computed by row and by blocks of the recipe's time, and the larger one decides. Without a time, standard "
            "errors treat each row as independent."
        )


def _reuse(policy: Policy) -> str:
    if policy.rule is Rule.POINT:
        return "Repeated use of the same rows changes nothing, because sampling error is ignored."
    if policy.holdout_reuse is HoldoutReuse.IGNORE:
        return "Repeated use of the same rows changes nothing, so a lucky challenger passes sooner or later."
    return (
        "The probability that at least one of the decisions on the same rows promotes by chance alone is at most "
        f"{percent(policy.alpha)}: the first decision is tested at the {_tested(policy, 1)} level, the second at "
        f"{_tested(policy, 2)}, the third at {_tested(policy, 3)}. New rows reset the count."
    )


def _first_model(policy: Policy) -> str:
    if policy.first_model is FirstModel.MANUAL:
        return "The first model has no champion to beat. A person must promote it (with --override)."
    if policy.floors:
        return (
            "The first model has no champion to beat. It is promoted if it passes the floors and every other "
            "requirement that needs no champion."
        )
    return (
        "The first model has no champion to beat, and the policy has no floors. A person must promote it (with "
        "--override)."
    )


def _provenance(policy: Policy) -> str:
    if policy.unknown_provenance is UnknownProvenance.HOLD:
        return (
            "If the training rows of either model are unknown, the challenger is held until a person vouches for them "
            "(`promotion adopt`)."
        )
    return "If the training rows of either model are unknown, the holdout is assumed to be clean."


def _approval(policy: Policy) -> str:
    if policy.approval is ApprovalRule.AUTOMATIC:
        return "A challenger that meets every requirement is promoted immediately."
    who = f"{policy.min_approvals} people approve" if policy.min_approvals > 1 else "a person approves"
    listed = f" (allowed: {', '.join(policy.approvers)})" if policy.approvers else ""
    return (
        f"A challenger that meets every requirement waits until {who} it with `promotion approve`{listed}. Approval by "
        "the person who trained it or requested the decision is not enough on its own. After "
        f"{policy.approval_timeout}, nobody can approve it any more."
    )


def _recorded(policy: Policy) -> Iterator[str]:
    task = next(task for task in Task if task in policy.tasks)
    others = [name for name in policy.names(task) if name not in policy.required]
    if others:
        yield f"Other metrics are compared and recorded, without a requirement: {', '.join(others)}."
    if policy.columns:
        yield f"The rows must have the column{'s' * (len(policy.columns) > 1)} {', '.join(policy.columns)}."


def _sure(policy: Policy) -> str:
    return f"one-sided {percent(policy.confidence)} confidence"


def _first_use(policy: Policy) -> str:
    first = 100 * (1 - level_of_use(policy.alpha, 1))
    return f"one-sided {first:.4g} % confidence on the first use of the rows, stricter with each further use"


def _tested(policy: Policy, use: int) -> str:
    return level(level_of_use(policy.alpha, use))
