"""`promotion champion`: who serves, or served at a moment."""

from typing import TYPE_CHECKING, Annotated

import typer

from promotion.cli.output import Json, Model, form_of, models_of, open_here, show, tell_other
from promotion.cli.timestamps import AT_HELP, past, written
from promotion.errors import PromotionError
from promotion.number_format import ago, minute

if TYPE_CHECKING:
    from promotion.registry.registry import Registry


EXAMPLE = "promotion champion fraud_classifier --at 2026-11-22T14:30"


class Nobody(PromotionError):
    """Nobody serves, or served then."""


def champion(
    model: Model,
    at: Annotated[
        str | None, typer.Option(help=f"Show the version that was champion at this time. {AT_HELP}", metavar="TIME")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show the champion, now or at a given time.

    Also shows how it became the champion. Exit code 1 if there was none.
    """
    registry = open_here()
    tell_other(registry, model)
    if at is None:
        _champion_now(registry, model, as_json=as_json)
    else:
        _champion_at(registry, model, at, as_json=as_json)


def _champion_now(registry: "Registry", model: str, *, as_json: bool) -> None:
    """By the head of the ledger alone: as fast after a million entries as after ten."""
    from promotion.registry.ledger_writer import utc_now
    from promotion.report.page import Page

    version = registry.champion(model)
    if version is None:
        models_of(registry, model)
        raise Nobody(f"There is no champion of '{model}' yet, according to the ledger.")
    way = f"by decision {version.decision_id}" if version.decision_id else "through a manual change"
    data = {"model": model, "tag": str(version.tag), "digest": version.digest, "path": str(version.path)}
    since = f"{minute(version.since)} UTC ({ago(version.since, utc_now())})"
    why = f"`promotion show {version.decision_id or version.tag}` shows why."
    words = f"{version.tag} has served since {since}. It became champion {way}. {why}"
    data_since = {**data, "since": version.since, "decision_id": version.decision_id}
    show(data_since, Page(summary=(words,)), form=form_of(as_json=as_json))


def _champion_at(registry: "Registry", model: str, text: str, *, as_json: bool) -> None:
    from datetime import datetime

    from promotion.history.lineage import champion_period_at
    from promotion.registry.ledger_writer import utc_now
    from promotion.report.lineage import champion_period_data, champion_period_page

    moment = past(text, utc_now())
    models_of(registry, model)
    state = registry.state(model)
    period = champion_period_at(state, registry.history(model), moment)
    if period is None:
        first = state.began[0] if state.began else None
        began = f" The first was {first.tag}, from {written(datetime.fromisoformat(first.at))}." if first else ""
        raise Nobody(f"There was no champion of '{model}' at {written(moment)}, according to the ledger.{began}")
    show(
        {"at": moment.isoformat(), **champion_period_data(period)},
        champion_period_page(period, moment),
        form=form_of(as_json=as_json),
    )
