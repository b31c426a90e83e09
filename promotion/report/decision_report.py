"""A decision as a document: checks, gains, curves, scores, data and models, budget, policy, and what followed.

Everything comes from the ledger. Decisions by releases that recorded no curves or no policy are shown without them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from promotion.canonical import restore
from promotion.comparison import Calibration, Comparison
from promotion.comparison.curves import Curves, ErrorBins, ScoreCurves
from promotion.history.lineage import consequences_of, decisions
from promotion.ledger.chain import Entry
from promotion.ledger.entries import Judgement
from promotion.ledger.state import State, VersionState
from promotion.number_format import figure, level, minute
from promotion.policy import Decision, Policy
from promotion.policy.explain import explain
from promotion.report.comparison import missing_table
from promotion.report.decision import checks_table, decision_page
from promotion.report.gains import judged_table, slices_heat_table
from promotion.report.lineage import decided_page, facts_table, judges_facts, origin_facts
from promotion.report.links import NO_LINKS, Links
from promotion.report.page import Document, Page, Picture, Section, Table, Words, quiet
from promotion.report.record import history_table

_DIGESTS = frozenset({"digest", "SHA-256 of it", "SHA-256 of the file"})
_GAIN = (
    "A gain is how much better the challenger is, whether the metric is better when it is higher or lower: above 0 the "
    "challenger is better."
)
_LEGEND = (
    "Horizontal lines are the intervals of the gains. A dashed mark is the gain that the policy requires. Circle: "
    "passed. Hollow diamond: inconclusive. Cross: failed. Square: not required."
)
_LEVEL = (
    "A level is the probability that a challenger that is no better passes the primary check. It shrinks with every "
    "use of the same rows, so that all uses together let noise pass no more often than the policy allows. `promotion "
    "status` shows the level of the next decision on the most recently used rows."
)
_NO_CURVES = (
    "The ledger contains no curves for this decision: nothing was scored, the model has more than two classes, or an "
    "early release made the decision."
)


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """A decision as the ledger records it.

    Attributes:
        entry: the entry that records it.
        judgement: its content.
        versions: its candidates by tag, in their present state.
        places: of each candidate, the place in order of registration, from 1.
        followed: the entries that followed from it, or that moved one of its candidates since.
    """

    entry: Entry
    judgement: Judgement
    versions: Mapping[str, VersionState]
    places: Mapping[str, int]
    followed: tuple[Entry, ...]


def recorded(state: State, entries: Sequence[Entry], *, beginning: str = "") -> Iterator[Recorded]:
    """Yield the decisions among a model's entries, oldest first, with what each report needs.

    `beginning` selects decisions whose digest starts with it.
    """
    for entry, judgement in decisions(entries, beginning=beginning):
        yield recorded_in(state, entries, entry, judgement)


def recorded_in(state: State, history: Sequence[Entry], entry: Entry, judgement: Judgement) -> Recorded:
    """Return one decision with what its report needs. Reads only the entries of its two versions."""
    followed = consequences_of(state, history, entry, judgement)
    return recorded_with(state, places_of(state), entry, judgement, followed)


def places_of(state: State) -> dict[str, int]:
    """Return the place of each version in order of registration, from 1."""
    return {tag: place for place, tag in enumerate(state.versions, start=1)}


def recorded_with(
    state: State, places: Mapping[str, int], entry: Entry, judgement: Judgement, followed: tuple[Entry, ...]
) -> Recorded:
    """Return one decision with what its report needs and nothing else, so that another process can draw the report."""
    judged = (judgement.decision.challenger, judgement.decision.champion)
    sides = {tag: places[tag] for tag in (judgement.tag, *(one.tag for one in judged if one)) if tag in places}
    versions = {tag: state.versions[tag] for tag in sides}
    return Recorded(entry=entry, judgement=judgement, versions=versions, places=sides, followed=followed)


def decision_document(found: Recorded, *, as_of: Entry | None = None, links: Links = NO_LINKS) -> Document:
    """Return the report of one decision; the same entries always give the same document.

    A report that is stored and not redrawn ends with the entry `as_of`, and says so. The page links to `links`.
    """
    judgement, decision = found.judgement, found.judgement.decision
    page = decided_page(judgement, found.versions[judgement.tag], found.followed)
    notes = page.notes[:-1] if decision.holdout else page.notes  # the section on data and models shows the last note
    sections = tuple(section for section in _sections(found, links) if section.page != Page() or section.pictures)
    return Document(
        title=f"{page.verdict.text} {judgement.tag}",
        kind=f"Decision report {judgement.decision_digest[:12]}, {minute(found.entry.at)} UTC",
        lead=replace(page, tables=(), notes=(*notes, *(quiet(_as_of(judgement, as_of)) if as_of else ()))),
        sections=sections,
        trail=_trail(found.entry.model, links),
        colophon=(
            f"Made from entry {found.entry.seq} of the ledger of `{found.entry.model}`, hash `{found.entry.hash}`, "
            f"recorded by {found.entry.actor}. `promotion show {judgement.decision_digest[:12]}` shows it as text."
        ),
    )


def _sections(found: Recorded, links: Links) -> Iterator[Section]:
    judgement = found.judgement
    decision = judgement.decision
    yield Section(title="Checks", page=Page(tables=(checks_table(decision),)))
    yield Section(title="Metrics", page=_metrics(decision))
    yield _gains(decision)
    yield from _curves(judgement)
    yield _sources(found, links)
    yield Section(title="Holdout budget", page=_budget(decision))
    yield _policy(judgement)
    yield _digests(found)
    after = history_table(found.followed, links)
    yield Section(title="What followed", page=Page(tables=(after,)) if after.rows else _nothing())


def _metrics(decision: Decision) -> Page:
    if isinstance(decision.evidence, Comparison):
        return Page(tables=(judged_table(decision, decision.evidence),), notes=quiet(_GAIN))
    return Page(tables=tuple(table for table in decision_page(decision).tables if table != checks_table(decision)))


def _gains(decision: Decision) -> Section:
    from promotion.report.plots.gains import gain_pictures

    evidence = decision.evidence
    tables: tuple[Table, ...] = ()
    if isinstance(evidence, Comparison):
        tables = slices_heat_table(decision, evidence), missing_table(evidence)
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
        "The population stability index of the scores, in the champion's deciles, is "
        f"{figure(summary.shift, scale=1.0)}. Below 0.1 the shift is small; above 0.25 it is large."
    )
    return Page(notes=quiet(told))


def _trail(model: str, links: Links) -> tuple[Words, ...]:
    """Return the pages above a report; none if the site is not published."""
    above = Words("All models", link=links.index()), Words(model, link=links.model(model))
    return above if above[0].link else ()


def _sources(found: Recorded, links: Links) -> Section:
    """Show what was judged, against which champion, on which rows, and the origin of each."""
    entry, decision, digest = found.entry, found.judgement.decision, found.judgement.decision_digest
    where = {
        "decision": Words(digest[:12], copy=digest),
        "recorded": f"{minute(entry.at)} UTC",
        "by": Words(entry.actor, link=links.actor(entry.actor)),
        "ledger": Words(f"entry {entry.seq}", link=links.entry(entry.model, entry.seq)),
        **_undigested(judges_facts(decision)),
    }
    tables = [replace(facts_table(where), title="Decision")]
    for role, version in _sides(found):
        tag, run, place = version.tag, version.registration.run_id, found.places[version.tag]
        facts = {
            "version": Words(tag, link=links.version(entry.model, place), copy=tag),
            **_undigested(origin_facts(version.registration)),
            **({"trained by run": Words(run[:12], link=links.run(run), copy=run)} if run else {}),
        }
        tables.append(replace(facts_table(facts), title=role))
    return Section(title="Data and models", page=Page(tables=tuple(tables)))


def _digests(found: Recorded) -> Section:
    """Show everything that identifies the decision and what it rests on, in full."""
    decision, holdout = found.judgement.decision, found.judgement.decision.holdout
    digests: dict[str, str | None] = {
        "decision": found.judgement.decision_digest,
        "policy": decision.policy,
        f"entry {found.entry.seq}": found.entry.hash,
        **({"holdout": holdout.digest, "file of the holdout": holdout.data_digest} if holdout else {}),
    }
    for role, version in _sides(found):
        name, registration = role.lower(), version.registration
        digests |= {name: registration.digest, f"training file of the {name}": registration.data_digest}
    facts = {name: Words(digest, copy=digest) for name, digest in digests.items() if digest}
    return Section(title="Digests", page=Page(tables=(facts_table(facts),)), folded=True)


def _sides(found: Recorded) -> Iterator[tuple[str, VersionState]]:
    """Yield challenger and champion, as far as the ledger has them."""
    decision = found.judgement.decision
    for role, judged in (("Challenger", decision.challenger), ("Champion", decision.champion)):
        version = found.versions.get(judged.tag) if judged else None
        if version:
            yield role, version


def _undigested(facts: Mapping[str, str | None]) -> dict[str, str | Words | None]:
    """Return facts without the digests, which have a section of their own."""
    return {name: told for name, told in facts.items() if name not in _DIGESTS}


def _budget(decision: Decision) -> Page:
    budget = decision.budget
    if budget is None:
        why = "This decision used no budget: there was no champion, nothing was compared, or the policy counts no uses."
        return Page(notes=quiet(why))
    levels = {
        "this decision": f"use {budget.use:.3g}, level {level(budget.level)}",
        "a decision on fresh rows": f"level {level(budget.fresh)}",
    }
    return Page(summary=(budget.sentence,), tables=(facts_table(levels),), notes=quiet(_LEVEL))


def _policy(judgement: Judgement) -> Section:
    if judgement.policy is None:
        told = Page(notes=quiet(f"The ledger contains only the policy's digest: {judgement.decision.policy}."))
    else:
        policy = restore(Policy, judgement.policy)
        dependence = judgement.draws.demand(policy.min_groups) if judgement.draws else ""
        told = Page(notes=tuple(quiet(*explain(policy, dependence))))
    return Section(title="Policy", page=told)


def _as_of(judgement: Judgement, last: Entry) -> str:
    return (
        f"This page shows the state at {minute(last.at)} UTC (entry {last.seq}) and is never updated. "
        f"`promotion report {judgement.decision_digest[:12]}` shows what followed."
    )


def _nothing() -> Page:
    return Page(notes=quiet("Nothing yet."))
