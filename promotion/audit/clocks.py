"""Compare the times of entries. `seq` gives their order, so a clock that jumps is reported and changes nothing."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from promotion.findings import Code, Finding, finding
from promotion.ledger.chain import Entry

_JITTER = timedelta(seconds=1)
_AHEAD = timedelta(minutes=1)
_MEND = "Synchronize the clocks of all hosts. Nothing else is wrong: `seq` orders the entries, not their times."


class Clocks:
    """Checks that no entry is dated over a second before its predecessor, or over a minute after the auditor's time.

    Args:
        now: the auditor's time.
    """

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._last: datetime | None = None
        self._back, self._ahead = _Steps(), _Steps()

    def take(self, entry: Entry, *, report: bool = True) -> None:
        """Take in the next entry. If `report` is false, does not report a wrong date."""
        at = datetime.fromisoformat(entry.at)
        if report and self._last and self._last - at > _JITTER:
            self._back.take(self._last - at, entry)
        if report and at - self._now > _AHEAD:
            self._ahead.take(at - self._now, entry)
        self._last = at

    def findings(self) -> Iterator[Finding]:
        """Yield one finding for each kind of wrong date."""
        after = f"no entry dated after the time of the audit, {self._now.isoformat(timespec='seconds')}"
        yield from self._back.findings(
            Code.CLOCK_BACK, "each entry dated after the previous entry", "before the previous entry"
        )
        yield from self._ahead.findings(Code.CLOCK_AHEAD, after, "after the time of the audit")


class _Steps:
    """Counts time steps of one kind and keeps the largest."""

    def __init__(self) -> None:
        self._count = 0
        self._worst: tuple[timedelta, Entry] | None = None

    def take(self, step: timedelta, entry: Entry) -> None:
        self._count += 1
        if self._worst is None or step > self._worst[0]:
            self._worst = step, entry

    def findings(self, code: Code, expected: str, where: str) -> Iterator[Finding]:
        if self._worst is None:
            return
        step, entry = self._worst
        often = "1 entry" if self._count == 1 else f"{self._count} entries, the worst one"
        found = f"{often} dated {step} {where} ({entry.at}, by {entry.actor})"
        yield finding(code, f"entry {entry.seq}", expected, found, _MEND)
