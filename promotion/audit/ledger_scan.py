"""All that the entries of a ledger tell an audit, taken in one after the other: none is read twice, none is kept."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime

from promotion.audit.chain import ChainCheck
from promotion.audit.clocks import Clocks
from promotion.audit.decisions import check_decision
from promotion.audit.files import Files
from promotion.audit.promotions import Promotions
from promotion.audit.signatures import Signatures
from promotion.errors import PromotionError
from promotion.findings import Code, Finding, finding
from promotion.interfaces import Keyring, LedgerStore
from promotion.ledger.chain import Entry, Head
from promotion.ledger.entries import Body, Judgement
from promotion.ledger.state import State, StateBuilder
from promotion.policy import Trial
from promotion.registry.holdout_uses import Spent, spent
from promotion.registry.mirror_state import decision_metrics

_PAGE = 200
UNREADABLE = (PromotionError, TypeError, ValueError)
"""What reading entries raises: who writes rows by hand may leave any type, any time."""


def each_entry(ledger: LedgerStore, model: str) -> Iterator[Entry]:
    """The entries of a model in order, some at a time."""
    after = 0
    while page := ledger.entries(model, after=after, limit=_PAGE):
        yield from page
        after = page[-1].seq


class LedgerScan:
    """What the entries tell.

    Args:
        model: whose they are.
        keys: what signatures are held against; None where none are asked for.
        now: the auditor's time.
        since: decisions, changes of champion and clocks are looked at from then on only.

    Attributes:
        model, now, since: as given.
        decided: the numbers of the decisions since then with their `seq`, by tag, oldest first.
        files: what was trained from and judged by.
    """

    def __init__(self, model: str, keys: Keyring | None, now: datetime, since: datetime | None) -> None:
        self.decided: dict[str, list[tuple[int, dict[str, float]]]] = {}
        self.files = Files()
        self.model, self.now, self.since = model, now, since
        self._chain, self._clocks, self._promotions = ChainCheck(), Clocks(now), Promotions()
        self._signatures = Signatures(keys) if keys else None
        self._builder = StateBuilder(State(model=model))
        self._holdouts, self._trials = dict[tuple[str, bool], Trial](), list[Trial]()
        self._budgeted: Judgement | None = None
        self._broken, self._unfounded = list[Finding](), list[Finding]()
        self._unreadable: str | None = None

    @property
    def state(self) -> State:
        """Of all entries; decisions without the evidence that they were made on."""
        return self._builder.state()

    @property
    def spent(self) -> Spent | None:
        """How much the holdout that judged last is used up."""
        return spent(self._budgeted, self._trials)

    def take(self, entries: Iterable[Entry]) -> None:
        """Take in the entries; once the chain is broken, nothing else is asked of them."""
        for entry in entries:
            self._broken += self._chain.take(entry)
            if self._broken or self._unreadable:
                continue
            try:
                self._read(entry)
            except UNREADABLE as error:
                self._unreadable = str(error)

    def broken(self, head: Head | None) -> tuple[Finding, ...]:
        """Why nothing can be held against the entries; empty where it can."""
        broken = (*self._broken, *self._chain.end(head))
        return broken or ((unreadable(self.model, self._unreadable),) if self._unreadable else ())

    def findings(self) -> Iterator[Finding]:
        """What is wrong with the entries by themselves."""
        yield from self._signatures.findings() if self._signatures else ()
        yield from self._clocks.findings()
        yield from self._unfounded

    def _read(self, entry: Entry) -> None:
        body = entry.content()
        if self._signatures:
            self._signatures.take(entry)
        recent = self.since is None or datetime.fromisoformat(entry.at) >= self.since
        self._clocks.take(entry, told=recent)
        self.files.take(entry, body)
        if recent and isinstance(body, Judgement):
            found = tuple(check_decision(entry.seq, body))
            self.decided.setdefault(body.tag, []).append((entry.seq, decision_metrics(body.decision)))
        else:
            found = ()
        if isinstance(body, Judgement):
            self._count_use(body)
        outline = _outline(body)
        found = (*self._promotions.take(entry, outline), *found)
        self._unfounded += found if recent else ()
        self._builder.record(entry, outline)

    def _count_use(self, judgement: Judgement) -> None:
        """The rows of one holdout are kept once, however often they judged."""
        trial = judgement.trial
        if trial:
            self._trials.append(self._holdouts.setdefault((trial.holdout, trial.is_first_form), trial))
        if judgement.decision.budget:
            self._budgeted = judgement


def unreadable(model: str, why: str) -> Finding:
    """Entries that cannot be read."""
    restore = "Restore the ledger from a backup, or install the release that wrote it."
    return finding(Code.CHAIN, model, "entries that this release can read", why, restore)


def _outline(body: Body) -> Body:
    """What later entries are held against: a decision without evidence, and its policy where it asks for approvals."""
    if not isinstance(body, Judgement):
        return body
    decision = replace(body.decision, evidence=None, checks=(), footprint=None)
    policy = body.policy if decision.waits else None
    return replace(body, decision=decision, sketch=None, curves=None, policy=policy)
