"""Replay of past decisions under another policy, from the comparisons in the ledger. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from promotion.ledger.chain import Entry
from promotion.ledger.entries import Judgement
from promotion.policy import Budget, Decision, Policy, Trial, count_use, decide
from promotion.policy.checks import BEFORE


@dataclass(frozen=True, kw_only=True)
class Replayed:
    """One decision, as it was made and as another policy would have made it.

    Attributes:
        seq, at: entry and time of the decision.
        tag: the judged version.
        then: the recorded decision.
        now: the decision under the other policy, on the same evidence.
    """

    seq: int
    at: str
    tag: str
    then: Decision
    now: Decision

    @property
    def differs(self) -> bool:
        """Whether the verdict differs."""
        return self.then.verdict is not self.now.verdict


def replay(entries: Iterable[Entry], policy: Policy) -> tuple[Replayed, ...]:
    """Decide every past decision again, oldest first.

    Each decision is replayed on its own, against the champion at the time. The effects of a different champion are
    unknown, because those versions were never compared. Metrics and slices that the stored comparison lacks are
    `missing`, so the verdict is hold.
    """
    return tuple(_replayed(entries, policy))


def _replayed(entries: Iterable[Entry], policy: Policy) -> Iterator[Replayed]:
    earlier: list[Trial] = []
    for entry in entries:
        body = entry.content()
        if not isinstance(body, Judgement):
            continue
        trial = replace(body.trial, metric=policy.primary.metric) if body.trial else None
        now = _again(body.decision, policy, trial, earlier)
        earlier.extend(filter(None, (trial,)))
        yield Replayed(seq=entry.seq, at=entry.at, tag=body.tag, then=body.decision, now=now)


def _again(then: Decision, policy: Policy, trial: Trial | None, earlier: list[Trial]) -> Decision:
    counted = trial is not None and policy.budgeted
    now = decide(
        then.evidence,
        policy,
        budget=Budget(alpha=policy.alpha, use=count_use(trial, earlier)) if trial and counted else None,
        footprint=then.footprint,
        before=tuple(check for check in then.checks if check.kind in BEFORE),
    )
    return replace(now, challenger=then.challenger, champion=then.champion, holdout=then.holdout)
