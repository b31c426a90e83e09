"""A flow run that runs again, after a crash or a retry, finds what it left the first time."""

from prefect.context import FlowRunContext

from promotion.seams import ModelStore, Stored

RUN, PLACE = "prefect_flow_run_id", "prefect_parent_task_run_id"
"""What says, in the metadata of a version and the tags of its MLflow run, which run of the train flow made it.

A parent that runs again may start its child as another run; the child's place in the parent stays.
"""


def this_run() -> dict[str, str]:
    """The present flow run and, of a child, its place in the parent; empty outside of a flow."""
    context = FlowRunContext.get()
    run = context.flow_run if context else None
    if run is None:
        return {}
    place = {PLACE: str(run.parent_task_run_id)} if run.parent_task_run_id else {}
    return {RUN: str(run.id), **place}


def saved_before(store: ModelStore, model: str) -> Stored | None:
    """The version that this flow run saved already; None where it runs for the first time, or did not come so far."""
    found = (store.with_metadata(model, name, value) for name, value in this_run().items())
    return next((versions[0] for versions in found if versions), None)
