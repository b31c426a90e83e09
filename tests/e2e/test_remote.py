"""A remote Prefect server: with basic auth, on PostgreSQL, named by the environment or a profile, or unavailable."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from postgres import PostgresServer
from servers import PrefectServer, free_port

import promotion
from promotion.cli import run

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("prefect"), pytest.mark.timeout(600)]

SECRET = "c0rrect/horse@battery"
AUTH = f"team:{SECRET}"


class PostgresWithTrigrams(PostgresServer):
    """The machine's own: Prefect wants the extension pg_trgm, which the one of our environment comes without."""

    def _reachable_programs(self):
        return installed_postgres()


def installed_postgres():
    """The folder of its programs; None where Debian's package `postgresql` is not installed."""
    for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        if Path("/usr/share/postgresql", folder.parent.name, "extension", "pg_trgm.control").exists():
            return folder
    return None


@pytest.fixture(scope="module")
def database_url():
    """SQLAlchemy's URL of an empty PostgreSQL database."""
    if installed_postgres() is None:
        pytest.skip("no PostgreSQL with pg_trgm is installed; it is in Debian's package `postgresql`")
    with tempfile.TemporaryDirectory(prefix="pg-", ignore_cleanup_errors=True) as root:
        server = PostgresWithTrigrams(Path(root))
        server.start()
        try:
            yield server.new_database().replace("+psycopg", "+asyncpg")
        finally:
            server.stop(signal.SIGQUIT)


@pytest.fixture(scope="module")
def guarded_server(tmp_path_factory, database_url):
    """A Prefect server that requires AUTH, with its database on PostgreSQL."""
    home = tmp_path_factory.mktemp("guarded")
    server = PrefectServer(home, auth=AUTH, PREFECT_SERVER_DATABASE_CONNECTION_URL=database_url)
    server.start()
    try:
        server.wait()
        yield server
    finally:
        server.stop()


def states(server):
    """Of the runs of each flow that the server knows."""
    from prefect.client.orchestration import SyncPrefectClient

    with SyncPrefectClient(server.api_url, auth_string=AUTH) as client:
        flows = {flow.id: flow.name for flow in client.read_flows()}
        return {flows[one.flow_id]: one.state_type.value for one in client.read_flow_runs()}


def test_retrain_on_the_guarded_server_of_a_profile_tells_its_password_to_nobody(project, transactions, guarded_server):
    home = project / "prefect"
    home.mkdir(exist_ok=True)
    (home / "profiles.toml").write_text(
        'active = "team"\n[profiles.team]\n'
        f'PREFECT_API_URL = "{guarded_server.api_url}"\nPREFECT_API_AUTH_STRING = "{AUTH}"\n'
    )
    environment = {name: value for name, value in os.environ.items() if name != "PREFECT_API_URL"}
    (project / "data" / "train_transaction.csv").unlink()
    shutil.copy(transactions / "fifteen_days.csv", project / "data" / "train_transaction.csv")
    command = [sys.executable, "-m", "promotion", "retrain", "fraud_classifier", "--verbose"]
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert states(guarded_server) == {"retrain": "COMPLETED", "train": "COMPLETED", "gate": "COMPLETED"}
    assert SECRET not in done.stdout + done.stderr
    written = [path for path in project.rglob("*") if path.is_file() and path.name != "profiles.toml"]
    assert [path for path in written if SECRET.encode() in path.read_bytes()] == []


@pytest.mark.parametrize(
    ("name", "value"),
    [("PREFECT_API_AUTH_STRING", ""), ("PREFECT_API_AUTH_STRING", "team:hunter2"), ("PREFECT_API_KEY", "hunter2")],
    ids=["none", "wrong", "a key of Cloud"],
)
def test_without_the_right_password_nothing_is_trained(project, guarded_server, capfd, name, value):
    said = told_by_retrain(project, capfd, {"PREFECT_API_URL": guarded_server.api_url, name: value})
    assert said == (
        f"Error: The Prefect server at {guarded_server.api_url} rejected the credentials. Set PREFECT_API_AUTH_STRING "
        "(self-hosted) or PREFECT_API_KEY (Cloud).\n"
    )


def test_a_server_that_is_away_is_told_before_anything_is_trained(project, capfd):
    address = f"http://127.0.0.1:{free_port()}/api"
    said = told_by_retrain(project, capfd, {"PREFECT_API_URL": address, "PREFECT_API_AUTH_STRING": AUTH})
    assert said.startswith(
        f"Error: The Prefect server at {address} did not answer like a Prefect server (ConnectError: "
    )
    assert said.endswith("Without PREFECT_API_URL, commands use a temporary server.\n")


def test_a_password_in_the_address_would_be_in_every_link_and_is_refused(project, capfd):
    said = told_by_retrain(project, capfd, {"PREFECT_API_URL": "http://team:hunter2@prefect.example/api"})
    assert said == (
        "Error: PREFECT_API_URL contains a password (http://***@prefect.example/api), which Prefect would write into "
        "logs and links. Set PREFECT_API_AUTH_STRING to USER:PASSWORD, and remove both from the address.\n"
    )


def test_an_address_of_something_else_is_refused(project, guarded_server, capfd):
    address = guarded_server.api_url.removesuffix("/api")
    said = told_by_retrain(
        project, capfd, {"PREFECT_API_URL": address, "PREFECT_API_AUTH_STRING": AUTH, "PREFECT_API_KEY": SECRET}
    )
    assert f"The Prefect server at {address} did not answer like a Prefect server (" in said
    assert "set PREFECT_API_URL to another address, such as http://127.0.0.1:4200/api." in said


def told_by_retrain(project, capfd, settings):
    """What `promotion retrain` says under these settings of Prefect; it has failed, and nothing is there."""
    from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_KEY, PREFECT_API_URL, temporary_settings

    by_name = {one.name: one for one in (PREFECT_API_AUTH_STRING, PREFECT_API_KEY, PREFECT_API_URL)}
    with temporary_settings({by_name[name]: value or None for name, value in settings.items()}):
        assert run(["retrain", "fraud_classifier"]) == 1
    said = capfd.readouterr()
    assert said.out == ""
    assert "hunter2" not in said.err
    assert SECRET not in said.err
    assert "Traceback" not in said.err
    assert promotion.open().store.versions("fraud_classifier") == ()
    return said.err
