"""What the first page shows of each model, and the newest decisions."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from promotion.number_format import minute
from promotion.report.decision import TONES
from promotion.report.links import decision_page_name, model_page_name
from promotion.report.page import Words, some
from promotion.report.record import version_of
from promotion.report.site.model_history import ModelHistory
from promotion.vocabulary import Stage

RECENT = 12


@dataclass(frozen=True, kw_only=True)
class Standing:
    """One model on the first page.

    Attributes:
        model, link: its name, and its page.
        champion: the version that serves, or `none yet`.
        since: when it began to serve; empty without a champion.
        last: the last verdicts, newest first, each with a link to its report.
        waiting: the versions that wait, or `none`.
        decisions: number of decisions.
    """

    model: str
    link: str
    champion: str
    since: str
    last: tuple[Words, ...]
    waiting: str
    decisions: int


@dataclass(frozen=True, kw_only=True)
class Recent:
    """A decision on the first page.

    Attributes:
        model, link: its model, and the anchor of its entry.
        seq: its entry.
        version, verdict: its version, and the verdict with a link to its report.
        moment, at: exact time, and time to the minute.
        summary: the reason, in a sentence.
    """

    model: str
    link: str
    seq: int
    version: str
    verdict: Words
    moment: str
    at: str
    summary: str


def standing(of: ModelHistory) -> Standing:
    """Return a model's row on the first page."""
    champion = of.state.champion
    newest = sorted(of.decisions, reverse=True)[:3]
    return Standing(
        model=of.model,
        link=model_page_name(of.model),
        champion=version_of(champion.tag) if champion else "none yet",
        since=f"{minute(champion.since)} UTC" if champion else "",
        last=tuple(verdict_link(of, seq) for seq in newest),
        waiting=some([version_of(tag) for tag in reversed(of.state.in_stage(Stage.STAGING))]) or "none",
        decisions=len(of.decisions),
    )


def recent(of: ModelHistory) -> tuple[Recent, ...]:
    """Return the newest decisions on a model, newest first."""
    return newest_decisions(
        Recent(
            model=of.model,
            link=f"{model_page_name(of.model)}#entry-{seq}",
            seq=seq,
            version=version_of(judgement.tag),
            verdict=verdict_link(of, seq),
            moment=of.entries[seq - 1].at,
            at=minute(of.entries[seq - 1].at),
            summary=judgement.decision.summary,
        )
        for seq, judgement in of.decisions.items()
    )


def newest_decisions(among: Iterable[Recent]) -> tuple[Recent, ...]:
    """Return the newest of these decisions, newest first."""
    return tuple(sorted(among, key=lambda one: (datetime.fromisoformat(one.moment), one.seq), reverse=True)[:RECENT])


def verdict_link(of: ModelHistory, seq: int) -> Words:
    """Return the verdict of the decision at an entry, with a link to its report."""
    judgement = of.decisions[seq]
    verdict = judgement.decision.verdict
    return Words(verdict.value, TONES[verdict], decision_page_name(judgement.decision_digest))
