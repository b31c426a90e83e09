"""`promotion show`: the life of a version, or a decision."""

import re
from typing import TYPE_CHECKING, Annotated, Any

import typer

from promotion.cli.output import Json, Markdown, form_of, open_here, show, tell_other
from promotion.errors import UnknownName

if TYPE_CHECKING:
    from promotion.ledger.chain import Entry
    from promotion.ledger.entries import Judgement
    from promotion.registry.registry import Registry
    from promotion.report.page import Page


DECISION = re.compile(r"[0-9a-f]{4,64}")
EXAMPLE = "promotion show fraud_classifier:abc123"


def show_life(
    what: Annotated[
        str,
        typer.Argument(
            help="A version as MODEL:VERSION, or the first digits of a decision's ID.", metavar="TAG|DECISION"
        ),
    ],
    as_json: Json = False,
    as_markdown: Markdown = False,
) -> None:
    """Show the life of one version, or one decision.

    For a version: its training data, its run, its decisions and its time in production, also after its files were
    deleted.

    For a decision: its evidence and what followed from it.
    """
    form = form_of(as_json=as_json, as_markdown=as_markdown)
    data, pages = (_decision if DECISION.fullmatch(what) else _version)(open_here(), what)
    show(data, *pages, form=form)


def _version(registry: "Registry", text: str) -> tuple[Any, tuple["Page", ...]]:
    from promotion.history.lineage import champion_periods
    from promotion.ledger.state import fold
    from promotion.registry.moves import find
    from promotion.report.lineage import version_pages
    from promotion.report.lineage_data import version_data
    from promotion.vocabulary import Tag

    tag = Tag.parse(text)
    tell_other(registry, tag.model)
    entries = registry.history(tag.model)
    version, served = find(fold(tag.model, entries), tag), champion_periods(tag.model, entries)
    return version_data(version, entries, served), version_pages(version, entries, served)


def _decision(registry: "Registry", digits: str) -> tuple[Any, tuple["Page", ...]]:
    from promotion.history.lineage import consequences
    from promotion.ledger.state import fold
    from promotion.report.lineage import decision_pages
    from promotion.report.lineage_data import decision_data

    entry, judgement = one_decision(registry, digits)
    tell_other(registry, entry.model)
    entries = registry.history(entry.model)
    version = fold(entry.model, entries).versions[judgement.tag]
    followed = consequences(entries)[entry.seq]
    return decision_data(entry, judgement, followed), decision_pages(version, entry, judgement, followed)


def one_decision(registry: "Registry", digits: str) -> tuple["Entry", "Judgement"]:
    """The last entry of the decision that is meant.

    Raises:
        UnknownName: there is none, or several begin so.
    """
    from promotion.history.lineage import decisions

    named = {
        judgement.decision_digest: (entry, judgement)
        for model in registry.ledger.models()
        for entry, judgement in decisions(registry.history(model), beginning=digits)
    }
    if len(named) != 1:
        hint = "Several begin so; give more digits." if named else "`promotion show TAG` lists those on a version."
        raise UnknownName("single decision" if named else "decision", digits, [one[:12] for one in named], hint=hint)
    return next(iter(named.values()))
