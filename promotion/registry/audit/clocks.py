"""The times of entries held against one another; order is by `seq`, so a clock that jumps is told, not obeyed."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from promotion.registry.audit.findings import Code, Finding, finding
from promotion.registry.entries import Entry

_JITTER = timedelta(seconds=1)
_AHEAD = timedelta(minutes=1)
_MEND = "Set the clocks of all hosts by one time server. Nothing else is wrong: order is by seq, not by time."


def check_clocks(entries: Sequence[Entry], now: datetime) -> Iterator[Finding]:
    """No entry is dated more than a second before the one before it, or more than a minute after the auditor's time."""
    moments = [(datetime.fromisoformat(entry.at), entry) for entry in entries]
    back = [(last - at, entry) for (last, _), (at, entry) in pairwise(moments) if last - at > _JITTER]
    ahead = [(at - now, entry) for at, entry in moments if at - now > _AHEAD]
    if back:
        yield _summary(Code.CLOCK_BACK, back, "each entry dated after the one before it", "before the one before it")
    if ahead:
        today = now.isoformat(timespec="seconds")
        yield _summary(Code.CLOCK_AHEAD, ahead, f"no entry dated after now, {today}", "after now")


def _summary(code: Code, steps: Sequence[tuple[timedelta, Entry]], expected: str, where: str) -> Finding:
    step, entry = max(steps, key=lambda one: one[0])
    often = "1 entry" if len(steps) == 1 else f"{len(steps)} entries, the worst of them"
    found = f"{often} {step} {where} ({entry.at}, by {entry.actor})"
    return finding(code, f"entry {entry.seq}", expected, found, _MEND)
