"""A replay as a page: which past decisions another policy would have changed, and why."""

from collections.abc import Sequence

from promotion.history.replay import Replayed
from promotion.number_format import minute
from promotion.report.decision import TONES
from promotion.report.page import Page, Table, Tone, Words, left, quiet, right, row
from promotion.report.record import version_of

EACH_BY_ITSELF = (
    "Each decision is repeated on its own, with its stored comparison with the champion of that time. A replay does "
    "not show what would have followed from another champion."
)


def replay_page(model: str, replayed: Sequence[Replayed]) -> Page:
    """Show every past decision of a model beside the other policy's verdict; highlights those that differ."""
    if not replayed:
        return Page(verdict=Words(model), summary=("No decision is recorded yet.",))
    differing = sum(each.differs for each in replayed)
    decisions = "decision" if len(replayed) == 1 else "decisions"
    columns = (*right("seq"), *left("at (UTC)", "version", "then", "would be", "why"))
    return Page(
        verdict=Words(model),
        headline=f"{differing} of {len(replayed)} {decisions} would have been different.",
        tables=(Table(columns=columns, rows=tuple(map(_row, replayed))),),
        notes=quiet(EACH_BY_ITSELF),
    )


def _row(each: Replayed) -> tuple[Words, ...]:
    verdict = each.now.verdict
    return row(
        str(each.seq),
        minute(each.at),
        version_of(each.tag),
        each.then.verdict.value,
        Words(verdict.value, TONES[verdict]) if each.differs else Words("the same", Tone.QUIET),
        each.now.summary,
    )
