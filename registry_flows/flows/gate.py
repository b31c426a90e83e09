"""The gate flow: judge a candidate against the champion on the same rows, record why, and relabel the versions.

If it runs again (a retry, a crashed worker, a resumed run, by hand), it does not repeat a judgement that stands.
"""

from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.tasks import exponential_backoff

from promotion.ledger.state import State
from promotion.policy import Decision
from promotion.registry.consent import is_open
from promotion.registry.moves import standing_decision
from promotion.vocabulary import Tag
from registry_flows.under_prefect.approval import asked_before, follow_up
from registry_flows.under_prefect.artifacts import decision_artifacts, progress
from registry_flows.under_prefect.result import completed, show_result
from registry_flows.under_prefect.session import as_task, may_pass, registry, run_name


@flow(name="gate", flow_run_name="gate {tag}")
def gate_flow(
    tag: str, data_path: str | None = None, holdout_path: str | None = None, overdue: bool = False
) -> Decision:
    """Judge one version.

    If the policy requires approval, a run of the deployment suspends until people answer; any other
    run leaves the decision waiting for `promotion approve`. A version that serves by its decision,
    or awaits approval, is not judged again.

    Args:
        tag: e.g. `fraud_classifier:6hnrlexgmwrh6ax4`.
        data_path: file whose holdout judges; None for the file that the candidate was trained on.
        holdout_path: holdout file, whose rows all judge; None for the configured one, if any.
        overdue: only deny a decision whose deadline passed without an answer; leave a version that
            no longer waits.
    """
    version, ours = Tag.parse(tag), registry()
    state = ours.complete(version.model)
    ended = _ended(state, version) if overdue or asked_before() else None
    if ended:
        return completed(show_result(version, ended), ended)
    decision = standing_decision(state, version) or judge(version, data_path, holdout_path)
    decision_artifacts(ours, version, decision)
    result = show_result(version, decision)
    if decision.waits:
        follow_up(ours, version)
        result = show_result(version, decision, shown=result)
    return completed(result, decision)


@task(
    task_run_name=run_name("judge"),
    cache_policy=NO_CACHE,
    retries=3,
    retry_delay_seconds=exponential_backoff(2),
    retry_condition_fn=may_pass,
)
def judge(version: Tag, data_path: str | None, holdout_path: str | None) -> Decision:
    """Judge the version now; if somebody else changed the record meanwhile, retry against the new champion."""
    with progress(version, as_task) as step:
        return registry().gate(version, data=data_path, holdout=holdout_path, step=step)


def _ended(state: State, version: Tag) -> Decision | None:
    """Return the decision that people were asked about if it no longer waits: answered, denied or superseded."""
    judged = state.versions.get(str(version))
    return judged.decision if judged and not is_open(judged) else None
