"""A live Prefect installation: one `stack` of real servers and workers, which all tests of this folder share.

    stack.folder        the project: promotion.toml, prefect.yaml, automations.yaml, data/train_transaction.csv (15 days)
    stack.api_url       of a Prefect server on PostgreSQL, behind basic auth `stack.auth`; its UI is at `stack.ui_url`
    stack.mlflow_url    of an MLflow server
    stack.environment   what a process needs to use all that: dict for subprocess
    stack.client()      a SyncPrefectClient, as a context manager
    stack.trigger("train/train-fraud-classifier", data_path=…, version=…, stage="prod", model=…) -> flow run
    stack.wait(run_id, "COMPLETED", seconds=…) -> the flow run in one of these state types (all final ones and PAUSED if
                        none is named); fails with the run's log if it ends in another
    stack.runs("gate", since=…) -> flow runs of a flow, oldest first;  stack.until(function) -> its first true value
    stack.log(run_id)   its log as text
    stack.train(model, **parameters) -> the finished train run and the tag of the version it saved
    stack.gate_run(tag) -> the newest completed gate run for a version, as a dict
    stack.stages(model) -> {tag: stage}, by the labels in the model store
    stack.worker_of(run_id) -> the name of the worker that ran it: worker-train or worker-gate
    stack.events("promotion.promoted", model=…) -> list of dicts;  stack.emit("data.arrived", resource, **payload)
    stack.artifacts(run_id) -> list of dicts
    stack.registry()    a promotion.Registry on the project, in the test's process (its actor is the OS user)
    stack.promotion("approve", TAG, "--reason", …) -> the finished command, in the project's folder
    stack.workers["train"], stack.workers["gate"], stack.prefect, stack.mlflow: `servers.Server`: kill(), start(), wait()

All models use the fraud recipe and the same rows, so that the first training of each is promoted by its floors:
`fraud_classifier` (main story), `fraud_vanished` (a worker is killed), `fraud_stormy` (the server is killed),
`fraud_reviewed` (approval required), `fraud_spare` (for other tests).
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from postgres import PostgresServer
from servers import PROGRAMS, MlflowServer, PrefectServer, Worker

ROOT = Path(__file__).parents[3]
AUTH = "admin:correct horse: battery"
MODEL = """
[models.{name}]
recipe = "registry_flows.fraud:FraudRecipe"
data   = "data/train_transaction.csv"

[models.{name}.policy]
primary = {{ metric = "average_precision" }}
floors  = [ {{ metric = "roc_auc", min = 0.6 }} ]
{more}
"""
MODELS = {
    "fraud_classifier": "",
    "fraud_vanished": "",
    "fraud_stormy": "",
    "fraud_spare": "",
    "fraud_reviewed": 'approval = "required"',
}
TRAIN, ROWS = "train/train-fraud-classifier", "data/train_transaction.csv"
SUBMITTED = "prefect.worker.submitted-flow-run"
PATIENCE_SECONDS = 300  # an upper limit, far from what an idle machine needs


class Stack:
    """See the top of this file."""

    def __init__(self, folder, prefect, mlflow):
        self.folder, self.prefect, self.mlflow = folder, prefect, mlflow
        self.api_url, self.auth, self.mlflow_url = prefect.api_url, prefect.auth, mlflow.url
        self.ui_url = self.api_url.removesuffix("/api")
        home = folder.parent / "home"
        home.mkdir()
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "PROMOTION_"))},
            "HOME": str(home),
            "PREFECT_HOME": str(home / "prefect"),
            "PREFECT_API_URL": self.api_url,
            "PREFECT_API_AUTH_STRING": self.auth,
            "PREFECT_WORKER_QUERY_SECONDS": "1",
        }
        self.workers = {queue: Worker(queue, folder, self.environment) for queue in ("train", "gate")}

    def client(self):
        from prefect.client.orchestration import SyncPrefectClient

        return SyncPrefectClient(self.api_url, auth_string=self.auth)

    def trigger(self, deployment, **parameters):
        with self.client() as client:
            found = client.read_deployment_by_name(deployment)
            return client.create_flow_run_from_deployment(found.id, parameters=parameters)

    def wait(self, run_id, *states, seconds=PATIENCE_SECONDS):
        expected = states or ("COMPLETED", "FAILED", "CRASHED", "CANCELLED", "PAUSED")

        def state():
            run = self.run(run_id)
            if run.state_type.value in expected:
                return run
            assert not run.state.is_final(), f"{run.name} is {run.state!r}:\n{self.log(run_id)}"
            return None

        return self.until(state, seconds=seconds, about=lambda: f"{self.run(run_id).state!r}\n{self.log(run_id)}")

    def until(self, function, *, seconds=PATIENCE_SECONDS, about=lambda: ""):
        deadline = time.monotonic() + seconds
        while True:
            with suppress(OSError, httpx.TransportError):  # some tests kill the server
                if found := function():
                    return found
            if time.monotonic() > deadline:
                pytest.fail(f"waited {seconds} s in vain: {about()}")
            time.sleep(0.5)

    def run(self, run_id):
        with self.client() as client:
            return client.read_flow_run(run_id)

    def runs(self, flow, *, since=None):
        body = {"flows": {"name": {"any_": [flow]}}, "sort": "START_TIME_ASC", "limit": 200}
        found = self.post("/flow_runs/filter", **body)
        return [one for one in found if since is None or one["created"] >= since.isoformat()]

    def log(self, run_id):
        lines = self.post(
            "/logs/filter", logs={"flow_run_id": {"any_": [str(run_id)]}}, sort="TIMESTAMP_ASC", limit=200
        )
        return "\n".join(line["message"] for line in lines)

    def events(self, name, *, model=None):
        wanted = {"event": {"name": [name]}, "order": "ASC"}
        if model:
            wanted["resource"] = {"id": [f"promotion.model.{model}"]}
        return self.post("/events/filter", filter=wanted, limit=50)["events"]

    def artifacts(self, run_id):
        return self.post("/artifacts/filter", artifacts={"flow_run_id": {"any_": [str(run_id)]}}, limit=50)

    def train(self, model, **parameters):
        """With the tutorial's parameters, but for those that are given."""
        parameters = {"data_path": ROWS, "version": "1.0.1", "stage": "prod", **parameters}
        before = set(self.stages(model))
        run = self.wait(self.trigger(TRAIN, model=model, **parameters).id, "COMPLETED")
        (tag,) = set(self.stages(model)) - before
        return run, tag

    def gate_run(self, tag):
        def finished():
            runs = [run for run in self.runs("gate") if run["parameters"].get("tag") == tag]
            return runs[-1] if runs and runs[-1]["state_type"] == "COMPLETED" else None

        return self.until(finished, about=lambda: [(run["name"], run["state"]) for run in self.runs("gate")])

    def stages(self, model):
        return {str(one.tag): one.stage for one in self.registry().store.versions(model)}

    def worker_of(self, run_id):
        wanted = {"any_resource": {"id": [f"prefect.flow-run.{run_id}"]}, "event": {"name": [SUBMITTED]}}
        return self.post("/events/filter", filter=wanted)["events"][0]["resource"]["prefect.resource.name"]

    def emit(self, name, resource, *, related=(), **payload):
        """Send an event as any other system would: by one call of the API."""
        event = {
            "id": str(uuid4()),
            "event": name,
            "occurred": datetime.now(UTC).isoformat(),
            "resource": {"prefect.resource.id": resource},
            "related": list(related),
            "payload": payload,
        }
        with self.client() as client:
            client.request("POST", "/events", json=[event]).raise_for_status()

    def post(self, path, **body):
        """What the Prefect server answers to a question that its client has no call for."""
        with self.client() as client:
            answer = client.request("POST", path, json=body)
            answer.raise_for_status()
            return answer.json()

    def registry(self):
        import promotion

        return promotion.open(self.folder / "promotion.toml")

    def promotion(self, *arguments):
        command = [PROGRAMS / "promotion", *arguments]
        return subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False, timeout=120
        )

    def deploy(self):
        """What `make deploy` does."""
        command = [sys.executable, "-m", "registry_flows.deploying"]
        return subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False, timeout=180
        )

    def stop(self):
        for one in (*self.workers.values(), self.prefect, self.mlflow):
            one.kill()  # their last log lines are not needed, and a clean stop takes 15 s


