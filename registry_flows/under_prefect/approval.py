"""Approval in Prefect: the gate's run suspends with a form, and resumes once a person fills it in.

A suspended run has no process and takes no worker slot. When resumed, the flow starts again from its top: it finds the
decision in the ledger, records the answer of the last form, and asks again if more answers are needed. An answer given
elsewhere (`promotion approve`, Python) also resumes the run, so that it can end.
"""

import logging
import math
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID, uuid4

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowFilter, FlowRunFilter
from prefect.client.schemas.objects import FlowRun, FlowRunInput, State
from prefect.client.schemas.responses import SetStateStatus
from prefect.context import FlowRunContext
from prefect.exceptions import Pause
from prefect.flow_runs import suspend_flow_run
from prefect.input import RunInput
from prefect.states import Scheduled
from prefect.tasks import exponential_backoff
from pydantic import Field, ValidationError

from promotion.assembly import open_registry
from promotion.errors import Refused
from promotion.ledger.state import VersionState
from promotion.registry.consent import consent_of, deadline, expiry_reason, is_open, overdue, until_sentence
from promotion.registry.registry import Registry
from promotion.report.decision import decision_page
from promotion.report.markdown import page_markdown
from promotion.visible import escaped
from promotion.vocabulary import Tag
from registry_flows.under_prefect.session import may_pass, registry, run_name

_LONGEST_SECONDS = 10 * 365 * 86_400  # stands in for a missing deadline; a server's calendar also ends
_MANY = 200  # page size of the server
_notice = logging.getLogger("prefect.promotion").warning


class Answer(RunInput):
    """The form."""

    answer: Literal["approve", "deny"] = Field(description="approve: allow the promotion. deny: reject the version.")
    who: str = Field(
        min_length=1,
        description="Your name. The ledger records it as form:NAME; `approvers` in the policy lists it in this form.",
    )
    why: str = Field(min_length=1, description="Your reason, in one sentence. The ledger records it.")


def follow_up(ours: Registry, tag: Tag) -> None:
    """Follow a waiting decision: record an answer that arrived, deny it if overdue, or ask.

    Asking suspends the flow run and ends its process. A run that Prefect cannot suspend (without a deployment, or a
    child of another run) does not ask: `promotion approve` answers.
    """
    run = _suspendable()
    if run is None:
        return
    version = _version(ours, tag)
    given = _last_answer(run.id, version)
    refusal = record_answer(tag, given) if given else ""
    if refusal:
        _notice("The answer on %s was not accepted: %s", tag, refusal)
    version, panel = _version(ours, tag), ours.parts.panel(tag.model)
    if not is_open(version):
        return
    if overdue(version, panel, datetime.now(UTC)):
        ours.deny(tag, reason=expiry_reason(version, panel))
        return
    _ask(ours, run.id, version, refusal)


def asked_before() -> bool:
    """Whether the present flow run has already asked people, and was resumed."""
    run = _suspendable()
    return run is not None and bool(_inputs(run.id, "suspended-"))


def resume_waiting(tag: str) -> int:
    """Resume the suspended gate runs of a version, because the ledger holds a new answer. Returns how many resumed.

    Call this from outside the waiting run.
    """
    with get_client(sync_client=True) as client:
        runs = client.read_flow_runs(
            flow_filter=FlowFilter.model_validate({"name": {"any_": ["gate"]}}),
            flow_run_filter=FlowRunFilter.model_validate(
                {"name": {"any_": [f"gate {tag}"]}, "state": {"type": {"any_": ["PAUSED"]}}}
            ),
        )
        # As the UI's button does, but without the form, which this run may no longer need.
        resuming: State[Any] = Scheduled(name="Resuming", message="An answer was recorded elsewhere.")
        answers = [client.set_flow_run_state(run.id, resuming) for run in runs]
    return sum(answer.status is SetStateStatus.ACCEPT for answer in answers)


