"""`promotion history`: every entry of a model's ledger, or every champion."""

from typing import Annotated

import typer

from promotion.canonical import plain
from promotion.cli.output import Json, Markdown, Model, form_of, models_of, open_here, show, tell_ledger
from promotion.cli.timestamps import AT_HELP, timestamp_of

Since = Annotated[
    str | None, typer.Option(help=f"Show only what was recorded since this time. {AT_HELP}", metavar="TIME")
]
Limit = Annotated[int | None, typer.Option(min=1, help="Show only the N newest.", metavar="N")]
EXAMPLE = "promotion history fraud_classifier --champions"


def history(
    model: Model,
    champions: Annotated[
        bool, typer.Option("--champions", help="List the champions, when each one served, and how it was promoted.")
    ] = False,
    limit: Limit = None,
    since: Since = None,
    reverse: Annotated[bool, typer.Option("--reverse", help="Show the oldest first.")] = False,
    as_json: Json = False,
    as_markdown: Markdown = False,
) -> None:
    """List every ledger entry of a model, newest first.

    With --champions, lists the champions and their time in production. JSON lists the oldest first in either case.
    """
    from promotion.history.lineage import champion_periods
    from promotion.registry.ledger_writer import utc_now
    from promotion.report.lineage import champion_period_data, champion_periods_page
    from promotion.report.record import history_page

    begin = timestamp_of(since) if since is not None else None
    form, now = form_of(as_json=as_json, as_markdown=as_markdown), utc_now()
    registry = open_here()
    models_of(registry, model)
    tell_ledger(registry, model)
    if champions:
        state = registry.state(model)
        places = [place for place, one in enumerate(state.began) if begin is None or one.moment >= begin]
        served = champion_periods(state, registry.history(model), places[-limit if limit else None :])
        page = champion_periods_page(served if reverse else served[::-1], now)
        show([champion_period_data(period) for period in served], page, form=form)
    else:
        shown = registry.history(model, last=limit, since=begin)
        page = history_page(model, shown, now, oldest_first=reverse)
        data = [{**plain(entry), "signed_by": registry.parts.signed_by(entry)} for entry in shown]
        show(data, page, form=form)
