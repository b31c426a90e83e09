"""Without any Prefect server: the command starts one of its own, and leaves none behind."""

import os
import sqlite3
import subprocess
import sys

import psutil
import pytest

pytestmark = [pytest.mark.xdist_group("prefect"), pytest.mark.timeout(600)]


def test_retrain_needs_nothing_started_first(project):
    environment = {name: value for name, value in os.environ.items() if name != "PREFECT_API_URL"}
    command = [sys.executable, "-m", "promotion", "retrain", "fraud_classifier"]
    with subprocess.Popen(command, cwd=project, env=environment, stdout=subprocess.PIPE, text=True) as process:
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
    assert not any(psutil.pid_exists(pid) for pid in children)
    assert tasks_of_flows(project) == {"retrain": 1, "train": 8, "gate": 5}


def tasks_of_flows(project):
    """What the server's database keeps when all is over: the completed task runs of each flow, subflows among them."""
    told = (
        "select flow.name, sum(task_run.state_type = 'COMPLETED') from flow_run join flow on flow.id = flow_run.flow_id"
    )
    joined = "left join task_run on task_run.flow_run_id = flow_run.id group by flow_run.id"
    with sqlite3.connect(project / "prefect" / "prefect.db") as database:
        return dict(database.execute(f"{told} {joined}").fetchall())
