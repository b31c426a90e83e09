"""Ledger and mirror in memory: for tests and notebooks, under the same contract as the real ones."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from promotion.errors import Conflict
from promotion.registry.entries import Entry, Head
from promotion.seams import MirrorState


class MemoryLedger:
    """A `LedgerStore` that forgets."""

    def __init__(self) -> None:
        self._entries: dict[str, list[Entry]] = defaultdict(list)
        self._heads: dict[str, Head] = {}
        self._mirrored: dict[str, int] = defaultdict(int)

    def models(self) -> tuple[str, ...]:
        """Names of all models with entries."""
        return tuple(sorted(self._heads))

    def head(self, model: str) -> Head | None:
        """The last entry's place and the champion; None when nothing is recorded."""
        return self._heads.get(model)

    def entries(self, model: str, *, after: int = 0) -> Sequence[Entry]:
        """The entries with `seq > after`, in order."""
        return tuple(self._entries[model][after:])

    def append(self, entries: Sequence[Entry], head: Head) -> None:
        """Append all entries and move the head, or nothing."""
        first, known = entries[0], self._entries[head.model]
        if first.seq != len(known) + 1:
            by = known[first.seq - 1].actor if first.seq <= len(known) else ""
            raise Conflict(first.model, first.seq, by)
        known.extend(entries)
        self._heads[head.model] = head

    def mirrored(self, model: str) -> int:
        """The `seq` up to which the mirror is done; 0 at first."""
        return self._mirrored[model]

    def mark_mirrored(self, model: str, seq: int) -> None:
        """Record that the mirror is done up to `seq`; never moves back."""
        self._mirrored[model] = max(seq, self._mirrored[model])


class MemoryMirror:
    """A `Mirror` that keeps what it was last sent."""

    def __init__(self) -> None:
        self._states: dict[str, MirrorState] = {}
        self._metrics: dict[tuple[str, int], Mapping[str, float]] = {}

    def push(self, state: MirrorState) -> None:
        """Keep the state, and what was logged for earlier decisions."""
        self._states[state.model] = state
        for decision in state.decisions:
            self._metrics.setdefault((decision.run_id, decision.seq), decision.metrics)

    def aliases(self, model: str) -> Mapping[str, str]:
        """Alias to tag."""
        state = self._states.get(model)
        return {alias: str(tag) for alias, tag in state.aliases.items()} if state else {}

    def stages(self, model: str) -> Mapping[str, str]:
        """Tag to stage."""
        state = self._states.get(model)
        return {str(version.tag): version.stage.value for version in state.versions} if state else {}

    def head(self, model: str) -> tuple[int, str] | None:
        """`seq` and hash of the last entry sent."""
        state = self._states.get(model)
        return (state.seq, state.hash) if state else None

    def metrics(self, run_id: str, names: Iterable[str], seq: int) -> Mapping[str, float]:
        """The metrics that stand in a run at step `seq`."""
        found = self._metrics.get((run_id, seq), {})
        return {name: found[name] for name in names if name in found}
