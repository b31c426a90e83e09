"""Collect from a ledger's entries, in one pass, everything that an audit needs; entries are not kept in memory."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from datetime import datetime

from promotion.audit.chain import ChainCheck
from promotion.audit.clocks import Clocks
from promotion.audit.decisions import check_decision, is_made_again
from promotion.audit.files import Files
from promotion.audit.promotions import Promotions
from promotion.audit.signatures import Signatures
from promotion.errors import PromotionError
from promotion.findings import Code, Finding, finding
from promotion.interfaces import Keyring, LedgerStore
from promotion.ledger.chain import Entry, Head
from promotion.ledger.checkpoint import Checkpoint, agrees
from promotion.ledger.entries import Body, FreshStart, Judgement, Takeover, TransitionApplied, TransitionPlanned
from promotion.ledger.folding import StateBuilder
from promotion.ledger.state import State
from promotion.ledger.trials import Place, Trials
from promotion.registry.holdout_uses import Spent, uses_of_holdout
from promotion.registry.mirror_state import decision_metrics

_PAGE = 200
UNREADABLE = (PromotionError, TypeError, ValueError)
"""Errors from reading entries; rows edited by hand can hold values of any type and any time."""


def each_entry(ledger: LedgerStore, model: str, after: int = 0) -> Iterator[Entry]:
    """Yield the entries of a model after an entry, in order, read page by page."""
    while page := ledger.entries(model, after=after, limit=_PAGE):
        yield from page
        if len(page) < _PAGE:
            return
        after = page[-1].seq


class LedgerScan:
    """The results of one pass over the entries.

    Args:
        model: its name.
        keys: the keys that verify signatures; None if signatures are not required.
        now: the auditor's time.
        since: check decisions, champion changes and clocks only from this moment on.
        checkpoint: the checkpoint to hold against the entries.
        checked: the entry up to which the same code found nothing wrong with the decisions; None to make all again.

    Attributes:
        model, now, since, checked: as given.
        after: the entry after which entries must be taken in.
        decided: `seq` and numbers of the decisions since then, by tag, oldest first.
        files: the files that trained and judged.
    """

    def __init__(
        self,
        model: str,
        keys: Keyring | None,
        now: datetime,
        since: datetime | None,
        checkpoint: Checkpoint | None = None,
        checked: Place | None = None,
    ) -> None:
        self.decided: dict[str, list[tuple[int, dict[str, float]]]] = {}
        self.files, self.after = Files(), 0
        self.model, self.now, self.since, self.checked = model, now, since, checked
        self._known, self._met, self._sound = checked.seq if checked else 0, checked is None, since is None
        self._chain = ChainCheck(known=self._known)
        self._clocks, self._promotions = Clocks(now), Promotions()
        self._signatures = Signatures(keys) if keys else None
        self._builder = StateBuilder(State(model=model))
        self._trials = Trials()
        self._budgeted: Judgement | None = None
        self._checkpoint, self._derived = checkpoint, list[Finding]()
        self._broken, self._unfounded = list[Finding](), list[Finding]()
        self._unreadable: str | None = None
        self._named = set[str]()

    @property
    def only(self) -> Collection[str] | None:
        """The versions whose files, data and runs are checked: the champion, and those that recent entries name."""
        champion = self._builder.champion
        return None if self.since is None else self._named | ({champion.tag} if champion else set())

    @property
    def state(self) -> State:
        """The state after all entries; its decisions are without evidence."""
        return self._builder.state()

    @property
    def sound(self) -> Place | None:
        """The last entry, if every decision was made again and nothing is wrong with the chain; None otherwise."""
        whole = self._sound and self._met and not self._broken and not self._unreadable
        return Place(self._builder.seq, self._builder.hash) if whole and self._builder.seq else None

    @property
    def spent(self) -> Spent | None:
        """The remaining budget of the last holdout."""
        return uses_of_holdout(self._budgeted, self._trials)

    def take(self, entries: Iterable[Entry]) -> None:
        """Take in the entries; after a break in the chain, check only the chain."""
        for entry in entries:
            self._broken += self._chain.take(entry)
            self._met = self._met or self.checked == (entry.seq, entry.hash)
            if self._broken or self._unreadable:
                continue
            try:
                self._read(entry)
            except UNREADABLE as error:
                self._unreadable = str(error)

    def broken(self, head: Head | None) -> tuple[Finding, ...]:
        """Return the findings that prevent any comparison with the entries; empty if there are none."""
        broken = (*self._broken, *self._chain.end(head))
        if not broken and not self._met:
            broken = (_changed_meanwhile(self.model, self._known),)
        return broken or ((unreadable(self.model, self._unreadable),) if self._unreadable else ())

    def findings(self) -> Iterator[Finding]:
        """Yield the findings on the entries themselves."""
        yield from self._signatures.findings() if self._signatures else ()
        yield from self._clocks.findings()
        yield from self._unfounded
        yield from self._derived

    def _read(self, entry: Entry) -> None:
        body = entry.content()
        if self._signatures:
            self._signatures.take(entry)
        recent = self.since is None or datetime.fromisoformat(entry.at) >= self.since
        self._named.update(tags_named(body) if recent else ())
        self._clocks.take(entry, report=recent)
        self.files.take(entry, body)
        if recent and isinstance(body, Judgement):
            found = self._made_again(entry.seq, body)
            self.decided.setdefault(body.tag, []).append((entry.seq, decision_metrics(body.decision)))
        else:
            found = ()
        if isinstance(body, Judgement):
            self._count_use(body, Place(entry.seq, entry.hash))
        outline = outline_of(body)
        found = (*self._promotions.take(entry, outline), *found)
        self._unfounded += found if recent else ()
        self._record(entry, body, outline)
        if self._checkpoint and self._checkpoint.seq == entry.seq:
            self._check_checkpoint(self._checkpoint)

    def _made_again(self, seq: int, body: Judgement) -> tuple[Finding, ...]:
        if seq <= self._known:
            return ()
        found = tuple(check_decision(seq, body))
        self._sound = self._sound and not found and is_made_again(body)
        return found

    def _record(self, entry: Entry, body: Body, outline: Body) -> None:  # noqa: ARG002 - a scan of few entries uses it
        self._builder.record(entry, outline)

    def _check_checkpoint(self, checkpoint: Checkpoint) -> None:
        spent = self.spent
        used = spent.budget.use if spent else None
        state = replace(self.state, trials=self._trials, budgeted=self._budgeted, used=used)
        if not agrees(checkpoint, state):
            self._derived.append(other_checkpoint(self.model, checkpoint.seq))

    def _count_use(self, judgement: Judgement, place: Place) -> None:
        if judgement.trial:
            self._trials.append(judgement.trial, place)
        if judgement.decision.budget:
            self._budgeted = judgement


def unreadable(model: str, why: str) -> Finding:
    """Return the finding that entries cannot be read."""
    restore = "Restore the ledger from a backup, or install the release that wrote it."
    return finding(Code.CHAIN, model, "entries that this release can read", why, restore)


def _changed_meanwhile(model: str, seq: int) -> Finding:
    expected, found = "the entry that was there when the audit began", "a different one, or none"
    return finding(Code.CHAIN, f"entry {seq}", expected, found, f"Run `promotion audit {model}` again.")


def other_checkpoint(model: str, seq: int) -> Finding:
    """Return the finding that a checkpoint does not follow from the entries."""
    return finding(
        Code.CHECKPOINT,
        f"entry {seq}",
        "a checkpoint that follows from the entries",
        "a different one",
        f"Run `promotion repair {model}`, which replaces it. Find out who can write to the database.",
    )


def tags_named(body: Body) -> Iterable[str]:
    """Return the versions that an entry names; for the end of a transition, none."""
    if isinstance(body, TransitionPlanned):
        return (*(move.tag for move in body.moves), *body.deletions)
    return () if isinstance(body, FreshStart | Takeover | TransitionApplied) else (body.tag,)


def outline_of(body: Body) -> Body:
    """Return the parts that later entries are compared with: no evidence, and the policy only if it needs approvals."""
    if not isinstance(body, Judgement):
        return body
    decision = replace(body.decision, evidence=None, checks=(), footprint=None)
    policy = body.policy if decision.waits else None
    return replace(body, decision=decision, sketch=None, curves=None, policy=policy)
