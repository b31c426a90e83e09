"""The result of a gate for people who look at Prefect: the run's final message, its tags and one line of its log.

The flows that started the gate end with the same message and tags. The final state keeps the name `Completed`, because
automations wait for `prefect.flow-run.Completed`.
"""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from prefect.client.orchestration import get_client
from prefect.context import FlowRunContext
from prefect.logging import get_run_logger
from prefect.states import Completed

from promotion.ledger.state import State, VersionState
from promotion.policy import Decision
from promotion.registry.consent import is_open
from promotion.visible import visible
from promotion.vocabulary import Tag, Verdict
from registry_flows.under_prefect.client_retries import client_retries
from registry_flows.under_prefect.session import registry

R = TypeVar("R")
_OURS = ("model:", "version:", "verdict:")  # beginnings of the tags


@dataclass(frozen=True, kw_only=True)
class GateResult:
    """The result of a gate for a version.

    Attributes:
        verdict: `Promoted`, `Held`, `Rejected`, `Waits for approval` or `Passed`.
        reason: the deciding sentence.
    """

    verdict: str
    reason: str

    def __str__(self) -> str:
        return f"{self.verdict}: {visible(self.reason)}"


def result_of(state: State, version: VersionState, decision: Decision) -> GateResult:
    """Return the result for a version after a decision on it."""
    if decision.verdict is not Verdict.PROMOTE:
        verdict = "Held" if decision.verdict is Verdict.HOLD else "Rejected"
        return GateResult(verdict=verdict, reason=decision.summary)
    if state.champion and state.champion.tag == version.tag:
        return GateResult(verdict="Promoted", reason=decision.summary)
    if is_open(version):
        return GateResult(verdict="Waits for approval", reason=decision.summary)
    denial = next((vote for vote in version.votes if not vote.approved), None)
    if denial:
        return GateResult(verdict="Rejected", reason=f"Denied by {denial.actor}: {denial.reason}")
    return GateResult(verdict="Passed", reason=f"{decision.summary} It was not promoted, or was replaced since.")


def show_result(tag: Tag, decision: Decision, *, shown: GateResult | None = None) -> GateResult:
    """Show the result in the present run, unless it was shown: one INFO line, and tags for model, version, verdict."""
    result = _present_result(tag, decision)
    if result != shown:
        get_run_logger().info("%s %s: %s", result.verdict, tag, visible(result.reason))
        tag_run(tag, result.verdict)
    return result


def repeat_result(tag: Tag, decision: Decision) -> GateResult:
    """Show the result of the gate that the present run started, in the tags of the present run."""
    result = _present_result(tag, decision)
    tag_run(tag, result.verdict)
    return result


def completed(sentence: object, data: R) -> R:
    """Return the final state with this message. Prefect gives the caller of the flow `data`, not the state.

    If a run was retried and returns a state, Prefect raises the error of the earlier attempt for the
    caller. Such a run returns `data` alone, and has no message.
    """
    state: Any = data if _was_retried() else Completed(message=str(sentence), data=data)
    return state  # type: ignore[no-any-return]


def _was_retried() -> bool:
    """Return whether an earlier attempt of the present run failed in this process."""
    context = FlowRunContext.get()
    if context is None or context.flow_run is None or context.flow is None or not context.flow.retries:
        return False
    with suppress(Exception), get_client(sync_client=True) as client:  # errors of httpx and Prefect
        return client.read_flow_run(context.flow_run.id).empirical_policy.retry_type == "in_process"
    return True  # the caller gets the data in either case


def _present_result(tag: Tag, decision: Decision) -> GateResult:
    state = registry().state(tag.model)
    return result_of(state, state.versions[str(tag)], decision)


def tag_run(tag: Tag, verdict: str = "") -> None:
    """Replace our tags of the present run: those of model and version, and of the verdict, if there is one.

    Tags are informational, so a failure changes nothing.
    """
    context = FlowRunContext.get()
    run = context.flow_run if context else None
    if run is None:
        return
    judged = (f"verdict:{verdict.lower().replace(' ', '-')}",) if verdict else ()
    tags = (f"model:{tag.model}", f"version:{tag}", *judged)
    kept = [tag for tag in run.tags if not tag.startswith(_OURS)]
    with (
        suppress(Exception),  # errors of httpx and Prefect
        client_retries(0),
        get_client(sync_client=True) as client,
    ):
        client.update_flow_run(run.id, tags=[*kept, *tags])
        run.tags = [*kept, *tags]
