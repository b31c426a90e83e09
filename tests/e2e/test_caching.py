"""A second run on the same file does not parse it again, in any process."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

import pytest

import promotion
from registry_flows.flows.gate import gate_flow
from registry_flows.flows.train import train_flow
from registry_flows.fraud import recipe
from registry_flows.under_prefect.session import dry_run, registry

pytestmark = [pytest.mark.xdist_group("prefect"), pytest.mark.timeout(600)]


@pytest.fixture
def reads(monkeypatch):
    """The names of the files that the recipe has read; not the last rows of one, which the gate scores for services."""
    files, read = [], recipe.read_rows

    def noted(path, columns):
        files.extend([path.name] if path.parent.name == "data" else [])
        return read(path, columns)

    monkeypatch.setattr(recipe, "read_rows", noted)
    return files


def as_another_process(function, *args, **kwargs):
    """In a new thread, which has a registry of its own: nothing but Prefect's settings and the disk is shared."""
    with ThreadPoolExecutor(max_workers=1) as threads:
        return threads.submit(copy_context().run, function, *args, **kwargs).result()


def states_of(run_name):
    """Step to state of the newest flow run of that name."""
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        deadline = time.monotonic() + 30
        while True:
            run = max(
                (one for one in client.read_flow_runs(limit=200) if one.name == run_name), key=lambda one: one.created
            )
            tasks = [one for one in client.read_task_runs(limit=200) if one.flow_run_id == run.id]
            found = {one.name.partition("-")[0]: one.state_name for one in tasks}
            if {"load_data", "train_ohe", "register"} <= set(found) or time.monotonic() > deadline:
                return found
            time.sleep(0.2)


@pytest.mark.slow
def test_file_and_encoder_are_taken_from_the_cache_as_long_as_nothing_changed(project, reads):
    first = as_another_process(train_flow, None, "1", "staging")
    assert reads == ["train_transaction.csv"]
    states = states_of("train fraud_classifier 1")
    assert (states["load_data"], states["train_ohe"]) == ("Completed", "Completed")

    second = as_another_process(train_flow, None, "2", "staging")
    as_another_process(gate_flow, second.tag)
    with dry_run("fraud_classifier"):
        registry().reader.load("fraud_classifier")
    assert reads == ["train_transaction.csv"]
    states = states_of("train fraud_classifier 2")
    assert (states["load_data"], states["train_ohe"], states["train_xgb"]) == ("Cached", "Cached", "Completed")
    ours = promotion.open()
    origins = [ours.state("fraud_classifier").versions[one.tag].registration for one in (first, second)]
    assert origins[0].data_digest == origins[1].data_digest
    assert str(ours.champion("fraud_classifier").tag) == second.tag

    # Deleted or damaged rows are read again; so is a file with one changed byte.
    (kept,) = (project / ".promotion/cache/rows").iterdir()
    kept.write_bytes(kept.read_bytes()[:-1])
    for result in (project / ".promotion/cache/results").iterdir():
        result.write_bytes(result.read_bytes()[:-1])
    as_another_process(train_flow, None, "3", "staging")
    assert len(reads) == 2
    data = project / "data" / "train_transaction.csv"
    content = data.read_bytes()
    data.unlink()  # it is linked to the session's file
    data.write_bytes(content.replace(b"discover", b"mascover", 1))
    changed = as_another_process(train_flow, None, "4", "staging")
    assert len(reads) == 3
    assert states_of("train fraud_classifier 4")["load_data"] == "Completed"
    assert ours.state("fraud_classifier").versions[changed.tag].registration.data_digest != origins[0].data_digest
