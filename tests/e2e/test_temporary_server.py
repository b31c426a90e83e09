"""Without a Prefect server, the command starts its own, ignores settings for other servers, and stops it at the end."""

import os
import sqlite3
import subprocess
import sys

import psutil
import pytest
from prefect.settings import temporary_settings

from registry_flows.under_prefect.links import prefect_run_page
from registry_flows.under_prefect.server import TemporaryServer

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("prefect"), pytest.mark.timeout(600)]


OF_ANOTHER_SERVER = {
    "PREFECT_API_AUTH_STRING": "team:secret",
    "PREFECT_SERVER_API_AUTH_STRING": "team:secret",
    "PREFECT_SERVER_API_BASE_PATH": "/elsewhere",
    "PREFECT_SERVER_DATABASE_CONNECTION_URL": "postgresql+asyncpg://prefect:secret@127.0.0.1:9/prefect",
}


@pytest.fixture
def second_server(project):
    """Another temporary server, of a command that started at the same moment on the same, fresh home."""
    server = TemporaryServer()
    yield server
    server.stop()


def test_retrain_needs_nothing_started_first(project, second_server):
    environment = {name: value for name, value in os.environ.items() if name != "PREFECT_API_URL"}
    command = [sys.executable, "-m", "promotion", "retrain", "fraud_classifier"]
    environment |= OF_ANOTHER_SERVER
    with subprocess.Popen(command, cwd=project, env=environment, stdout=subprocess.PIPE, text=True) as process:
        first = second_server._process.pid
        second_server.wait()
        assert second_server._process.pid == first  # neither disturbed the other
        with temporary_settings(second_server.settings):
            assert prefect_run_page("0" * 32) is None  # its address ends with the command
        children = set()
        while process.poll() is None:
            children |= (
                {child.pid for child in psutil.Process(process.pid).children()} if process.poll() is None else set()
            )
            try:
                process.wait(0.5)
            except subprocess.TimeoutExpired:
                continue
        told = process.stdout.read()
    assert process.returncode == 0
    assert "PROMOTED" in told
    assert children
    assert not any(runs(pid) for pid in children)
    kept = tasks_of_flows(project)
    assert kept["retrain"] == 1
    assert kept["train"] >= 8
    assert kept["gate"] >= 5
    assert ends_of_flows(project) == {"retrain": 1, "train": 1, "gate": 1}


def runs(pid):
    """Whether a process runs. Where nobody collects orphans, one that ended remains as a zombie."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def ends_of_flows(project):
    """How many log lines tell the end of each flow's run: the last lines, which Prefect sends two seconds later."""
    told = (
        "select flow.name, count(*) from log join flow_run on flow_run.id = log.flow_run_id "
        "join flow on flow.id = flow_run.flow_id where log.message like 'Finished in state%' and log.task_run_id is null"
    )
    with sqlite3.connect(project / "prefect" / "prefect.db") as database:
        return dict(database.execute(f"{told} group by flow.name").fetchall())


def tasks_of_flows(project):
    """What the server's database keeps when all is over: the completed task runs of each flow, subflows among them."""
    told = (
        "select flow.name, sum(task_run.state_type = 'COMPLETED') from flow_run join flow on flow.id = flow_run.flow_id"
    )
    joined = "left join task_run on task_run.flow_run_id = flow_run.id group by flow_run.id"
    with sqlite3.connect(project / "prefect" / "prefect.db") as database:
        return dict(database.execute(f"{told} {joined}").fetchall())
