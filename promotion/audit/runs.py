"""Compare every training run in MLflow with the numbers in the ledger and in the version itself.

MLflow lets anyone overwrite a metric of a finished run. The ledger keeps the numbers of decisions; the version's
metadata, which its digest covers, keeps those of the training.
"""

import json
import math
from collections.abc import Collection, Iterator, Mapping, Sequence

from promotion.findings import Code, Finding, finding
from promotion.interfaces import Mirror, MirrorRun, Stored
from promotion.ledger.state import State, VersionState
from promotion.training_metadata import METRICS

_TOLERANCE = 1e-9
Decided = Sequence[tuple[int, Mapping[str, float]]]
"""The `seq` and the metric values of each decision on a version, oldest first."""


def check_runs(
    state: State,
    decided: Mapping[str, Decided],
    mirror: Mirror,
    stored: Mapping[str, Stored],
    only: Collection[str] | None,
) -> Iterator[Finding]:
    """Check that the run of every version exists and shows the numbers of its training and its decisions.

    Args:
        state: state of the ledger.
        decided: the numbers of every decision on each version, by tag.
        mirror: what MLflow shows.
        stored: the versions with the metrics that their training logged, by tag.
        only: the versions whose runs are checked; None for all.
    """
    concerned = (state.versions[tag] for tag in state.versions if only is None or tag in only)
    by_run = {one.registration.run_id: one for one in concerned if not one.deleted_at}
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


def _check_training(run_id: str, tag: str, run: MirrorRun, expected: Mapping[str, float]) -> Iterator[Finding]:
    """Check that the run's last value of each metric is the value saved with the version."""
    for name, value in expected.items():
        if not _agrees(run.metrics.get(name), value):
            saved = f"{value!r}, as saved with the version"
            mend = f"Trust the version's metadata, and find out who changed run {run_id} in MLflow."
            yield finding(Code.TRAINING_METRIC, f"{name} of {tag}", saved, _shown(run.metrics.get(name)), mend)


def _check_decisions(
    run_id: str, version: VersionState, run: MirrorRun, decided: Decided, mirror: Mirror
) -> Iterator[Finding]:
    """Check that each number of each decision stands at its step, and that the run shows the last one.

    A number at a step costs one request, so it is requested only if the last value shown does not settle it.
    """
    last = {name: (seq, value) for seq, metrics in decided for name, value in metrics.items()}
    for seq, metrics in decided:
        asked = [name for name in metrics if last[name][0] != seq or not _agrees(run.metrics.get(name), last[name][1])]
        found = mirror.metrics(run_id, asked, seq) if asked else {}
        for name in asked:
            value, shown = metrics[name], found.get(name)
            if last[name][0] == seq and _agrees(shown, value):
                shown = run.metrics.get(name)  # overwritten at a later step
            if not _agrees(shown, value):
                mend = f"Trust the ledger, and find out who changed run {run_id} in MLflow."
                expected = f"{value!r}, as decided in entry {seq}"
                yield finding(Code.METRIC, f"{name} of {version.tag}", expected, _shown(shown), mend)


def _gone(run_id: str, version: VersionState) -> Finding:
    mend = "Restore MLflow from a backup. The ledger still has the numbers of the decisions, but not the training log."
    return finding(Code.RUN_GONE, version.tag, f"run {run_id}, which trained it", "no such run in MLflow", mend)


def _deleted(run_id: str, version: VersionState) -> Finding:
    mend = f"Run `mlflow runs restore --run-id {run_id}` before `mlflow gc` deletes the run for good."
    return finding(Code.RUN_DELETED, version.tag, f"run {run_id}, which trained it", "a deleted run", mend)


def _agrees(shown: float | None, value: float) -> bool:
    return shown is not None and math.isclose(shown, value, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE)


def _shown(value: float | None) -> str:
    return "no such metric in the run" if value is None else repr(value)


def _logged(stored: Stored | None) -> Mapping[str, float]:
    """Return the metrics that the version's training logged; none if unreadable, which the digest check reports."""
    try:
        found = json.loads(str(stored.metadata.get(METRICS, "{}"))) if stored else {}
    except ValueError:
        return {}
    numbers = found.items() if isinstance(found, dict) else ()
    return {str(name): float(value) for name, value in numbers if isinstance(value, int | float)}
