"""A policy as a page: its requirements, and the digest that identifies it in every decision."""

from collections.abc import Sequence

from promotion.policy import Policy
from promotion.policy.explain import explain
from promotion.report.page import Page, Tone, Words, quiet


def demands_page(name: str, policy: Policy, warnings: Sequence[str] = (), dependence: str = "") -> Page:
    """Describe a valid policy in sentences.

    The warnings name requirements that could not pass on rows like the last holdout.
    """
    return Page(
        verdict=Words("valid", Tone.GOOD),
        headline=name,
        summary=tuple(f"- {demand}" for demand in explain(policy, dependence)),
        notes=(*(Words(f"Warning: {each}", Tone.UNSURE) for each in warnings), *quiet(f"digest {policy.digest}")),
    )
