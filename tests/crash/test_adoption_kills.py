"""Adoptions from MLflow, killed at every step: the next run or `repair` finishes, and nothing is half-recorded."""

import random
import shutil
import signal

import mlflow
import pytest
from checker import read_ledger
from hypothesis import settings
from mlflow import MlflowClient
from recipes import synthetic_rows
from sklearn.linear_model import LogisticRegression
from steps import after_effects, kill_at, numbered
from world import World, run

pytestmark = pytest.mark.slow

SOAK = settings.get_current_profile_name() == "soak"
TAG = "toy:mlflow-1"


@pytest.fixture
def theirs(empty_mlflow, tmp_path):
    """A folder with rows, and MLflow in which another team's `toy` has a champion; nothing was saved or recorded."""
    rows = synthetic_rows()
    place = tmp_path / "theirs"
    fitted = LogisticRegression().fit(rows[["a", "b"]], rows["y"])
    mlflow.sklearn.save_model(fitted, place, serialization_format="cloudpickle", pip_requirements=[])
    root = tmp_path / "first"
    root.mkdir()
    rows.to_csv(root / "rows.csv", index=False)
    shutil.copy(empty_mlflow, root / "mlflow.db")
    world = World(root, mlflow=True)
    client = MlflowClient(world.mlflow_uri, world.mlflow_uri)
    client.create_registered_model("toy")
    client.create_model_version("toy", place.as_uri())
    client.set_registered_model_alias("toy", "champion", "1")
    return world


def adopt(world):
    registry = world.open()
    assert registry.adopt_from_mlflow("toy", reason="serves since May", assume_clean=True).stage == "prod"


def repair(world):
    world.open().repair("toy")


def counted(world):
    with numbered() as names:
        adopt(world)
    (world.root / "steps").write_text("\n".join(names))


def killed(world, step):
    with numbered(kill_at(step)):
        adopt(world)


def has_entries(world):
    return (world.root / "ledger.db").exists() and world.open().state("toy").seq > 0


def check_whole(world):
    """Nothing or all of the adoption is recorded, and whatever the store shows as a version can be loaded."""
    kinds = [kind for _, kind, *_ in read_ledger(world.ledger_url)[0]] if has_entries(world) else []
    assert kinds[:3] in ([], ["registration", "adoption", "transition_planned"])
    store = world.store
    for stored in store.versions("toy"):
        assert (str(stored.tag), stored.torn) == (TAG, None)
        store.load(stored.tag, digest=store.digest(stored.tag))


def check_done(world):
    registry = world.open()
    assert str(registry.champion("toy").tag) == TAG
    assert registry.store.leftovers() == ()
    assert [finding for finding in registry.audit("toy") if finding.code != "AUD038"] == []
    aliases = MlflowClient(world.mlflow_uri, world.mlflow_uri).get_registered_model("toy").aliases
    assert {name: str(number) for name, number in aliases.items()} == {"champion": "1"}


def test_killed_at_any_step_the_next_run_or_repair_finishes(theirs, tmp_path):
    world = theirs.copy(tmp_path / "counted", mlflow=True)
    assert run(counted, world) == 0
    check_done(world)
    steps = after_effects((world.root / "steps").read_text().splitlines())
    assert len(steps) > 40
    chooser = random.Random(18)
    for step in steps if SOAK else sorted(chooser.sample(steps, 24)):
        here = theirs.copy(tmp_path / f"step {step}", mlflow=True)
        assert run(killed, here, step) == -signal.SIGKILL, f"step {step} did not come"
        check_whole(here)
        for work in (repair,) if has_entries(here) and chooser.random() < 0.5 else (adopt, repair):
            assert run(work, here) == 0, f"after step {step}"
        check_done(here)
        shutil.rmtree(here.root)
