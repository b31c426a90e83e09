"""Approval of `promote` decisions: who may approve, how many approvals are required, and how many are given. Pure."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

from promotion.durations import length_of


@dataclass(frozen=True, kw_only=True)
class Panel:
    """The approval requirements: who may approve, how many people are required, and the time limit.

    Attributes:
        approvers: actors as recorded (`os:alice`); empty allows anyone.
        needed: required number of approvals.
        within: how long after the decision an approval counts, like `12h` or `3d`.
    """

    approvers: tuple[str, ...] = ()
    needed: int = 1
    within: str = "7d"

    @property
    def time(self) -> timedelta:
        """How long after the decision an approval counts."""
        return length_of(self.within)

    def takes(self, actor: str) -> bool:
        """Return whether this person's approval counts."""
        return not self.approvers or actor in self.approvers

    def faults(self) -> Iterator[str]:
        """Yield the reasons why these requirements can never be met, one sentence each."""
        if self.needed < 1:
            yield f"'min_approvals' must be at least 1, but is {self.needed}."
        for actor in self.approvers:
            source, _, name = actor.partition(":")
            if not (source and name):
                example = f" An operating system's user is 'os:{actor.strip(':')}'." if actor.strip(":") else ""
                yield f"Each of 'approvers' must be SOURCE:NAME, as in the ledger, but one is '{actor}'.{example}"
        if len(set(self.approvers)) < len(self.approvers):
            yield f"'approvers' must name each person once, but repeats one: {', '.join(self.approvers)}."
        if self.approvers and self.needed > len(self.approvers):
            yield f"'min_approvals' requires {self.needed} people, but 'approvers' names only {len(self.approvers)}."
        if not self._leaves_time():
            yield (
                "'approval_timeout' must be a whole number of hours, days or weeks above 0, like 12h, 3d or 2w, but is "
                f"'{self.within}'."
            )

    def _leaves_time(self) -> bool:
        try:
            return self.time > timedelta()
        except (ValueError, OverflowError):
            return False


ANYONE = Panel()
"""One approval, by anyone, within a week."""


@dataclass(frozen=True, kw_only=True)
class Consent:
    """The answers given so far to one decision.

    Attributes:
        approved: people whose approval counts, in order of approval.
        denied: people who denied; one denial is enough.
        missing: number of approvals still required; 0 when there are enough.
        open_to: listed people who can give the next approval; empty if anyone can, or if no listed
            person is left.
        concerned: people whose approvals do not suffice alone, while nobody else has approved.
        listed: whether only listed people may approve.
    """

    approved: tuple[str, ...]
    denied: tuple[str, ...]
    missing: int
    open_to: tuple[str, ...]
    concerned: tuple[str, ...]
    listed: bool

    @property
    def given(self) -> bool:
        """Whether the approval is complete."""
        return not self.denied and self.missing == 0

    @property
    def wanting(self) -> str:
        """The missing approvals and who can give them: `1 approval is missing, from os:bob or os:carol`."""
        number = "1 approval is missing" if self.missing == 1 else f"{self.missing} approvals are missing"
        concerned = " and ".join(self.concerned)
        if self.listed and not self.open_to:
            return f"{number}, and none of the approvers can give it"
        from_whom = f"from {' or '.join(self.open_to) or 'anyone'}"
        if concerned and self.missing > 1:
            return f"{number}, {from_whom}, and not only from {concerned}"
        return f"{number}, {from_whom}{f' but {concerned}' if concerned and not self.listed else ''}"


def consent(panel: Panel, answers: Mapping[str, bool], concerned: Collection[str]) -> Consent:
    """Count the answers: approvals of different people who may approve, at least one of them not concerned.

    A denial stands even if the list of approvers has changed since: it already rejected the
    version.

    Args:
        panel: the approval requirements.
        answers: each person's latest answer, True to approve; oldest first.
        concerned: people who trained the version or requested the decision. They may approve, but
            do not suffice alone.
    """
    approved = tuple(actor for actor, yes in answers.items() if yes and panel.takes(actor))
    outsider = any(actor not in concerned for actor in approved)
    missing = max(panel.needed - len(approved), 0 if outsider else 1)
    alone = () if outsider else tuple(sorted(concerned))
    return Consent(
        approved=approved,
        denied=tuple(actor for actor, yes in answers.items() if not yes),
        missing=missing,
        open_to=tuple(
            actor for actor in panel.approvers if actor not in approved and not (missing == 1 and actor in alone)
        ),
        concerned=alone,
        listed=bool(panel.approvers),
    )
