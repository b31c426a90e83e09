"""Without any Prefect server: the command starts one of its own, and leaves none behind."""

import os
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
