"""A decision as a document: checks, gains, curves, scores, data and models, budget, policy, and what followed.

Everything comes from the ledger. Decisions by releases that recorded no curves or no policy are shown without them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from promotion.canonical import restore
from promotion.comparison import Calibration, Comparison
from promotion.comparison.curves import Curves, ErrorBins, ScoreCurves
from promotion.history.lineage import consequences, decisions
from promotion.ledger.chain import Entry
from promotion.ledger.entries import Judgement
from promotion.ledger.state import State, VersionState
from promotion.number_format import figure, level, minute
from promotion.policy import Decision, Policy
from promotion.policy.explain import explain
from promotion.report.comparison import missing_table, slices_tables
from promotion.report.decision import checks_table, decision_page
from promotion.report.lineage import decided_page, facts_table, judges_facts, origin_facts
from promotion.report.page import Document, Page, Picture, Section, quiet
from promotion.report.record import history_table

_LEGEND = (
    "A gain is how much better the challenger is, whatever the metric's direction. A line is its interval; a dashed "
    "mark is what the policy asks for. Round: passed; hollow diamond: open; cross: failed; square: not asked for."
)
_LEVEL = (
    "A level is the chance that a challenger which is no better passes the primary check. It shrinks with every use of "
    "the same rows, so that all uses together let noise pass no more often than the policy allows. `promotion status` "
    "shows the level of the next decision on the rows that judged last."
)
_NO_CURVES = (
    "The ledger holds no curves of this decision: nothing was scored, there are more than two classes, or it was made "
    "by a release that kept none."
)


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """A decision as the ledger records it.

    Attributes:
        entry: the entry that records it.
        judgement: its content.
        versions: the model's versions, by tag, in their present state.
        followed: the entries that followed from it, or that moved one of its candidates since.
    """

    entry: Entry
    judgement: Judgement
    versions: Mapping[str, VersionState]
    followed: tuple[Entry, ...]


def recorded(state: State, entries: Sequence[Entry], *, beginning: str = "") -> Iterator[Recorded]:
    """Yield the decisions among a model's entries, oldest first, with what each report needs.

    `beginning` selects decisions whose digest starts with it.
    """
    followed = consequences(entries)
    for entry, judgement in decisions(entries, beginning=beginning):
        after = followed[entry.seq]
        yield Recorded(entry=entry, judgement=judgement, versions=state.versions, followed=after)


def decision_document(found: Recorded, *, as_of: Entry | None = None) -> Document:
    """Return the report of one decision; the same entries always give the same document.

    A report that is stored and not redrawn ends with the entry `as_of`, and says so.
    """
    from promotion.report.plots.svg import style

    judgement, decision = found.judgement, found.judgement.decision
    page = decided_page(judgement, found.versions[judgement.tag], found.followed)
    notes = page.notes[:-1] if decision.holdout else page.notes  # the section on data and models shows the last note
    with style():
        sections = tuple(section for section in _sections(found) if section.page != Page() or section.pictures)
    return Document(
        title=f"{page.verdict.text} {judgement.tag}",
        kind=f"Decision report {judgement.decision_digest[:12]}, {minute(found.entry.at)} UTC",
        lead=replace(page, tables=(), notes=(*notes, *(quiet(_as_of(judgement, as_of)) if as_of else ()))),
        sections=sections,
        colophon=(
            f"Drawn from entry {found.entry.seq} of the ledger of `{found.entry.model}`, hash `{found.entry.hash}`, "
            f"recorded by {found.entry.actor}. `promotion show {judgement.decision_digest[:12]}` says it in words."
        ),
    )


def _sections(found: Recorded) -> Iterator[Section]:
    judgement = found.judgement
    decision = judgement.decision
    yield Section(title="Checks", page=Page(tables=(checks_table(decision),)))
    tables = tuple(table for table in decision_page(decision).tables if table != checks_table(decision))
    yield Section(title="Metrics", page=Page(tables=tables))
    yield _gains(decision)
    yield from _curves(judgement)
    yield _sources(found)
    yield Section(title="Holdout budget", page=_budget(decision))
    yield _policy(judgement)
    after = history_table(found.followed)
    yield Section(title="What followed", page=Page(tables=(after,)) if after.rows else _nothing())


def _gains(decision: Decision) -> Section:
    from promotion.report.plots.gains import gain_pictures

    evidence = decision.evidence
    tables = (*slices_tables(evidence), missing_table(evidence)) if isinstance(evidence, Comparison) else ()
    pictures = gain_pictures(decision)
    return Section(title="Gains", pictures=pictures, page=Page(summary=(_LEGEND,) if pictures else (), tables=tables))


def _curves(judgement: Judgement) -> Iterator[Section]:
    """Yield the sections of the curves, or a note if the ledger holds none."""
    from promotion.report.plots.scores import errors_picture, score_pictures

    curves = judgement.curves
    if curves is None:
        yield Section(title="Curves", page=Page(notes=quiet(_NO_CURVES)))
    elif isinstance(curves, ErrorBins):
        yield Section(title="Errors", pictures=(errors_picture(curves),))
    else:
        yield Section(title="Curves", pictures=_lines(judgement.decision, curves))
        yield Section(title="Scores", pictures=score_pictures(curves), page=_shift(judgement.decision))


def _lines(decision: Decision, curves: ScoreCurves) -> tuple[Picture, ...]:
    from promotion.report.plots.curves import cost_picture, precision_picture, roc_picture
    from promotion.report.plots.scores import calibration_picture

    sides = _calibrations(decision, curves)
    calibration = (calibration_picture(sides),) if sides else ()
    return (roc_picture(curves), precision_picture(curves), *calibration, cost_picture(curves))


def _calibrations(decision: Decision, curves: Curves) -> dict[str, tuple[Calibration, ...]]:
    """Return the calibration by candidate; empty if scores are not probabilities."""
    if isinstance(decision.evidence, Comparison):
        summary = decision.evidence.scores
        return {"champion": summary.champion, "challenger": summary.challenger} if summary else {}
    alone = curves.challenger.calibration if isinstance(curves, ScoreCurves) else ()
    return {"challenger": alone} if alone else {}


def _shift(decision: Decision) -> Page:
    summary = decision.evidence.scores if isinstance(decision.evidence, Comparison) else None
    if summary is None:
        return Page()
    told = (
        f"From champion to challenger the scores shift by {figure(summary.shift, scale=1.0)} (population stability "
        "index by the champion's deciles): below 0.1 little has moved, above 0.25 much has."
    )
    return Page(notes=quiet(told))


def _sources(found: Recorded) -> Section:
    """Show what was judged, against which champion, on which rows, and the origin of each."""
    decision = found.judgement.decision
    where = {
        "decision": found.judgement.decision_digest,
        "recorded": f"{minute(found.entry.at)} UTC, entry {found.entry.seq}, by {found.entry.actor}",
        "policy": decision.policy,
        **judges_facts(decision),
        "digest of the holdout": decision.holdout.digest if decision.holdout else None,
    }
    tables = [replace(facts_table(where), title="Decision")]
    for role, judged in (("Challenger", decision.challenger), ("Champion", decision.champion)):
        version = found.versions.get(judged.tag) if judged else None
        if judged and version:
            facts = {"version": judged.tag, **origin_facts(version.registration)}
            tables.append(replace(facts_table(facts), title=role))
    return Section(title="Data and models", page=Page(tables=tuple(tables)))


def _budget(decision: Decision) -> Page:
    budget = decision.budget
    if budget is None:
        why = (
            "No use was counted: there was no champion to gain on, nothing was compared, or the policy counts no uses."
        )
        return Page(notes=quiet(why))
    levels = {
        "this decision": f"use {budget.use:.3g}, level {level(budget.level)}",
        "one on fresh rows": f"level {level(budget.fresh)}",
    }
    return Page(summary=(budget.sentence,), tables=(facts_table(levels),), notes=quiet(_LEVEL))


def _policy(judgement: Judgement) -> Section:
    if judgement.policy is None:
        told = Page(notes=quiet(f"The ledger holds its digest alone: {judgement.decision.policy}."))
    else:
        policy = restore(Policy, judgement.policy)
        dependence = judgement.draws.demand(policy.min_groups) if judgement.draws else ""
        told = Page(notes=tuple(quiet(*explain(policy, dependence))))
    return Section(title="Policy", page=told)


def _as_of(judgement: Judgement, last: Entry) -> str:
    return (
        f"This page is as of {minute(last.at)} UTC (entry {last.seq}) and stays so: "
        f"`promotion report {judgement.decision_digest[:12]}` shows what came after."
    )


def _nothing() -> Page:
    return Page(notes=quiet("Nothing yet."))


def report_name(digest: str) -> str:
    """Return the file name of a decision's report."""
    return f"decision-{digest[:12]}.html"


def found_in(among: Iterable[Recorded], tag: str) -> Recorded | None:
    """Return the last decision on a version; None if it was not judged."""
    return next((one for one in reversed(tuple(among)) if one.judgement.tag == tag), None)
