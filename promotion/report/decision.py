"""A decision as a page: the verdict, the deciding number, the metrics and the checks."""

from promotion.comparison import Comparison, Evaluation
from promotion.number_format import between, figure, signed
from promotion.policy import Decision, HoldoutUsed
from promotion.policy.checks import POINT
from promotion.policy.selected import selected_gain
from promotion.report.checks import checks_table, scale_of
from promotion.report.gains import metrics_table
from promotion.report.page import Page, Table, Tone, Words, left, quiet, right, row
from promotion.vocabulary import Verdict

TONES = {Verdict.PROMOTE: Tone.GOOD, Verdict.HOLD: Tone.UNSURE, Verdict.REJECT: Tone.BAD}
_DONE = {Verdict.PROMOTE: "PROMOTED", Verdict.HOLD: "HELD", Verdict.REJECT: "REJECTED"}


def decision_page(decision: Decision, *, done: bool = True) -> Page:
    """Return the page of a decision. If nothing moved (not `done`, or not the gate's), it shows the bare verdict."""
    return Page(
        verdict=Words(_verdict(decision, done=done), TONES[decision.verdict]),
        headline=_headline(decision),
        summary=tuple(filter(None, (decision.summary, selected_told(decision), _next_step(decision)))),
        tables=tuple(table for table in (_evidence_table(decision), checks_table(decision)) if table.rows),
        notes=quiet(*_gaps(decision), decision.drawn, _budget(decision), _judged(decision)),
    )


def judged_by(holdout: HoldoutUsed) -> str:
    """Say which rows judged, and which rows were left out."""
    by = holdout.removed_by
    trained = f"of a group by {by} that a model was trained on" if by else "that a model was trained on"
    left_out = ", ".join(
        text
        for count, text in (
            (holdout.removed, f"{holdout.removed:,} {trained}"),
            (holdout.immature, f"{holdout.immature:,} too young for their label to be trusted"),
        )
        if count
    )
    without = f"; left out: {left_out}" if left_out else ""
    if holdout.rows == 0:
        return f"no row of {holdout.data} could judge{without}"
    positives = "" if holdout.positives is None else f" ({holdout.positives:,} positive)"
    return f"judged by {holdout.rows:,} rows{positives} of {holdout.data}{without}"


def selected_told(decision: Decision) -> str:
    """Give a selection-adjusted estimate of a gain that passed for being large; empty if none. No verdict uses it."""
    found = selected_gain(decision)
    if found is None:
        return ""
    scale = scale_of(decision, found.metric)
    estimate, high = (signed(number, scale=scale) for number in (found.estimate, found.high))
    least = f"at most {high}" if found.low is None else between(found.low, found.high, scale=scale)
    return f"The gain was selected for being large; an estimate that allows for this is {estimate} (95 %: {least})."


def _verdict(decision: Decision, *, done: bool) -> str:
    if decision.challenger is None or not done:
        return decision.verdict.upper()
    return "PROMOTE, waits for approval" if decision.waits else _DONE[decision.verdict]


def _next_step(decision: Decision) -> str:
    waits = decision.waits and decision.challenger
    return f"`promotion approve {_challenger(decision)} --reason …` approves it, `deny` denies it." if waits else ""


def _headline(decision: Decision) -> str:
    if decision.champion:
        return f"{_challenger(decision)} against {decision.champion.tag}"
    nobody = "" if isinstance(decision.evidence, Comparison) else " (no champion yet)"
    return f"{_challenger(decision)}{nobody}"


def _challenger(decision: Decision) -> str:
    return decision.challenger.tag if decision.challenger else "the challenger"


def _evidence_table(decision: Decision) -> Table:
    match decision.evidence:
        case Comparison() as comparison:
            return metrics_table(comparison, intervals=decision.alpha != POINT)
        case Evaluation() as alone:
            rows = tuple(
                row(each.metric, figure(each.value), figure(each.stderr, scale=abs(each.value)))
                for each in alone.metrics
            )
            return Table(columns=(*left("metric"), *right("challenger", "standard error")), rows=rows)
        case _:
            return Table(columns=(), rows=())


def _gaps(decision: Decision) -> tuple[str, ...]:
    """Return a note per recorded-only metric that could not be measured; the checks report the required metrics."""
    required = {check.subject for check in decision.checks}
    missing = decision.evidence.missing if decision.evidence else ()
    return tuple(f"{gap.metric} could not be measured: {gap.reason}" for gap in missing if gap.metric not in required)


def _budget(decision: Decision) -> str:
    return decision.budget.sentence if decision.budget else ""


def _judged(decision: Decision) -> str:
    return f"decision {decision.id}, {judged_by(decision.holdout)}" if decision.holdout else ""