@task(
    task_run_name=run_name("record_answer"),
    cache_policy=NO_CACHE,
    retries=3,
    retry_delay_seconds=exponential_backoff(2),
    retry_condition_fn=may_pass,
)
def record_answer(tag: Tag, given: dict[str, Any]) -> str:
    """Record a form's answer under the name it gives. Returns why it was not accepted, or an empty string."""
    try:
        answer = Answer(**given)
    except ValidationError as error:
        return f"The form is not filled in correctly: {error.errors()[0]['msg']}."
    who, why = _one_line(answer.who).removeprefix("form:"), _one_line(answer.why)
    if not who or not why:
        return "The form needs a name and a reason."
    actor = f"form:{who}"
    config = registry().config
    theirs = open_registry(config.model_copy(update={"actor": None}), actor=lambda: actor, notice=_notice)
    approved, version = answer.answer == "approve", theirs.complete(tag.model).versions[str(tag)]
    if any((vote.actor, vote.approved) == (actor, approved) for vote in version.votes):
        return ""  # recorded before the process was killed, or before a label could not be written
    try:
        (theirs.approve if approved else theirs.deny)(tag, reason=why)
    except Refused as error:
        return str(error)
    return ""


def _version(ours: Registry, tag: Tag) -> VersionState:
    return ours.state(tag.model).versions[str(tag)]


def _suspendable() -> FlowRun | None:
    """Return the present flow run if Prefect can suspend it: it must have a deployment and no parent."""
    context = FlowRunContext.get()
    run = context.flow_run if context else None
    return run if run and run.deployment_id and not run.parent_task_run_id else None


def _ask(ours: Registry, run_id: UUID, version: VersionState, refusal: str) -> None:
    """Suspend with a form; each form has its own key, because Prefect suspends once per key."""
    until = deadline(version, ours.parts.panel(Tag.parse(version.tag).model))
    left = (until - datetime.now(UTC)).total_seconds() if until else math.inf
    number = sum(one.key.endswith("-schema") for one in _inputs(run_id, _prefix(version))) + 1
    try:
        suspend_flow_run(
            wait_for_input=Answer.with_initial_data(description=_question(ours, version, refusal)),
            timeout=math.ceil(min(left, _LONGEST_SECONDS)) + 1,
            key=f"{_prefix(version).removeprefix('suspended-')}{number:04}-{uuid4().hex[:8]}",
        )
    except Pause:
        if not is_open(_version(ours, Tag.parse(version.tag))):  # answered before there was a run to resume
            resume_waiting(version.tag)
        raise


def _question(ours: Registry, version: VersionState, refusal: str) -> str:
    """Return the form's text as Markdown: why the last answer was not accepted, what is missing, and the decision."""
    assert version.decision is not None  # noqa: S101 - it waits
    panel = ours.parts.panel(Tag.parse(version.tag).model)
    said = consent_of(version, panel)
    so_far = f" Approved so far by {' and '.join(said.approved)}." if said.approved else ""
    until = until_sentence(version, panel)
    again = f"**The last answer was not accepted.** {escaped(refusal)}\n\n" if refusal else ""
    waits = f"{version.tag} passed and waits for approval{f' {until}' if until else ''}: {said.wanting}.{so_far}"
    return f"{again}{escaped(waits)}\n\n" + page_markdown(decision_page(version.decision))


def _last_answer(run_id: UUID, version: VersionState) -> dict[str, Any] | None:
    """Return the answer of this run's last form on the present decision; None if nobody filled one in."""
    answered = [one for one in _inputs(run_id, _prefix(version)) if one.key.endswith("-response")]
    given = max(answered, key=lambda one: one.key, default=None)
    return given.decoded_value if given else None


def _prefix(version: VersionState) -> str:
    """Return the key prefix of the forms on a decision, so that an answer counts only for the decision shown."""
    assert version.decision is not None  # noqa: S101 - it waits
    return f"suspended-{version.decided_seq}-{version.decision.id}-"


def _inputs(run_id: UUID, prefix: str) -> list[FlowRunInput]:
    with get_client(sync_client=True) as client:
        return client.filter_flow_run_input(run_id, key_prefix=prefix, limit=_MANY, exclude_keys=set())


def _one_line(text: str) -> str:
    return "".join(one for one in " ".join(text.split()) if one.isprintable())
