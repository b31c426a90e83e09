"""The status of one model as pages: who serves and why, what is wrong, and how to roll back; of several, as a table."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from promotion.adapters.audits import LastAudit
from promotion.ledger.state import State, Succession, VersionState
from promotion.number_format import ago, duration, minute
from promotion.registry.status import Status, audit_found
from promotion.report.page import Column, Page, Table, Tone, Words, counted, left, right, row, some
from promotion.report.record import budget_sentence, rolled_back_lines, version_of
from promotion.vocabulary import Stage

_TOLD = 3
_HEALTHY = (
    "No problems found in the ledger, in the labels, or in what the last command saw of MLflow. `promotion audit {}` "
    "checks everything."
)


def model_pages(of: Status, now: datetime) -> tuple[Page, ...]:
    """Show one model: who serves since when and why, its health, further facts, and how to roll back."""
    state, wrong = of.state, [Words(f"! {problem.sentence}", Tone.UNSURE) for problem in of.problems]
    health = wrong or ([] if of.missing else [Words(_HEALTHY.format(state.model), Tone.GOOD)])
    head = lead(state, now)
    if of.foreign and state.champion is None:
        head = (f"Another ledger owns {state.model}, so its champion is not shown here.",)
    waits = [Words(sentence, Tone.GOOD) for sentence in of.approvals]
    back = rolled_back_lines(state)
    return tuple(
        page
        for page in (
            Page(summary=(*filter(None, (of.missing,)), *head)),
            Page(notes=(*health, *waits)),
            Page(tables=(_facts_table(of, now),)),
            Page(summary=(*back, *filter(None, (budget_sentence(state),)))),
            Page(summary=of.way_back),
        )
        if page != Page()
    )


def status_page(of: Status, now: datetime) -> Page:
    """Show the same as one page, for a notebook."""
    first, *others = model_pages(of, now)
    lines = tuple(line for page in others for line in page.summary)
    return Page(
        headline=f"Status of {of.state.model}",
        summary=first.summary,
        tables=tuple(table for page in others for table in page.tables),
        notes=(*(note for page in others for note in page.notes), *map(Words, _with_commands(lines))),
    )


def _with_commands(lines: Iterable[str]) -> list[str]:
    """Join each command, which is indented in a terminal, with the line before it."""
    joined: list[str] = []
    for line in lines:
        if line.startswith("  "):
            joined[-1] += f" `{line.strip()}`"
        else:
            joined.append(line)
    return joined


def lead(state: State, now: datetime) -> tuple[str, ...]:
    """Return two lines: which version serves since when, and who made it champion and why.

    For example `toy:two has served for 2 h, since 2026-11-25 18:40 UTC.` and
    `os:alice rolled back from toy:one: 'merchants complain'.`
    """
    if state.champion is None:
        return (f"{state.model} has no champion yet.",)
    since = f"since {minute(state.champion.since)} UTC"
    length = duration(state.champion.since, now)
    return (f"{state.champion.tag} has served {f'for {length}, ' if length else ''}{since}.", _succeeded(state))


def _succeeded(state: State) -> str:
    """Say who made the present champion champion, how, and why."""
    change = state.succession
    assert change is not None  # noqa: S101 - there is a champion
    judged = state.versions[str(change.plan.champion)].decision
    over = f" in place of {change.replaced}" if change.replaced else " as the first champion"
    return succession_sentence(change, over, summary=judged.summary if judged else "")


def succession_sentence(change: Succession, over: str, *, summary: str) -> str:
    """Say who made a version champion, how, and why.

    Args:
        change: the change that made it champion.
        over: ` in place of` the champion before it, or ` as the first champion`.
        summary: that of the decision; if the gate promoted, it is also the reason, and is not
            quoted.
    """
    plan = change.plan
    reason = plan.reason if plan.decision and plan.reason == summary else f"'{plan.reason.rstrip('.')}'"
    match plan.cause, plan.decision:
        case "rollback", _:
            did = f"rolled back from {change.replaced}"
        case "adoption", _:
            did = f"adopted it{over}"
        case _, None:
            did = f"promoted it by hand{over}, without a passing decision"
        case _, decision:
            did = f"promoted it{over}, by decision {str(decision)[:12]}"
    actor = f"'{change.actor}'" if " " in change.actor else change.actor
    return f"{actor} {did}: {reason}{'' if reason.endswith('.') else '.'}"


def _facts_table(of: Status, now: datetime) -> Table:
    return facts_table(_facts(of, now))


def facts_table(facts: Mapping[str, str]) -> Table:
    """Return a table of names and texts, without empty texts."""
    rows = tuple(row(Words(name, Tone.QUIET), text) for name, text in facts.items() if text)
    return Table(columns=left("", ""), rows=rows)


def _facts(of: Status, now: datetime) -> dict[str, str]:
    known = {"label": of.label, "MLflow": _mirror(of) if of.state.seq else "", "last audit": _audited(of.audited, now)}
    return known | state_facts(of.state, now)


def state_facts(state: State, now: datetime) -> dict[str, str]:
    """Return what the ledger alone tells, beyond who serves; empty texts for what does not apply."""
    champion, last = state.champion, last_judged(state)
    return {
        "previous champion": state.previous or "none" if champion else "",
        "decision": (champion.decision or "none")[:12] if champion else "",
        "waiting": some(state.in_stage(Stage.STAGING)[::-1]) or "no version",
        "last verdict": _verdict(last, now) if last else "",
    }


def _mirror(of: Status) -> str:
    behind = of.mirrored < of.state.seq
    return f"at entry {of.mirrored} of {of.state.seq}" if behind else f"up to date, at entry {of.state.seq}"


def _audited(last: LastAudit | None, now: datetime) -> str:
    if last is None:
        return "none on this computer"
    return f"{minute(last.at)} UTC, {ago(last.at, now)}: {audit_found(last) if last.findings else 'no findings'}"


def _verdict(version: VersionState, now: datetime) -> str:
    assert version.decision and version.decided_at  # noqa: S101, PT018 - it was judged
    return (
        f"{version.decision.verdict} on {version.tag}, {minute(version.decided_at)} UTC, {ago(version.decided_at, now)}"
    )


def overview_pages(
    among: Sequence[Status], shown: Sequence[Status], now: datetime, *, missing: str = ""
) -> tuple[Page, ...]:
    """Show several models, one line each, then their problems and the totals.

    Args:
        among: every model.
        shown: those to list.
        now: the present time.
        missing: says that there is no ledger yet; empty if there is one.
    """
    served = Column("served", wraps=False)
    columns = (*left("model", "champion"), served, *left("by"), *right("waiting"), *left("attention"))
    table = Page(
        tables=(Table(columns=columns, rows=tuple(_standing(one, now) for one in shown)),),
        notes=(
            *(Words(f"! {sentence}", Tone.UNSURE) for sentence in filter(None, (missing,))),
            *(Words(sentence, Tone.GOOD) for one in shown for sentence in one.approvals),
            *(Words(f"! {sentence}", Tone.UNSURE) for sentence in problems_sentence(shown)),
        ),
    )
    return table, Page(summary=(total_sentence(among),))


def problems_sentence(among: Sequence[Status]) -> tuple[str, ...]:
    """Return the problems of all models; of a kind that more than three models have, the first problem and the rest."""
    kinds: dict[str, list[tuple[str, str]]] = {}
    for one in among:
        for problem in one.problems:
            kinds.setdefault(problem.kind, []).append((one.state.model, problem.sentence))
    return tuple(sentence for found in kinds.values() for sentence in _of_kind(found))


def _of_kind(found: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    models = tuple(dict.fromkeys(model for model, _ in found))
    if len(models) <= _TOLD:
        return tuple(sentence for _, sentence in found)
    return (f"{found[0][1]} {len(models) - 1} other models have the same kind of problem: {some(models[1:])}.",)


def total_sentence(among: Sequence[Status]) -> str:
    """Return a total like `200 models, 3 with problems, 1 waiting for approval`, as a sentence."""
    wrong, waits = sum(bool(one.problems) for one in among), sum(bool(one.approvals) for one in among)
    waiting = f", {waits} waiting for approval" if waits else ""
    return f"{counted(len(among), 'model')}, {wrong or 'none'} with problems{waiting}."


def _standing(one: Status, now: datetime) -> tuple[Words, ...]:
    state, champion = one.state, one.state.champion
    attention = dict.fromkeys([*(problem.kind for problem in one.problems), *("approval" for _ in one.approvals)])
    return row(
        state.model,
        version_of(champion.tag) if champion else "none yet",
        (duration(champion.since, now) or "0 s") if champion else "",
        cause_of(state),
        str(len(state.in_stage(Stage.STAGING)) or ""),
        Words(", ".join(attention), Tone.UNSURE if one.problems else Tone.GOOD),
    )


def cause_of(state: State) -> str:
    """Return what made the champion champion: `promotion`, `override`, `rollback` or `adoption`; empty without one."""
    return succession_cause(state.succession) if state.succession else ""


def succession_cause(change: Succession) -> str:
    """Return what made a version champion; a promotion without a decision is an override."""
    return "override" if change.plan.cause == "promotion" and change.plan.decision is None else change.plan.cause


def awaiting_approval(state: State) -> tuple[str, ...]:
    """Return the versions that passed and that a person must still approve."""
    return tuple(version.tag for version in state.awaiting_approval)


def last_judged(state: State) -> VersionState | None:
    """Return the version that was judged last."""
    return state.versions[state.judged] if state.judged else None
