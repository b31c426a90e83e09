"""What the first page shows of each model, and the head of a model's own page."""

from collections.abc import Iterable, Sequence, Sized
from dataclasses import dataclass
from datetime import datetime

from promotion.history.lineage import ChampionPeriod
from promotion.ledger.state import VersionState
from promotion.number_format import minute
from promotion.report.metric_history import TONES
from promotion.report.page import Column, Page, Table, Tone, Words, left, row
from promotion.report.record import budget_told, rolled_back_lines, version_of
from promotion.report.site.chronicle import Chronicle, decision_page_name, model_page_name
from promotion.vocabulary import Stage

RECENT = 12
_DAY = 86_400
_FEW = 3


@dataclass(frozen=True, kw_only=True)
class Standing:
    """One model on the first page.

    Attributes:
        model, link: its name, and its page.
        champion: the version that serves, or `none yet`.
        age: how long it has served; empty without a champion.
        since: when it began to serve; empty without a champion.
        last: the last verdicts, newest first, each with a link to its report.
        waiting: the versions that wait.
        decisions: number of decisions.
    """

    model: str
    link: str
    champion: str
    age: str
    since: str
    last: tuple[Words, ...]
    waiting: str
    decisions: int


@dataclass(frozen=True, kw_only=True)
class Recent:
    """A decision on the first page.

    Attributes:
        model, link: its model, and the anchor of its entry.
        version, verdict: its version, and the verdict with a link to its report.
        moment, at: exact time, and time to the minute.
        summary: the reason, in a sentence.
    """

    model: str
    link: str
    version: str
    verdict: Words
    moment: str
    at: str
    summary: str


def standing(of: Chronicle, now: datetime) -> Standing:
    """Return a model's row on the first page."""
    champion = of.state.champion
    newest = sorted(of.decisions, reverse=True)[:3]
    return Standing(
        model=of.model,
        link=model_page_name(of.model),
        champion=version_of(champion.tag) if champion else "none yet",
        age=age_told(champion.since, now) if champion else "",
        since=f"{minute(champion.since)} UTC" if champion else "",
        last=tuple(_verdict(of, seq) for seq in newest),
        waiting=some(list(map(version_of, of.state.in_stage(Stage.STAGING)))) or "nobody",
        decisions=len(of.decisions),
    )


def recent(among: Iterable[Chronicle]) -> tuple[Recent, ...]:
    """Return the newest decisions on all models, newest first."""
    judged = [(of.entries[seq - 1].at, of, seq) for of in among for seq in of.decisions]
    newest = sorted(judged, key=lambda one: (datetime.fromisoformat(one[0]), one[2]), reverse=True)[:RECENT]
    return tuple(
        Recent(
            model=of.model,
            link=f"{model_page_name(of.model)}#entry-{seq}",
            version=version_of(of.decisions[seq].tag),
            verdict=_verdict(of, seq),
            moment=at,
            at=minute(at),
            summary=of.decisions[seq].decision.summary,
        )
        for at, of, seq in newest
    )


def model_lead(of: Chronicle) -> Page:
    """Show the champion, the waiting versions, and the holdout budget."""
    champion, state = of.state.champion, of.state
    serves = (
        f"`{version_of(champion.tag)}` serves since {minute(champion.since)} UTC, "
        f"{f'by decision {champion.decision[:12]}' if champion.decision else 'by hand'}."
        if champion
        else "Nobody serves yet."
    )
    waiting = some([f"`{version_of(tag)}`" for tag in state.in_stage(Stage.STAGING)])
    before = f"A rollback would bring back `{version_of(state.previous)}`." if state.previous else ""
    counted = ", ".join(
        (_counted(state.versions, "version"), _counted(of.decisions, "decision"), _counted(of.champion_periods, "time"))
    )
    return Page(
        headline=of.model,
        summary=(
            serves,
            f"Waiting to be judged: {waiting}." if waiting else "",
            before,
            *rolled_back_lines(state),
            budget_told(state),
            f"{counted} in production.",
        ),
    )


def champion_periods_table(of: Chronicle) -> Table:
    """Return a table of champion periods, newest first, with links to their causes."""
    at = (Column("from (UTC)", wraps=False), Column("until (UTC)", wraps=False))
    columns = (*left("version"), *at, *left("cause", "decision", "who", "why"))
    return Table(columns=columns, rows=tuple(map(_champion_period, reversed(of.champion_periods))))


def versions_rows(of: Chronicle) -> Sequence[tuple[Words, ...]]:
    """Return every version in order of registration; a row's anchor is `version-` and its position."""
    return tuple(
        row(
            version_of(version.tag),
            version.registration.version or "",
            _stage(version),
            minute(version.registered_at),
            _verdict(of, version.decided_seq) if version.decided_seq else "",
        )
        for version in of.state.versions.values()
    )


def _stage(version: VersionState) -> str:
    if version.deleted_at:
        return "deleted"
    return f"{version.stage or 'none of ours'}{', rolled back from' if version.rolled_back else ''}"


def some(names: Sequence[str]) -> str:
    """List the last few names, last first, and the number of others."""
    shown = ", ".join(names[: -_FEW - 1 : -1])
    return f"{shown} and {len(names) - _FEW:,} more" if len(names) > _FEW else shown


def age_told(since: str, now: datetime) -> str:
    """Return the elapsed time in whole days."""
    days = int((now - datetime.fromisoformat(since)).total_seconds() // _DAY)
    return "since today" if days < 1 else f"for {days:,} day{'s' * (days > 1)}"


def _champion_period(period: ChampionPeriod) -> tuple[Words, ...]:
    decided = period.plan.decision
    return row(
        Words(version_of(period.champion.tag), link=f"#entry-{period.champion.seq}"),
        minute(period.champion.since),
        minute(period.until) if period.until else Words("serves still", Tone.GOOD),
        period.cause,
        Words(period.decision_id or "", link=decision_page_name(decided)) if decided else "none",
        period.actor,
        period.plan.reason,
    )


def _counted(among: Sized, name: str) -> str:
    return f"{len(among):,} {name}{'' if len(among) == 1 else 's'}"


def _verdict(of: Chronicle, seq: int) -> Words:
    judgement = of.decisions[seq]
    verdict = judgement.decision.verdict
    return Words(verdict.value, TONES[verdict], decision_page_name(judgement.decision_digest))
