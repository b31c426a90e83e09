"""The `Mirror` in memory."""

from collections.abc import Collection, Iterable, Mapping

from promotion.interfaces import MirrorRun, MirrorState, MirrorVersion, Pushed


class MemoryMirror:
    """A `Mirror` that keeps the last state sent to it.

    Attributes:
        shown: alias to version, by model; change it to simulate someone else who moves aliases.
    """

    def __init__(self) -> None:
        self.shown: dict[str, dict[str, str]] = {}
        self._states: dict[str, MirrorState] = {}
        self._versions: dict[str, dict[str, MirrorVersion]] = {}
        self._metrics: dict[tuple[str, int], Mapping[str, float]] = {}

    def push(self, state: MirrorState) -> Pushed:
        """Keep the state, and the metrics of earlier decisions."""
        sent = self.head(state.model)
        if state.outdated(sent):
            return Pushed()
        moves, foreign = state.aliases.settle(self.aliases(state.model), state.since(sent))
        shown = self.aliases(state.model) | {alias: str(tag) for alias, tag in moves.items()}
        self.shown[state.model] = {alias: name for alias, name in shown.items() if moves.get(alias, name) is not None}
        self._states[state.model] = state
        self._versions.setdefault(state.model, {}).update((str(one.tag), one) for one in state.versions)
        for decision in state.decisions:
            self._metrics.setdefault((decision.run_id, decision.seq), decision.metrics)
        return Pushed(foreign=foreign)

    def aliases(self, model: str) -> dict[str, str]:
        """Return alias to tag."""
        return dict(self.shown.get(model, {}))

    def stages(self, model: str) -> Mapping[str, str]:
        """Return tag to stage."""
        return {tag: version.standing for tag, version in self._versions.get(model, {}).items()}

    def head(self, model: str) -> tuple[int, str] | None:
        """Return `seq` and hash of the last entry sent."""
        state = self._states.get(model)
        return state.head if state else None

    def runs(self, run_ids: Collection[str]) -> Mapping[str, MirrorRun]:
        """Return the runs of all versions sent, with the metrics of their decisions; the last decision counts."""
        ours = {version.run_id for versions in self._versions.values() for version in versions.values()}
        found: dict[str, dict[str, float]] = {run_id: {} for run_id in run_ids if run_id in ours}
        for (run_id, _), metrics in sorted(self._metrics.items()):
            if run_id in found:
                found[run_id] |= metrics
        return {run_id: MirrorRun(metrics=metrics) for run_id, metrics in found.items()}

    def metrics(self, run_id: str, names: Iterable[str], seq: int) -> Mapping[str, float]:
        """Return the metrics logged to a run at step `seq`."""
        found = self._metrics.get((run_id, seq), {})
        return {name: found[name] for name in names if name in found}
