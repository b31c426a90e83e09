"""Every training run in MLflow held against what the ledger and the version itself keep of its numbers.

MLflow lets anyone log over a metric of a finished run. The numbers of decisions are in the ledger; those of the
training are in the version's metadata, which its digest covers.
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from promotion.findings import Code, Finding, finding
from promotion.interfaces import Mirror, MirrorRun, Stored
from promotion.ledger.state import State, VersionState
from promotion.training_metadata import METRICS
from promotion.vocabulary import Stage

_TOLERANCE = 1e-9
Decided = Sequence[tuple[int, Mapping[str, float]]]
"""The numbers of each decision on a version with its `seq`, oldest first."""


def check_runs(
    state: State,
    decided: Mapping[str, Decided],
    mirror: Mirror,
    stored: Mapping[str, Stored],
    since: datetime | None,
) -> Iterator[Finding]:
    """The run of every version is there, and shows the numbers of its training and of its decisions.

    Args:
        state: of the ledger.
        decided: the numbers of every decision on each version, by tag.
        mirror: what MLflow shows.
        stored: the versions, which hold the metrics that their training logged, by tag.
        since: versions that neither serve nor wait, and were registered and judged before, are left out.
    """
    by_run = {one.registration.run_id: one for one in state.versions.values() if _concerned(one, since)}
    runs = mirror.runs([run_id for run_id in by_run if run_id])
    for run_id, one in by_run.items():
        if run_id is None:
            continue
        if run_id not in runs:
            yield _gone(run_id, one)
            continue
        if runs[run_id].deleted:
            yield _deleted(run_id, one)
        yield from _check_training(run_id, one.tag, runs[run_id], _logged(stored.get(one.tag)))
        yield from _check_decisions(run_id, one, runs[run_id], decided.get(one.tag, ()), mirror)


def _concerned(version: VersionState, since: datetime | None) -> bool:
    if version.deleted_at:
        return False
    if since is None or version.stage in {Stage.PROD, Stage.STAGING}:
        return True
    return any(datetime.fromisoformat(at) >= since for at in (version.registered_at, version.decided_at) if at)


def _check_training(run_id: str, tag: str, run: MirrorRun, expected: Mapping[str, float]) -> Iterator[Finding]:
    """What the run shows last of each metric is what was saved with the version."""
    for name, value in expected.items():
        if not _agrees(run.metrics.get(name), value):
            saved = f"{value!r}, as saved with the version"
            mend = f"Trust the version's metadata; run {run_id} in MLflow was changed from outside."
            yield finding(Code.TRAINING_METRIC, f"{name} of {tag}", saved, _shown(run.metrics.get(name)), mend)


def _check_decisions(
    run_id: str, version: VersionState, run: MirrorRun, decided: Decided, mirror: Mirror
) -> Iterator[Finding]:
    """Each number of each decision stands at its step, and the last one is the one that the run shows.

    A number at a step has a question of its own, so it is asked only where the last shown does not answer for it.
    """
    last = {name: (seq, value) for seq, metrics in decided for name, value in metrics.items()}
    for seq, metrics in decided:
        asked = [name for name in metrics if last[name][0] != seq or not _agrees(run.metrics.get(name), last[name][1])]
        found = mirror.metrics(run_id, asked, seq) if asked else {}
        for name in asked:
            value, shown = metrics[name], found.get(name)
            if last[name][0] == seq and _agrees(shown, value):
                shown = run.metrics.get(name)  # logged over at a later step
            if not _agrees(shown, value):
                mend = f"Trust the ledger; run {run_id} in MLflow was changed from outside."
                expected = f"{value!r}, as decided in entry {seq}"
                yield finding(Code.METRIC, f"{name} of {version.tag}", expected, _shown(shown), mend)


def _gone(run_id: str, version: VersionState) -> Finding:
    mend = "Restore MLflow from a backup. The decisions' numbers are in the ledger; the training's log is lost."
    return finding(Code.RUN_GONE, version.tag, f"run {run_id}, which trained it", "no such run in MLflow", mend)


def _deleted(run_id: str, version: VersionState) -> Finding:
    mend = f"`mlflow runs restore --run-id {run_id}` brings it back, until `mlflow gc` makes it final."
    return finding(Code.RUN_DELETED, version.tag, f"run {run_id}, which trained it", "a run that was deleted", mend)


def _agrees(shown: float | None, value: float) -> bool:
    return shown is not None and math.isclose(shown, value, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE)


def _shown(value: float | None) -> str:
    return "no such metric in the run" if value is None else repr(value)


def _logged(stored: Stored | None) -> Mapping[str, float]:
    """What a version says that its training logged; none where it is no such text, which its digest would tell."""
    try:
        found = json.loads(str(stored.metadata.get(METRICS, "{}"))) if stored else {}
    except ValueError:
        return {}
    numbers = found.items() if isinstance(found, dict) else ()
    return {str(name): float(value) for name, value in numbers if isinstance(value, int | float)}
