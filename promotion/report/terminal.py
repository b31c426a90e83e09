"""Decisions, status, history and findings at a terminal: the verdict first, then what decided, then a table."""

from collections.abc import Iterable, Sequence

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from promotion.evidence import Comparison, Evaluation
from promotion.judgement import Check, Decision, HoldoutUsed
from promotion.registry.audit import Finding, Severity
from promotion.registry.entries import (
    Adoption,
    Entry,
    Judgement,
    Move,
    Override,
    Registration,
    TransitionApplied,
    TransitionPlanned,
)
from promotion.registry.state import Known, State
from promotion.vocabulary import Outcome, Verdict

_VERDICTS = {Verdict.PROMOTE: "bold green", Verdict.HOLD: "bold yellow", Verdict.REJECT: "bold red"}
_SAID = {Verdict.PROMOTE: "PROMOTED", Verdict.HOLD: "HELD", Verdict.REJECT: "REJECTED"}
_OUTCOMES = {
    Outcome.PASSED: "green",
    Outcome.FAILED: "red",
    Outcome.INCONCLUSIVE: "yellow",
    Outcome.NOT_APPLICABLE: "dim",
    Outcome.MISSING: "yellow",
}


def decision_view(decision: Decision) -> RenderableType:
    """A decision."""
    challenger = decision.challenger.tag if decision.challenger else "the challenger"
    champion = f" against {decision.champion.tag}" if decision.champion else " (no champion yet)"
    head = Text.assemble((_SAID[decision.verdict], _VERDICTS[decision.verdict]), f"  {challenger}{champion}")
    parts: list[RenderableType] = [head, Text(decision.summary)]
    if decision.evidence is not None and decision.evidence.metrics:
        parts.append(evidence_view(decision.evidence))
    parts.append(_checks(decision.checks))
    if decision.holdout:
        parts.append(Text(f"decision {decision.id}, {_judged_by(decision.holdout)}", style="dim"))
    return Group(*parts)


def evidence_view(evidence: Comparison | Evaluation) -> Table:
    """The numbers: champion, challenger, gain and its interval."""
    table = _table()
    if isinstance(evidence, Evaluation):
        for title in ("metric", "challenger", "standard error"):
            table.add_column(title, justify="left" if title == "metric" else "right")
        for alone in evidence.metrics:
            table.add_row(alone.metric, f"{alone.value:.4f}", f"{alone.stderr:.4f}")
        return table
    interval = f"{100 * evidence.confidence:g} % interval of the gain"
    for title in ("metric", "champion", "challenger", "gain", interval):
        table.add_column(title, justify="left" if title == "metric" else "right")
    for found in evidence.metrics:
        table.add_row(
            found.metric,
            f"{found.champion:.4f}",
            f"{found.challenger:.4f}",
            f"{found.gain:+.4f}",
            f"{found.low:+.4f} … {found.high:+.4f}",
        )
    return table


def status_view(states: Sequence[State], torn: Sequence[str], behind: Sequence[str]) -> RenderableType:
    """All models: champion, who waits, what needs attention."""
    table = _table()
    for title in ("model", "champion", "since", "decision", "waiting", "last verdict"):
        table.add_column(title)
    for state in states:
        champion = state.champion
        decided = [known for known in state.versions.values() if known.decided_seq is not None]
        last = max(decided, key=lambda known: known.decided_seq or 0, default=None)
        table.add_row(
            state.model,
            _version(champion.tag) if champion else "none yet",
            _minute(champion.since) if champion else "",
            (champion.decision or "by hand")[:12] if champion else "",
            ", ".join(_version(known.tag) for known in state.waiting) or "nobody",
            f"{last.decision.verdict} ({_version(last.tag)})" if last and last.decision else "",
        )
    notes = [Text(f"! {note}", style="yellow") for note in (*torn, *behind)]
    return Group(table, *notes)


