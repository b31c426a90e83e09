"""Links lead to pages that exist, or will once a command has sent its decision to MLflow."""

from dataclasses import replace

import pytest
from mlflow import MlflowClient
from prefect.settings import PREFECT_API_URL, PREFECT_UI_URL, temporary_settings
from situation import open_at, settings_at, toy

from promotion.adapters.mlflow import MlflowMirror
from promotion.config import LinksConfig
from promotion.registry.register import Origin
from registry_flows.under_prefect.links import PAGES, pages_of, prefect_run_page

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("mlflow-server"), pytest.mark.timeout(600)]


def paths(registry, url, *, of="toy:weak"):
    """Return the pages in MLflow by kind, without the address of the server."""
    found = pages_of(registry, registry.state("toy").versions[of])
    return {kind: page.removeprefix(f"{url}/#/") for kind, page in found.items()}


def test_pages_in_mlflow(tmp_path, rows_file, store, mlflow_server):
    url = mlflow_server.url
    client = MlflowClient(url, url)
    for one in client.search_registered_models():
        client.delete_registered_model(one.name)
    experiment = client.create_experiment("links")
    run_id = client.create_run(experiment).info.run_id
    settings = settings_at(tmp_path).model_copy(update={"mlflow_tracking_uri": url})
    registry = open_at(settings, store=store, mirror=MlflowMirror(url))
    registry.register(toy("weak"), Origin(run_id=run_id))
    run = f"experiments/{experiment}/runs/{run_id}"
    shown = settings.model_copy(update={"links": LinksConfig(mlflow="https://mlflow.example/x/")})
    elsewhere = pages_of(
        open_at(shown, store=store, mirror=MlflowMirror(url)), registry.state("toy").versions["toy:weak"]
    )
    assert elsewhere["mlflow-run"] == f"https://mlflow.example/x/#/{run}"
    assert paths(registry, url) == {"mlflow-version": "models/toy/versions/1", "mlflow-run": run}

    decision = registry.gate(toy("weak"))
    assert paths(registry, url) == {"mlflow-version": "models/toy/versions/1", "mlflow-run": run}  # drew no report
    client.log_text(run_id, "of an earlier release", "decisions/2.html")
    assert paths(registry, url)["report"] == f"{run}/artifacts/decisions/2.html"
    client.log_text(run_id, "of this release", f"decisions/{decision.id}.html")
    assert paths(registry, url)["report"] == f"{run}/artifacts/decisions/{decision.id}.html"

    registry.ledger.mirrored = lambda _: 1  # a command answers first, and sends its decision afterwards
    client.delete_registered_model("toy")
    version = replace(registry.state("toy").versions["toy:weak"], decided_seq=9)
    shown = pages_of(registry, version)
    assert (shown["mlflow-model"], "mlflow-version" in shown) == (f"{url}/#/models/toy", False)
    assert PAGES["mlflow-model"] == "Model in MLflow"


def test_without_pages_there_are_no_links(registry_with_champion):
    version = registry_with_champion.state("toy").versions["toy:weak"]
    assert pages_of(registry_with_champion, version) == {}  # MLflow is a database, and no flow trained the version
    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:4999/api"}):
        assert prefect_run_page("abc") == "http://127.0.0.1:4999/runs/flow-run/abc"
        assert prefect_run_page(None) is prefect_run_page(None, base="https://prefect.example") is None
        assert prefect_run_page("abc", base="https://prefect.example") == "https://prefect.example/runs/flow-run/abc"
        with temporary_settings({PREFECT_UI_URL: ""}):
            assert prefect_run_page("abc") is None
