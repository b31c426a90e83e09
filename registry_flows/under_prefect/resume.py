"""Find what an earlier attempt of a flow run left, after a crash or a retry."""

from prefect.context import FlowRunContext

from promotion.interfaces import ModelStore, Stored

RUN, PLACE = "prefect_flow_run_id", "prefect_parent_task_run_id"
"""Keys that identify the train run, in the metadata of its version and the tags of its MLflow run.

A parent that runs again may start its child as another run; the child's place in the parent stays the same.
"""


def this_run() -> dict[str, str]:
    """Return the id of the present flow run and, for a child, its place in the parent; empty outside a flow."""
    context = FlowRunContext.get()
    run = context.flow_run if context else None
    if run is None:
        return {}
    place = {PLACE: str(run.parent_task_run_id)} if run.parent_task_run_id else {}
    return {RUN: str(run.id), **place}


def saved_before(store: ModelStore, model: str) -> Stored | None:
    """Return the version that an earlier attempt of this flow run saved; None if there is none."""
    found = (store.versions(model, metadata={name: value}) for name, value in this_run().items())
    return next((versions[0] for versions in found if versions), None)
