"""The record as pages: status, history, and audit findings; and entries as sentences."""

from collections.abc import Iterable, Sequence
from typing import assert_never

from promotion.findings import Finding, Severity
from promotion.ledger.chain import Entry
from promotion.ledger.entries import (
    Adoption,
    Approval,
    FreshStart,
    Judgement,
    Move,
    Override,
    Readmission,
    Registration,
    Takeover,
    TransitionApplied,
    TransitionPlanned,
)
from promotion.ledger.state import State, VersionState
from promotion.number_format import level, minute
from promotion.registry.holdout_uses import last_spent
from promotion.registry.rolled_back import rolled_back, rolled_back_told
from promotion.report.page import Page, Table, Tone, Words, left, right, row
from promotion.vocabulary import Stage


def status_page(states: Sequence[State], approvals: Sequence[str], health: Sequence[str]) -> Page:
    """Show all models: champion, waiting versions, holdout budget, pending approvals and problems."""
    titles = ("model", "champion", "since", "decision", "waiting", "last verdict")
    spent = (budget_told(state) for state in states)
    return Page(
        summary=() if states else ("No model is configured or recorded here.",),
        tables=(Table(columns=left(*titles), rows=tuple(map(_standing, states))),),
        notes=(
            *(Words(sentence) for sentence in spent if sentence),
            *(Words(sentence) for state in states for sentence in rolled_back_lines(state)),
            *(Words(sentence, Tone.GOOD) for sentence in approvals),
            *(Words(f"! {sentence}", Tone.UNSURE) for sentence in health),
        ),
    )


def awaiting_approval(state: State) -> tuple[str, ...]:
    """Return the versions that passed and that a person must still approve."""
    return tuple(version.tag for version in state.awaiting_approval)


def last_judged(state: State) -> VersionState | None:
    """Return the version that was judged last."""
    briefs = state.versions.briefs()
    decided = {tag: brief.recorded.decision.seq for tag, brief in briefs if brief.recorded.decision}
    return state.versions[max(decided, key=decided.__getitem__)] if decided else None


def budget_told(state: State) -> str:
    """Say how often the last holdout has judged, and the level of the next decision on it; empty if there is none."""
    spent = last_spent(state)
    if spent is None:
        return ""
    budget = spent.budget
    times = "once" if budget.use == 1 else f"{budget.use:.3g} times"
    return (
        f"{state.model}: the rows of {spent.holdout.data} have judged {times}, the next decision on them is made at "
        f"level {level(budget.next)} (on fresh rows: {level(budget.fresh)})."
    )


def rolled_back_lines(state: State) -> tuple[str, ...]:
    """Say who last rolled back from which version, and why, while that blocks it; empty if no version is blocked."""
    found = rolled_back(state)
    if not found or found[0].rolled_back is None:
        return ()
    last, others = found[0].tag, found[1:]
    more = f" (and {len(others)} more, rolled back from before)" if others else ""
    told = rolled_back_told(found[0], found[0].rolled_back)
    return (f"{told}. The gate holds it{more} until `promotion readmit {last} --reason …`.",)


def history_page(model: str, entries: Sequence[Entry]) -> Page:
    """Show the ledger of one model, oldest first."""
    nothing = () if entries else (f"Nothing is recorded of '{model}' yet.",)
    return Page(summary=nothing, tables=(history_table(entries),))


def history_table(entries: Iterable[Entry]) -> Table:
    """Return a table with one row per entry."""
    rows, before = [], ""
    for entry in entries:
        before = told(entry, before)
        rows.append(row(str(entry.seq), minute(entry.at), entry.actor, before))
    return Table(columns=(*right("seq"), *left("at (UTC)", "who", "what")), rows=tuple(rows))


def findings_pages(model: str, findings: Sequence[Finding]) -> tuple[Page, ...]:
    """Show what an audit found."""
    if not findings:
        return (Page(verdict=Words(f"{model}: the ledger, the labels, the files and MLflow agree.", Tone.GOOD)),)
    head = Page(verdict=Words(f"{model}: {len(findings)} finding{'s' * (len(findings) > 1)}", Tone.BAD))
    return (head, *map(_finding, findings))


def told(entry: Entry, before: str = "") -> str:  # noqa: C901 - one case per kind of entry
    """Describe one entry in a sentence; omits a reason that ends the sentence `before`."""
    match body := entry.content():
        case Registration():
            trained = "unknown" if body.training_rows is None else f"{body.training_rows:,}"
            words = f"registered {body.tag} (training rows: {trained})"
        case Judgement():
            words = f"decided {body.decision.verdict} on {body.tag}: {body.decision.summary}"
        case Approval():
            words = f"{'approved' if body.approved else 'denied'} {body.tag}: {body.reason}"
        case Adoption():
            vouched = "assumed clean" if body.assumed_clean else f"trained before {body.trained_before}"
            words = f"adopted {body.tag} ({vouched}): {body.reason}"
        case Override():
            words = f"overrode the rules for {body.tag} (verdict: {body.verdict or 'none'}): {body.reason}"
        case Takeover():
            before_us = f"the ledger at {body.place}" if body.place else "no ledger"
            words = f"took {entry.model} over from {before_us}: {body.reason}"
        case Readmission():
            words = f"readmitted {body.tag}: {body.reason}"
        case FreshStart():
            named = ", ".join(f"{alias} {name}" for alias, name in body.aliases.items()) or "did not answer"
            words = f"started anew (MLflow's aliases: {named}): {body.reason}"
        case TransitionPlanned():
            moved = moves_told(body.moves) or f"deleted {', '.join(body.deletions)}"
            words = f"{body.cause}: {moved}" + ("" if before.endswith(body.reason) else f": {body.reason}")
            words += f" ({body.unseen})" if body.unseen else ""
        case TransitionApplied():
            words = f"carried out entry {body.planned}"
        case _:
            assert_never(body)
    return words


def moves_told(moves: Iterable[Move]) -> str:
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


def _standing(state: State) -> tuple[Words, ...]:
    champion, last = state.champion, last_judged(state)
    return row(
        state.model,
        version_of(champion.tag) if champion else "none yet",
        minute(champion.since) if champion else "",
        (champion.decision or "by hand")[:12] if champion else "",
        ", ".join(map(version_of, state.in_stage(Stage.STAGING))) or "nobody",
        f"{last.decision.verdict} ({version_of(last.tag)})" if last and last.decision else "",
    )


def _finding(finding: Finding) -> Page:
    tone = Tone.BAD if finding.severity is Severity.ERROR else Tone.UNSURE
    lines = (f"  expected: {finding.expected}", f"  found:    {finding.found}", f"  mend:     {finding.mend}")
    return Page(verdict=Words(finding.code, tone), headline=finding.subject, summary=lines)
