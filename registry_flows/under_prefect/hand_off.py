"""Hand a trained version to the gate: in this process, or to the gate's deployment on any worker."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from prefect.artifacts import create_link_artifact
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun
from prefect.exceptions import ObjectNotFound
from prefect.settings import PREFECT_API_URL
from prefect.utilities.urls import url_for

from promotion.config import Config
from promotion.errors import ConfigError
from promotion.policy import Decision
from promotion.policy.policy import ApprovalRule
from promotion.registry.registry import Registry
from promotion.secrets import without_password
from promotion.vocabulary import Tag
from registry_flows.under_prefect.artifacts import key_of, quietly
from registry_flows.under_prefect.result import completed, repeat_result, tag_run
from registry_flows.under_prefect.server import as_server_error

GATE = "gate/gate"


@dataclass(frozen=True)
class TrainedVersion:
    """The result of a training.

    Attributes:
        tag: the version.
        decision: the gate's decision, if the gate ran in this process.
        gate_run: the run of the gate's deployment that the version was handed to: its URL, or its
            name if the server has no user interface.
    """

    tag: str
    decision: Decision | None = None
    gate_run: str | None = None


def check_hand_off(config: Config) -> None:
    """Check that there is a gate to hand a version to, before hours of training rather than after.

    Raises:
        ConfigError: there is no such deployment.
        ServerFailed: Prefect's server does not answer.
    """
    if config.hand_off == "subflow":
        return
    with as_server_error(), get_client(sync_client=True) as client:
        try:
            client.read_deployment_by_name(GATE)
        except ObjectNotFound as error:
            server = without_password(PREFECT_API_URL.value() or "of this process")
            raise ConfigError(
                f"There is no deployment '{GATE}' on the Prefect server {server}. "
                'Create it with `make deploy` or `prefect deploy --all`, or set hand_off = "subflow".'
            ) from error


def hand_off(registry: Registry, tag: Tag, gate: Callable[[str], Decision]) -> TrainedVersion:
    """Have the version judged: now in this process, or by a run of the gate's deployment without waiting for it.

    Waiting would block: a worker with one slot would wait for itself, and an approval can take days.
    """
    if registry.config.hand_off == "subflow":
        return TrainedVersion(tag=str(tag), decision=gate(str(tag)))
    # A gate that may wait for approval is not a child: Prefect does not suspend child runs.
    waits = registry.config.model(tag.model).policy.approval is ApprovalRule.REQUIRED
    run = _start(tag, as_child=not waits)
    return TrainedVersion(tag=str(tag), gate_run=_shown(run, tag))


def concluded(trained: TrainedVersion) -> TrainedVersion:
    """Return the final state of a run that trained a version, and tag the run: with the gate's verdict, if it is known.

    A gate that runs elsewhere may judge later, so the message names its run. Prefect gives the caller of the flow
    `trained`, not the state.
    """
    tag = Tag.parse(trained.tag)
    if trained.decision:
        return completed(repeat_result(tag, trained.decision), trained)
    tag_run(tag)
    if trained.gate_run:
        return completed(f"Handed to the gate: {tag}. Gate run: {trained.gate_run}", trained)
    return completed(f"Trained: {tag} is in staging. No gate was asked to judge it.", trained)


def _start(tag: Tag, *, as_child: bool) -> FlowRun:
    """Start the gate's run; a repeated request for the same version, as from a retried run, returns the same run."""
    from prefect.deployments import run_deployment

    with as_server_error():
        run: Any = run_deployment(
            GATE,
            parameters={"tag": str(tag)},
            flow_run_name=f"gate {tag}",
            timeout=0,
            idempotency_key=f"gate {tag}",
            as_subflow=as_child,
        )
    return run  # type: ignore[no-any-return]


def _shown(run: FlowRun, tag: Tag) -> str:
    """Add a link to the gate's run to the training's run; returns the link, or the run's name if it has none."""
    link = url_for(run)
    if link is None:
        return run.name
    link = without_password(link)
    key, text = key_of(tag.model, "gate"), f"gate {tag}"
    what = f"The gate run that judges {tag}."
    quietly(create_link_artifact, link, text, key=key, description=what)
    return link