@pytest.fixture(scope="package")
def stack(tmp_path_factory, transactions, empty_mlflow, prefect_database):
    """The servers are up, everything is deployed, and a worker listens on each queue."""
    root = tmp_path_factory.mktemp("live")
    for name in ("mlflow", "prefect", "project"):
        (root / name).mkdir()
    shutil.copy(empty_mlflow, root / "mlflow" / "mlflow.db")
    prefect = PrefectServer(
        root / "prefect",
        auth=AUTH,
        **prefect_database,
        PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE="prefect.server.concurrency.lease_storage.filesystem",
        PREFECT_SERVER_DEPLOYMENTS_CONCURRENCY_SLOT_WAIT_SECONDS="1",
    )
    stack = Stack(_project(root / "project", transactions), prefect, MlflowServer(root / "mlflow"))
    try:
        for server in (stack.prefect, stack.mlflow):
            server.start()
        _configure(stack)
        prefect.wait()
        deployed = stack.deploy()
        assert deployed.returncode == 0, deployed.stdout + deployed.stderr
        for worker in stack.workers.values():
            worker.start()
        stack.mlflow.wait()
        yield stack
    finally:
        stack.stop()


@pytest.fixture(scope="package")
def prefect_database():
    """A PostgreSQL database if Debian's package is installed: Prefect needs `pg_trgm`, which wheels leave out."""
    if not DebianPostgres.programs():
        yield {}
        return
    with tempfile.TemporaryDirectory(prefix="pg-", ignore_cleanup_errors=True) as root:
        server = DebianPostgres(Path(root))
        server.start()
        try:
            url = server.new_database().replace("postgresql+psycopg://", "postgresql+asyncpg://")
            yield {"PREFECT_SERVER_DATABASE_CONNECTION_URL": url}
        finally:
            server.stop(signal.SIGQUIT)


class DebianPostgres(PostgresServer):
    @staticmethod
    def programs():
        """The folder of the newest, or None."""
        return max(Path("/usr/lib/postgresql").glob("*/bin"), default=None, key=lambda one: int(one.parent.name))

    def _reachable_programs(self):
        return self.programs()


def _project(folder, transactions):
    for name in ("prefect.yaml", "automations.yaml"):
        shutil.copy(ROOT / name, folder)
    (folder / "data").mkdir()
    os.link(transactions / "fifteen_days.csv", folder / "data" / "train_transaction.csv")
    os.link(transactions / "sixty_days.csv", folder / "data" / "sixty_days.csv")
    return folder


def _configure(stack):
    top = f'bentoml_home = "bentoml"\nmlflow_tracking_uri = "{stack.mlflow_url}"\n'
    models = (MODEL.format(name=name, more=more) for name, more in MODELS.items())
    (stack.folder / "promotion.toml").write_text(top + "".join(models))
