"""`promotion history`: every entry of a model's ledger, or every champion."""

from typing import Annotated

import typer

from promotion.cli.output import Json, Markdown, Model, form_of, models_of, open_here, show, tell_other

Limit = Annotated[int | None, typer.Option(min=1, help="Show only the N newest.", metavar="N")]
EXAMPLE = "promotion history fraud_classifier --champions"


def history(
    model: Model,
    champions: Annotated[
        bool, typer.Option("--champions", help="List the champions, when each one served, and how it was promoted.")
    ] = False,
    limit: Limit = None,
    as_json: Json = False,
    as_markdown: Markdown = False,
) -> None:
    """List every ledger entry of a model.

    With --champions, lists the champions and their time in production. Oldest first.
    """
    from promotion.history.lineage import champion_periods
    from promotion.report.lineage import champion_period_data, champion_periods_page
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
        data = [{**vars(entry), "signed_by": registry.parts.signed_by(entry)} for entry in shown]
        show(data, history_page(model, shown), form=form)
