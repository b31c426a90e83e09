"""The training runs in MLflow: what the audit reads of them, and the decisions that are logged to them."""

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING

from promotion.adapters.mlflow.seen import as_seen, if_there, noting, paged
from promotion.interfaces import MirrorDecision, MirrorRun

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

_FEW = 20


class TrainingRuns:
    """The runs in MLflow that trained versions.

    Args:
        client: gives MLflow's client, or raises if the time for MLflow is over.
    """

    def __init__(self, client: "Callable[[], MlflowClient]") -> None:
        self._client = client

    def get(self, run_id: str) -> "Run | None":
        """Return a run; None if there is no such run."""
        return if_there(lambda: self._client().get_run(run_id))

    def found(self, run_ids: Collection[str]) -> Mapping[str, MirrorRun]:
        """Return the runs with these ids; for many, the runs of their experiment are read in pages, newest first."""
        found, wanted = dict[str, MirrorRun](), set(run_ids)
        for run_id in run_ids:
            run = self.get(run_id) if run_id in wanted else None
            wanted.discard(run_id)
            if run is None:
                continue
            found[run_id] = as_seen(run)
            beside = self._runs_of(str(run.info.experiment_id)) if len(wanted) > _FEW else iter(())
            while wanted and (other := next(beside, None)):
                if other.info.run_id in wanted:
                    wanted.discard(other.info.run_id)
                    found[other.info.run_id] = as_seen(other)
        return found

    def metrics(self, run_id: str, names: Iterable[str], seq: int) -> Mapping[str, float]:
        """Return the metrics logged to a run at step `seq`, the last value of each; missing ones are omitted."""
        histories = {name: self._client().get_metric_history(run_id, name) for name in names}
        found = {name: [point.value for point in points if point.step == seq] for name, points in histories.items()}
        return {name: values[-1] for name, values in found.items() if values}

    def send(self, decisions: Iterable[MirrorDecision], refusals: dict[str, str]) -> tuple[str, ...]:
        """Log the decisions to their runs; return the ids of lost runs."""
        lost = dict[str, None]()
        for decision in decisions:
            with noting(refusals, f"the decision of entry {decision.seq}"):
                if not self._send(decision):
                    lost[decision.run_id] = None
        return tuple(lost)

    def _send(self, decision: MirrorDecision) -> bool:
        """Log a decision to its run; return whether the run exists."""
        from mlflow.entities import Metric, RunTag

        run = self.get(decision.run_id)
        if run is None or run.info.lifecycle_stage == "deleted":
            return False
        shown = [name for name in decision.metrics if name in run.data.metrics]
        found, now = self.metrics(decision.run_id, shown, decision.seq), time.time_ns() // 10**6
        missing = ((name, value) for name, value in decision.metrics.items() if name not in found)
        metrics = [Metric(name, value, now, decision.seq) for name, value in missing]
        tags = {"promotion.verdict": decision.verdict, "promotion.rows": decision.drawn}
        new_tags = [RunTag(name, text) for name, text in tags.items() if text or name in run.data.tags]
        self._client().log_batch(decision.run_id, metrics, tags=new_tags)
        self._client().log_text(decision.run_id, decision.document, f"decisions/{decision.id}.json")
        self._send_report(decision)
        return True

    def _send_report(self, decision: MirrorDecision) -> None:
        """Log the report, unless it is already there; earlier releases named it by the entry, e.g. `12.html`."""
        place, earlier = f"decisions/{decision.id}.html", f"decisions/{decision.seq}.html"
        if decision.report is None or any(
            one.path in {place, earlier} for one in self._client().list_artifacts(decision.run_id, "decisions")
        ):
            return
        page = decision.report()
        if page is not None:
            self._client().log_text(decision.run_id, page, place)

    def _runs_of(self, experiment: str) -> Iterator["Run"]:
        from mlflow.entities import ViewType

        return paged(partial(self._client().search_runs, [experiment], "", ViewType.ALL, max_results=1000))
