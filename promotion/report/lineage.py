"""Lineage as pages: champions over time with their causes, and one version's path from its data to its service."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from promotion.canonical import canonical_json, plain
from promotion.history.lineage import (
    ChampionPeriod,
    Ending,
    Passage,
    concerning,
    consequences_of,
    decisions,
    ending,
    passages,
)
from promotion.ledger.chain import Entry
from promotion.ledger.entries import Adoption, Judgement, Registration
from promotion.ledger.state import State, VersionState
from promotion.number_format import minute
from promotion.policy import Decision
from promotion.registry.rolled_back import held_back
from promotion.report.decision import decision_page
from promotion.report.page import Page, Table, Tone, Words, left, right, row
from promotion.report.record import aged, history_table
from promotion.vocabulary import Stage


def champion_period_page(period: ChampionPeriod, moment: datetime) -> Page:
    """Show which version was in production at a moment, why, and from what data."""
    champion, decision = period.champion, period.decision
    facts = {
        "since": f"{minute(champion.since)} UTC (entry {champion.seq})",
        "until": f"{minute(period.until)} UTC" if period.until else "now",
        "who": period.actor,
        "cause": period.cause,
        "why": period.plan.reason,
        "decision": f"{period.decision_id}, {decision.verdict}" if decision else "none",
        **judges_facts(decision),
        **origin_facts(period.registration),
    }
    headline = f"{champion.tag} was in production at {moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    return Page(headline=headline, tables=(facts_table(facts),))


def champion_periods_page(among: Iterable[ChampionPeriod], now: datetime) -> Page:
    """Show champions over time, in the given order, with the ages of their times."""
    return Page(tables=(_reigns(among, now),))


def version_pages(
    state: State,
    version: VersionState,
    entries: Sequence[Entry],
    served: Iterable[ChampionPeriod],
    history: Sequence[Entry],
) -> tuple[Page, ...]:
    """Show the life of one version, and the last decision on it.

    Args:
        state: the model's state.
        version: the version.
        entries: its entries; see `VersionState.entries`.
        served: its times in production.
        history: all entries of the model, of which few are read.
    """
    own = concerning(version.tag, entries)
    facts = {
        "version": version.tag,
        "stage": _stage(version),
        **_kept_out(version),
        **origin_facts(version.registration),
        "registered": f"{minute(version.registered_at)} UTC by {version.registered_by}",
        **_vouched(version.adoption),
    }
    life = Page(
        tables=(
            facts_table(facts),
            replace(_reigns(served), title="In production"),
            replace(_decisions(own), title="Decisions"),
            replace(history_table(own), title="Entries"),
        )
    )
    if version.decision is None or version.decided_seq is None:
        return (life,)
    entry, judged = next(one for one in decisions(own) if one[0].seq == version.decided_seq)
    return life, decided_page(judged, version, consequences_of(state, history, entry, judged))


def decision_pages(
    version: VersionState, entry: Entry, judgement: Judgement, followed: Sequence[Entry]
) -> tuple[Page, ...]:
    """Show one decision: where it is recorded, what followed from it, and its content."""
    facts = {
        "version": judgement.tag,
        "recorded": f"{minute(entry.at)} UTC, entry {entry.seq}",
        "who": entry.actor,
        "digest": judgement.decision_digest,
        **judges_facts(judgement.decision),
    }
    after = replace(history_table(followed), title="What followed")
    return Page(tables=(facts_table(facts), after)), decided_page(judgement, version, followed)


def _reigns(among: Iterable[ChampionPeriod], now: datetime | None = None) -> Table:
    columns = (*right("seq"), *left("from (UTC)", "until (UTC)", "champion", "cause", "decision", "who", "why"))
    return Table(columns=columns, rows=tuple(_reign(period, now) for period in among))


def _reign(period: ChampionPeriod, now: datetime | None) -> tuple[Words, ...]:
    return row(
        str(period.champion.seq),
        aged(period.champion.since, now),
        aged(period.until, now) if period.until else "now",
        period.champion.tag,
        period.cause,
        period.decision_id or "none",
        period.actor,
        period.plan.reason,
    )


def _decisions(entries: Iterable[Entry]) -> Table:
    columns = (*right("seq"), *left("at (UTC)", "verdict", "decision", "against", "holdout", "who"))
    rows = tuple(
        row(
            str(entry.seq),
            minute(entry.at),
            judgement.decision.verdict,
            judgement.decision_digest[:12],
            judgement.decision.champion.tag if judgement.decision.champion else "no champion",
            _holdout(judgement.decision),
            entry.actor,
        )
        for entry, judgement in decisions(entries)
    )
    return Table(columns=columns, rows=rows)


def facts_table(facts: Mapping[str, str | Words | None]) -> Table:
    """Return a table of names and values; None shows as unknown."""
    rows = tuple(row(Words(name, Tone.QUIET), value or "unknown") for name, value in facts.items())
    return Table(columns=left("", ""), rows=rows)


def origin_facts(registration: Registration) -> dict[str, str | None]:
    """Return the origin of a version, from the data to the registration."""
    options = f" with {canonical_json(registration.options)}" if registration.options else ""
    rows = registration.training_rows
    return {
        "named": registration.version,
        "digest": registration.digest,
        "trained from": registration.source or registration.data,
        **({"snapshot of it": registration.data} if registration.source else {}),
        "SHA-256 of it": registration.data_digest,
        "training rows": None if rows is None else f"{rows:,}",
        "recipe": f"{registration.recipe}{options}" if registration.recipe else None,
        **({"copied from": f"{registration.mlflow} in MLflow"} if registration.mlflow else {}),
        "trained by run": registration.run_id,
    }


def judges_facts(decision: Decision | None) -> dict[str, str | None]:
    """Return which rows judged."""
    used = decision.holdout if decision else None
    if decision is None or used is None:
        return {}
    snapshot = {"snapshot of these rows": used.data} if used.source else {}
    return {"judged on": _holdout(decision), **snapshot, "SHA-256 of the file": used.data_digest}


def _holdout(decision: Decision) -> str:
    used = decision.holdout
    if used is None:
        return "no rows" if held_back(decision) else "unknown"
    return f"{used.rows:,} rows of {used.origin} ({used.digest[:12]})"


def _stage(version: VersionState) -> str:
    if version.deleted_at:
        return f"none: its files were deleted {minute(version.deleted_at)} UTC"
    return version.stage or "no stage"


def _kept_out(version: VersionState) -> dict[str, str]:
    back = version.rolled_back
    if back is None:
        return {}
    until = f"the gate holds it until `promotion readmit {version.tag} --reason …`"
    return {"rolled back from": f"{minute(back.at)} UTC by {back.actor}: '{back.reason}'; {until}"}


def _vouched(adoption: Adoption | None) -> dict[str, str]:
    if adoption is None:
        return {}
    return {"adopted": f"{adoption.statement}: {adoption.reason}"}


def decided_page(judgement: Judgement, version: VersionState, followed: Iterable[Entry]) -> Page:
    """Show a decision on a version, and what ended the champion period that it began.

    A decision that waited for approval has no effect once the version has moved on.
    """
    decision, ended = judgement.decision, ending(judgement, followed)
    page = decision_page(decision)
    if decision.waits and not (version.stage is Stage.STAGING and version.decision == decision):
        verdict = Words("PROMOTE, waited for approval", page.verdict.tone)
        page = replace(page, verdict=verdict, summary=page.summary[:1])
    return replace(page, summary=(ending_sentence(ended), *page.summary)) if ended else page


def ending_sentence(ended: Ending) -> str:
    """Return `No longer serving: os:alice rolled back to toy:monday at 2026-11-25 18:40 UTC: merchants complain`."""
    did = {"rollback": "rolled back to", "adoption": "adopted"}.get(ended.plan.cause, "promoted")
    return f"No longer serving: {ended.actor} {did} {ended.champion} at {minute(ended.at)} UTC: {ended.plan.reason}"


def champion_period_data(period: ChampionPeriod) -> dict[str, Any]:
    """Return one champion period, its cause, and the data and run behind the version."""
    decision = period.decision
    return {
        **plain(period.champion),
        "until": period.until,
        "actor": period.actor,
        "cause": period.cause,
        "reason": period.plan.reason,
        "decision_id": period.decision_id,
        "verdict": decision.verdict.value if decision else None,
        "holdout": plain(decision.holdout) if decision else None,
        **_origin(period.registration),
    }


def version_data(version: VersionState, entries: Sequence[Entry], served: Iterable[ChampionPeriod]) -> dict[str, Any]:
    """Return the life of one version, from its entries and its times in production; see `version_pages`."""
    own = concerning(version.tag, entries)
    lineage = {
        **_origin(version.registration),
        "version": {"tag": version.tag, "digest": version.registration.digest, "registered_at": version.registered_at},
        "decisions": [_judged(entry, judgement) for entry, judgement in decisions(own)],
        "transitions": [_passage(passage) for passage in passages(version.tag, entries)],
        "in_production": [champion_period_data(period) for period in served],
    }
    data = {name: value for name, value in plain(version).items() if name not in {"recorded", "entries"}}
    return {**data, "lineage": lineage, "entries": [plain(entry) for entry in own]}


def decision_data(entry: Entry, judgement: Judgement, followed: Sequence[Entry]) -> dict[str, Any]:
    """Return one decision, where it is recorded, what followed, and what ended the champion period that it began."""
    evidence = {"decision": plain(judgement.decision), "followed": [plain(one) for one in followed]}
    ended = {"no_longer_serving": _ending(ending(judgement, followed))}
    return {"tag": judgement.tag, **_judged(entry, judgement), **ended, **evidence}


def _ending(ended: Ending | None) -> dict[str, Any] | None:
    if ended is None:
        return None
    replaced = {"champion": ended.champion, "at": ended.at, "seq": ended.seq, "actor": ended.actor}
    return {**replaced, "cause": ended.plan.cause, "reason": ended.plan.reason}


def _origin(registration: Registration) -> dict[str, Any]:
    source = {"source": registration.source} if registration.source else {}
    named = {"name": registration.data, **source, "digest": registration.data_digest}
    return {
        "data": {**named, "rows": registration.training_rows},
        "recipe": {"name": registration.recipe, "options": registration.options},
        "run_id": registration.run_id,
    }


def _judged(entry: Entry, judgement: Judgement) -> dict[str, Any]:
    decision = judgement.decision
    return {
        "seq": entry.seq,
        "at": entry.at,
        "actor": entry.actor,
        "decision_id": judgement.decision_digest[:12],
        "digest": judgement.decision_digest,
        "verdict": decision.verdict.value,
        "champion": plain(decision.champion),
        "holdout": plain(decision.holdout),
    }


def _passage(passage: Passage) -> dict[str, Any]:
    return {
        "seq": passage.entry.seq,
        "at": passage.entry.at,
        "actor": passage.entry.actor,
        "cause": passage.plan.cause,
        "before": passage.before,
        "after": passage.after,
        "deleted": passage.deleted,
        "decision": passage.plan.decision,
        "applied": passage.applied,
    }
