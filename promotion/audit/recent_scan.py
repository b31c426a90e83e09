"""Collect what an audit needs from the entries since a moment; what came before is taken from the checkpoint."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from functools import partial

from promotion.audit.chain import ChainCheck
from promotion.audit.ledger_scan import UNREADABLE, LedgerScan, other_checkpoint, outline_of, tags_named
from promotion.audit.promotions import Promotions
from promotion.interfaces import Keyring, LedgerStore
from promotion.ledger.chain import Entry
from promotion.ledger.checkpoint import state_of
from promotion.ledger.entries import Body, Judgement
from promotion.ledger.folding import StateBuilder
from promotion.ledger.reading import History
from promotion.ledger.state import DIGITS, State
from promotion.registry.holdout_uses import Spent, last_spent

_LATEST = 16


def recent_scan(
    ledger: LedgerStore, model: str, keys: Keyring | None, now: datetime, since: datetime
) -> "RecentScan | None":
    """Return a scan of the entries since a moment; None if there is no valid checkpoint to begin with."""
    try:
        checkpoint = ledger.checkpoint(model)
        state = state_of(checkpoint, partial(ledger.entries, model)) if checkpoint else None
        if state is None:
            return None
        begins = min(_first_since(ledger, model, since.astimezone(UTC).isoformat()) or state.seq + 1, state.seq + 1)
        history = History(model, partial(ledger.entries, model), begins - 1)
        return RecentScan(state, history, keys, now, since) if begins > 1 else None
    except UNREADABLE:
        return None  # reading all entries tells more


def _first_since(ledger: LedgerStore, model: str, moment: str) -> int | None:
    """Return the first of the latest entries that are not before a moment; reads backwards, so no earlier ones."""
    last, page = _LATEST, ledger.entries(model, last=_LATEST)
    while len(page) == last and page[0].at >= moment:
        last *= 4
        page = ledger.entries(model, last=last)
    return next((entry.seq for entry in page if entry.at >= moment), None)


class RecentScan(LedgerScan):
    """The results of one pass over the latest entries.

    It checks the chain from the entry before them on, folds those that the checkpoint lacks, and compares the
    decisions and champions of the others with the checkpoint. Of earlier entries, it reads those that name the versions
    concerned.

    Args:
        state: that of the checkpoint.
        earlier: the entries before the first that is checked.
        keys: the keys that verify signatures; None if signatures are not required.
        now: the auditor's time.
        since: check decisions, champion changes and clocks only from this moment on.
    """

    def __init__(self, state: State, earlier: History, keys: Keyring | None, now: datetime, since: datetime) -> None:
        super().__init__(state.model, keys, now, since)
        self._base, self._earlier, self._recalled = state, earlier, set[str]()
        self._builder = StateBuilder(state)
        before = earlier[-1]
        self.after = before.seq - 1  # the entry before them is verified, too
        self._chain = ChainCheck(self.after, before.prev_hash)
        began = [one.tag for one in state.began if one.seq <= before.seq]
        stated = [one.tag for one in state.stated if one.seq <= before.seq]
        self._promotions = Promotions(began[-1] if began else None, [*began, *stated])
        self._held: list[tuple[int, str]] = []
        self.files.begin_after(earlier)

    @property
    def spent(self) -> Spent | None:
        """The remaining budget of the last holdout."""
        return last_spent(self.state)

    def take(self, entries: Iterable[Entry]) -> None:
        """Take in the entries; then read what earlier entries record about the champion, whose data is checked."""
        super().take(entries)
        if self._broken or self._unreadable:
            return
        self._check_base()
        if self._builder.champion:
            self._recall(self._builder.champion.tag)

    def _read(self, entry: Entry) -> None:
        if entry.seq == len(self._earlier):
            self._clocks.take(entry, report=False)
            self._promotions.begin_after(entry.content())
            if self._signatures:
                self._signatures.take(entry)
            return
        for tag in tags_named(entry.content()):
            self._recall(tag)
        super()._read(entry)

    def _record(self, entry: Entry, body: Body, outline: Body) -> None:
        if entry.seq > self._base.seq:
            self._builder.record(entry, body)
        elif isinstance(outline, Judgement):
            self._held.append((entry.seq, outline.decision_digest[:DIGITS]))

    def _recall(self, tag: str) -> None:
        """Read what earlier entries record about a version."""
        if tag in self._recalled or tag not in self._base.versions:
            return
        self._recalled.add(tag)
        for entry in self._earlier.at(self._named_before(tag)):
            body = entry.content()
            self.files.take(entry, body)
            self._promotions.recall(entry, outline_of(body))

    def _named_before(self, tag: str) -> Iterator[int]:
        return (seq for seq in self._base.versions.entries(tag) if seq <= len(self._earlier))

    def _check_base(self) -> None:
        """Check that the checkpoint lists the decisions and champions that the entries up to it give."""
        base, first = self._base, len(self._earlier) + 1
        began = [(one.seq, one.tag) for one in base.began if one.seq >= first]
        changes = [one for one in self._promotions.changes if one[0] <= base.seq]
        if [one for one in base.decisions if one[0] >= first] != self._held or began != changes:
            self._derived.append(other_checkpoint(self.model, self._base.seq))
