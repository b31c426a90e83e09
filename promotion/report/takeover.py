"""A takeover as a page: which ledger owns the model, which will own it, and what to do next."""

from collections.abc import Sequence

from promotion.ledger.state import State
from promotion.registry.plan import Plan
from promotion.report.page import Page, Table, Tone, Words, left, row
from promotion.vocabulary import Tag


def takeover_page(plan: Plan, place: str, serving: Sequence[Tag]) -> Page:
    """Show what a takeover would do. `place` is the ledger that takes the model over."""
    state, taken = plan.state, plan.takeover
    assert taken is not None  # noqa: S101 - it is a hand-over
    champion = state.champion.tag if state.champion else "no champion"
    theirs = f"the previous ledger at {place}" if taken.place == place else f"the ledger at {taken.place}"
    facts = {
        "belongs to": f"{theirs}, at least to entry {taken.seq}" if taken.place else "no ledger yet",
        "taken by": f"the ledger at {place}: {state.seq} entries, {champion}",
        "labelled prod": ", ".join(map(str, serving)) or "no version",
        "from then on": f"{theirs} can no longer change {state.model}" if taken.place else "",
        "reason": taken.reason,
    }
    rows = tuple(row(Words(name, Tone.QUIET), text) for name, text in facts.items() if text)
    return Page(headline=f"Hand-over of {state.model}", tables=(Table(columns=left("", ""), rows=rows),))


def taken_sentence(plan: Plan, serving: Sequence[Tag]) -> str:
    """Say what was done, and what to do next."""
    return f"{plan.state.model} belongs to this ledger now. {_next(plan.state, serving)}".strip()


def _next(state: State, serving: Sequence[Tag]) -> str:
    names = [str(tag) for tag in serving]
    if state.champion is None and names:
        return (
            f"It has no champion yet. To make the serving version its champion, run `promotion adopt {names[0]} "
            "--reason …` with --trained-before, --assume-clean or --trained-on-everything."
        )
    if state.champion and names != [state.champion.tag]:
        return (
            f"Its champion is {state.champion.tag}, but the label stage: prod is on "
            f"{', '.join(names) or 'no version'}. To write its labels, run `promotion repair {state.model}`."
        )
    return ""
