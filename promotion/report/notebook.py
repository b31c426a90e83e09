"""Values in a notebook: as HTML in the look of the reports, as a sentence, as a DataFrame, as plain data."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import singledispatch
from typing import TYPE_CHECKING, Any

from promotion.canonical import plain
from promotion.comparison import Comparison, Evaluation, SliceComparison
from promotion.displayed import Displayed
from promotion.ledger.chain import Entry
from promotion.ledger.reading import History, HistoryPart
from promotion.ledger.state import State
from promotion.number_format import minute
from promotion.policy import Decision, Kind, Limits, Policy
from promotion.policy.explain import explain
from promotion.registry.ledger_writer import utc_now
from promotion.registry.status import Status
from promotion.report.comparison import comparison_page, evaluation_page
from promotion.report.decision import decision_page
from promotion.report.html import render
from promotion.report.page import Page, Words, quiet
from promotion.report.record import history_table, sentence
from promotion.report.state import state_data, state_page
from promotion.report.status import status_page

if TYPE_CHECKING:
    import pandas as pd

_NEWEST = 50
"""Number of entries of a history that a notebook shows."""
_NUMBERS = ("champion", "challenger", "gain", "stderr", "low", "high", "p_value")


def html_of(value: Displayed) -> str:
    """Render a value for the output of a notebook's cell."""
    return render("notebook.html", page=page_of(value), label=type(value).__name__)


def sentence_of(value: Displayed) -> str:
    """Return the sentence about a value that matters most, with the verdict before it if there is one."""
    page = page_of(value)
    first = next(filter(None, (*page.summary, *(note.text for note in page.notes), page.headline)))
    if isinstance(value, Comparison) and not value.metrics and value.missing:
        return f"{first} {value.missing[0].reason}"
    return f"{page.verdict.text}. {first}" if page.verdict.text else first


@singledispatch
def page_of(value: Displayed) -> Page:
    """Return the page that shows a value."""
    raise NotImplementedError(type(value))


@page_of.register
def _(value: Comparison) -> Page:
    return comparison_page(value)


@page_of.register
def _(value: Decision) -> Page:
    return decision_page(value, done=False)


@page_of.register
def _(value: Policy) -> Page:
    digest = quiet(f"digest {value.digest}")
    return Page(headline="What the policy requires", notes=(*map(Words, explain(value)), *digest))


@page_of.register
def _(value: Evaluation) -> Page:
    return evaluation_page(value)


@page_of.register
def _(value: State) -> Page:
    return state_page(value, utc_now())


@page_of.register
def _(value: Status) -> Page:
    return status_page(value, utc_now())


@page_of.register(History)
@page_of.register(HistoryPart)
def _(value: Sequence[Entry]) -> Page:
    shown = value[-_NEWEST:]
    if not shown:
        return Page(summary=("The ledger has no such entries.",))
    table, number = history_table(shown), len(value)
    entries = "1 entry" if number == 1 else f"{number:,} entries"
    more = f"The {_NEWEST} newest are shown." if number > _NEWEST else ""
    return Page(
        headline=f"History of {shown[-1].model}",
        summary=(f"{entries}, the newest at {minute(shown[-1].at)} UTC.", more),
        tables=(replace(table, rows=table.rows[::-1]),),
    )


@singledispatch
def dict_of(value: Displayed) -> dict[str, Any]:
    """Return a value as plain data."""
    data: dict[str, Any] = plain(value)
    return data


@dict_of.register
def _(value: State) -> dict[str, Any]:
    return state_data(value)


@dict_of.register
def _(value: Status) -> dict[str, Any]:
    beside = {name: plain(one) for name, one in vars(value).items() if name != "state"}
    return {**state_data(value.state), **beside}


@dict_of.register(History)
@dict_of.register(HistoryPart)
def _(value: Sequence[Entry]) -> dict[str, Any]:
    return {"entries": [plain(entry) for entry in value]}


def frame_of(value: Displayed) -> "pd.DataFrame":
    """Return a value as a DataFrame."""
    import pandas as pd

    return pd.DataFrame(list(rows_of(value)))


@singledispatch
def rows_of(value: Displayed) -> Iterable[Mapping[str, Any]]:
    """Return the rows of the DataFrame of a value."""
    raise NotImplementedError(type(value))


@rows_of.register
def _(value: Comparison) -> Iterable[Mapping[str, Any]]:
    parts: tuple[Comparison | SliceComparison, ...] = (value, *value.slices)
    for part in parts:
        by, name = (part.by, part.value) if isinstance(part, SliceComparison) else (None, None)
        where = {"by": by, "slice": name, "rows": part.rows, "positives": part.positives}
        for each in part.metrics:
            numbers = {number: getattr(each, number) for number in _NUMBERS}
            yield {"metric": each.metric, **where, **numbers, "missing": None}
        for gap in part.missing:
            yield {"metric": gap.metric, **where, "missing": gap.reason}


@rows_of.register
def _(value: Evaluation) -> Iterable[Mapping[str, Any]]:
    for each in value.metrics:
        yield {"metric": each.metric, "value": each.value, "stderr": each.stderr, "missing": None}
    for gap in value.missing:
        yield {"metric": gap.metric, "missing": gap.reason}


@rows_of.register
def _(value: Decision) -> Iterable[Mapping[str, Any]]:
    return map(plain, value.checks)


@rows_of.register
def _(value: Policy) -> Iterable[Mapping[str, Any]]:
    limits = (value.limits,) if value.limits != Limits() else ()
    kinds = {
        Kind.PRIMARY: (value.primary,),
        Kind.GUARDRAIL: value.guardrails,
        Kind.SLICE: value.slices,
        Kind.FLOOR: value.floors,
        Kind.LIMIT: limits,
    }
    return ({"kind": str(kind), **plain(rule)} for kind, rules in kinds.items() for rule in rules)


@rows_of.register(History)
@rows_of.register(HistoryPart)
def _(value: Sequence[Entry]) -> Iterable[Mapping[str, Any]]:
    for entry in value:
        at = datetime.fromisoformat(entry.at)
        yield {"seq": entry.seq, "at": at, "actor": entry.actor, "kind": entry.kind, "what": sentence(entry)}


@rows_of.register
def _(value: Status) -> Iterable[Mapping[str, Any]]:
    return rows_of(value.state)


@rows_of.register
def _(value: State) -> Iterable[Mapping[str, Any]]:
    for found in value.versions.values():
        judged = found.decision
        yield {
            "tag": found.tag,
            "stage": found.stage and str(found.stage),
            "registered_at": datetime.fromisoformat(found.registered_at),
            "verdict": judged and str(judged.verdict),
            "decision": judged and judged.id,
            "reason": judged and judged.summary,
        }
