"""Addresses of pages about a version: in MLflow, and in Prefect's user interface. None where there is no page.

`links.mlflow` and `links.prefect` in the configuration give the addresses. Otherwise MLflow has pages only if its
tracking URI is a server's, and Prefect only if its settings give or imply a UI URL.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import quote

from prefect.logging import get_run_logger
from prefect.utilities.urls import url_for

from promotion.adapters.mlflow import TAG, connect
from promotion.report.links import links_of
from promotion.secrets import without_password
from promotion.vocabulary import Tag
from registry_flows.under_prefect.resume import RUN

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from promotion.ledger.state import VersionState
    from promotion.registry.registry import Registry

PAGES = {
    "report": "Report of the decision",
    "mlflow-version": "Version in MLflow",
    "mlflow-model": "Model in MLflow",
    "mlflow-run": "Training run in MLflow",
    "training-run": "Training run in Prefect",
}
"""Each kind of page, with what it shows."""


def pages_of(registry: "Registry", version: "VersionState") -> dict[str, str]:
    """Return the pages about a version and its last decision: the address by kind, in the order of `PAGES`."""
    links = links_of(registry.config)
    run_id = registry.store.get(Tag.parse(version.tag)).metadata.get(RUN)
    training = prefect_run_page(run_id, base=links.prefect)
    found = {"training-run": training} if training else {}
    if links.mlflow:
        try:
            unsent = registry.ledger.mirrored(Tag.parse(version.tag).model) < (version.decided_seq or 0)
            client = connect(registry.config.url(registry.config.mlflow_tracking_uri))
            found |= _pages_in_mlflow(client, links.mlflow, version, unsent=unsent)
        except Exception as error:  # MLflow lets exceptions of requests and its own through
            get_run_logger().debug("No links to MLflow for %s: %s", version.tag, without_password(str(error)))
    return {kind: found[kind] for kind in PAGES if kind in found}


def prefect_run_page(run_id: str | None, *, base: str = "") -> str | None:
    """Return the page of a flow run, below this address or that of Prefect's own settings."""
    if base and run_id:
        return f"{base}/runs/flow-run/{run_id}"
    page = url_for("flow-run", obj_id=run_id) if run_id else None
    return without_password(page) if page else None


def mlflow_page(base: str, *path: str) -> str:
    """Return the address of a page, below the address of MLflow's pages."""
    return f"{base}/#/{'/'.join(quote(one, safe='') for one in path)}"


def _pages_in_mlflow(
    client: "MlflowClient", base: str, version: "VersionState", *, unsent: bool
) -> Iterator[tuple[str, str]]:
    """Yield the pages by kind; a command sends its decision to MLflow later, so some pages are still to come.

    MLflow numbers a version when it receives it. Until then, only the model has a page.
    """
    model, run_id = Tag.parse(version.tag).model, version.registration.run_id
    of_tag = f"name = '{model}' and tags.`{TAG}` = '{version.tag}'"
    numbers = [str(one.version) for one in client.search_model_versions(of_tag, max_results=1)]
    if numbers:
        yield "mlflow-version", mlflow_page(base, "models", model, "versions", *numbers)
    elif unsent:
        yield "mlflow-model", mlflow_page(base, "models", model)
    if run_id is None:
        return
    run = ("experiments", str(client.get_run(run_id).info.experiment_id), "runs", run_id)
    yield "mlflow-run", mlflow_page(base, *run)
    present = {one.path for one in client.list_artifacts(run_id, "decisions")}
    named = [f"decisions/{name}.html" for name in (version.decision and version.decision.id, version.decided_seq)]
    report = next((path for path in named if path in present), named[0] if unsent else None)  # earlier: by the entry
    if report:
        yield "report", mlflow_page(base, *run, "artifacts", *report.split("/"))
