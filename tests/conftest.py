"""Fixtures that all tests share: an isolated environment, and registries in common initial situations."""

import os
import shutil

import pytest
from hypothesis import HealthCheck, settings
from postgres import postgres_server
from recipes import ToyRecipe, synthetic_rows
from servers import mlflow_server, mlflow_that, prefect_server, resting_server
from situation import open_at, settings_at, ticking, toy
from world import first_world

from promotion.adapters.bento import BentoStore
from promotion.adapters.memory import MemoryMirror
from promotion.interfaces import call
from promotion.registry.register import Origin
from promotion.rows import fingerprints

__all__ = [
    "first_world",
    "mlflow_server",
    "mlflow_that",
    "postgres_server",
    "prefect_server",
    "resting_server",
]  # one instance for all tests that use it: if each test imported it, each would get its own

# The time that drawing takes is irrelevant to the tests, and varies between runs.
SLOW_TO_DRAW = [HealthCheck.too_slow, HealthCheck.filter_too_much]
settings.register_profile("default", deadline=None, max_examples=60, suppress_health_check=SLOW_TO_DRAW)
settings.register_profile("soak", settings.get_profile("default"), max_examples=3000)
settings.load_profile("default")

SILENT = {
    "DO_NOT_TRACK": "1",
    "BENTOML_DO_NOT_TRACK": "True",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """Run slow tests (those in a group) first, so that no worker is still at one when the others are done."""
    items.sort(key=lambda item: item.get_closest_marker("xdist_group") is None)


@pytest.fixture(scope="session", autouse=True)
def no_telemetry():
    with pytest.MonkeyPatch.context() as patch:
        for name, value in SILENT.items():
            patch.setenv(name, value)
        yield


@pytest.fixture(autouse=True)
def the_environment_as_it_was():
    """Restores the environment variables that a test or a command changes, also for session fixtures."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(autouse=True)
def a_place_of_its_own(the_environment_as_it_was, tmp_path, tmp_path_factory, monkeypatch):
    """Starts every test in an empty folder, with an empty home and no settings from outside."""
    for name in list(os.environ):
        if name.startswith("PROMOTION_") or name in {"BENTOML_HOME", "COLUMNS", "MLFLOW_TRACKING_URI"}:
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def trained_store(tmp_path_factory):
    """A model store with one version of `toy` per skill, two of them `good`, all in `staging`; tests copy it."""
    home = tmp_path_factory.mktemp("trained") / "bentoml"
    store, rows = BentoStore(home), synthetic_rows()
    for name in ("weak", "good", "noisy", "spoilt", "twin"):
        recipe = ToyRecipe(skill="good" if name == "twin" else name)
        training = recipe.split(rows).training
        store.save(
            f"toy:{name}",
            recipe.train(training, step=call),
            metadata={"version": name},
            training_rows=fingerprints(training["id"]),
        )
    return home


@pytest.fixture
def store(trained_store, tmp_path):
    """A separate model store for the test."""
    shutil.copytree(trained_store, tmp_path / "bentoml")
    return BentoStore(tmp_path / "bentoml")


@pytest.fixture(scope="session")
def empty_mlflow(tmp_path_factory):
    """A fresh MLflow database, which takes seconds to create; tests copy it."""
    from mlflow import MlflowClient

    path = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(path.parent)
        MlflowClient(f"sqlite:///{path}", f"sqlite:///{path}").search_registered_models()
    return path


@pytest.fixture
def mlflow_uri(empty_mlflow, tmp_path):
    shutil.copy(empty_mlflow, tmp_path / "mlflow.db")
    return f"sqlite:///{tmp_path / 'mlflow.db'}"


@pytest.fixture
def mlflow(mlflow_uri, tmp_path):
    """A client of the test's MLflow; `new_run()` returns the id of a run with artifacts in the test's folder."""
    from mlflow import MlflowClient

    client = MlflowClient(mlflow_uri, mlflow_uri)
    experiment = client.create_experiment("toy", artifact_location=(tmp_path / "artifacts").as_uri())
    client.new_run = lambda: client.create_run(experiment).info.run_id
    return client


@pytest.fixture
def rows_file(tmp_path):
    """`rows.csv`, the rows that trained the versions of `trained_store`; the later half judges."""
    synthetic_rows().to_csv(tmp_path / "rows.csv", index=False)
    return tmp_path / "rows.csv"


@pytest.fixture
def settings_of_toy(tmp_path, rows_file):
    return settings_at(tmp_path)


@pytest.fixture
def opened(settings_of_toy, store):
    """Opens registries on the test's store and ledger, one after another like commands; clocks advance by minutes."""
    shared = {"store": store, "mirror": MemoryMirror(), "clock": ticking()}

    def open_one(*, config=settings_of_toy, **parts):
        return open_at(config, **{**shared, **parts})

    return open_one


@pytest.fixture
def registry(opened):
    """A registry with nothing recorded, on a store with five trained versions of `toy`."""
    return opened()


@pytest.fixture
def registry_with_champion(registry):
    """`toy:weak` was promoted by its floors."""
    registry.register(toy("weak"), Origin(run_id="run-weak"))
    registry.gate(toy("weak"))
    return registry


@pytest.fixture
def registry_after_three_champions(registry_with_champion):
    """`toy:weak`, then `toy:good` by its gain, then `toy:twin` by hand."""
    registry = registry_with_champion
    registry.register(toy("good"), Origin(run_id="run-good"))
    registry.gate(toy("good"))
    registry.register(toy("twin"), Origin(run_id="run-twin"))
    registry.promote(toy("twin"), reason="as good, and newer", override=True)
    return registry