def history_view(entries: Iterable[Entry]) -> Table:
    """The ledger of one model, oldest first."""
    table = _table()
    for title in ("seq", "at (UTC)", "who", "what"):
        table.add_column(title, justify="right" if title == "seq" else "left", overflow="fold")
    for entry in entries:
        table.add_row(str(entry.seq), _minute(entry.at), escape(entry.actor), escape(told(entry)))
    return table


def told(entry: Entry) -> str:
    """One entry as a sentence."""
    body = entry.content()
    match body:
        case Registration():
            trained = "unknown" if body.training_rows is None else f"{body.training_rows:,}"
            return f"registered {body.tag} (training rows: {trained})"
        case Judgement():
            return f"decided {body.decision.verdict} on {body.tag}: {body.decision.summary}"
        case Adoption():
            known = "assumed clean" if body.assumed_clean else f"trained before {body.trained_before!r}"
            return f"adopted {body.tag} ({known}): {body.reason}"
        case Override():
            return f"overrode the rules for {body.tag} (verdict: {body.verdict or 'none'}): {body.reason}"
        case TransitionPlanned():
            return f"{body.cause}: {moves_told(body.moves)}" + (
                f": {body.reason}" if body.cause in {"rollback", "repair"} else ""
            )
        case TransitionApplied():
            return f"labels of entry {body.planned} written"


def moves_told(moves: Iterable[Move]) -> str:
    """Moves as words: `a:1 staging → prod, a:0 prod → archived`."""
    return ", ".join(
        f"{move.tag} stays {move.after}"
        if move.before is move.after
        else f"{move.tag} {move.before or 'no stage'} → {move.after}"
        for move in moves
    )


def version_view(known: Known, entries: Iterable[Entry]) -> RenderableType:
    """The life of one version."""
    facts = Table.grid(padding=(0, 2))
    registration = known.registration
    for name, value in (
        ("version", known.tag),
        ("stage", known.stage or "none of ours"),
        ("named", registration.version),
        ("digest", registration.digest),
        ("trained by run", registration.run_id),
        ("trained from", registration.data),
        ("training rows", "unknown" if registration.training_rows is None else f"{registration.training_rows:,}"),
    ):
        facts.add_row(Text(name, style="dim"), Text(str(value or "unknown")))
    parts: list[RenderableType] = [facts, history_view(entries)]
    if known.decision:
        parts.append(decision_view(known.decision))
    return Group(*parts)


def findings_view(model: str, findings: Sequence[Finding]) -> RenderableType:
    """What an audit found."""
    if not findings:
        return Text(f"{model}: the ledger, the labels, the files and MLflow agree.", style="green")
    parts: list[RenderableType] = [
        Text(f"{model}: {len(findings)} finding{'s' * (len(findings) > 1)}", style="bold red")
    ]
    for finding in findings:
        style = "red" if finding.severity is Severity.ERROR else "yellow"
        head = Text.assemble((finding.code, style), f"  {finding.subject}")
        lines = (f"  expected: {finding.expected}", f"  found:    {finding.found}", f"  mend:     {finding.mend}")
        parts.extend((head, *map(Text, lines)))
    return Group(*parts)


def _judged_by(holdout: HoldoutUsed) -> str:
    if holdout.rows == 0:
        return f"no row of {holdout.data} could judge"
    removed = f", {holdout.removed:,} left out" if holdout.removed else ""
    return f"judged by {holdout.rows:,} rows ({holdout.positives:,} positive{removed}) of {holdout.data}"


def _checks(checks: Sequence[Check]) -> Table:
    table = _table()
    table.add_column("check", no_wrap=True)
    table.add_column("outcome", no_wrap=True)
    table.add_column("why", overflow="fold")
    for check in checks:
        outcome = Text(check.outcome.replace("_", " "), style=_OUTCOMES[check.outcome])
        table.add_row(check.name, outcome, Text(check.reason))
    return table


def _table() -> Table:
    from rich import box

    return Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)


def _minute(at: str) -> str:
    return at[:16].replace("T", " ")


def _version(tag: str) -> str:
    return tag.partition(":")[2]
