"""The retrain-all flow: retrain many models side by side; if one fails, the others continue."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from prefect import flow, task
from prefect.artifacts import create_progress_artifact, create_table_artifact, update_progress_artifact
from prefect.cache_policies import NO_CACHE
from prefect.futures import PrefectFuture, as_completed
from prefect.task_runners import ThreadPoolTaskRunner

from promotion.errors import PromotionError
from promotion.policy import Decision
from promotion.report.page import Tone, some
from promotion.visible import visible
from promotion.vocabulary import Verdict
from registry_flows.flows.retrain import retrain_flow
from registry_flows.under_prefect.artifacts import quietly
from registry_flows.under_prefect.hand_off import TrainedVersion
from registry_flows.under_prefect.result import completed
from registry_flows.under_prefect.session import registry

_PAST = {
    "promote": "promoted",
    "hold": "held",
    "reject": "rejected",
    "waits for approval": "waiting for approval",
}


@dataclass(frozen=True, kw_only=True)
class RetrainOutcome:
    """The outcome for one model.

    Attributes:
        model: its name.
        tag: the version that was trained; None if none was saved.
        decision: the gate's decision, if the gate ran in this process.
        gate_run: the gate run that the version was handed to otherwise.
        error: why it failed, in a sentence; None if it did not.
    """

    model: str
    tag: str | None = None
    decision: Decision | None = None
    gate_run: str | None = None
    error: str | None = None

    @property
    def verdict(self) -> str:
        """The outcome in one or two words."""
        if self.error is not None:
            return "failed"
        if self.decision is None:
            return "handed to the gate"
        return "waits for approval" if self.decision.waits else str(self.decision.verdict)

    @property
    def tone(self) -> Tone:
        """The tone of the verdict."""
        if self.error is not None or (self.decision and self.decision.verdict is Verdict.REJECT):
            return Tone.BAD
        promoted = self.decision and self.decision.verdict is Verdict.PROMOTE and not self.decision.waits
        return Tone.GOOD if promoted else Tone.UNSURE

    @property
    def said(self) -> str:
        """The outcome in a sentence."""
        return self.error or (self.decision.summary if self.decision else f"Gate run: {self.gate_run}.")


class SomeFailed(PromotionError):
    """Some models could not be retrained.

    Attributes:
        outcomes: the outcomes of all models, including the failed ones.
    """

    def __init__(self, outcomes: Sequence[RetrainOutcome]) -> None:
        self.outcomes = tuple(outcomes)
        failed = [one for one in self.outcomes if one.error is not None]
        named = "; ".join(f"{one.model} ({str(one.error).rstrip('.')})" for one in failed)
        super().__init__(f"{len(failed)} of {len(self.outcomes)} models could not be retrained: {named}.")


@task(name="retrain_model", task_run_name="retrain_model-{model}", cache_policy=NO_CACHE)
def retrain_model(model: str) -> TrainedVersion:
    """Train and judge one model with the retrain flow."""
    return retrain_flow(model)


@flow(
    name="retrain-all",
    flow_run_name="retrain all",
    task_runner=ThreadPoolTaskRunner(max_workers=os.cpu_count() or 1),  # type: ignore[arg-type]
)
def retrain_all_flow(models: list[str] | None = None) -> tuple[RetrainOutcome, ...]:
    """Train and gate many models side by side, as many at once as there are processors.

    Args:
        models: their names in the configuration; None for all of them.

    Raises:
        SomeFailed: some models could not be retrained; the others are done.
    """
    chosen = list(dict.fromkeys(models or registry().config.models))
    for model in chosen:
        registry().config.model(model)
    futures = dict(zip(chosen, retrain_model.map(chosen), strict=True))
    _watch(list(futures.values()))
    outcomes = tuple(_outcome(model, future) for model, future in futures.items())
    quietly(create_table_artifact, _table(outcomes), key="retrained-models", description="The result for each model.")
    if any(one.error is not None for one in outcomes):
        raise SomeFailed(outcomes)
    return completed(_total_sentence(outcomes), outcomes)


def _watch(futures: "list[PrefectFuture[TrainedVersion]]") -> None:
    """Show how many models are done, until all are."""
    artifact = quietly(
        create_progress_artifact, 0.0, key="retrained-share", description="Share of the models that are done."
    )
    for done, _ in enumerate(as_completed(futures), start=1):
        registry().parts.progress("Retraining the models", done, len(futures))
        if artifact is not None:
            quietly(update_progress_artifact, artifact, 100.0 * done / len(futures))


def _outcome(model: str, future: "PrefectFuture[TrainedVersion]") -> RetrainOutcome:
    found: Any = future.result(raise_on_failure=False)
    if isinstance(found, BaseException):
        error = str(found) if isinstance(found, PromotionError) else f"{type(found).__name__}: {found}"
        return RetrainOutcome(model=model, error=error)
    return RetrainOutcome(model=model, tag=found.tag, decision=found.decision, gate_run=found.gate_run)


def _total_sentence(outcomes: Sequence[RetrainOutcome]) -> str:
    """Return `2 promoted (churn, fraud_classifier), 1 held (refunds)`; each model's own run has its verdict as tags."""
    models: dict[str, list[str]] = {}
    for one in outcomes:
        models.setdefault(_PAST.get(one.verdict, one.verdict), []).append(one.model)
    return ", ".join(f"{len(named)} {verdict} ({some(named)})" for verdict, named in models.items())


def _table(outcomes: Sequence[RetrainOutcome]) -> list[dict[str, str]]:
    return [
        {"model": one.model, "version": one.tag or "-", "verdict": one.verdict, "why": visible(one.said)}
        for one in outcomes
    ]
