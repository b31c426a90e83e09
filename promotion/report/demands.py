"""A policy as a page: what it will demand, and the digest that names it in every decision."""

from promotion.judgement import Policy
from promotion.judgement.explain import explain
from promotion.report.page import Page, Tone, Words, quiet


def demands_page(name: str, policy: Policy) -> Page:
    """A valid policy in sentences.

    Args:
        name: the model or file that it is of.
        policy: what is demanded.
    """
    return Page(
        verdict=Words("valid", Tone.GOOD),
        headline=name,
        summary=tuple(f"- {demand}" for demand in explain(policy)),
        notes=quiet(f"digest {policy.digest}"),
    )
