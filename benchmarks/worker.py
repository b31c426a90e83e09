"""Run the tutorial's flow and the retrain flow as deployments, on a real Prefect server and a worker."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

PATIENCE_SECONDS, LOOK_EVERY_SECONDS = 300, 0.1
DEPLOYMENTS = """
deployments:
  - name: bench
    entrypoint: train_flow.py:train_flow
    parameters: {data_path: train_transaction.csv, version: 1.0.1, stage: prod}
    work_pool: {name: bench, job_variables: {env: {BENTOML_HOME: theirs}}}
  - name: bench
    entrypoint: registry_flows.flows.retrain.retrain_flow
    parameters: {model: fraud_classifier}
    work_pool: {name: bench}
"""
Run = Callable[[str, dict[str, Any]], float]


def timed(run: Run, repeat: int) -> dict[str, list[float]]:
    """Return the seconds of each run, from the trigger to its end, in turns."""
    seconds: dict[str, list[float]] = {}
    for turn in range(repeat):
        for name, flow, parameters in (
            ("tutorial's flow on a worker", "train-flow", {}),
            ("retrain flow on a worker (train and gate)", "retrain", {"options": {"seed": 128 + turn}}),
            ("the same, on a file that was read", "retrain", {"options": {"seed": 128 + turn}}),
        ):
            seconds.setdefault(name, []).append(run(f"{flow}/bench", parameters))
    return seconds


@contextmanager
def started(folder: Path, environment: dict[str, str]) -> Iterator[Run]:
    """Start a server and a worker with both deployments.

    Yields:
        a function that runs a deployment with parameters, and returns the seconds it took.
    """
    from prefect.client.orchestration import SyncPrefectClient

    port, prefect = _free_port(), str(Path(sys.executable).with_name("prefect"))
    url = f"http://127.0.0.1:{port}/api"
    here = {**os.environ, **environment, "PREFECT_API_URL": url, "PREFECT_WORKER_QUERY_SECONDS": "1"}
    (folder / "prefect.yaml").write_text(DEPLOYMENTS)

    def run(deployment: str, parameters: dict[str, Any]) -> float:
        with SyncPrefectClient(url) as client:
            found = client.read_deployment_by_name(deployment)
            start = time.perf_counter()
            made = client.create_flow_run_from_deployment(found.id, parameters={**found.parameters, **parameters})
            while not (state := client.read_flow_run(made.id).state).is_final():
                time.sleep(LOOK_EVERY_SECONDS)
            if not state.is_completed():
                sys.exit(f"{deployment} ended as {state}; see {folder / 'worker.log'}")
            return time.perf_counter() - start

    with _process([prefect, "server", "start", "--port", str(port)], here, folder / "server.log"):
        _wait(f"{url}/health")
        subprocess.run([sys.executable, "-m", "registry_flows.deploying"], cwd=folder, env=here, check=True)
        with _process([prefect, "worker", "start", "--pool", "bench"], here, folder / "worker.log"):
            yield run


@contextmanager
def _process(command: list[str], environment: dict[str, str], log: Path) -> Iterator[None]:
    with log.open("w") as out:
        process = subprocess.Popen(command, cwd=log.parent, env=environment, stdout=out, stderr=out)
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)


def _wait(address: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        try:
            with urlopen(address, timeout=5):
                return
        except (URLError, OSError):
            time.sleep(LOOK_EVERY_SECONDS)
    sys.exit(f"{address} did not answer in {PATIENCE_SECONDS} seconds.")


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
