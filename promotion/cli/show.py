"""`promotion show`: the life of a version, or a decision."""

import re
from typing import TYPE_CHECKING, Annotated, Any

import typer

from promotion.cli import output
from promotion.cli.completion import tags_and_decisions
from promotion.cli.output import Json, Markdown, form_of, open_here, tag_of, tell_ledger
from promotion.errors import UnknownName

if TYPE_CHECKING:
    from collections.abc import Sequence

    from promotion.ledger.chain import Entry
    from promotion.ledger.entries import Judgement
    from promotion.registry.registry import Registry
    from promotion.report.page import Page


DECISION = re.compile(r"[0-9a-f]{4,64}")
EXAMPLE = "promotion show fraud_classifier:abc123"


def show(
    what: Annotated[
        str,
        typer.Argument(
            help="A version as MODEL:VERSION, or the first digits of a decision's ID.",
            metavar="TAG|DECISION",
            autocompletion=tags_and_decisions,
        ),
    ],
    as_json: Json = False,
    as_markdown: Markdown = False,
) -> None:
    """Show the life of one version, or one decision.

    For a version: its training data, its run, its decisions and its time in production, even if its
    files have been deleted.

    For a decision: its evidence and what followed from it.
    """
    form = form_of(as_json=as_json, as_markdown=as_markdown)
    data, pages = (_decision if DECISION.fullmatch(what) else _version)(open_here(), what)
    output.show(data, *pages, form=form)


def _version(registry: "Registry", text: str) -> tuple[Any, tuple["Page", ...]]:
    from promotion.history.lineage import champion_periods
    from promotion.ledger.reading import entries_at
    from promotion.registry.moves import find
    from promotion.report.lineage import version_data, version_pages

    tag = tag_of(text)
    tell_ledger(registry, tag.model)
    state, history = registry.state(tag.model), registry.history(tag.model)
    version, served = (
        find(state, tag),
        champion_periods(state, history, [place for place, began in enumerate(state.began) if began.tag == str(tag)]),
    )
    own = entries_at(history, version.entries)
    return version_data(version, own, served), version_pages(state, version, own, served, history)


def _decision(registry: "Registry", digits: str) -> tuple[Any, tuple["Page", ...]]:
    from promotion.history.lineage import consequences_of
    from promotion.report.lineage import decision_data, decision_pages

    entry, judgement = one_decision(registry, digits)
    tell_ledger(registry, entry.model)
    state = registry.state(entry.model)
    version, followed = (
        state.versions[judgement.tag],
        consequences_of(state, registry.history(entry.model), entry, judgement),
    )
    return decision_data(entry, judgement, followed), decision_pages(version, entry, judgement, followed)


def _possible(registry: "Registry", model: str, digits: str) -> "Sequence[Entry]":
    """Read the decisions of a model whose recorded digits agree with these."""
    from promotion.ledger.reading import entries_at
    from promotion.ledger.state import DIGITS

    found = [seq for seq, known in registry.state(model).decisions if known.startswith(digits[:DIGITS])]
    return entries_at(registry.history(model), found)


def one_decision(registry: "Registry", digits: str) -> tuple["Entry", "Judgement"]:
    """The last entry of the decision that is meant."""
    from promotion.history.lineage import decisions
    from promotion.registry.champion import missing_ledger

    named = {
        judgement.decision_digest: (entry, judgement)
        for model in registry.ledger.models()
        for entry, judgement in decisions(_possible(registry, model, digits), beginning=digits)
    }
    if len(named) != 1:
        hint = (
            "Several IDs begin with these digits. Give more of them."
            if named
            else missing_ledger(registry.parts) or "`promotion show TAG` lists the decisions on a version."
        )
        raise UnknownName("single decision" if named else "decision", digits, [one[:12] for one in named], hint=hint)
    return next(iter(named.values()))
