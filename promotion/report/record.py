"""The record as pages: history; and entries as sentences."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import assert_never

from promotion.ledger.chain import Entry
from promotion.ledger.entries import (
    Adoption,
    Approval,
    Body,
    FreshStart,
    Judgement,
    Move,
    Override,
    Readmission,
    Registration,
    Service,
    Takeover,
    TransitionApplied,
    TransitionPlanned,
)
from promotion.ledger.state import State
from promotion.number_format import ago, level, minute
from promotion.registry.holdout_uses import last_spent
from promotion.registry.rolled_back import rolled_back, rolled_back_sentence
from promotion.report.links import NO_LINKS, Links
from promotion.report.page import Page, Table, Words, left, right, row


def budget_sentence(state: State) -> str:
    """Say how often the last holdout has judged, and the level of the next decision on it; empty if there is none."""
    spent = last_spent(state)
    if spent is None:
        return ""
    budget = spent.budget
    times = "once" if budget.use == 1 else f"{budget.use:.3g} times"
    return (
        f"{state.model}: decisions have used the rows of {spent.holdout.origin} {times}. The next decision on them is "
        f"tested at the {level(budget.next)} level (on fresh rows: {level(budget.fresh)})."
    )


def rolled_back_lines(state: State) -> tuple[str, ...]:
    """Say who last rolled back from which version, and why, while that blocks it; empty if no version is blocked."""
    found = rolled_back(state)
    if not found or found[0].rolled_back is None:
        return ()
    last, others = found[0].tag, found[1:]
    more = f" It also holds {len(others)} rolled back earlier." if others else ""
    sentence = rolled_back_sentence(found[0], found[0].rolled_back)
    return (f"{sentence}. The gate holds it until `promotion readmit {last} --reason …`.{more}",)


def history_page(model: str, entries: Sequence[Entry], now: datetime, *, oldest_first: bool) -> Page:
    """Show the ledger of one model."""
    table = history_table(entries, now=now)
    nothing = () if entries else (f"The ledger has no entries for '{model}' yet.",)
    return Page(summary=nothing, tables=(table if oldest_first else replace(table, rows=table.rows[::-1]),))


def history_table(entries: Iterable[Entry], links: Links = NO_LINKS, now: datetime | None = None) -> Table:
    """Return a table with one row per entry, oldest first; each time with its age if the present time is given."""
    rows, before = [], ""
    for entry in entries:
        before = sentence(entry, before)
        seq = Words(str(entry.seq), link=links.entry(entry.model, entry.seq))
        rows.append(row(seq, aged(entry.at, now), Words(entry.actor, link=links.actor(entry.actor)), before))
    return Table(columns=(*right("seq"), *left("at (UTC)", "who", "what")), rows=tuple(rows))


def aged(at: str, now: datetime | None) -> str:
    """Return a time of the ledger, and its age if the present time is given: `2026-11-25 18:40, 2 h ago`."""
    return f"{minute(at)}, {ago(at, now)}" if now else minute(at)


def sentence(entry: Entry, before: str = "") -> str:
    """Describe one entry in a sentence; omits a reason that ends the sentence `before`."""
    return content_sentence(entry.content(), entry.model, before)


def content_sentence(body: Body, model: str, before: str = "") -> str:  # noqa: C901 - one case per kind of entry
    """Describe what an entry of a model records; see `sentence`."""
    match body:
        case Registration():
            trained = "unknown" if body.training_rows is None else f"{body.training_rows:,}"
            copied = f"copied from MLflow's {body.mlflow}, " if body.mlflow else ""
            words = f"registered {body.tag} ({copied}training rows: {trained})"
        case Judgement():
            words = f"decided {body.decision.verdict} on {body.tag}: {body.decision.summary}"
        case Approval():
            words = f"{'approved' if body.approved else 'denied'} {body.tag}: {body.reason}"
        case Adoption():
            words = f"adopted {body.tag} ({body.statement}): {body.reason}"
        case Service():
            words = f"stated that {body.tag} served from {minute(body.since)} to {minute(body.until)}: {body.reason}"
        case Override():
            words = f"overrode the rules for {body.tag} (verdict: {body.verdict or 'none'}): {body.reason}"
        case Takeover():
            before_us = f"the ledger at {body.place}" if body.place else "no ledger"
            words = f"took {model} over from {before_us}: {body.reason}"
        case Readmission():
            words = f"readmitted {body.tag}: {body.reason}"
        case FreshStart():
            named = ", ".join(f"{alias} {name}" for alias, name in body.aliases.items()) or "did not answer"
            words = f"started anew (MLflow's aliases: {named}): {body.reason}"
        case TransitionPlanned():
            moved = moves_sentence(body.moves) or f"deleted {', '.join(body.deletions)}"
            words = f"{body.cause}: {moved}" + ("" if before.endswith(body.reason) else f": {body.reason}")
            words += f" ({body.unseen})" if body.unseen else ""
        case TransitionApplied():
            words = f"completed entry {body.planned}"
        case _:
            assert_never(body)
    return words


def moves_sentence(moves: Iterable[Move]) -> str:
    """Describe moves: `a:1 staging → prod, a:0 prod → archived`."""
    return ", ".join(
        f"{move.tag} stays {move.after}"
        if move.before is move.after
        else f"{move.tag} {move.before or 'no stage'} → {move.after}"
        for move in moves
    )


def version_of(tag: str) -> str:
    """Return the version part of a tag."""
    return tag.partition(":")[2]
