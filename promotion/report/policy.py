"""A policy as a page: what it will demand, and the digest that names it in every decision."""

from collections.abc import Sequence

from promotion.policy import Policy
from promotion.policy.explain import explain
from promotion.report.page import Page, Tone, Words, quiet


def demands_page(name: str, policy: Policy, warnings: Sequence[str] = (), dependence: str = "") -> Page:
    """A valid policy in sentences.

    Args:
        name: the model or file that it is of.
        policy: what is demanded.
        dependence: as of `explain`.
        warnings: what could not be passed on rows like the last that judged.
    """
    return Page(
        verdict=Words("valid", Tone.GOOD),
        headline=name,
        summary=tuple(f"- {demand}" for demand in explain(policy, dependence)),
        notes=(*(Words(f"Warning: {each}", Tone.UNSURE) for each in warnings), *quiet(f"digest {policy.digest}")),
    )
