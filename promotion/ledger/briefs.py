"""The versions of a model in brief: what lists need, and a line of JSON for each version, parsed on access.

A ledger of hourly retraining has tens of thousands of versions, of which a command shows a few.
"""

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from promotion.canonical import canonical_json, plain
from promotion.ledger.trials import Place
from promotion.ledger.versions import Recorded, RolledBack, VersionState


class Brief(NamedTuple):
    """Where the entries of a version are, and what they do not tell, in the values of JSON.

    Attributes:
        entries: `seq` of every entry that names it.
        registered_at: when it was registered.
        registration, decision, adoption: `seq` and hash of these entries.
        votes, deleted: as in the version.
    """

    entries: Sequence[int]
    registered_at: str
    registration: Sequence[Any] | None = None
    decision: Sequence[Any] | None = None
    adoption: Sequence[Any] | None = None
    votes: Sequence[Any] = ()
    deleted: Sequence[str] | None = None

    @property
    def recorded(self) -> Recorded:
        """The entries of its registration, adoption and decision."""
        places = (self.registration, self.adoption, self.decision)
        return Recorded(*(Place(*place) if place else None for place in places))


@dataclass(frozen=True, kw_only=True)
class Briefs:
    """Versions by tag, in order of registration.

    Attributes:
        stages: the stage of each.
        waiting: those whose decision waits for approval.
        rolled_back: the rollback of those that a rollback removed and that were not readmitted
            since.
        lines: the brief of each, as JSON without the empty values at its end.
    """

    stages: Mapping[str, str | None] = field(default_factory=dict)
    waiting: Collection[str] = frozenset()
    rolled_back: Mapping[str, RolledBack] = field(default_factory=dict)
    lines: Mapping[str, str] = field(default_factory=dict)

    def __getitem__(self, tag: str) -> Brief:
        return Brief(*json.loads(self.lines[tag]))


Read = Callable[[str, Briefs], VersionState]
"""Reads a version from the entries that its brief names."""


class Versions(Mapping[str, VersionState]):
    """Every version ever registered, by tag, in order of registration.

    Args:
        kept: the versions of a checkpoint, in brief.
        read: reads one of them.
        changed: the versions that entries after the checkpoint registered or changed.
    """

    def __init__(
        self, kept: Briefs | None = None, read: Read | None = None, changed: Mapping[str, VersionState] | None = None
    ) -> None:
        self._kept, self._read = kept or Briefs(), read
        self._changed, self._known = dict(changed or {}), dict[str, VersionState]()

    def __getitem__(self, tag: str) -> VersionState:
        if tag in self._changed:
            return self._changed[tag]
        if tag not in self._kept.stages:
            raise KeyError(tag)
        if tag not in self._known:
            assert self._read is not None  # noqa: S101 - briefs come with their reader
            self._known[tag] = self._read(tag, self._kept)
        return self._known[tag]

    def __iter__(self) -> Iterator[str]:
        return iter(self.stages)

    def __contains__(self, tag: object) -> bool:
        return tag in self._changed or tag in self._kept.stages

    def __len__(self) -> int:
        return len(self._kept.stages.keys() | self._changed.keys())

    def __setitem__(self, tag: str, version: VersionState) -> None:
        self._changed[tag] = version

    def copy(self) -> "Versions":
        """Return versions that change independently of these; what was read of the checkpoint is shared."""
        made = Versions(self._kept, self._read, self._changed)
        made._known = self._known
        return made

    @property
    def stages(self) -> Mapping[str, str | None]:
        """The stage of each version, without reading entries."""
        return {**self._kept.stages, **{tag: version.stage for tag, version in self._changed.items()}}

    @property
    def waiting(self) -> Collection[str]:
        """Those whose decision waits for approval, without reading entries."""
        new = (tag for tag, one in self._changed.items() if one.decision is not None and one.decision.waits)
        return (set(self._kept.waiting) - self._changed.keys()).union(new)

    @property
    def rolled_back(self) -> Mapping[str, RolledBack]:
        """The rollbacks that block a version, by tag, without reading entries."""
        kept = {tag: back for tag, back in self._kept.rolled_back.items() if tag not in self._changed}
        return kept | {tag: one.rolled_back for tag, one in self._changed.items() if one.rolled_back}

    def entries(self, tag: str) -> Sequence[int]:
        """Return the `seq` of every entry that names a version, without reading entries."""
        changed = self._changed.get(tag)
        return self._kept[tag].entries if changed is None else changed.entries

    def deleted(self, tag: str) -> bool:
        """Return whether the files of a version were deleted, without reading entries."""
        changed = self._changed.get(tag)
        return (self._kept[tag].deleted if changed is None else changed.deleted_at) is not None

    def registered_at(self) -> Mapping[str, str]:
        """Return when each version was registered, without reading entries."""
        changed = {tag: version.registered_at for tag, version in self._changed.items()}
        return {tag: changed.get(tag) or self._kept[tag].registered_at for tag in self}

    def briefs(self) -> Briefs:
        """Return every version in brief, without reading entries."""
        lines = {tag: _line(version) for tag, version in self._changed.items()}
        return Briefs(
            stages=self.stages,
            waiting=self.waiting,
            rolled_back=self.rolled_back,
            lines={**self._kept.lines, **lines},
        )


def _line(version: VersionState) -> str:
    brief = Brief(
        entries=version.entries,
        registered_at=version.registered_at,
        registration=version.recorded.registration,
        decision=version.recorded.decision,
        adoption=version.recorded.adoption,
        votes=plain(version.votes),
        deleted=version.deletion,
    )
    last = max((place for place, value in enumerate(brief) if value), default=0)
    return canonical_json(brief[: last + 1])
