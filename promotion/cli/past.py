"""Commands that look back: champion, history, show."""

import re
from typing import TYPE_CHECKING, Annotated, Any

import typer

from promotion.cli.output import Json, Markdown, Model, form_of, models_of, open_here, show, tell_other
from promotion.cli.timestamps import AT_HELP, past, written
from promotion.errors import PromotionError, UnknownName
from promotion.number_format import minute

if TYPE_CHECKING:
    from promotion.ledger.entries import Entry, Judgement
    from promotion.registry.registry import Registry
    from promotion.report.page import Page

DECISION = re.compile(r"[0-9a-f]{4,64}")
Limit = Annotated[int | None, typer.Option(min=1, help="Only the newest so many.", metavar="N")]


class Nobody(PromotionError):
    """Nobody serves, or served then."""


def add_commands(app: typer.Typer) -> None:
    """Add them to the app."""
    app.command(epilog="Example: promotion champion fraud_classifier --at 2026-11-22T14:30")(champion)
    app.command(epilog="Example: promotion history fraud_classifier --champions")(history)
    app.command("show", epilog="Example: promotion show fraud_classifier:abc123")(show_life)


def champion(
    model: Model,
    at: Annotated[str | None, typer.Option(help=f"Who was in production then. {AT_HELP}", metavar="TIME")] = None,
    as_json: Json = False,
) -> None:
    """Who serves now, or served at a moment.

    And what put it there. Exit code 1 when nobody served.
    """
    registry = open_here()
    tell_other(registry, model)
    if at is None:
        _champion_now(registry, model, as_json=as_json)
    else:
        _champion_at(registry, model, at, as_json=as_json)


def history(
    model: Model,
    champions: Annotated[
        bool, typer.Option("--champions", help="Who was in production when, and what put each one there.")
    ] = False,
    limit: Limit = None,
    as_json: Json = False,
    as_markdown: Markdown = False,
) -> None:
    """Every entry of a model's ledger.

    Or every champion with its time in production; oldest first.
    """
    from promotion.history.lineage import champion_periods
    from promotion.report.lineage import champion_periods_page
    from promotion.report.lineage_data import champion_period_data
    from promotion.report.record import history_page

    form = form_of(as_json=as_json, as_markdown=as_markdown)
    registry = open_here()
    models_of(registry, model)
    tell_other(registry, model)
    entries = registry.history(model)
    newest = slice(-limit if limit else None, None)
    if champions:
        served = champion_periods(model, entries)[newest]
        show([champion_period_data(period) for period in served], champion_periods_page(served), form=form)
    else:
        shown = entries[newest]
        data = [{**vars(entry), "signed_by": registry.signed_by(entry)} for entry in shown]
        show(data, history_page(model, shown), form=form)


def show_life(
    what: Annotated[
        str,
        typer.Argument(help="A version as MODEL:VERSION, or a decision by its first digits.", metavar="TAG|DECISION"),
    ],
    as_json: Json = False,
    as_markdown: Markdown = False,
) -> None:
    """The life of one version.

    From its data to its service: where it came from, how it was judged, where it went.

    A decision is shown with its evidence, and with what followed from it. What was deleted is still told.
    """
    form = form_of(as_json=as_json, as_markdown=as_markdown)
    data, pages = (_decision if DECISION.fullmatch(what) else _version)(open_here(), what)
    show(data, *pages, form=form)


def _champion_now(registry: "Registry", model: str, *, as_json: bool) -> None:
    """By the head of the ledger alone: as fast after a million entries as after ten."""
    from promotion.report.page import Page

    version = registry.champion(model)
    if version is None:
        models_of(registry, model)
        message = f"Nobody serves '{model}' yet, by the ledger."
        raise Nobody(message)
    way = f"by decision {version.decision_id}" if version.decision_id else "by hand"
    data = {"model": model, "tag": str(version.tag), "digest": version.digest, "path": str(version.path)}
    since = f"{minute(version.since)} UTC"
    words = (
        f"{version.tag} serves since {since}, {way}. `promotion show {version.decision_id or version.tag}` says why."
    )
    data_since = {**data, "since": version.since, "decision_id": version.decision_id}
    show(data_since, Page(summary=(words,)), form=form_of(as_json=as_json))


def _champion_at(registry: "Registry", model: str, text: str, *, as_json: bool) -> None:
    from datetime import datetime

    from promotion.history.lineage import champion_period_at, champion_periods
    from promotion.registry.journal import utc_now
    from promotion.report.lineage import champion_period_page
    from promotion.report.lineage_data import champion_period_data

    moment = past(text, utc_now())
    models_of(registry, model)
    served = champion_periods(model, registry.history(model))
    period = champion_period_at(served, moment)
    if period is None:
        first = served[0].champion if served else None
        began = f" The first was {first.tag}, from {written(datetime.fromisoformat(first.since))}." if first else ""
        message = f"Nobody was in production for '{model}' at {written(moment)}, by the ledger.{began}"
        raise Nobody(message)
    show(
        {"at": moment.isoformat(), **champion_period_data(period)},
        champion_period_page(period, moment),
        form=form_of(as_json=as_json),
    )


def _version(registry: "Registry", text: str) -> tuple[Any, tuple["Page", ...]]:
    from promotion.history.lineage import champion_periods
    from promotion.ledger.state import fold
    from promotion.registry.transition import find
    from promotion.report.lineage import version_pages
    from promotion.report.lineage_data import version_data
    from promotion.vocabulary import Tag

    tag = Tag.parse(text)
    tell_other(registry, tag.model)
    entries = registry.history(tag.model)
    known, served = find(fold(tag.model, entries), tag), champion_periods(tag.model, entries)
    return version_data(known, entries, served), version_pages(known, entries, served)


def _decision(registry: "Registry", digits: str) -> tuple[Any, tuple["Page", ...]]:
    from promotion.history.lineage import consequences
    from promotion.ledger.state import fold
    from promotion.report.lineage import decision_pages
    from promotion.report.lineage_data import decision_data

    entry, judgement = one_decision(registry, digits)
    tell_other(registry, entry.model)
    entries = registry.history(entry.model)
    known = fold(entry.model, entries).versions[judgement.tag]
    followed = consequences(entries)[entry.seq]
    return decision_data(entry, judgement, followed), decision_pages(known, entry, judgement, followed)


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
