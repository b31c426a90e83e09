"""`promotion champion`: who serves, or served at a moment."""

from typing import TYPE_CHECKING, Annotated

import typer

from promotion.cli.output import Json, Model, form_of, models_of, open_here, show, tell_other
from promotion.cli.timestamps import AT_HELP, past, written
from promotion.errors import PromotionError
from promotion.number_format import ago, minute

if TYPE_CHECKING:
    from datetime import datetime

    from promotion.ledger.state import Stated, Succession
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
    """By the head of the ledger and two entries: as fast after a million entries as after ten."""
    from promotion.registry.ledger_writer import utc_now
    from promotion.report.page import Page
    from promotion.report.status import succession_cause, succession_sentence

    version = registry.champion(model)
    if version is None:
        models_of(registry, model)
        raise _nobody(registry, model, f"There is no champion of '{model}' yet, according to the ledger.")
    change, summary = _succession(registry, model)
    data = {"model": model, "tag": str(version.tag), "digest": version.digest, "path": str(version.path)}
    since = f"{minute(version.since)} UTC ({ago(version.since, utc_now())})"
    why = f"`promotion show {version.decision_id or version.tag}` shows more."
    over = f" in place of {change.replaced}" if change.replaced else ""
    words = f"{version.tag} has served since {since}. {succession_sentence(change, over, summary=summary)} {why}"
    how = {"cause": succession_cause(change), "actor": change.actor, "reason": change.plan.reason}
    data_since = {**data, "since": version.since, "decision_id": version.decision_id, **how}
    show(data_since, Page(summary=(words,)), form=form_of(as_json=as_json))


def _succession(registry: "Registry", model: str) -> "tuple[Succession, str]":
    """Return the change that made the champion, and the summary of a decision recorded right before it, if any."""
    from promotion.ledger.entries import Judgement, TransitionPlanned
    from promotion.ledger.state import Succession
    from promotion.vocabulary import Stage

    head = registry.ledger.head(model)
    assert head is not None and head.champion is not None  # noqa: S101, PT018 - there is a champion
    *before, entry = registry.ledger.entries(
        model, after=max(head.champion.seq - 2, 0), limit=min(head.champion.seq, 2)
    )
    plan, judged = entry.content(), before[0].content() if before else None
    assert isinstance(plan, TransitionPlanned)  # noqa: S101 - only plans make a champion
    replaced = [move.tag for move in plan.moves if move.before is Stage.PROD and move.after is not Stage.PROD]
    summary = judged.decision.summary if isinstance(judged, Judgement) else ""
    return Succession(actor=entry.actor, plan=plan, replaced=replaced[0] if replaced else None), summary


def _champion_at(registry: "Registry", model: str, text: str, *, as_json: bool) -> None:
    from datetime import datetime

    from promotion.history.lineage import champion_period_at
    from promotion.ledger.state import stated_at
    from promotion.registry.ledger_writer import utc_now
    from promotion.report.lineage import champion_period_data, champion_period_page

    moment = past(text, utc_now())
    models_of(registry, model)
    state = registry.state(model)
    period = champion_period_at(state, registry.history(model), moment)
    stated = stated_at(state, moment) if period is None else None
    if stated is not None:
        _show_stated(registry, stated, moment, as_json=as_json)
        return
    if period is None:
        first = state.began[0] if state.began else None
        began = f" The first was {first.tag}, from {written(datetime.fromisoformat(first.at))}." if first else ""
        then = f"There was no champion of '{model}' at {written(moment)}, according to the ledger.{began}"
        raise _nobody(registry, model, then)
    show(
        {"at": moment.isoformat(), **champion_period_data(period)},
        champion_period_page(period, moment),
        form=form_of(as_json=as_json),
    )


def _show_stated(registry: "Registry", stated: "Stated", moment: "datetime", *, as_json: bool) -> None:
    """Show who served then according to a person, as that person's word."""
    from promotion.report.page import Page

    reason = registry.ledger.entries(stated.tag.partition(":")[0], after=stated.seq - 1, limit=1)[0].body["reason"]
    words = (
        f"{stated.tag} served at {written(moment)}, as {stated.actor} stated: '{reason}' (from {minute(stated.since)} "
        f"to {minute(stated.until)} UTC, entry {stated.seq}). The ledger recorded nothing then, so nothing proves it."
    )
    data = {"tag": stated.tag, "since": stated.since, "until": stated.until, "seq": stated.seq, "reason": reason}
    show(
        {"at": moment.isoformat(), "stated_by": stated.actor, **data},
        Page(summary=(words,)),
        form=form_of(as_json=as_json),
    )


def _nobody(registry: "Registry", model: str, sentence: str) -> Nobody:
    """Return the error, which also says that there is no ledger, unless a notice named the right one."""
    from promotion.registry.champion import missing_ledger, other_ledger

    missing = "" if other_ledger(registry.parts, model) else missing_ledger(registry.parts)
    return Nobody(f"{sentence} {missing}".rstrip())
